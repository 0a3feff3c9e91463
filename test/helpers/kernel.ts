import { spawn } from 'node:child_process'
import { Namespace } from '../../lib/netns/namespace.js'
import { ownName } from '../../lib/testing/leftovers.js'

/** A name that no other test, nor another run of this one, uses; if this process is killed, a lab removes it. */
export const uniqueName = (): string => ownName('test')

/** Why tests that make network namespaces cannot run here, in the style of tap's `skip`; under CI they run and fail. */
export const needsNamespaces: string | false = process.env.CI ? false : obstacle()

function obstacle(): string | false {
  try {
    Namespace.create(uniqueName()).delete()
    return false
  } catch (error) {
    return (error as Error).message
  }
}

/** A network namespace of the test's own, deleted at its end whatever happens. */
export function testNamespace(test: { teardown(fn: () => void): void }): Namespace {
  const name = uniqueName()
  test.teardown(() => {
    if (Namespace.exists(name)) Namespace.open(name).delete()
  })
  return Namespace.create(name)
}

/** How a program ended. */
export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the text of an ES module in a Node process of its own, which may crash. `NetlinkSocket`, `Namespace`, `libc`
 * and `args` are defined in it.
 */
export function runNode(program: string, args: readonly string[] = []): Promise<Ended> {
  const at = (path: string): string => new URL(`../../lib/${path}`, import.meta.url).href
  const preamble = `
    import { NetlinkSocket } from '${at('netlink/socket.js')}'
    import * as libc from '${at('netlink/libc.js')}'
    import { Namespace } from '${at('netns/namespace.js')}'
    const args = process.argv.slice(1)
  `
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(process.execPath, ['--input-type=module', '-e', preamble + program, '--', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }))
  })
}
