#!/usr/bin/env node
// Runs a command as root in a User Mode Linux kernel, which has the tunnels that the host's kernel may lack.
// The command sees the host's files (but for /dev and /run); of what it writes only the `out` folders reach the host.
// This protects from accidents, not from malice: root inside can mount the host's files with the runner's rights.
import { execFileSync, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const USAGE = `usage: node tools/uml.mjs [--install] [--memory 512M] [--timeout SECONDS] [--cwd DIR]
                          [--out DIR]... [--env NAME=VALUE]... -- COMMAND [ARGUMENT]...`
const INSTALL = 'apt-get install -y user-mode-linux kmod'
const LOGIN_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const BOOT_SECONDS = 60
const HALT_SECONDS = 2
const TRIES = 4
const EXIT = /^exit (\d+)\s/m
const KERNEL_ARGUMENTS = [
  'root=/dev/root rootfstype=hostfs ro init=/bin/sh umid=uml selinux=0 apparmor=0 quiet',
  'con=null con0=null,fd:2 con1=null,fd:1 con2=null,fd:3 con3=null,fd:4', // the console, stdout, stderr, reports
  'initcall_blacklist=raid6_select_algo,calibrate_xor_blocks', // measuring these takes two thirds of the boot
].flatMap((line) => line.split(' '))

const ours = (name) => fileURLToPath(new URL(`uml/${name}`, import.meta.url))

const which = (name) =>
  `${LOGIN_PATH}:${process.env.PATH ?? ''}`
    .split(':')
    .map((dir) => join(dir, name))
    .find((file) => {
      try {
        fs.accessSync(file, fs.constants.X_OK)
        return true
      } catch {
        return false
      }
    })

const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`

// fstab(5) spells what would separate its fields in octal.
const fstabEscape = (path) =>
  path.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt().toString(8).padStart(3, '0')}`)

/** Finds the kernel's binary, installing Debian's packages first if they are missing and `install` allows it. */
export const ensureUml = ({ install = false } = {}) => {
  const find = () => which('modprobe') && (process.env.NBMA_UML || which('linux.uml'))
  const apt = (args) =>
    execFileSync('apt-get', ['-qq', ...args.split(' ')], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  if (!find() && install && process.getuid() === 0 && which('apt-get')) {
    const packages = INSTALL.replace('apt-get ', '--no-install-recommends ')
    try {
      apt(packages)
    } catch {
      try {
        apt('update') // a fresh image has no package lists, or old ones
      } catch {} // some other repository's trouble, perhaps
      apt(packages)
    }
  }
  const kernel = find()
  if (!kernel) throw new Error(`User Mode Linux is needed; install it as root with: ${INSTALL}`)
  return fs.realpathSync(kernel)
}

// The kernel's memory is an executable mapping of a file (which it unlinks at once).
const memoryFolder = (size) => {
  const [, number, unit] = /^(\d+)([KMG])$/i.exec(size) ?? []
  if (!number) throw new Error(`memory: ${size} is not a size such as 512M`)
  try {
    const { bavail, bsize } = fs.statfsSync('/dev/shm')
    const noexec = /^\S+ \/dev\/shm \S+ \S*\bnoexec\b/m.test(fs.readFileSync('/proc/self/mounts', 'utf8'))
    if (!noexec && bavail * bsize > number * 1024 ** ('KMG'.indexOf(unit.toUpperCase()) + 1)) return '/dev/shm'
  } catch {} // no /dev/shm
  return tmpdir()
}

// The kernel's processes take turns; it is several times slower when they wander between CPUs.
let turn = process.pid
const pinned = () => {
  if (!which('taskset')) return []
  const [, list] = /^Cpus_allowed_list:\s*(\S+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))
  const cpus = list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
  return ['taskset', '-c', cpus[turn++ % cpus.length]]
}

// Some boots die at once, of signal stacks too small for what a CPU's registers hold at that moment: another address
// space (without randomisation every second time) and another CPU help.
const elsewhere = (attempt) => (attempt % 2 === 1 && which('setarch') ? ['setarch', '-R'] : [])

/**
 * Runs one command in a fresh kernel; resolves with `{ status, stdout, stderr }`, the output as Buffers.
 * `stdio: 'inherit'` streams the output to the runner's own instead. The command's stdin is empty, its environment
 * that of a root login plus `env`. After `timeout` seconds it is ended, with status 124 and `timedOut: true`.
 * A kernel that dies before it runs the command is booted again, a few times.
 * Rejects if the kernel does not boot, or dies, with the end of its console in the message.
 */
export const runInUml = async (command, args = [], options = {}) => {
  for (let attempt = 0; ; attempt++) {
    const { result, how, again, tail } = await boot(command, args, options, attempt)
    if (result) return result
    const tries = attempt + 1
    if (!again || tries === TRIES) {
      const tried = tries === 1 ? '' : ` in ${tries} tries on other CPUs and at other addresses`
      throw new Error(`User Mode Linux ${how}${tried}; its console ended with:\n${tail}`)
    }
    await sleep(200 * tries)
  }
}

