import fc from 'fast-check'
import t from 'tap'
import type { DecodeError } from '../../lib/errors.js'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { route } from '../../lib/rtnl/route.js'
import { NEIGHBOUR_MESSAGES } from '../../lib/schema/neighbour.js'
import { ROUTE_MESSAGES } from '../../lib/schema/route.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import { type Frame, frames, NLMSG_HDRLEN } from '../../lib/wire/frame.js'
import { hostIsLittle } from '../../lib/wire/host.js'
import type { MessageKind } from '../../lib/wire/message.js'
import { messageValue } from '../helpers/arbitrary.js'
import { holds } from '../helpers/property.js'

type Value = Record<string, unknown>

const kinds = [16, 20, 24, 28, 32, 104].map((type) => rtnetlink.kind(type)!)
const frameOf = (bytes: Buffer): Frame => frames(bytes).next().value!

/** What reading a message gives, or the error in its place, its keys in their order. */
function outcome(kind: MessageKind, bytes: Buffer): string {
  try {
    const value: Value = kind.decode(frameOf(bytes))
    return fc.stringify(Object.entries(value))
  } catch (error) {
    const { path, message } = error as DecodeError
    return fc.stringify({ path, message })
  }
}

function alone(kind: MessageKind, bytes: Buffer): string {
  kind.layouts.clear()
  return outcome(kind, bytes)
}

/** Messages that differ from a first in some bytes, as those of a dump do, and some that are broken. */
const messages = (kind: MessageKind): fc.Arbitrary<Buffer[]> =>
  fc
    .tuple(
      messageValue(kind),
      fc.integer({ min: 0, max: kind.operations.length - 1 }),
      fc.array(fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }), { maxLength: 12 }),
    )
    .map(([value, operation, changes]) => {
      const sample = kind.encode(kind.base + operation, 0, value)
      return [
        sample,
        ...changes.map((some) => {
          const bytes = Buffer.from(sample)
          for (const [at, byte] of some) {
            if (bytes.length > NLMSG_HDRLEN) bytes[NLMSG_HDRLEN + (at % (bytes.length - NLMSG_HDRLEN))] = byte
          }
          return bytes
        }),
      ]
    })

t.test('messages of one layout read as each would alone', async (t) => {
  for (const kind of kinds) {
    const same = fc.property(messages(kind), (all) => {
      const expected = all.map((bytes) => alone(kind, bytes))
      kind.layouts.clear()
      return all.every((bytes, i) => outcome(kind, bytes) === expected[i])
    })
    holds(t, kind.name, same, 100)
  }
})

const routes = (make: (i: number) => Parameters<typeof route.add>[0]): Buffer[] =>
  Array.from({ length: 40 }, (_, i) => route.add(make(i + 1)).bytes)

t.test('one layout serves a dump', async (t) => {
  const dumps: [string, MessageKind, Buffer[]][] = [
    [
      'routes',
      ROUTE_MESSAGES,
      routes((i) => ({ dst: `12.0.${i}.0/24`, gateway: `10.0.0.${i}`, oif: 3, priority: i % 5, flags: ['onlink'] })),
    ],
    ['IPv6 routes', ROUTE_MESSAGES, routes((i) => ({ dst: `2001:db8:${i}::/64`, gateway: `fe80::${i}`, oif: 3 }))],
    ['with metrics', ROUTE_MESSAGES, routes((i) => ({ dst: `12.0.0.${i}`, oif: 3, metrics: { mtu: 1300 + i } }))],
    [
      'neighbours',
      NEIGHBOUR_MESSAGES,
      Array.from(
        { length: 40 },
        (_, i) =>
          neighbour.add({ ifindex: 3, dst: `10.0.0.${i}`, lladdr: `02:00:00:00:00:${String(i).padStart(2, '0')}` })
            .bytes,
      ),
    ],
  ]
  for (const [name, kind, all] of dumps) {
    const expected = all.map((bytes) => alone(kind, bytes))
    kind.layouts.clear()
    t.same(
      all.map((bytes) => outcome(kind, bytes)),
      expected,
      name,
    )
    t.equal(kind.layouts.all.length, 1, name)
  }
})

