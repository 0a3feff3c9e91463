import { createRequire } from 'node:module'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { format } from 'node:util'
import { Worker } from 'node:worker_threads'
import createDebug from 'debug'
import t from 'tap'
import { NetlinkSocket, type SocketOptions } from '../../lib/netlink/socket.js'
import { Namespace } from '../../lib/netns/namespace.js'
import {
  frames,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  writeHeader,
} from '../../lib/wire/frame.js'
import { readU32, writeU16, writeU32 } from '../../lib/wire/host.js'
import { runNode, needsNamespaces as skip, testNamespace, uniqueName } from '../helpers/kernel.js'

const RTM_NEWLINK = 16
const RTM_NEWROUTE = 24
const RTM_GETROUTE = 26
const RTNLGRP_LINK = 1
const LOOPBACK = 1

type Test = { teardown(fn: () => void): void }

/** An opened socket and what it received. */
function listen(t: Test, options: SocketOptions): { socket: NetlinkSocket; received: Buffer[]; failures: Error[] } {
  const received: Buffer[] = []
  const failures: Error[] = []
  const socket = NetlinkSocket.open(options)
  t.teardown(() => socket.close())
  socket.start({ receive: (datagram) => received.push(datagram), fail: (error) => failures.push(error) })
  return { socket, received, failures }
}

function message(type: number, flags: number, seq: number, body: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.alloc(16 + body.length)
  writeHeader(bytes, 0, bytes.length, type, flags, seq, 0)
  bytes.set(body, 16)
  return bytes
}

/** Answered with an acknowledgement, and otherwise without effect. */
const noop = (seq: number): Buffer => message(NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, seq)

/** RTM_NEWLINK that sets the loopback device up or down. */
function setLoopback(up: boolean, seq: number): Buffer {
  const body = Buffer.alloc(16)
  writeU32(body, 4, LOOPBACK)
  writeU32(body, 8, up ? 1 : 0)
  writeU32(body, 12, 1)
  return message(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, seq, body)
}

/** RTM_NEWROUTE of a blackhole, `10.x.y.z/32`. */
function blackhole(index: number, flags: number): Buffer {
  const body = Buffer.alloc(12 + 8)
  body.set([2, 32, 0, 0, 254, 4, 0, 6])
  writeU16(body, 12, 8)
  writeU16(body, 14, 1)
  body.set([10, index >> 16, index >> 8, index], 16)
  return message(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE | flags, index, body)
}

const dumpRoutes = (seq: number): Buffer => message(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, seq, Buffer.alloc(12))

/** Adds that many routes, 1,000 a datagram. */
async function addRoutes(socket: NetlinkSocket, count: number): Promise<void> {
  for (let first = 0; first < count; first += 1000) {
    const batch = Array.from({ length: Math.min(1000, count - first) }, (_, i) => blackhole(first + i, 0))
    await socket.send(Buffer.concat(batch))
  }
}

const seqs = (datagrams: readonly Buffer[]): number[] => datagrams.flatMap((d) => [...frames(d)].map(({ seq }) => seq))

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition() && tries < 500; tries++) await wait(10)
}

t.test('a request is answered at once, but never from within send', { skip }, async (t) => {
  const { socket, received } = listen(t, { namespace: testNamespace(t) })
  await turn()
  const sent = socket.send(noop(7))
  t.equal(received.length, 0)
  await sent
  await undefined
  t.equal(received.length, 1)
  const [frame] = frames(received[0]!)
  t.match(frame, { type: NLMSG_ERROR, seq: 7, pid: socket.portId, flags: NLM_F_CAPPED })
  t.equal(readU32(received[0]!, 16), 0)
})

t.test('the kernel explains errors, and does not send the request back', { skip }, async (t) => {
  const { socket, received } = listen(t, { namespace: testNamespace(t) })
  const wrong = message(
    RTM_NEWROUTE,
    NLM_F_REQUEST | NLM_F_ACK,
    1,
    new Uint8Array([2, 99, 0, 0, 254, 4, 0, 6, 0, 0, 0, 0]),
  )
  await socket.send(wrong)
  await turn()
  const [frame] = frames(received[0]!)
  t.match(frame, { type: NLMSG_ERROR, flags: NLM_F_CAPPED | NLM_F_ACK_TLVS })
  t.match(received[0]!.toString('latin1'), /Invalid prefix/)
})

