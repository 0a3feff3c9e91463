import { execFileSync } from 'node:child_process'
import { existsSync, readlinkSync, statSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { Namespace } from '../../lib/netns/namespace.js'
import { runNode, needsNamespaces as skip, testNamespace, uniqueName } from '../helpers/kernel.js'

const HERE = '/proc/thread-self/ns/net'
const home = process.platform === 'linux' ? readlinkSync(HERE) : ''
const idOf = (path: string): string => `${statSync(path).dev}:${statSync(path).ino}`

t.test('names that cannot be', async (t) => {
  for (const name of ['', '.', '..', 'a/b', 'a\0b', 'x'.repeat(256)])
    t.throws(() => Namespace.create(name), { name: 'NbmaError', code: 'EINVAL' }, JSON.stringify(name))
})

t.test('create and delete', { skip }, async (t) => {
  const name = uniqueName()
  const namespace = Namespace.create(name)
  t.teardown(() => namespace[Symbol.dispose]())
  t.match(namespace, { name, path: `/run/netns/${name}`, id: idOf(`/run/netns/${name}`) })
  t.not(namespace.id, idOf(HERE))
  t.ok(Namespace.exists(name))
  t.ok(namespace.alive())
  t.equal(readlinkSync(HERE), home, 'this thread is where it was')
  t.throws(() => Namespace.create(name), { code: 'EEXIST', message: new RegExp(`${name}.*exists already`) })
  t.ok(namespace.alive(), 'and that did no harm')
  namespace.delete()
  t.notOk(Namespace.exists(name))
  t.notOk(existsSync(namespace.path))
  t.throws(() => Namespace.open(name), { code: 'ENOENT', message: new RegExp(`there is no /run/netns/${name}`) })
})

t.test('as ip netns does it', { skip }, async (t) => {
  const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })
  const ours = testNamespace(t)
  t.match(ip('netns', 'list'), ours.name)
  t.match(ip('-n', ours.name!, 'link', 'show', 'lo'), /state DOWN/)
  ip('netns', 'delete', ours.name!)
  t.notOk(ours.alive())

  const name = uniqueName()
  ip('netns', 'add', name)
  const theirs = Namespace.open(name)
  t.equal(statSync(theirs.path).mode, statSync(testNamespace(t).path).mode)
  theirs.delete()
  t.notMatch(ip('netns', 'list'), name)
})

t.test('open by path and by process', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const child = namespace.spawn('sleep', ['60'])
  t.teardown(() => child.kill())
  for (const same of [namespace.name!, namespace.path, child.pid!, `/proc/${child.pid}/ns/net`]) {
    const opened = Namespace.open(same)
    t.equal(opened.id, namespace.id, String(same))
    opened.close()
  }
  t.equal(Namespace.open(process.pid).id, idOf(HERE))
  t.throws(() => Namespace.open(2 ** 30), { code: 'ENOENT' })
  t.throws(() => Namespace.open('/etc/passwd'), { code: 'EINVAL', message: /is not a namespace/ })
  t.throws(() => Namespace.open(process.pid).delete(), { name: 'UnsupportedError' })
  const mounts = Namespace.open(`/proc/${process.pid}/ns/mnt`)
  t.throws(() => mounts.run(() => {}), { code: 'EINVAL' })
  t.equal(readlinkSync(HERE), home)
})

t.test('run', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const other = testNamespace(t)
  t.equal(
    namespace.run(() => idOf(HERE)),
    namespace.id,
  )
  t.same(
    namespace.run(() => [other.run(() => idOf(HERE)), idOf(HERE)]),
    [other.id, namespace.id],
    'nested',
  )
  t.throws(
    () =>
      namespace.run(() => {
        throw new Error('mine')
      }),
    { message: 'mine' },
  )
  let ran = false
  t.throws(
    () =>
      namespace.run(async () => {
        ran = true
      }),
    TypeError,
  )
  t.notOk(ran)
  t.throws(() => namespace.run(() => Promise.resolve()), TypeError)
  t.equal(readlinkSync(HERE), home)
  namespace.close()
  namespace.close()
  t.throws(() => namespace.run(() => {}), { name: 'ClosedError' })
})

t.test('no way back ends the process', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const { signal, stdout, stderr } = await runNode(
    `Namespace.open(args[0]).run(() => process.setuid(65534)); console.log('went on')`,
    [namespace.name!],
  )
  t.equal(signal, 'SIGABRT')
  t.equal(stdout, '')
  t.match(stderr, /cannot return to the network namespace.*EPERM/)
})

t.test('exec', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const { stdout } = await namespace.exec('readlink', ['/proc/self/ns/net'])
  t.match(stdout, `[${namespace.id.split(':')[1]}]`)
  t.equal(readlinkSync(HERE), home)
  t.same(
    await namespace.exec('sh', ['-c', 'cat; echo $WHO >&2'], { input: 'in', env: { ...process.env, WHO: 'me' } }),
    {
      status: 0,
      signal: null,
      stdout: 'in',
      stderr: 'me\n',
    },
  )
  await t.rejects(namespace.exec('sh', ['-c', 'echo why >&2; exit 3']), {
    name: 'CommandError',
    code: 'NBMA_COMMAND',
    message: 'sh -c echo why >&2; exit 3 exited with 3: why',
    status: 3,
    stderr: 'why\n',
  })
  t.match(await namespace.exec('sh', ['-c', 'exit 3'], { check: false }), { status: 3 })
  await t.rejects(namespace.exec('sleep', ['60'], { timeout: 50 }), {
    name: 'CommandError',
    signal: 'SIGTERM',
    status: null,
  })
  await t.rejects(namespace.exec('sleep', ['60'], { signal: AbortSignal.timeout(50) }), { name: 'AbortError' })
  await t.rejects(namespace.exec('/no/such/command'), { code: 'ENOENT' })
  t.equal((await namespace.exec('true', [], { input: Buffer.alloc(1 << 20) })).status, 0, 'input that nobody reads')
})

