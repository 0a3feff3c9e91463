import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'

interface Uml {
  ensureUml(options?: { install?: boolean }): string
  runInUml(
    command: string,
    args?: string[],
    options?: { out?: string[]; cwd?: string; env?: Record<string, string>; memory?: string; timeout?: number },
  ): Promise<{ status: number; stdout: Buffer; stderr: Buffer; timedOut?: true }>
}

let root = dirname(fileURLToPath(import.meta.url))
while (!existsSync(join(root, 'package.json'))) root = dirname(root)
const runner = join(root, 'tools/uml.mjs')
const { ensureUml, runInUml }: Uml = await import(pathToFileURL(runner).href)

const missing = (() => {
  try {
    ensureUml()
    return false
  } catch (error) {
    return (error as Error).message
  }
})()
const skip = { skip: missing }
t.setTimeout(120_000)

// Names every temporary folder, and so appears in the arguments of every process of a kernel started here.
const temporary = join(t.testdir({ 'temporary folder': {} }), 'temporary folder')
process.env.TMPDIR = temporary

const processes = () =>
  readdirSync('/proc').filter((pid) => {
    try {
      return Number(pid) !== process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${temporary}/uml-`)
    } catch {
      return false
    }
  })

const leftovers = async () => {
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline && (processes().length > 0 || readdirSync(temporary).length > 0)) await sleep(20)
  return { processes: processes(), files: readdirSync(temporary) }
}
const NOTHING = { processes: [], files: [] }

const script = (text: string, options = {}, ...args: string[]) => runInUml('/bin/sh', ['-c', text, ...args], options)
const cli = (...args: string[]) => spawn(process.execPath, [runner, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
const collect = async (child: ChildProcess) => {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const [status, signal] = await once(child, 'close')
  return { status, signal, stdout, stderr }
}

t.test('a missing kernel is named together with what installs it', async (t) => {
  const child = spawn(process.execPath, [runner, '--', 'true'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, NBMA_UML: join(temporary, 'no such kernel') },
  })
  const { status, stderr } = await collect(child)
  t.equal(status, 125)
  t.match(stderr, missing ? 'apt-get install -y user-mode-linux kmod' : 'no such kernel')
})

t.test('stdout and stderr stay apart, every byte of them', skip, async (t) => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const program = `
    const { writeSync } = require('node:fs')
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    for (let i = 0; i < 64; i++) { writeSync(1, bytes); writeSync(2, bytes.toReversed()) }
    process.exitCode = process.stdout.isTTY ? 1 : 0`
  const large = 'head -c 20000000 /dev/zero; head -c 1000000 /dev/zero >&2'
  const { status, stdout, stderr } = await script(`"$0" -e "$1" && ${large}`, {}, process.execPath, program)
  t.equal(status, 0, 'the output is no terminal')
  const some = 64 * bytes.length
  t.ok(stdout.subarray(0, some).equals(Buffer.concat(Array(64).fill(bytes))))
  t.ok(stderr.subarray(0, some).equals(Buffer.concat(Array(64).fill(bytes.toReversed()))))
  t.equal(stdout.length - some, 20_000_000)
  t.equal(stderr.length - some, 1_000_000)
})

t.test(
  'the exit status, arguments, environment and working directory arrive; several kernels run side by side',
  skip,
  async (t) => {
    const args = [
      '-c',
      'printf "%s|" "$PWD" "$GREETING" "$HOME" "$@"; id -u; cat; exit 37',
      'sh',
      "it's",
      '$x `y` \\',
      '',
    ]
    const cwd = join(root, 'test')
    const [{ status, stdout, stderr }, killed, unknown] = await Promise.all([
      runInUml('sh', args, { cwd, env: { GREETING: 'a = "b"\n' } }),
      script('kill -KILL $$'),
      runInUml('no-such-command'),
    ])
    t.equal(status, 37)
    t.equal(String(stdout), `${cwd}|a = "b"\n|/root|it's|$x \`y\` \\||0\n`)
    t.equal(String(stderr), '')

    t.equal(killed.status, 128 + 9)
    t.match(unknown, { status: 127, stderr: /no-such-command/ })
    t.strictSame(await leftovers(), NOTHING)
  },
)

t.test('the kernel loads its tunnels by itself, and namespaces work', skip, async (t) => {
  const { status, stdout, stderr } = await script(`set -e
    ip link add name tun1 type ipip local 192.0.2.1
    ip link add name gre1 type gre local 192.0.2.1 key 5
    ip link add name vx1 type vxlan id 7 dstport 4789
    ip netns add inner
    ip link set tun1 netns inner
    ip -n inner -o link show tun1 | grep -o link/ipip
    ping -c 1 -W 5 127.0.0.1 >/dev/null
    ip -6 address show dev lo | grep -o ::1/128`)
  t.equal(String(stderr), '')
  t.equal(String(stdout), 'link/ipip\n::1/128\n')
  t.equal(status, 0)
})

t.test(
  'only what is written to the out folders reaches the host, and what the command leaves behind does not hold it up',
  skip,
  async (t) => {
    const dir = t.testdir({ in: { kept: 'before', removed: '' }, 'out, of $paths #1': {} })
    const out = join(dir, 'out, of $paths #1')
    const created = join(dir, 'created', 'deep')
    const { status, stdout, stderr } = await script(
      `set -e
    echo after >in/kept
    echo new >in/new
    rm in/removed
    cat in/kept in/new
    echo one >"$OUT/file"
    echo two >"$CREATED/file"
    (setsid sleep 1000; echo never) &`,
      { cwd: dir, out: [out, created], env: { OUT: out, CREATED: created } },
    )
    t.equal(String(stderr), '')
    t.equal(String(stdout), 'after\nnew\n')
    t.equal(status, 0)
    t.equal(readFileSync(join(out, 'file'), 'utf8'), 'one\n')
    t.equal(readFileSync(join(created, 'file'), 'utf8'), 'two\n')
    t.equal(readFileSync(join(dir, 'in/kept'), 'utf8'), 'before')
    t.strictSame(readdirSync(join(dir, 'in')), ['kept', 'removed'])
  },
)

t.test('a timeout ends the command and keeps what it wrote', skip, async (t) => {
  const { status, stdout, timedOut } = await script('echo begun; sleep 1000', { timeout: 1 })
  t.equal(status, 124)
  t.equal(timedOut, true)
  t.equal(String(stdout), 'begun\n')
  t.strictSame(await leftovers(), NOTHING)

  const child = await collect(cli('--timeout', '1', '--', 'sleep', '1000'))
  t.match(child, { status: 124, stderr: /sleep was ended after 1 s/ })
  t.strictSame(await leftovers(), NOTHING)
})

t.test('a kernel that dies is reported with the end of its console', skip, async (t) => {
  await t.rejects(script('echo c >/proc/sysrq-trigger; sleep 1000'), /died; its console.*sysrq triggered crash/s)
  await t.rejects(runInUml('true', [], { memory: '1M' }), /did not boot in 4 tries.*; its console.*memory/s)
  t.strictSame(await leftovers(), NOTHING)
})

t.test('a kernel that dies while it boots is booted again, elsewhere', skip, async (t) => {
  const dir = t.testdir({ bin: {}, lib: {} })
  const real = ensureUml()
  symlinkSync(join(dirname(real), '../lib/uml'), join(dir, 'lib/uml'))
  const before = process.env.NBMA_UML
  t.teardown(() => {
    if (before === undefined) delete process.env.NBMA_UML
    else process.env.NBMA_UML = before
  })
  process.env.NBMA_UML = join(dir, 'bin/linux')
  const boots = () => readFileSync(join(dir, 'boots'), 'utf8').trim().split('\n')
  const dieTimes = (times: number) => {
    const program = `#!/bin/sh
      echo "$(cat /proc/self/personality) $(grep Cpus_allowed_list /proc/self/status)" >>'${dir}/boots'
      if [ $(wc -l <'${dir}/boots') -gt ${times} ]; then exec '${real}' "$@"; fi
      echo 'overflowed sigaltstack' >&2
      kill -SEGV $$`
    rmSync(join(dir, 'boots'), { force: true })
    writeFileSync(join(dir, 'bin/linux'), program, { mode: 0o755 })
  }
  dieTimes(3)
  const { status, stdout } = await script('echo here; exit 5')
  t.equal(status, 5)
  t.equal(String(stdout), 'here\n')
  const places = boots()
  t.equal(places.length, 4)
  const fixed = (place: string) => /^\S*4\S{4} /.test(place)
  t.strictSame(places.map(fixed), [false, true, false, true], 'every second without randomised addresses')
  if (availableParallelism() > 1) t.not(places[0]?.split(':')[1], places[1]?.split(':')[1], 'on another CPU')

  dieTimes(99)
  await t.rejects(
    script('true'),
    /did not boot in 4 tries on other CPUs and at other addresses; its console ended with:\noverflowed sigaltstack/,
  )
  t.equal(boots().length, 4)
  t.strictSame(await leftovers(), NOTHING)
})

t.test('the command line', skip, async (t) => {
  const out = join(t.testdir(), 'out')
  mkdirSync(out)
  const command = ['sh', '-c', 'echo $A$PWD; echo err >&2; echo x >"$1/x"; exit 3', 'sh', out]
  const child = await collect(cli('--memory', '256M', '--out', out, '--env', 'A=b=', '--cwd', '/usr', '--', ...command))
  t.strictSame(child, { status: 3, signal: null, stdout: 'b=/usr\n', stderr: 'err\n' })
  t.strictSame(readdirSync(out), ['x'])
  t.match(await collect(cli('true')), { status: 125 })
})

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  t.test(`${signal} to the runner leaves nothing behind`, skip, async (t) => {
    const child = cli('--', 'sh', '-c', 'echo begun; sleep 1000')
    await once(child.stdout, 'data')
    t.ok(processes().length > 0, 'the kernel runs')
    child.kill(signal)
    t.equal((await collect(child)).signal, signal)
    t.strictSame(await leftovers(), NOTHING)
  })
}

t.test('a runner that is killed during the boot leaves nothing behind either', skip, async (t) => {
  const child = cli('--', 'sleep', '1000')
  while (processes().length === 0) await sleep(5)
  child.kill('SIGKILL')
  await once(child, 'close')
  t.strictSame(await leftovers(), NOTHING)
})