t.test('a thousand requests in one turn lose no answer and keep their order', { skip }, async (t) => {
  const { socket, received } = listen(t, { namespace: testNamespace(t) })
  for (let seq = 0; seq < 1000; seq++) socket.send(noop(seq))
  await until(() => received.length === 1000)
  t.same(
    seqs(received),
    Array.from({ length: 1000 }, (_, seq) => seq),
  )
  t.equal(socket.drops(), 0)
})

t.test('one request after another leaves turns for the rest of the process', { skip }, async (t) => {
  const socket = NetlinkSocket.open({ namespace: testNamespace(t) })
  t.teardown(() => socket.close())
  let answered = (): void => {}
  socket.start({ receive: () => answered(), fail: t.fail })
  let turns = 0
  const count = (): void => {
    turns++
    if (turns > 0) immediate = setImmediate(count)
  }
  let immediate = setImmediate(count)
  for (let seq = 0; seq < 5000; seq++) {
    const answer = new Promise<void>((resolve) => {
      answered = resolve
    })
    await socket.send(noop(seq))
    await answer
  }
  clearImmediate(immediate)
  t.ok(turns >= 15, `${turns} turns of the event loop during 5,000 requests`)
})

t.test('what comes before start is kept', { skip }, async (t) => {
  const socket = NetlinkSocket.open({ namespace: testNamespace(t) })
  t.teardown(() => socket.close())
  await socket.send(noop(1))
  await turn()
  const received: Buffer[] = []
  socket.start({ receive: (datagram) => received.push(datagram), fail: t.fail })
  await turn()
  t.same(seqs(received), [1])
})

t.test('a dump comes in datagrams of 32 KiB, with turns in between', { skip }, async (t) => {
  const { socket, received } = listen(t, { namespace: testNamespace(t) })
  await addRoutes(socket, 20_000)
  let turns = 0
  await socket.send(dumpRoutes(1))
  const finished = (): boolean => received.some((d) => [...frames(d)].some(({ type }) => type === NLMSG_DONE))
  for (; !finished() && turns < 10_000; turns++) await turn()
  const messages = received.flatMap((d) => [...frames(d)]).filter(({ type }) => type === RTM_NEWROUTE)
  t.equal(messages.length, 20_000)
  t.ok(Math.max(...received.map((d) => d.length)) > 30_000)
  t.ok(turns >= 3, `${turns} turns`)
  t.equal(socket.drops(), 0)
})

t.test('a dump ends in the smallest receive buffer, beside acknowledgements', { skip }, async (t) => {
  const { socket, received } = listen(t, { namespace: testNamespace(t), receiveBuffer: 1 })
  t.equal(socket.receiveBuffer, 128 << 10)
  await addRoutes(socket, 20_000)
  socket.send(dumpRoutes(1))
  const finished = (): boolean => received.some((d) => [...frames(d)].some(({ type }) => type === NLMSG_DONE))
  for (let seq = 2; !finished() && seq < 10_000; seq++) {
    socket.send(Buffer.concat(Array.from({ length: 50 }, () => noop(seq))))
    await turn()
  }
  t.ok(finished())
  t.equal(socket.drops(), 0)
})

t.test('buffers', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const { socket } = listen(t, { namespace, receiveBuffer: 8 << 20, sendBuffer: 1 << 20 })
  t.equal(socket.receiveBuffer, 16 << 20)
  t.equal(socket.sendBuffer, 2 << 20)
  t.equal(listen(t, { namespace, role: 'monitor' }).socket.receiveBuffer, 8 << 20)
  await t.rejects(socket.send(Buffer.alloc(socket.sendBuffer)), { code: 'EMSGSIZE', syscall: 'send' })
  for (const [name, size] of [
    ['receiveBuffer', 2 ** 30 + 1],
    ['receiveBuffer', Number.NaN],
    ['sendBuffer', -1],
    ['sendBuffer', 4096.5],
  ] as const)
    for (const role of ['request', 'monitor'] as const)
      t.throws(
        () => NetlinkSocket.open({ namespace, role, [name]: size }),
        { name: 'EncodeError', path: name },
        `${size}`,
      )
})

