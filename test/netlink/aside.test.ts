import { readdirSync } from 'node:fs'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { NetlinkSocket } from '../../lib/netlink/socket.js'
import { frames, NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, NLMSG_ERROR, writeHeader } from '../../lib/wire/frame.js'
import { readU32, writeU16 } from '../../lib/wire/host.js'
import { endsWhileBusy } from '../helpers/ends.js'
import { needsNamespaces as skip, testNamespace } from '../helpers/kernel.js'

// Large datagrams are sent on another thread.

const RTM_NEWROUTE = 24
const LENGTH = 36

/** RTM_NEWROUTE of the blackholes `10.x.y.z/32` from `first` on, with that as sequence number; the last asks for an answer. */
function blackholes(first: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * LENGTH)
  for (let i = 0; i < count; i++) {
    const at = i * LENGTH
    const flags = NLM_F_REQUEST | NLM_F_CREATE | (i === count - 1 ? NLM_F_ACK : 0)
    writeHeader(bytes, at, LENGTH, RTM_NEWROUTE, flags, first + i, 0)
    bytes.set([2, 32, 0, 0, 254, 4, 0, 6], at + 16)
    writeU16(bytes, at + 28, 8)
    writeU16(bytes, at + 30, 1)
    bytes.set([10, (first + i) >> 16, (first + i) >> 8, first + i], at + 32)
  }
  return bytes
}

const LARGE = 1000
const SMALL = 1

/** Sequence numbers that were answered, in order, and what the answers were. */
const answers = (received: readonly Buffer[]): [number, number][] =>
  received.flatMap((d) =>
    [...frames(d)].map(
      ({ type, seq, start }) => [seq, type === NLMSG_ERROR ? readU32(d, start + 16) | 0 : type] as [number, number],
    ),
  )

t.test('the thread goes on while the kernel is busy with a large datagram', { skip }, async (t) => {
  const socket = NetlinkSocket.open({ namespace: testNamespace(t) })
  t.teardown(() => socket.close())
  const received: Buffer[] = []
  socket.start({ receive: (datagram) => received.push(datagram), fail: t.fail })
  await turn()
  const turnsWhile = async (count: number): Promise<number> => {
    let turns = 0
    let sending = true
    const next = (): void => {
      turns++
      if (sending) setImmediate(next)
    }
    setImmediate(next)
    await Promise.all(Array.from({ length: 10 }, (_, i) => socket.send(blackholes((1 + i) * count, count))))
    sending = false
    return turns
  }
  t.equal(await turnsWhile(SMALL), 0)
  t.ok((await turnsWhile(LARGE)) > 0)
  t.equal(received.length, 20)
})

t.test('all is executed and answered in the order of sending', { skip }, async (t) => {
  const socket = NetlinkSocket.open({ namespace: testNamespace(t) })
  t.teardown(() => socket.close())
  const received: Buffer[] = []
  socket.start({ receive: (datagram) => received.push(datagram), fail: t.fail })
  const counts = [SMALL, LARGE, SMALL, LARGE, LARGE, SMALL, SMALL, LARGE, SMALL]
  const expected: [number, number][] = []
  const done: number[] = []
  let first = 1
  await Promise.all(
    counts.map((count, i) => {
      const sent = socket.send(blackholes(first, count))
      first += count
      expected.push([first - 1, 0])
      return sent.then(() => done.push(i))
    }),
  )
  await turn()
  t.same(answers(received), expected)
  t.same(done, [...counts.keys()])
})

t.test('what cannot be sent says why, and the next is sent', { skip }, async (t) => {
  const socket = NetlinkSocket.open({ namespace: testNamespace(t), sendBuffer: 8 << 10 })
  t.teardown(() => socket.close())
  const received: Buffer[] = []
  socket.start({ receive: (datagram) => received.push(datagram), fail: t.fail })
  const large = socket.send(blackholes(1, LARGE))
  const small = socket.send(blackholes(1, SMALL))
  await t.rejects(large, { code: 'EMSGSIZE', syscall: 'send' })
  await small
  await t.rejects(socket.send(Buffer.alloc(0)), { code: 'ENODATA', syscall: 'send' }, 'nothing')
  await turn()
  t.same(answers(received), [[1, 0]], 'none of the large one was executed')
})

t.test(
  'closed meanwhile: the descriptor stays until the kernel is done, and what waits is not sent',
  { skip },
  async (t) => {
    const open = (): number => readdirSync('/proc/self/fd').length
    const namespace = testNamespace(t)
    for (const role of ['request', 'monitor'] as const) {
      await wait(20)
      const before = open()
      const socket = NetlinkSocket.open({ namespace, role })
      const received: Buffer[] = []
      socket.start({ receive: (datagram) => received.push(datagram), fail: t.fail })
      const large = socket.send(blackholes(1, LARGE))
      const small = socket.send(blackholes(1, SMALL))
      socket.close()
      t.equal(open(), before + 1, `${role}: still open`)
      await large
      await t.rejects(small, { name: 'ClosedError' })
      await wait(20)
      t.equal(open(), before, `${role}: closed`)
      t.same(received, [])
    }
  },
)

t.test('the process or its worker ends meanwhile', { skip }, async (t) => {
  const namespace = testNamespace(t)
  const library = new URL('../../lib/', import.meta.url).href
  const sendFor = (after: string): string => `
    Promise.all(['${library}netlink/socket.js', '${library}netns/namespace.js'].map((one) => import(one))).then(
      ([{ NetlinkSocket }, { Namespace }]) => {
        const socket = NetlinkSocket.open({ namespace: Namespace.open('${namespace.name}') })
        socket.start({ receive() {}, fail: console.error })
        const large = Buffer.from('${blackholes(1, LARGE).toString('hex')}', 'hex')
        const again = () => socket.send(large).then(again)
        again()
        ${after}
      })`
  for (const { status, signal, stderr } of await endsWhileBusy(sendFor))
    t.same({ status, signal, stderr }, { status: 7, signal: null, stderr: '' })
})
