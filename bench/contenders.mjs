/**
 * Who is compared, and how each is started: with the name of a job, the index of the device and the number of peers,
 * in the namespace of the run. Each prints one line of JSON with its own time, so that starting it does not count;
 * `ip` and `bridge` print nothing, and their whole run counts.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { destination, endpoint, mac, PROTOCOL } from './contenders/messages.mjs'

const require = createRequire(import.meta.url)
const here = (name) => fileURLToPath(new URL(name, import.meta.url))

/** Where compiled programs and batch files go; removed at the end. */
export const scratch = mkdtempSync(join(tmpdir(), 'nbma-bench-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

/** The C program, which also prepares and clears namespaces. */
export const C = join(scratch, 'nbma-bench')

const output = (command, ...args) =>
  execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    .toString()
    .trim()

function attempt(fn) {
  try {
    return fn()
  } catch {
    return undefined
  }
}

/** The package itself, which the contenders import as its users do. */
export function build() {
  if (!existsSync(here('../tsconfig.build.json'))) return
  const tsc = require.resolve('typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', here('../tsconfig.build.json')], { stdio: 'inherit' })
}

export function compile() {
  execFileSync('cc', ['-O2', '-o', C, here('nbma-bench.c')], { stdio: 'inherit' })
}

/** Debian's packages of what is compared and may not be there. */
const PACKAGES = ['python3-pyroute2', 'golang-go', 'golang-github-vishvananda-netlink-dev']

export function install() {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...PACKAGES]]) {
    execFileSync('apt-get', args, { env, stdio: 'inherit' })
  }
}

const GOPATH = '/usr/share/gocode'
const PYTHON = '/usr/bin/python3'

function version(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query replaces it
  return attempt(() => output('dpkg-query', '--show', '--showformat=${Version}', name)) ?? ''
}

/** Lines of `ip -batch` and `bridge -batch`. */
const LINES = {
  'route-batch': (i, dev) => route(i, dev, endpoint(i), 1000 + i),
  'route-one-gateway': (i, dev) => route(i, dev, endpoint(0), 1000),
  'route-one-metric': (i, dev) => route(i, dev, endpoint(i)),
  pairs: (i, dev) => [
    `nexthop add id ${i + 1} via ${endpoint(i)} dev ${dev} onlink protocol ${PROTOCOL}`,
    `route add ${destination(i)}/32 nhid ${i + 1} proto ${PROTOCOL}`,
  ],
  neighbour: (i, dev) => [`neigh add ${endpoint(i)} lladdr ${mac(i)} dev ${dev} nud permanent`],
  fdb: (i, dev) => [`fdb add ${mac(i)} dev ${dev} dst ${endpoint(i)} self permanent`],
  delete: (i) => [`route del ${destination(i)}/32 metric ${1000 + i}`],
}

const route = (i, dev, gateway, metric) => [
  `route add ${destination(i)}/32 via ${gateway} dev ${dev} onlink proto ${PROTOCOL}${metric === undefined ? '' : ` metric ${metric}`}`,
]

function batchFile(what, dev, count) {
  const path = join(scratch, `${what}-${count}.batch`)
  if (!existsSync(path)) {
    const lines = []
    for (let i = 0; i < count; i++) lines.push(...LINES[what](i, dev))
    writeFileSync(path, `${lines.join('\n')}\n`)
  }
  return path
}

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} version
 * @property {(what: string, device: { name: string, index: number }, count: number) => string[] | undefined} command
 *   undefined where it cannot do that
 * @property {number} [share] of the peers that others get: what it does slowly need not take minutes
 */

/** @returns {{ found: Contender[], missing: string[] }} */
export function contenders() {
  const nbma = here('contenders/nbma.mjs')
  const found = [
    {
      key: 'nbma',
      name: 'nbma',
      version: `on Node ${process.versions.node}`,
      command: (what, { index }, count) => [process.execPath, '--expose-gc', nbma, what, String(index), String(count)],
    },
    {
      key: 'c',
      name: 'C',
      version: output('cc', '--version').split('\n')[0],
      command: (what, { index }, count) => [C, what, String(index), String(count)],
    },
  ]
  const missing = []
  const ip = attempt(() => output('ip', '-V'))
  if (ip === undefined) missing.push('ip -batch (iproute2)')
  else {
    found.push({
      key: 'ip',
      name: 'ip, bridge',
      version: ip.replace(/^ip utility, /, ''),
      command(what, { name }, count) {
        if (what === 'dump') return ['ip', '-4', 'route', 'show']
        if (LINES[what] === undefined) return undefined
        return [what === 'fdb' ? 'bridge' : 'ip', '-batch', batchFile(what, name, count)]
      },
    })
  }
  const npm = here('contenders/npm-netlink.mjs')
  found.push({
    key: 'npm',
    name: 'npm netlink',
    version: require('netlink/package.json').version,
    share: 0.2,
    command: (what, { index }, count) => [process.execPath, '--expose-gc', npm, what, String(index), String(count)],
  })
  const go = join(scratch, 'vishvananda')
  const built = attempt(() => {
    const env = { ...process.env, GO111MODULE: 'off', GOPATH, GOCACHE: join(scratch, 'go'), GOFLAGS: '' }
    execFileSync('go', ['build', '-o', go, here('contenders/vishvananda.go')], { env, stdio: 'ignore' })
    return true
  })
  if (!built) missing.push('vishvananda/netlink (golang-go, golang-github-vishvananda-netlink-dev)')
  else {
    const unknown = new Set(['pairs', 'monitor', 'encode'])
    found.push({
      key: 'go',
      name: 'vishvananda',
      version: version('golang-github-vishvananda-netlink-dev'),
      share: 0.2,
      command: (what, { index }, count) => (unknown.has(what) ? undefined : [go, what, String(index), String(count)]),
    })
  }
  if (attempt(() => output(PYTHON, '-c', 'import pyroute2')) === undefined) missing.push('pyroute2 (python3-pyroute2)')
  else {
    const unknown = new Set(['pairs', 'encode'])
    const script = here('contenders/pyroute2.py')
    found.push({
      key: 'python',
      name: 'pyroute2',
      version: version('python3-pyroute2'),
      share: 0.02,
      command: (what, { index }, count) =>
        unknown.has(what) ? undefined : [PYTHON, script, what, String(index), String(count)],
    })
  }
  return { found, missing }
}