t.test('an overrun is counted, and what was lost is the end', { skip }, async (t) => {
  const { socket, received } = listen(t, { namespace: testNamespace(t), receiveBuffer: 1 })
  await socket.send(Buffer.concat(Array.from({ length: 5000 }, (_, seq) => noop(seq))))
  await turn()
  t.ok(received.length >= 100 && received.length < 5000, `${received.length} answers`)
  t.equal(socket.drops(), 5000 - received.length)
  t.same(
    seqs(received),
    Array.from({ length: received.length }, (_, seq) => seq),
  )
  await socket.send(noop(6000))
  await turn()
  t.same(seqs(received.slice(-1)), [6000])
})

t.test('a monitor hears its groups, in order, and does not starve others', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const monitor = listen(t, { namespace, role: 'monitor', groups: [RTNLGRP_LINK] })
  const { socket } = listen(t, { namespace })
  for (let seq = 0; seq < 20; seq++)
    await socket.send(Buffer.concat(Array.from({ length: 100 }, (_, i) => setLoopback(i % 2 === 0, seq))))
  let turns = 0
  for (; monitor.received.length < 2000 && turns < 10_000; turns++) await turn()
  t.equal(monitor.received.length, 2000)
  t.ok(turns > 5, `${turns} turns`)
  const up = monitor.received.map((datagram) => readU32(datagram, 16 + 8) & 1)
  t.same(
    up,
    up.map((_, i) => (i % 2 === 0 ? 1 : 0)),
  )
  t.equal(monitor.socket.drops(), 0)
})

t.test('a monitor survives an overrun', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const { socket: monitor, received, failures } = listen(t, { namespace, role: 'monitor', receiveBuffer: 1 })
  monitor.join(RTNLGRP_LINK)
  const { socket } = listen(t, { namespace })
  await socket.send(Buffer.concat(Array.from({ length: 1000 }, (_, i) => setLoopback(i % 2 === 0, i))))
  await until(() => received.length > 0)
  await wait(20)
  t.ok(received.length < 1000, `${received.length} events`)
  t.equal(monitor.drops(), 1000 - received.length)
  received.length = 0
  await socket.send(setLoopback(true, 1))
  await until(() => received.length > 0)
  t.equal(received.length, 1)
  t.same(failures, [])
})

t.test('a monitor also makes requests', { skip }, async (t) => {
  const { socket, received } = listen(t, { namespace: testNamespace(t), role: 'monitor', groups: [RTNLGRP_LINK] })
  await socket.send(setLoopback(true, 5))
  await until(() => received.length === 2)
  t.same([...seqs(received)].sort(), [0, 5], 'the event and the acknowledgement')
  await addRoutes(socket, 5000)
  await socket.send(dumpRoutes(6))
  await until(() => received.some((d) => [...frames(d)].some(({ type }) => type === NLMSG_DONE)))
  const routes = received.flatMap((d) => [...frames(d)]).filter(({ type, seq }) => type === RTM_NEWROUTE && seq === 6)
  t.ok(routes.length > 5000, 'those, and those of the loopback device')
})

t.test('only monitors join groups', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const { socket } = listen(t, { namespace })
  t.throws(() => socket.join(RTNLGRP_LINK), { name: 'UnsupportedError' })
  t.throws(() => NetlinkSocket.open({ namespace, groups: [RTNLGRP_LINK] }), { name: 'UnsupportedError' })
  const { socket: monitor } = listen(t, { namespace, role: 'monitor' })
  t.throws(() => monitor.join(100_000), { code: 'EINVAL' })
})

