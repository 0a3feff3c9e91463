import fc from 'fast-check'
import t from 'tap'
import type { EncodeError } from '../../lib/errors.js'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import { NEIGHBOUR_MESSAGES } from '../../lib/schema/neighbour.js'
import { NEXTHOP_MESSAGES } from '../../lib/schema/nexthop.js'
import { ROUTE_MESSAGES } from '../../lib/schema/route.js'
import type { MessageKind } from '../../lib/wire/message.js'
import type { Request } from '../../lib/wire/request.js'
import { templates } from '../../lib/wire/template.js'
import { messageValue } from '../helpers/arbitrary.js'
import { holds } from '../helpers/property.js'

type Value = Record<string, unknown>
type Build = (value: Value) => Request

const builders: readonly [name: string, kind: MessageKind, build: Build][] = [
  ['route.add', ROUTE_MESSAGES, route.add],
  ['route.replace', ROUTE_MESSAGES, route.replace],
  ['route.delete', ROUTE_MESSAGES, route.delete],
  ['nexthop.add', NEXTHOP_MESSAGES, nexthop.add],
  ['nexthop.delete', NEXTHOP_MESSAGES, nexthop.delete],
  ['neighbour.add', NEIGHBOUR_MESSAGES, neighbour.add],
  ['neighbour.append', NEIGHBOUR_MESSAGES, neighbour.append],
  ['neighbour.delete', NEIGHBOUR_MESSAGES, neighbour.delete],
] as never

/** All that a caller can see of a request, or of the error in its place. */
function outcome(build: Build, value: Value): unknown {
  try {
    const { operation, type, flags, bytes, value: full, subject } = build(value)
    return { operation, type, flags, bytes: bytes.toString('hex'), full, keys: Object.keys(full), subject }
  } catch (error) {
    const { path, message } = error as EncodeError
    return { path, message }
  }
}

const forget = (kind: MessageKind): void => {
  for (const one of templates) if (one.kind === kind) one.clear()
}

function encoded(kind: MessageKind, build: Build, value: Value): unknown {
  forget(kind)
  return outcome(build, value)
}

/** Made by a template, as far as can be told from outside. */
const stamped = (kind: MessageKind, value: Value): boolean =>
  templates.some((one) => one.kind === kind && one.request(value as never) !== undefined)

const address4 = fc.ipV4()
/** What may come instead of a value: more of its kind, of another kind, and what no property takes. */
const instead = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  address4,
  address4.map((text) => `${text}/32`),
  fc.ipV6(),
  fc.constantFrom('2001:db8::/64', '10.0.0.0/8', '10.0.0.1/8', 'default', '02:00:00:00:00:01', '01.2.3.4', ''),
  fc.constantFrom(undefined, null, -1, 1.5, Number.NaN, 2 ** 32, 5n, true, [], {}, ['onlink'], Buffer.alloc(4)),
)

/** Some properties of a value. Bytes are left out: no template has them. */
const some = (value: Value): fc.Arbitrary<Value> =>
  fc
    .subarray(
      Object.keys(value).filter((key) => key === 'family' || !fc.stringify(value[key]).includes('Buffer')),
      { maxLength: 5 },
    )
    .map((keys) => Object.fromEntries(keys.map((key) => [key, value[key]])))

/** A value, and others that differ from it in some properties. */
const family = (kind: MessageKind): fc.Arbitrary<Value[]> =>
  messageValue(kind)
    .chain(some)
    .chain((sample) => {
      const keys = Object.keys(sample)
      const change = fc.record({
        at: fc.array(fc.tuple(fc.constantFrom(...keys, 'dst'), instead), { maxLength: 2 }),
        drop: fc.option(fc.constantFrom(...keys, 'dst'), { freq: 6, nil: undefined }),
        reverse: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      })
      return fc.array(change, { minLength: 2, maxLength: 8 }).map((changes) => [
        sample,
        ...changes.map(({ at, drop, reverse }) => {
          const entries = Object.entries({ ...sample, ...Object.fromEntries(at) }).filter(([key]) => key !== drop)
          return Object.fromEntries(reverse ? entries.reverse() : entries)
        }),
      ])
    })

t.test('a template makes what the encoder makes, and refuses what it refuses', async (t) => {
  for (const [name, kind, build] of builders) {
    let hits = 0
    const same = fc.property(family(kind), (values) => {
      const expected = values.map((value) => encoded(kind, build, value))
      forget(kind)
      for (const [i, value] of values.entries()) {
        if (stamped(kind, value)) hits++
        if (fc.stringify(outcome(build, value)) !== fc.stringify(expected[i])) return false
      }
      return true
    })
    holds(t, name, same, 150)
    t.ok(hits > 100, `${name}: ${hits} by a template`)
  }
})