t.test('what one message reads as is not touched by the next, nor by who has it', async (t) => {
  const all = routes((i) => ({ dst: `12.0.0.${i}`, oif: 3, flags: ['onlink'], metrics: { mtu: 1400 } }))
  ROUTE_MESSAGES.layouts.clear()
  const read = all.map((bytes) => ROUTE_MESSAGES.decode(frameOf(bytes)))
  t.equal(ROUTE_MESSAGES.layouts.all.length, 1)
  for (const [i, value] of read.entries()) {
    t.equal(value.dst, `12.0.0.${i + 1}/32`)
    value.flags.push('pervasive')
    value.metrics!.mtu = 1
    value.oif = 1
  }
  const again = ROUTE_MESSAGES.decode(frameOf(all[0]!))
  t.match(again, { flags: ['onlink'], metrics: { mtu: 1400 }, oif: 3 })
  t.equal(again.flags.length, 1)
})

t.test('what depends on others is read as ever', async (t) => {
  const cases: [string, Parameters<typeof route.add>[0]][] = [
    ['an encapsulation', { dst: '12.0.0.1', oif: 3, encap: { type: 'ip', id: 5n } }],
    ['what nobody knows', { dst: '12.0.0.1', oif: 3, unknown: [{ type: 200, data: Buffer.from('abcd') }] }],
    ['one attribute twice', { dst: '12.0.0.1', oif: 3, unknown: [{ type: 4, data: Buffer.from('abcd') }] }],
  ]
  for (const [name, value] of cases) {
    const { bytes } = route.add(value)
    const expected = alone(ROUTE_MESSAGES, bytes)
    t.equal(outcome(ROUTE_MESSAGES, bytes), expected, name)
    t.equal(ROUTE_MESSAGES.layouts.all.length, 0, name)
  }
})

t.test('what can no longer be told stays bytes', async (t) => {
  const cases: [string, Parameters<typeof route.add>[0], (bytes: Buffer) => void][] = [
    // rtm_family: a destination of 16 bytes is no label.
    ['a prefix of another family', { dst: '2001:db8::/64', oif: 3 }, (bytes) => bytes.writeUInt8(28, NLMSG_HDRLEN)],
    [
      'a gateway of a family that nobody knows',
      { dst: '12.0.0.1', oif: 3, via: { family: 'inet6', address: 'fe80::1' } },
      (bytes) => bytes.writeUInt8(99, bytes.indexOf('fe80', 'hex') - (hostIsLittle ? 2 : 1)),
    ],
  ]
  for (const [name, value, change] of cases) {
    const { bytes } = route.add(value)
    const changed = Buffer.from(bytes)
    change(changed)
    const all = [bytes, changed, bytes]
    const expected = all.map((each) => alone(ROUTE_MESSAGES, each))
    t.not(expected[1], expected[0])
    t.match(expected[1], /"unknown"/, name)
    ROUTE_MESSAGES.layouts.clear()
    t.same(
      all.map((each) => outcome(ROUTE_MESSAGES, each)),
      expected,
      name,
    )
  }
})

t.test('a header that means other properties', async (t) => {
  const [one, other] = [route.add({ dst: '12.0.0.1', oif: 3 }), route.add({ dst: 'default', oif: 3 })]
  // Prefix length 0 with a destination, and the other way round.
  const bytes = [one, other].flatMap(({ bytes: all }) => {
    const changed = Buffer.from(all)
    changed[17] = all[17] === 0 ? 32 : 0
    return [all, changed, all]
  })
  const expected = bytes.map((each) => alone(ROUTE_MESSAGES, each))
  ROUTE_MESSAGES.layouts.clear()
  t.same(
    bytes.map((each) => outcome(ROUTE_MESSAGES, each)),
    expected,
  )
})

t.test('messages without a whole header', async (t) => {
  const { bytes } = route.add({ dst: '12.0.0.1', oif: 3 })
  for (let length = NLMSG_HDRLEN; length < bytes.length; length++) {
    const cut = Buffer.from(bytes.subarray(0, length))
    cut.writeUInt32LE(length, 0)
    const expected = alone(ROUTE_MESSAGES, cut)
    t.equal(outcome(ROUTE_MESSAGES, cut), expected, `${length} bytes`)
  }
})