t.test('only the kernel is listened to', { skip }, async (t) => {
  interface Raw {
    send(bytes: Buffer, to: { port?: number; groups?: number }, done: (error?: { code: string }) => void): void
    on(event: string, listener: () => void): void
    close(): void
  }
  const { RawNetlinkSocket } = createRequire(import.meta.url)('netlink/dist/raw.js')
  const namespace = testNamespace(t)
  const forger: Raw = namespace.run(() => new RawNetlinkSocket(0, { localPort: 0 }))
  forger.on('error', () => {})
  t.teardown(() => forger.close())
  const forge = (to: { port?: number; groups?: number }): Promise<string | undefined> =>
    new Promise((resolve) => forger.send(noop(1), to, (error) => resolve(error?.code)))
  const { socket, received } = listen(t, { namespace })
  const monitor = listen(t, { namespace, role: 'monitor', groups: [RTNLGRP_LINK] })
  t.equal(await forge({ port: socket.portId }), 'ECONNREFUSED')
  t.equal(await forge({ port: monitor.socket.portId }), 'ECONNREFUSED')
  const lines: string[] = []
  const { log } = createDebug
  createDebug.log = (...args: unknown[]) => lines.push(format(...args))
  for (const pattern of ['nbma:socket', '']) {
    createDebug.enable(pattern)
    await forge({ groups: 1 << (RTNLGRP_LINK - 1) })
    await wait(20)
  }
  createDebug.log = log
  t.equal(monitor.received.length, 0)
  t.match(lines.join('\n'), /port \d+: ignored a datagram from port \d+/)
  await socket.send(setLoopback(true, 2))
  await until(() => monitor.received.length > 0)
  t.same(seqs(received), [2])
  t.equal(monitor.received.length, 1)
})

t.test('closing', { skip }, async (t) => {
  for (const role of ['request', 'monitor'] as const) {
    const namespace = testNamespace(t)
    const { socket, received } = listen(t, { namespace, role })
    socket.send(noop(1))
    socket.close()
    socket.close()
    await t.rejects(socket.send(noop(2)), { name: 'ClosedError', code: 'NBMA_CLOSED' })
    t.throws(() => socket.join(1), { name: 'ClosedError' })
    t.equal(socket.drops(), 0)
    await wait(20)
    t.same(received, [], 'nothing is received afterwards')

    const within = NetlinkSocket.open({ namespace, role, groups: role === 'monitor' ? [RTNLGRP_LINK] : [] })
    let calls = 0
    within.start({
      receive: () => {
        calls++
        within.send(noop(3)).catch(() => {})
        within.close()
      },
      fail: t.fail,
    })
    for (let i = 0; i < 10; i++) within.send(setLoopback(i % 2 === 0, i))
    await wait(20)
    t.equal(calls, 1, 'closed from within receive')
  }
})

t.test('a closed monitor leaves nothing behind, even while events pour in', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const { socket } = listen(t, { namespace })
  for (let round = 0; round < 50; round++) {
    const { socket: monitor, received } = listen(t, { namespace, role: 'monitor', groups: [RTNLGRP_LINK] })
    await socket.send(Buffer.concat(Array.from({ length: 40 }, (_, i) => setLoopback(i % 2 === 0, i))))
    if (round % 2) await turn()
    monitor.close()
    const before = received.length
    await turn()
    if (received.length !== before) t.fail('received after close')
  }
})

t.test('1,100 sockets', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const ends = Array.from({ length: 1100 }, () => listen(t, { namespace }))
  t.equal(new Set(ends.map(({ socket }) => socket.portId)).size, 1100)
  await Promise.all(ends.map(({ socket }, seq) => socket.send(noop(seq))))
  await turn()
  t.same(
    ends.map(({ received }) => seqs(received)),
    ends.map((_, seq) => [seq]),
  )
})

