import { readdirSync } from 'node:fs'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { Connection } from '../../lib/netlink/connection.js'
import { NetlinkSocket } from '../../lib/netlink/socket.js'
import type { Namespace } from '../../lib/netns/namespace.js'
import { link } from '../../lib/rtnl/link.js'
import { route } from '../../lib/rtnl/route.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import { single } from '../../lib/wire/batch.js'
import { frames, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE } from '../../lib/wire/frame.js'
import type { Captured } from '../../lib/wire/pcap.js'
import { endsWhileBusy } from '../helpers/ends.js'
import { runNode, needsNamespaces as skip, testNamespace } from '../helpers/kernel.js'

// Streams read their dump from a socket of their own, on another thread, and no faster than they are read.

const COUNT = 20_000
const TABLE = 4242
const blackhole = (n: number) =>
  route.add({ dst: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`, table: TABLE, type: 'blackhole' })
const all = () => route.list({ family: 'inet', table: TABLE })
const READ_AHEAD = 100_000
/** What one read can bring, of which two may be on their way. */
const PART = 32 << 10

async function fill(namespace: Namespace): Promise<void> {
  await using connection = new Connection(NetlinkSocket.open({ namespace }), rtnetlink)
  const { applied } = await connection.batch(Array.from({ length: COUNT }, (_, n) => blackhole(n)))
  if (applied !== COUNT) throw new Error(`${applied} of ${COUNT} routes`)
}

const descriptors = (): number => readdirSync('/proc/self/fd').length
const dump = (): Buffer => single(all(), NLM_F_REQUEST | NLM_F_DUMP, 0, 1)
const isDone = (datagram: Buffer): boolean => [...frames(datagram)].some(({ type }) => type === NLMSG_DONE)

t.test('the kernel waits for a slow reader, requests do not', { skip }, async (t) => {
  const namespace = testNamespace(t)
  await fill(namespace)
  let received = 0
  const tap = ({ bytes, sent }: Captured): void => {
    if (!sent) received += bytes.length
  }
  const options = { tap, readAhead: READ_AHEAD, timeout: 100 }
  await using connection = new Connection(NetlinkSocket.open({ namespace }), rtnetlink, options)
  const seen = new Set<string>()
  let afterPause = 0
  for await (const { dst } of connection.dump(all())) {
    seen.add(dst!)
    if (seen.size === 1 || seen.size === COUNT / 2) {
      // Longer than the timeout of a part.
      await wait(300)
      const before = received
      t.ok(before <= READ_AHEAD + 2 * PART + seen.size * 44, `${before} bytes after ${seen.size} items`)
      t.same(await connection.request(blackhole(COUNT + ++afterPause)), {})
    }
  }
  t.equal(afterPause, 2)
  t.ok(seen.size >= COUNT && seen.size <= COUNT + afterPause, `${seen.size} routes`)
  for (let n = 0; n < COUNT; n++) if (!seen.delete(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`)) t.fail(`${n}`)
  t.ok(received > 5 * READ_AHEAD, `${received} bytes in all`)
})

t.test('sockets are closed however a stream ends', { skip }, async (t) => {
  const namespace = testNamespace(t)
  await fill(namespace)
  const connection = new Connection(NetlinkSocket.open({ namespace }), rtnetlink, { readAhead: READ_AHEAD })
  await connection.list(all())
  const before = descriptors()
  for (let round = 0; round < 100; round++) {
    let seen = 0
    for await (const _ of connection.dump(all())) if (++seen > round * 10) break
    const controller = new AbortController()
    const stream = connection.dump(all(), { signal: controller.signal })
    const first = stream.next()
    if (round % 2 === 0) await first
    controller.abort('enough')
    await t.rejects(round % 2 === 0 ? stream.next() : first)
  }
  let items = 0
  for await (const _ of connection.dump(all())) items++
  t.equal(items, COUNT)
  await wait(20)
  t.equal(descriptors(), before + 1, 'one is kept for the next')
  const streams = Array.from({ length: 10 }, () => connection.dump(all()))
  await Promise.all(streams.map((stream) => stream.next()))
  t.equal(descriptors(), before + 10, 'at once')
  connection.close()
  await wait(20)
  t.equal(descriptors(), before - 1)
})

