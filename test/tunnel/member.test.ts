import fc from 'fast-check'
import t from 'tap'
import { Members } from '../../lib/tunnel/member.js'
import { fmix32, hashAddress } from '../../lib/tunnel/metric.js'
import { canonicalBytes } from '../../lib/tunnel/peer.js'
import { Wanted } from '../../lib/tunnel/wanted.js'
import { holds } from '../helpers/property.js'

/** Peers in columns are what they would be as objects. */

interface Model {
  readonly endpoint: string
  readonly prefixes: readonly string[]
  readonly weight: number
  readonly mac: string | undefined
  readonly gateway: string | undefined
}

const endpoint = fc.oneof(
  fc.nat(2000).map((n) => `10.64.${n >> 8}.${n & 255}`),
  fc.integer({ min: 1, max: 2000 }).map((n) => `2001:db8::${n.toString(16)}`),
)
const prefix = fc.oneof(
  fc.nat(400).map((n) => `12.0.${n >> 8}.${n & 255}/32`),
  fc.nat(40).map((n) => `13.${n}.0.0/16`),
  fc.nat(400).map((n) => `2001:db8:${(n + 1).toString(16)}::/48`),
)
const peer = fc.record({
  endpoint,
  prefixes: fc.uniqueArray(prefix, { maxLength: 3 }),
  weight: fc.constantFrom(1, 1, 1, 7),
  mac: fc.constantFrom(undefined, undefined, '02:00:00:00:00:01'),
  gateway: fc.constantFrom(undefined, undefined, '11.1.1.2'),
})
const peers = fc.uniqueArray(peer, { selector: (one) => one.endpoint, maxLength: 400, size: 'max' })

function membersOf(list: readonly Model[], expected: number): Members {
  const members = new Members(expected)
  for (const one of list) members.at(one.endpoint)!.set(one)
  return members
}

const same = (members: Members, list: readonly Model[]): boolean =>
  members.size === list.length &&
  JSON.stringify(
    [...members].map(({ endpoint, prefixes, weight, mac, gateway }) => ({ endpoint, prefixes, weight, mac, gateway })),
  ) ===
    JSON.stringify(
      list.map(({ endpoint, prefixes, weight, mac, gateway }) => ({ endpoint, prefixes, weight, mac, gateway })),
    )

t.test('columns hold what they were given, in order', (t) => {
  holds(
    t,
    'members',
    fc.property(peers, fc.nat(500), (list, expected) => {
      const members = membersOf(list, expected)
      return (
        same(members, list) &&
        list.every(({ endpoint }, at) => {
          const member = members.get(endpoint)!
          const hash = member.family === 'inet' ? fmix32(member.word) : hashAddress(canonicalBytes(endpoint)!)
          return member.index === at && member.endpoint === endpoint && member.hash === hash
        }) &&
        !members.has('10.0.0.1') &&
        members.get('::1') === undefined &&
        members.at('nowhere') === undefined
      )
    }),
    30,
  )
  t.end()
})

t.test('more and fewer', (t) => {
  holds(
    t,
    'with and without',
    fc.property(peers, peers, (list, others) => {
      const [members, more] = [membersOf(list, 0), membersOf(others, 0)]
      const known = new Map(list.map((one) => [one.endpoint, one]))
      const fresh = new Map(others.map((one) => [one.endpoint, one]))
      const rest = list.filter((one) => !fresh.has(one.endpoint))
      const all = [
        ...list.map((one) => fresh.get(one.endpoint) ?? one),
        ...others.filter((one) => !known.has(one.endpoint)),
      ]
      return (
        same(
          members.with(more, (_, member) => member),
          all,
        ) && same(members.without(new Set(fresh.keys())), rest)
      )
    }),
    20,
  )
  t.end()
})

t.test('who announces what', (t) => {
  holds(
    t,
    'claims',
    fc.property(peers, fc.nat(500), (list, expected) => {
      const members = membersOf(list, expected)
      const wanted = new Wanted(members, expected)
      const model = new Map<string, string[]>()
      list.forEach((one, at) => {
        wanted.announce(at)
        for (const prefix of one.prefixes) model.set(prefix, [...(model.get(prefix) ?? []), one.endpoint])
      })
      const found = [...wanted.claims()].map((claim) => [claim.prefix, claim.members.map((one) => one.endpoint)])
      return (
        JSON.stringify(found) === JSON.stringify([...model]) &&
        wanted.size === model.size &&
        wanted.most === Math.max(1, ...[...model.values()].map((all) => all.length)) &&
        [...model.keys()].every((prefix) => wanted.has(prefix) && wanted.claim(prefix)?.prefix === prefix)
      )
    }),
    30,
  )
  t.end()
})

t.test('what becomes of a peer', async (t) => {
  const members = membersOf(
    ['10.0.0.1', '10.0.0.2', '10.0.0.3', '2001:db8::4'].map((endpoint) => ({
      endpoint,
      prefixes: [],
      weight: 1,
      mac: undefined,
      gateway: undefined,
    })),
    0,
  )
  const [first, second, third] = [...members]
  first!.find()
  first!.touch()
  first!.find()
  second!.touch()
  second!.find()
  third!.find()
  third!.settled = true
  t.same(
    [...members].map(({ fate }) => fate),
    ['changed', 'added', 'unchanged', undefined],
  )
  t.same(members.fates(), { added: 2, changed: 1, unchanged: 1 })
  t.same(
    [...members].map(({ settled }) => settled),
    [false, false, true, false],
  )
  members.unsettle()
  t.notOk(third!.settled)
  t.equal(third!.fate, 'unchanged')
  t.equal(third!.family, 'inet')
  t.equal(members.get('2001:db8::4')?.family, 'inet6')
})