t.test('sockets of several namespaces have the same port and are told apart', { skip }, async (t) => {
  const namespaces = Array.from({ length: 5 }, () => testNamespace(t))
  const ends = namespaces.map((namespace, i) => listen(t, { namespace, role: i % 2 ? 'monitor' : 'request' }))
  t.equal(new Set(ends.map(({ socket }) => socket.portId)).size, 1)
  for (const [i, { socket }] of ends.entries()) {
    await addRoutes(socket, i)
    await socket.send(dumpRoutes(1))
  }
  await turn()
  t.same(
    ends.map(
      ({ received }) => received.flatMap((d) => [...frames(d)]).filter(({ type }) => type === RTM_NEWROUTE).length,
    ),
    ends.map((_, i) => i),
  )
})

t.test('generic netlink', { skip }, async (t) => {
  const { socket, received } = listen(t, { namespace: testNamespace(t), protocol: 16 })
  await socket.send(noop(3))
  await turn()
  t.same(seqs(received), [3])
})

t.test('the namespace is deleted, or created anew', { skip }, async (t) => {
  const name = uniqueName()
  const namespace = Namespace.create(name)
  const { socket, received } = listen(t, { namespace })
  socket.check()
  namespace.delete()
  t.throws(() => socket.check(), { name: 'NamespaceGoneError', code: 'NBMA_NAMESPACE_GONE' })
  const again = Namespace.create(name)
  t.teardown(() => again.delete())
  t.throws(() => socket.check(), { name: 'NamespaceGoneError' })
  t.throws(() => NetlinkSocket.open({ namespace }), { name: 'NamespaceGoneError' })
  await socket.send(noop(1))
  await turn()
  t.equal(received.length, 1, 'the socket itself goes on')
})

t.test('what a receiver throws is an uncaught exception, and the next datagram follows', { skip }, async (t) => {
  const namespace = testNamespace(t)
  for (const role of ['request', 'monitor']) {
    const { status, stdout, stderr } = await runNode(
      `
      const [name, role, update] = args
      const caught = [], received = []
      process.on('uncaughtException', (error) => caught.push(error.message))
      const namespace = Namespace.open(name)
      const socket = NetlinkSocket.open({ namespace, role, groups: role === 'monitor' ? [1] : [] })
      socket.start({ receive: (d) => { received.push(d); throw new Error('receiver') }, fail: console.error })
      const other = role === 'monitor' ? NetlinkSocket.open({ namespace }) : socket
      for (let i = 0; i < 3; i++) other.send(Buffer.from(update, 'hex'))
      await new Promise((resolve) => setTimeout(resolve, 100))
      console.log(received.length, caught.join())
      socket.close()
      `,
      [namespace.name!, role, setLoopback(role === 'request', 1).toString('hex')],
    )
    t.match({ status, stderr }, { status: 0, stderr: '' })
    t.match(stdout, role === 'request' ? /^3 receiver,receiver,receiver$/m : /^[123] receiver/m, role)
  }
})

t.test('an open socket at exit', { skip }, async (t) => {
  const namespace = testNamespace(t)
  for (const role of ['request', 'monitor'])
    for (const when of ['at once', 'later', 'within receive', 'after close', 'uncaught']) {
      const { status, signal } = await runNode(
        `
        const [name, role, when, ack] = args
        const namespace = Namespace.open(name)
        const sockets = [1, 2, 3].map(() => NetlinkSocket.open({ namespace, role }))
        const exit = () => process.exit(7)
        for (const socket of sockets) {
          socket.start({ receive: () => when === 'within receive' && exit(), fail: console.error })
          socket.send(Buffer.from(ack, 'hex'))
        }
        if (when === 'at once') exit()
        if (when === 'later') setTimeout(exit, 50)
        if (when === 'after close') { sockets[0].close(); exit() }
        if (when === 'uncaught') { process.exitCode = 7; process.on('exit', () => { process.exitCode = 7 }); throw new Error('gone') }
        `,
        [namespace.name!, role, when, noop(1).toString('hex')],
      )
      t.same({ status, signal }, { status: 7, signal: null }, `${role}, ${when}`)
    }
})