/** Peers as whoever has many of them writes them. */
const peers: readonly [string, MessageKind, Build, (i: number) => Value][] = [
  [
    'onlink routes',
    ROUTE_MESSAGES,
    route.add as Build,
    (i) => ({ dst: `12.0.${i}.0/24`, gateway: `10.0.0.${i}`, oif: 3, priority: i, protocol: 78, flags: ['onlink'] }),
  ],
  ['routes to go', ROUTE_MESSAGES, route.delete as Build, (i) => ({ dst: `12.0.0.${i}/32`, priority: 1000 + i })],
  ['routes through nexthops', ROUTE_MESSAGES, route.replace as Build, (i) => ({ dst: `2001:db8::${i}/128`, nhId: i })],
  [
    'routes that encapsulate',
    ROUTE_MESSAGES,
    route.add as Build,
    (i) => ({ dst: `12.0.0.${i}`, oif: 3, encap: { type: 'ip', id: 5n, dst: '10.0.0.1', ttl: 64 } }),
  ],
  [
    'nexthops',
    NEXTHOP_MESSAGES,
    nexthop.add as Build,
    (i) => ({ id: i, gateway: `10.0.0.${i}`, oif: 3, flags: ['onlink'] }),
  ],
  [
    'neighbours',
    NEIGHBOUR_MESSAGES,
    neighbour.add as Build,
    (i) => ({ ifindex: 3, dst: `10.0.0.${i}`, lladdr: `192.0.2.${i}` }),
  ],
  [
    'FDB entries',
    NEIGHBOUR_MESSAGES,
    neighbour.append as Build,
    (i) => ({ family: 'bridge', ifindex: i, lladdr: '00:00:00:00:00:00', dst: i % 2 ? `10.0.0.${i}` : `fd00::${i}` }),
  ],
]

t.test('all but the first of many peers are made by a template', async (t) => {
  for (const [name, kind, build, peer] of peers) {
    const expected = Array.from({ length: 50 }, (_, i) => encoded(kind, build, peer(i + 1)))
    forget(kind)
    let hits = 0
    const actual = expected.map((_, i) => {
      if (stamped(kind, peer(i + 1))) hits++
      return outcome(build, peer(i + 1))
    })
    t.same(actual, expected, name)
    t.ok(hits >= 48, `${name}: ${hits} by a template`)
  }
})

t.test('peers of several shapes take turns', async (t) => {
  forget(ROUTE_MESSAGES)
  const shapes = peers.filter(([, , build]) => build === route.add)
  const values = [1, 2, 3].flatMap((i) => [
    ...shapes.map(([, , , peer]) => peer(i)),
    { dst: `12.0.9.${i}`, gateway: `10.0.0.${i}`, oif: 3, flags: ['onlink'] },
    { dst: `12.0.9.${i}`, gateway: `10.0.0.${i}`, oif: 3, flags: ['onlink', 'pervasive'] },
  ])
  for (const value of values.slice(0, 4)) route.add(value)
  for (const value of values.slice(4)) t.ok(stamped(ROUTE_MESSAGES, value))
})

t.test('values that have nothing in common do not cost a template each', async (t) => {
  forget(ROUTE_MESSAGES)
  for (let i = 0; i < 500; i++) route.add({ dst: '10.0.0.0/8', protocol: i % 256, table: 1000 + i })
  t.notOk(stamped(ROUTE_MESSAGES, { dst: '10.0.0.0/8', protocol: 499 % 256, table: 1499 }), 'the last was no sample')
  for (let i = 0; i < 70; i++) route.add({ dst: `12.0.0.${i}`, oif: 3 })
  t.ok(stamped(ROUTE_MESSAGES, { dst: '12.0.0.1', oif: 4 }), 'a shape that stays is learnt')
})

t.test('what is compared is what the sample was, not what has become of it', async (t) => {
  forget(ROUTE_MESSAGES)
  const flags: ('onlink' | 'pervasive')[] = ['onlink']
  const metrics = { mtu: 1400, lock: ['mtu' as const] }
  const value = { dst: '12.0.0.1', gateway: '10.0.0.1', oif: 3, flags, metrics }
  route.add(value)
  const copy = structuredClone(value)
  t.ok(stamped(ROUTE_MESSAGES, copy), 'the same in another object')
  flags[0] = 'pervasive'
  t.notOk(stamped(ROUTE_MESSAGES, value))
  flags[0] = 'onlink'
  metrics.mtu = 1300
  t.notOk(stamped(ROUTE_MESSAGES, value))
  t.ok(stamped(ROUTE_MESSAGES, copy))
})

t.test('bytes and classes are no part of a template', async (t) => {
  class Metrics {
    mtu = 1400
  }
  const bytes = { dst: '10.0.0.0/8', unknown: [{ type: 200, data: Buffer.from('ab') }] }
  for (const value of [bytes, { dst: '10.0.0.0/8', metrics: new Metrics() }]) {
    forget(ROUTE_MESSAGES)
    t.same(outcome(route.add as Build, value), outcome(route.add as Build, value))
    t.notOk(stamped(ROUTE_MESSAGES, value))
  }
})

t.test('a value is put together when it is looked at, and frozen', async (t) => {
  forget(ROUTE_MESSAGES)
  const given = { dst: '12.0.0.1/32', gateway: '10.0.0.1', oif: 3 }
  route.add({ ...given })
  const request = route.add(given)
  given.dst = '13.0.0.1/32'
  t.same(request.value, {
    dst: '12.0.0.1/32',
    gateway: '10.0.0.1',
    oif: 3,
    family: undefined,
    table: 254,
    protocol: 'boot',
    scope: 'universe',
    type: 'unicast',
  })
  t.equal(request.value, request.value)
  t.ok(Object.isFrozen(request) && Object.isFrozen(request.value))
})
