// What a fresh clone needs before the demo or the tests can run. Only modules of Node's own: this runs before `npm ci`.
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const at = (path) => join(root, path)

const PROBE_SECONDS = 20

/** Says what is going on, with the time that it takes. */
export const step = async (what, action) => {
  const start = performance.now()
  process.stderr.write(`${what} … `)
  try {
    return await action()
  } finally {
    process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`)
  }
}

/**
 * Runs a command; resolves with `{ status, output }`, and `timedOut: true` after `seconds`. It does not wait for what a
 * signal cannot end (a process that waits inside the kernel).
 */
export const run = (command, args, { seconds, stdio = ['ignore', 'pipe', 'pipe'], ...options } = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio, ...options })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
    const finish = (result) => {
      clearTimeout(timer)
      resolve({ output, ...result })
    }
    const late = () => {
      child.kill('SIGKILL')
      child.unref()
      for (const stream of [child.stdout, child.stderr]) stream?.destroy()
      finish({ status: 124, timedOut: true })
    }
    const timer = seconds && setTimeout(late, seconds * 1000)
    child.on('error', (error) => finish({ status: 127, output: error.message }))
    child.on('close', (status, signal) => finish({ status: status ?? 128, signal }))
  })

const must = async (command, args, options) => {
  const { status, output, timedOut } = await run(command, args, options)
  if (status === 0) return
  const how = timedOut ? 'did not end in time' : `failed (${status})`
  throw new Error(`${[command, ...args].join(' ')} ${how}\n${output.trim().slice(-4000)}`)
}

const readJson = (path) => {
  try {
    return JSON.parse(fs.readFileSync(at(path), 'utf8'))
  } catch {
    return undefined
  }
}

/** Whether node_modules has what package-lock.json says; packages for other platforms may be missing. */
const installed = () => {
  const there = readJson('node_modules/.package-lock.json')?.packages ?? {}
  return Object.entries(readJson('package-lock.json').packages).every(
    ([path, { version, optional }]) =>
      path === '' || there[path]?.version === version || (optional && there[path] === undefined),
  )
}

/** Runs `npm ci` where node_modules is missing or stale. */
export const installModules = async () => {
  if (installed()) return
  await step('npm ci', () => must('npm', ['ci', '--no-audit', '--no-fund'], { seconds: 280 }))
}

const executable = (program) =>
  `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`.split(':').some((folder) => {
    try {
      fs.accessSync(join(folder, program), fs.constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/**
 * Installs Debian's packages that are missing, where this may be done; `needs` names a program or file for each.
 * Otherwise it returns the command that would.
 */
export const installPackages = async (needs) => {
  const missing = Object.entries(needs)
    .filter(([need]) => !(need.startsWith('/') ? fs.existsSync(need) : executable(need)))
    .map(([, name]) => name)
  if (missing.length === 0) return undefined
  const packages = [...new Set(missing)].sort()
  const command = `apt-get install -y ${packages.join(' ')}`
  if (process.getuid() !== 0 || !executable('apt-get')) return command
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, seconds: 240 }
  const install = () => must('apt-get', ['-qq', '--no-install-recommends', 'install', '-y', ...packages], options)
  await step(command, async () => {
    try {
      await install()
    } catch {
      await run('apt-get', ['-qq', 'update'], options) // a fresh image has no package lists, or old ones
      await install()
    }
  })
  return undefined
}

const filesBelow = (folder) =>
  fs.existsSync(at(folder))
    ? fs.readdirSync(at(folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    : []

const newest = (paths) => Math.max(...paths.map((path) => fs.statSync(path).mtimeMs))

const tsc = (...args) => must(process.execPath, [at('node_modules/typescript/bin/tsc'), ...args], { seconds: 240 })

/** Compiles lib/ to dist/, what users import, unless that is newer. */
export const build = async () => {
  const sources = ['lib', 'typings'].flatMap(filesBelow).map(({ parentPath, name }) => join(parentPath, name))
  const stamp = at('dist/index.js')
  const configs = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'].map(at)
  if (fs.existsSync(stamp) && fs.statSync(stamp).mtimeMs > newest([...sources, ...configs])) return
  await step('compiling the package', async () => {
    fs.rmSync(at('dist'), { recursive: true, force: true })
    await tsc('-p', 'tsconfig.build.json')
  })
}

/** Compiles everything, tests included, to build/, and removes what has no source there any more. */
export const compile = async () => {
  await step('compiling the tests', () => tsc('-p', 'tsconfig.json'))
  for (const { parentPath, name } of filesBelow('build')) {
    const compiled = join(parentPath, name)
    const source = compiled.replace(at('build'), root).replace(/(\.d)?\.[jt]s(\.map)?$/, '.ts')
    if (/\.[jt]s(\.map)?$/.test(name) && !fs.existsSync(source)) fs.rmSync(compiled)
  }
}

/** A command line that runs in network and mount namespaces of its own, where labs leave nothing; for anyone. */
export const inNamespaces = (command) => {
  const user = process.getuid() === 0 ? [] : ['--user', '--map-current-user', '--keep-caps']
  const script = 'mount -t tmpfs tmpfs /run && exec "$@"'
  return ['unshare', ...user, '--net', '--mount', 'sh', '-c', script, 'sh', ...command]
}

const DEVICES = {
  ipip: 'type ipip local 192.0.2.1',
  gre: 'type gre local 192.0.2.1 key 1',
  sit: 'type sit local 192.0.2.1',
  vti: 'type vti local 192.0.2.1 key 1',
  ip6tnl: 'type ip6tnl local 2001:db8::1',
  ip6gre: 'type ip6gre local 2001:db8::1',
  vxlan: 'type vxlan id 1 dstport 4789',
  geneve: 'type geneve external',
  bridge: 'type bridge',
  veth: 'type veth',
}

/**
 * Why devices of these kinds cannot be made in fresh namespaces of the machine's own kernel; undefined where they can.
 * @throws if the kernel does not answer any more
 */
export const obstacle = async (kinds) => {
  const lines = kinds.map((kind, i) => `ip link add probe${i} ${DEVICES[kind]} || { echo no ${kind}; exit 1; }`)
  const [command, ...args] = inNamespaces(['sh', '-c', lines.join('\n')])
  const { status, output, timedOut } = await run(command, args, { seconds: PROBE_SECONDS })
  if (timedOut)
    throw new Error(
      `making a device in a network namespace has not ended after ${PROBE_SECONDS} s: this kernel (${release()}) holds a lock and will not let go; only a restart of the machine helps`,
    )
  if (status === 0) return undefined
  const [, kind] = /^no (\w+)$/m.exec(output) ?? []
  return kind ? `this machine's kernel (${release()}) has no ${kind}` : `namespaces: ${output.trim()}`
}
