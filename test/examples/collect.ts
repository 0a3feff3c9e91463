import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../helpers/root.js'

/** A piece of code that readers are shown. */
export interface Example {
  /** `lib/rtnl/route.ts:10`. */
  readonly where: string
  readonly code: string
}

const lines = (path: string): string[] => readFileSync(join(projectRoot, path), 'utf8').split('\n')

/** The code under `@example` in the docstrings of lib/. */
function ofDocstrings(): Example[] {
  const files = readdirSync(join(projectRoot, 'lib'), { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .flatMap((file) => {
      const found: Example[] = []
      let code: string[] | undefined
      lines(join('lib', file)).forEach((line, i) => {
        const text = /^\s*\*(?!\/) ?(.*)$/.exec(line)?.[1]
        if (text === '@example') {
          code = []
          found.push({ where: `lib/${file}:${i + 1}`, code: '' })
        } else if (code !== undefined && text !== undefined && !text.startsWith('@')) {
          code.push(text)
          found[found.length - 1] = { where: found.at(-1)!.where, code: code.join('\n') }
        } else code = undefined
      })
      return found
    })
}

/** The TypeScript of README.md. */
function ofReadme(): Example[] {
  const text = readFileSync(join(projectRoot, 'README.md'), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => ({
    where: `README.md:${text.slice(0, match.index).split('\n').length}`,
    code: match[1]!,
  }))
}

/** All of them. */
export const examples: readonly Example[] = [...ofReadme(), ...ofDocstrings()]

/** The code without its imports, which the frame around it has. */
export const body = (code: string): string => code.replace(/^import .*$/gm, '')

/** What every example has at hand: names, and their types. */
export const GIVEN = `
declare const lab: Lab<{ host1: { eth1: string }; host2: { eth1: string } }>
declare const host: Host<'eth1'>
declare const host1: Host<'eth1'>
declare const host2: Host<'eth1'>
declare const rt: Rtnetlink
declare const overlay: Overlay
declare const peers: Peer[]
declare const signal: AbortSignal
declare const child: { pid: number }
declare const request: Request
declare const datagram: Buffer
declare const tunl0: Tunnel
declare const gre1: Tunnel
declare const vx: Link & { index: number }
declare const lo: Link & { index: number }
declare const remembered: Buffer[]
`

/** Names that examples import, from which module. */
export const MODULES: Readonly<Record<string, readonly string[]>> = {
  'lib/index.js': [
    'address',
    'type Captured',
    'decode',
    'encode',
    'EncodeError',
    'Fou',
    'inspect',
    'type Link',
    'link',
    'Namespace',
    'neighbour',
    'netnsId',
    'nexthop',
    'Overlay',
    'type Peer',
    'Request',
    'route',
    'Rtnetlink',
    'rule',
    'toPcap',
    'Tunnel',
  ],
  'lib/testing/index.js': ['FakeTransport', 'Host', 'Lab', 'refuse'],
  'lib/netlink/socket.js': ['NetlinkSocket'],
}