t.test('an idle request socket lets the process end, a monitor does not', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const program = `
    const [name, role] = args
    const start = performance.now()
    const socket = NetlinkSocket.open({ namespace: Namespace.open(name), role })
    socket.start({ receive() {}, fail: console.error })
    setTimeout(() => socket.close(), 300).unref()
    process.on('exit', () => console.log(performance.now() - start > 250))
  `
  t.match(await runNode(program, [namespace.name!, 'request']), { status: 0, stdout: 'false\n' })
  t.match(await runNode(program, [namespace.name!, 'monitor']), { status: 0, stdout: 'true\n' })
})

t.test('after the exit hook a monitor is closed, not a stranger to its descriptor', { skip }, async (t) => {
  const { status, stdout } = await runNode(
    `
    const socket = NetlinkSocket.open({ namespace: Namespace.open(args[0]), role: 'monitor' })
    process.on('exit', () => socket.send(Buffer.alloc(16)).catch(() => {}))
    process.on('exit', () => console.log(socket.drops()))
    process.exit(4)
    `,
    [testNamespace(t).name!],
  )
  t.same({ status, stdout }, { status: 4, stdout: '0\n' })
})

t.test('child processes do not inherit sockets', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const inherited = async (): Promise<number> => {
    const { stdout } = await namespace.exec('sh', ['-c', 'for fd in /proc/self/fd/*; do readlink $fd || true; done'])
    return stdout.split('\n').filter((link) => link.startsWith('socket:')).length
  }
  const before = await inherited()
  listen(t, { namespace })
  listen(t, { namespace, role: 'monitor' })
  t.equal(await inherited(), before)
})

t.test('in worker threads', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const library = new URL('../../lib/', import.meta.url).href
  const open = (role: string, how: string): string => `
    const { parentPort } = require('node:worker_threads')
    Promise.all([import('${library}netlink/socket.js'), import('${library}netns/namespace.js')]).then(
      ([{ NetlinkSocket }, { Namespace }]) => {
        const socket = NetlinkSocket.open({ namespace: Namespace.open('${namespace.name}'), role: '${role}' })
        socket.start({ receive: (d) => { parentPort.postMessage(d.length); ${how} }, fail: console.error })
        socket.send(Buffer.from('${noop(1).toString('hex')}', 'hex'))
      })`
  const run = async (
    role: string,
    how: string,
    during = (_: Worker): void => {},
  ): Promise<{ code: number; got: number }> => {
    const worker = new Worker(open(role, how), { eval: true })
    let got = 0
    worker.on('message', (length) => {
      got = length
      during(worker)
    })
    return new Promise((resolve, reject) => {
      worker.on('error', reject)
      worker.on('exit', (code) => resolve({ code, got }))
    })
  }
  t.same(await run('request', ''), { code: 0, got: 36 }, 'it ends')
  t.same(await run('request', 'socket.close()'), { code: 0, got: 36 }, 'it closes and ends')
  t.same(await run('monitor', 'socket.close()'), { code: 0, got: 36 }, 'a monitor closes and it ends')
  t.same(await run('request', 'process.exit(3)'), { code: 3, got: 36 }, 'process.exit with a request socket')
  t.same(await run('monitor', 'process.exit(3)'), { code: 3, got: 36 }, 'process.exit with a monitor')
  const terminate = (worker: Worker): void => void worker.terminate()
  t.same(await run('request', 'setInterval(() => {}, 10)', terminate), { code: 1, got: 36 }, 'terminate')
})

t.test('without privileges', { skip }, async (t) => {
  const program = `
    import { openSync } from 'node:fs'
    libc.setns(openSync(args[0]), 0)
    process.setgid(65534)
    NetlinkSocket.open().close()
    process.setuid(65534)
    const socket = NetlinkSocket.open({ receiveBuffer: 1 << 28 })
    socket.start({ receive: (d) => console.log('answer', d.length), fail: console.error })
    console.log('clamped', socket.receiveBuffer < 1 << 28)
    await socket.send(Buffer.from('${noop(1).toString('hex')}', 'hex'))
  `
  const { stdout, stderr } = await runNode(program, [testNamespace(t).path])
  t.equal(stdout, 'clamped true\nanswer 36\n', stderr)
})