const boot = async (command, args, options, attempt) => {
  const { cwd = process.cwd(), env = {}, out = [], memory = '512M', timeout, stdio = 'pipe' } = options
  if (timeout !== undefined && !(timeout > 0)) throw new Error('timeout: a number of seconds is needed')
  const kernel = ensureUml()
  const shm = memoryFolder(memory)
  const folders = out.map((path) => resolve(path))
  for (const path of folders) fs.mkdirSync(path, { recursive: true })
  const folder = fs.mkdtempSync(join(tmpdir().startsWith('/dev/') ? '/var/tmp' : tmpdir(), 'uml-')) // its /dev is its own

  const modules = ['../lib/uml/modules', 'lib/modules'].map((path) => quote(join(dirname(kernel), path))).join(' ')
  const login = {
    HOME: '/root',
    USER: 'root',
    LOGNAME: 'root',
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    PATH: `${LOGIN_PATH}:${dirname(process.execPath)}`,
  }
  const words = [...Object.entries({ ...login, ...env }).map((pair) => pair.join('=')), command, ...args]
  const init = `
modules() { for dir in ${modules}; do if [ -d "$dir/$1" ]; then echo "$dir/$1"; break; fi; done; }
job() { cd ${quote(resolve(cwd))} && exec setsid env -i ${words.map(quote).join(' ')}; }
${fs.readFileSync(ours('init.sh'), 'utf8')}`
  const mounts = folders.map(fstabEscape).map((path) => `hostfs ${path} hostfs x-mount.mkdir,${path}\n`)
  fs.writeFileSync(join(folder, 'init'), init)
  fs.writeFileSync(join(folder, 'fstab'), fs.readFileSync(ours('fstab'), 'utf8') + mounts.join(''))

  const run = [...pinned(), ...elsewhere(attempt), kernel, `mem=${memory}`, `uml_dir=${folder}`, ...KERNEL_ARGUMENTS]
  const child = spawn('/bin/sh', [ours('watchdog.sh'), folder, ...run, '--', `"${folder}/init"`, `"${folder}"`], {
    cwd: folder,
    detached: true, // a terminal's ^C is for the runner
    env: { PATH: `${process.env.PATH ?? ''}:${LOGIN_PATH}`, TMPDIR: shm },
    stdio: Array(5).fill('pipe'),
  })
  const closed = new Promise((resolve, reject) => child.on('close', resolve).on('error', reject))
  const [watchdog, stdout, terminal, stderr, reports] = child.stdio
  let timedOut = false
  let stopped = false
  const stop = () => {
    stopped = true
    watchdog.end()
  }
  const expire = () => {
    timedOut = true
    stop()
  }
  watchdog.on('error', () => {}) // already gone

  const output = { stdout: [], stderr: [] }
  for (const [name, stream] of Object.entries({ stdout, stderr })) {
    if (stdio === 'inherit') stream.pipe(process[name], { end: false })
    else stream.on('data', (chunk) => output[name].push(chunk))
  }
  let log = ''
  terminal.setEncoding('utf8').on('data', (text) => {
    log = (log + text).slice(-8192)
  })
  let report = ''
  let timer
  const after = (seconds, action) => {
    clearTimeout(timer)
    timer = setTimeout(action, seconds * 1000)
  }
  after(BOOT_SECONDS, stop)
  reports.setEncoding('utf8').on('end', () => watchdog.end())
  reports.on('data', (text) => {
    report += text
    if (EXIT.test(report)) after(HALT_SECONDS, stop)
    else if (timeout) after(timeout, expire)
    else clearTimeout(timer)
  })

  await closed
  clearTimeout(timer)
  const written = { stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr) }
  const [, status] = EXIT.exec(report) ?? []
  if (status) return { result: { status: Number(status), ...written } }
  if (timedOut) return { result: { status: 124, timedOut, ...written } }
  const tail = log
    .split('\n')
    .filter((line) => line.trim() && !line.startsWith(' [<'))
    .slice(-20)
    .join('\n')
  return { how: report ? 'died' : 'did not boot', again: !report && !stopped, tail }
}

const main = async (argv) => {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  const [command, ...args] = argv.slice(end + 1)
  const {
    values: { install, timeout, env = [], ...options },
  } = parseArgs({
    args: argv.slice(0, end),
    options: {
      install: { type: 'boolean' },
      memory: { type: 'string' },
      timeout: { type: 'string' },
      cwd: { type: 'string' },
      out: { type: 'string', multiple: true },
      env: { type: 'string', multiple: true },
    },
  })
  if (!command || !env.every((pair) => pair.includes('='))) throw new Error(USAGE)
  ensureUml({ install })
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(125)) // nobody reads it
  const { status, timedOut } = await runInUml(command, args, {
    ...options,
    stdio: 'inherit',
    timeout: timeout && Number(timeout),
    env: Object.fromEntries(env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
  })
  if (timedOut) console.error(`uml: ${command} was ended after ${timeout} s`)
  return status
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).then(
    (status) => {
      process.exitCode = status
    },
    (error) => {
      console.error(error.message.startsWith('usage') ? error.message : `uml: ${error.message}`)
      process.exitCode = 125
    },
  )
}
