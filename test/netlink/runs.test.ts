import fc from 'fast-check'
import t from 'tap'
import { Runs } from '../../lib/netlink/runs.js'
import {
  align,
  eachOf,
  type Frame,
  frames,
  NLM_F_MULTI,
  type Run,
  runs,
  type Span,
  writeHeader,
} from '../../lib/wire/frame.js'
import { holds } from '../helpers/property.js'

/** A datagram of messages with these lengths: those of one number are a run. */
function datagram(...messages: [length: number, seq: number][]): Run[] {
  const size = messages.reduce((sum, [length]) => align(sum) + length, 0)
  const bytes = Buffer.alloc(size)
  let at = 0
  for (const [length, seq] of messages) {
    writeHeader(bytes, at, length, 24, NLM_F_MULTI, seq, 0)
    at += align(length)
  }
  return [...runs(bytes)]
}

const messagesOf = (some: readonly Run[]): Frame[] => {
  const all: Frame[] = []
  for (const run of some) eachOf(run, (frame) => all.push(frame))
  return all
}

/** What is needed to read a message. */
const spanOf = ({ bytes, start, end, type }: Frame): Span => ({ bytes, start, end, type })

t.test('what goes in comes out, in order', async (t) => {
  const all = [...datagram([16, 1], [17, 1], [20, 2], [30, 1]), ...datagram([21, 1]), ...datagram([40, 1], [19, 1])]
  t.same(
    all.map(({ count }) => count),
    [2, 1, 1, 1, 2],
  )
  const queue = new Runs()
  for (const run of all) queue.push(run)
  const expected = messagesOf(all)
  t.equal(expected.length, 7)
  t.ok(queue.bytes > 0)
  t.same(
    expected.map(() => queue.shift()),
    expected.map(spanOf),
  )
  t.equal(queue.bytes, 0)
  t.equal(queue.shift(), undefined)
})

t.test('reading while it is filled', async (t) => {
  const queue = new Runs()
  const [first, second] = [datagram([16, 1], [24, 1]), datagram([20, 1], [28, 1])] as [[Run], [Run]]
  const expected = messagesOf([...first, ...second])
  queue.push(first[0])
  const seen = [queue.shift()]
  queue.push(second[0])
  seen.push(queue.shift(), queue.shift(), queue.shift())
  t.same(seen, expected.map(spanOf))
  t.equal(queue.bytes, 0)
  queue.push(first[0])
  t.same(queue.shift(), spanOf(expected[0]!))
})

t.test('what is forgotten does not come back', async (t) => {
  const queue = new Runs()
  const [first, second] = [datagram([16, 1], [16, 1]), datagram([20, 1])] as [[Run], [Run]]
  queue.push(first[0])
  queue.shift()
  queue.clear()
  t.equal(queue.bytes, 0)
  queue.push(second[0])
  t.match(queue.shift(), { start: 0, end: 20 })
  t.equal(queue.shift(), undefined)
})

t.test('runs hold the messages that a datagram has, up to what is none', async (t) => {
  const message = fc.record({
    length: fc.integer({ min: 16, max: 40 }),
    type: fc.constantFrom(3, 24, 24, 24),
    flags: fc.constantFrom(0, NLM_F_MULTI, NLM_F_MULTI, NLM_F_MULTI, NLM_F_MULTI | 0x10),
    seq: fc.constantFrom(1, 1, 1, 2),
    pid: fc.constantFrom(9, 9, 9, 8),
    broken: fc.integer({ min: 0, max: 20 }).map((n) => n === 0),
  })
  const same = fc.property(fc.array(message, { maxLength: 12 }), fc.nat(3), (messages, cut) => {
    const bytes = Buffer.alloc(messages.reduce((sum, { length }) => sum + align(length), 0))
    let at = 0
    for (const { length, type, flags, seq, pid, broken } of messages) {
      writeHeader(bytes, at, broken ? 3 : length, type, flags, seq, pid)
      at += align(length)
    }
    const whole = bytes.subarray(0, Math.max(0, bytes.length - cut))
    const malformed: [number[], number[]] = [[], []]
    const expected = [...frames(whole, (offset) => malformed[0].push(offset))]
    const found = [...runs(whole, (offset) => malformed[1].push(offset))]
    const total = found.reduce((sum, { count }) => sum + count, 0)
    const heads = messagesOf(found).map(({ start, end, type, flags, seq, pid }) => [start, end, type, flags, seq, pid])
    const wanted = expected.map(({ start, end, type, flags, seq, pid }) => [start, end, type, flags, seq, pid])
    return total === wanted.length && fc.stringify([heads, malformed[1]]) === fc.stringify([wanted, malformed[0]])
  })
  holds(t, 'runs', same, 1000)
})