t.test('many at once', { skip }, async (t) => {
  const namespaces = Array.from({ length: 8 }, () => testNamespace(t))
  const links = await Promise.all(namespaces.map((ns) => ns.exec('readlink', ['/proc/self/ns/net'])))
  t.same(
    links.map(({ stdout }) => stdout.trim()),
    namespaces.map(({ id }) => `net:[${id.split(':')[1]}]`),
  )
})

t.test('deleted, and created anew', { skip }, async (t) => {
  const name = uniqueName()
  const namespace = Namespace.create(name)
  const opened = Namespace.open(name)
  t.teardown(() => opened.close())
  namespace.delete()
  t.notOk(opened.alive())
  t.throws(() => opened.check(), { name: 'NamespaceGoneError', message: `network namespace ${name} is gone` })
  const again = Namespace.create(name)
  t.teardown(() => again[Symbol.dispose]())
  t.notOk(opened.alive())
  t.throws(() => opened.check(), { name: 'NamespaceGoneError', message: /deleted and created anew/ })
  t.throws(() => opened.delete(), { name: 'NamespaceGoneError' }, "another's namespace is not deleted")
  t.ok(again.alive())
  t.equal(
    opened.run(() => idOf(HERE)),
    opened.id,
    'what is open stays what it was',
  )
})

t.test('disposal deletes what was created and closes what was opened', { skip }, async (t) => {
  const name = uniqueName()
  {
    await using namespace = Namespace.create(name)
    {
      using opened = Namespace.open(name)
      t.equal(opened.id, namespace.id)
    }
    t.ok(Namespace.exists(name))
  }
  t.notOk(Namespace.exists(name))

  const kept = Namespace.create(name)
  kept.close()
  kept[Symbol.dispose]()
  t.ok(Namespace.exists(name), 'closed by hand: kept')
  Namespace.open(name).delete()

  const replaced = Namespace.create(name)
  Namespace.open(name).delete()
  const again = Namespace.create(name)
  replaced[Symbol.dispose]()
  t.ok(again.alive(), "another's is kept")
  again.delete()
})

t.test('in a worker thread', { skip }, async (t) => {
  const name = uniqueName()
  const library = new URL('../../lib/netns/namespace.js', import.meta.url).href
  const worker = new Worker(
    `import('${library}').then(async ({ Namespace }) => {
      const { parentPort } = require('node:worker_threads')
      const { readlinkSync } = require('node:fs')
      const here = () => readlinkSync('/proc/thread-self/ns/net')
      const namespace = Namespace.create('${name}')
      const outside = here()
      const inside = namespace.run(here)
      const { stdout } = await namespace.exec('readlink', ['/proc/self/ns/net'])
      parentPort.postMessage({ outside, inside, child: stdout.trim(), after: here() })
    })`,
    { eval: true },
  )
  t.teardown(() => Namespace.exists(name) && Namespace.open(name).delete())
  const said = await new Promise<unknown>((resolve, reject) => worker.once('message', resolve).once('error', reject))
  const inside = `net:[${idOf(`/run/netns/${name}`).split(':')[1]}]`
  t.same(said, { outside: home, inside, child: inside, after: home })
  t.equal(readlinkSync(HERE), home)
})

t.test('without CAP_SYS_ADMIN', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const name = uniqueName()
  const { stdout } = await runNode(
    `
    NetlinkSocket.open().close()
    process.setgid(65534)
    process.setuid(65534)
    const attempt = (fn) => { try { fn() } catch (error) { console.log(error.name, error.code, error.message) } }
    const namespace = Namespace.open(args[0])
    attempt(() => namespace.run(() => console.log('inside')))
    attempt(() => NetlinkSocket.open({ namespace }))
    attempt(() => namespace.delete())
    attempt(() => Namespace.create(args[1]))
    attempt(() => Namespace.open(1))
    `,
    [namespace.name!, name],
  )
  const lines = stdout.trim().split('\n')
  t.equal(lines[0], `NbmaError EPERM cannot enter network namespace ${namespace.name}: needs CAP_SYS_ADMIN (EPERM)`)
  t.equal(lines[1], lines[0])
  t.match(lines[2], /cannot delete network namespace .*: needs CAP_SYS_ADMIN/)
  t.match(lines[3], /cannot create network namespace .*: needs CAP_SYS_ADMIN/)
  t.match(lines[4], /\/proc\/1\/ns\/net/)
  t.ok(namespace.alive())
})

t.test('a process that it spawned keeps it alive after its name is gone', { skip }, async (t) => {
  const namespace = Namespace.create(uniqueName())
  const child = namespace.spawn('sleep', ['60'])
  t.teardown(() => child.kill())
  namespace.delete()
  t.equal(Namespace.open(child.pid!).id, namespace.id)
})