t.test('a socket', { skip }, async (t) => {
  const namespace = testNamespace(t)
  await fill(namespace)
  const main = NetlinkSocket.open({ namespace })
  t.teardown(() => main.close())

  t.test('reads while it is not paused', async (t) => {
    const socket = main.openDump()
    const received: Buffer[] = []
    socket.start({ receive: (datagram) => received.push(datagram), fail: t.fail })
    t.not(socket.portId, main.portId)
    socket.pause()
    await socket.send(dump())
    await wait(20)
    t.equal(received.length, 0)
    socket.resume()
    while (received.length < 3) await turn()
    socket.pause()
    await wait(20)
    const { length } = received
    t.ok(length <= 5, `${length} datagrams`)
    await wait(20)
    t.equal(received.length, length)
    socket.resume()
    while (!isDone(received.at(-1)!)) await turn()
    t.equal(received.flatMap((datagram) => [...frames(datagram)]).length, COUNT + 1)
    t.equal(socket.drops(), 0)
    t.equal(socket.check(), undefined)

    received.length = 0
    await socket.send(dump())
    while (received.length === 0 || !isDone(received.at(-1)!)) await turn()
    t.equal(received.flatMap((datagram) => [...frames(datagram)]).length, COUNT + 1, 'again')
    socket.close()
    socket.close()
    t.equal(socket.drops(), 0)
    await t.rejects(socket.send(dump()), { name: 'ClosedError' })
  })

  t.test('is asked again while it looks whether there is more', async (t) => {
    for (const [what, bytes, count] of [
      ['large', dump(), COUNT + 1],
      ['small', single(link.list(), NLM_F_REQUEST | NLM_F_DUMP, 0, 1), 2],
    ] as const) {
      const socket = main.openDump()
      let dumps = 0
      let messages = 0
      socket.start({
        receive: (datagram) => {
          messages += [...frames(datagram)].length
          if (isDone(datagram) && ++dumps < 20) void socket.send(bytes)
        },
        fail: t.fail,
      })
      await socket.send(bytes)
      for (let i = 0; dumps < 20 && i < 500; i++) await wait(10)
      t.same([dumps, messages], [20, 20 * count], what)
      socket.close()
    }
  })

  t.test('is closed while it is read', async (t) => {
    await wait(20)
    const before = descriptors()
    const socket = main.openDump()
    let received = 0
    socket.start({ receive: () => received++, fail: t.fail })
    await socket.send(dump())
    // The first are read on this thread.
    while (received < 5) await turn()
    socket.close()
    const last = received
    t.equal(descriptors(), before + 1, 'it stays until the kernel is done')
    await wait(20)
    t.equal(descriptors(), before)
    t.equal(received, last)
  })
})

t.test('a receiver that throws reaches uncaughtException', { skip }, async (t) => {
  const namespace = testNamespace(t)
  await fill(namespace)
  const { stdout, stderr } = await runNode(
    `
    const caught = []
    process.on('uncaughtException', (error) => caught.push(error.message))
    const main = NetlinkSocket.open({ namespace: Namespace.open(args[0]) })
    const socket = main.openDump()
    let received = 0
    socket.start({ receive() { throw new Error('mine ' + ++received) }, fail: console.error })
    await socket.send(Buffer.from(args[1], 'hex'))
    while (caught.length < 3) await new Promise(setImmediate)
    console.log(caught.slice(0, 3).join())
    socket.close()
    `,
    [namespace.name!, dump().toString('hex')],
  )
  t.same([stdout, stderr], ['mine 1,mine 2,mine 3\n', ''])
})

t.test('the process or its worker ends while a dump is read', { skip }, async (t) => {
  const namespace = testNamespace(t)
  await fill(namespace)
  const library = new URL('../../lib/', import.meta.url).href
  const read = (after: string): string => `
    Promise.all(['${library}netlink/socket.js', '${library}netns/namespace.js'].map((one) => import(one))).then(
      ([{ NetlinkSocket }, { Namespace }]) => {
        const main = NetlinkSocket.open({ namespace: Namespace.open('${namespace.name}') })
        const bytes = Buffer.from('${dump().toString('hex')}', 'hex')
        const socket = main.openDump()
        const again = () => socket.send(bytes)
        // The end of a dump is short.
        socket.start({ receive: ({ length }) => length < 100 && again(), fail: console.error })
        again()
        ${after}
      })`
  for (const { status, signal, stderr } of await endsWhileBusy(read))
    t.same({ status, signal, stderr }, { status: 7, signal: null, stderr: '' })
})
