import t, { type Test } from 'tap'
import { type DeviceFacts, type Family, kindRow, TUNNEL_KINDS, type TunnelKind } from '../../lib/tunnel/kinds.js'
import { isRefusal, type Strategy, wayOf } from '../../lib/tunnel/scheme.js'

/** What was seen with packets, row by row: test/tunnels shows it again on a kernel that has the tunnels. */

type Expected = 'onlink' | 'onlink+endpoint' | 'onlink+mac' | 'encap' | 'encap+mac' | 'fdb+mac' | RegExp

const facts = (kind: string, more: Partial<DeviceFacts> = {}): DeviceFacts => ({
  index: 7,
  ifname: 'x0',
  kind,
  up: true,
  mtu: 1400,
  external: false,
  fallback: false,
  data: {},
  ...more,
})

const LOCAL = { local: '192.168.122.11' }
const LOCAL6 = { local: 'fd00::11' }
const EXTERNAL = { external: true }

const ROWS: readonly [TunnelKind, Partial<DeviceFacts>, Expected, Expected][] = [
  ['ipip', {}, 'onlink', /IPv4 only/],
  ['ipip', LOCAL, 'onlink', /IPv4 only/],
  ['ipip', EXTERNAL, 'encap', /IPv4 only/],
  ['ipip', { data: { proto: 'mpls' } }, /carries mpls only/, /IPv4 only/],
  ['sit', { data: { proto: 'ip' } }, 'onlink', 'onlink'],
  ['sit', { data: { proto: 'ipv6' } }, /carries ipv6 only/, 'onlink'],
  ['sit', { data: { proto: 41 } }, /carries 41 only/, 'onlink'],
  ['sit', { data: { proto: 'ipip' } }, 'onlink', /carries ipip only/],
  ['gre', {}, 'onlink+endpoint', 'onlink+endpoint'],
  ['gre', { ...LOCAL, key: 5 }, 'onlink+endpoint', 'onlink+endpoint'],
  ['gre', { data: { iflags: ['key', 'seq'] } }, /sequence numbers.*leave 'seq' out/, /sequence numbers/],
  ['gre', EXTERNAL, 'encap', 'encap'],
  ['gre', { remote: '192.168.122.12' }, /leads to one peer/, /leads to one peer/],
  ['gretap', LOCAL, 'onlink+mac', 'onlink+mac'],
  ['gretap', EXTERNAL, 'encap+mac', 'encap+mac'],
  ['erspan', { data: { erspanVer: 0 } }, 'onlink+mac', 'onlink+mac'],
  ['erspan', { data: { erspanVer: 1, iflags: ['seq', 'key'] } }, /erspanVer 0/, /erspanVer 0/],
  ['erspan', EXTERNAL, 'encap+mac', 'encap+mac'],
  ['ip6tnl', LOCAL6, 'onlink', 'onlink'],
  ['ip6tnl', {}, /no local address/, /no local address/],
  ['ip6tnl', EXTERNAL, 'encap', 'encap'],
  ['ip6tnl', { ...LOCAL6, data: { proto: 'ipv6' } }, /carries ipv6 only/, 'onlink'],
  ['ip6gre', LOCAL6, /no remote/, /no remote/],
  ['ip6gre', EXTERNAL, 'encap', 'encap'],
  ['ip6gretap', LOCAL6, /no remote/, /no remote/],
  ['ip6gretap', EXTERNAL, 'encap+mac', 'encap+mac'],
  ['ip6erspan', EXTERNAL, 'encap+mac', 'encap+mac'],
  ['vti', LOCAL, 'onlink', 'onlink'],
  ['vti', {}, /no local address/, /no local address/],
  ['vti6', LOCAL6, 'onlink', 'onlink'],
  ['vxlan', LOCAL, 'fdb+mac', 'fdb+mac'],
  ['vxlan', EXTERNAL, 'encap+mac', 'encap+mac'],
  ['geneve', EXTERNAL, 'encap+mac', 'encap+mac'],
  ['geneve', { remote: '192.168.122.12' }, /leads to one peer/, /leads to one peer/],
  ['geneve', {}, /no other way/, /no other way/],
]

function check(t: Test, way: ReturnType<typeof wayOf>, expected: Expected, name: string): void {
  if (expected instanceof RegExp) {
    t.match(isRefusal(way) ? way.refused : `carried by ${way.carriage}`, expected, name)
    return
  }
  const [carriage, lladdr] = expected.split('+')
  t.match(way, { carriage, lladdr, why: /./ }, name)
}

t.test('how each kind carries each family', (t) => {
  for (const [kind, more, inet, inet6] of ROWS) {
    const device = facts(kind, more)
    for (const [family, expected] of [
      ['inet', inet],
      ['inet6', inet6],
    ] as const)
      check(t, wayOf(device, 'auto', family, false), expected, `${kind} ${JSON.stringify(more)} ${family}`)
  }
  const seen = new Set(ROWS.map(([kind]) => kind))
  t.same(
    Object.keys(TUNNEL_KINDS).filter((kind) => !seen.has(kind as TunnelKind)),
    [],
    'every kind is here',
  )
  t.end()
})

t.test('strategies that are asked for', (t) => {
  const cases: [string, Partial<DeviceFacts>, Strategy, Family, Expected, Expected][] = [
    ['veth', {}, 'onlink', 'inet6', 'onlink', 'onlink'],
    ['', {}, 'nexthop', 'inet', 'onlink', 'onlink'],
    ['veth', {}, 'neighbour', 'inet', 'onlink+mac', 'onlink+mac'],
    ['veth', {}, 'encap', 'inet', /not external/, 'encap'],
    ['veth', {}, 'fdb', 'inet', /only a vxlan/, /only a vxlan/],
    ['vxlan', LOCAL, 'onlink', 'inet', 'onlink', 'onlink'],
    ['vxlan', LOCAL, 'nexthop', 'inet', 'fdb+mac', 'fdb+mac'],
    ['vxlan', LOCAL, 'neighbour', 'inet', 'onlink+mac', 'onlink+mac'],
    ['vxlan', LOCAL, 'fdb', 'inet', 'fdb+mac', 'fdb+mac'],
    ['vxlan', EXTERNAL, 'fdb', 'inet', /only a vxlan/, /only a vxlan/],
    ['vxlan', EXTERNAL, 'nexthop', 'inet', 'encap+mac', 'encap+mac'],
    ['gre', LOCAL, 'onlink', 'inet', 'onlink+endpoint', 'onlink+endpoint'],
    ['gre', LOCAL, 'nexthop', 'inet', 'onlink+endpoint', 'onlink+endpoint'],
    ['gre', LOCAL, 'neighbour', 'inet', 'onlink+endpoint', 'onlink+endpoint'],
    ['gre', LOCAL, 'encap', 'inet', /not external/, 'encap'],
    ['gre', EXTERNAL, 'onlink', 'inet', /external/, 'onlink'],
    ['gre', EXTERNAL, 'encap', 'inet', 'encap', 'encap'],
    ['ipip', LOCAL, 'encap', 'inet', 'encap', 'encap'],
    ['ipip', LOCAL, 'neighbour', 'inet', /neighbour entries/, 'onlink+endpoint'],
    ['ipip', LOCAL, 'onlink', 'inet6', /IPv4 only/, 'onlink'],
    ['sit', LOCAL, 'encap', 'inet', /not external/, 'encap'],
    ['ip6gre', LOCAL6, 'onlink', 'inet', /no remote/, 'onlink'],
  ]
  for (const [kind, more, strategy, family, plain, forced] of cases) {
    const name = `${kind} ${JSON.stringify(more)} ${strategy} ${family}`
    check(t, wayOf(facts(kind, more), strategy, family, false), plain, name)
    check(t, wayOf(facts(kind, more), strategy, family, true), forced, `${name}, forced`)
  }
  check(t, wayOf(facts('veth'), 'auto', 'inet', false), /of kind veth, no tunnel/, 'auto needs a tunnel')
  t.end()
})

t.test('overhead and underlay', (t) => {
  const rows: [TunnelKind, Partial<DeviceFacts>, number, string][] = [
    ['ipip', {}, 20, 'inet'],
    ['ipip', { data: { encapType: 'fou' } }, 28, 'inet'],
    ['ipip', { data: { encapType: 'gue' } }, 32, 'inet'],
    ['gre', {}, 24, 'inet'],
    ['gre', { data: { oflags: ['key', 'csum'] } }, 32, 'inet'],
    ['gretap', { data: { oflags: ['key'] } }, 42, 'inet'],
    ['erspan', { data: { erspanVer: 0 } }, 38, 'inet'],
    ['erspan', { data: { erspanVer: 1 } }, 50, 'inet'],
    ['erspan', { data: { erspanVer: 2 } }, 54, 'inet'],
    ['sit', {}, 20, 'inet'],
    ['ip6tnl', {}, 48, 'inet6'],
    ['ip6tnl', { data: { flags: ['ign_encap_limit'] } }, 40, 'inet6'],
    ['ip6gre', { data: { oflags: ['key'] } }, 56, 'inet6'],
    ['ip6gretap', {}, 66, 'inet6'],
    ['ip6erspan', { data: { erspanVer: 1 } }, 78, 'inet6'],
    ['vti', {}, 20, 'inet'],
    ['vti6', {}, 40, 'inet6'],
    ['vxlan', LOCAL, 50, 'inet'],
    ['vxlan', LOCAL6, 70, 'inet6'],
    ['vxlan', {}, 50, 'inet,inet6'],
    ['vxlan', { external: true, ...LOCAL }, 50, 'inet,inet6'],
    ['geneve', EXTERNAL, 50, 'inet,inet6'],
  ]
  for (const [kind, more, overhead, underlay] of rows) {
    const row = kindRow(kind)!
    t.equal(row.overhead(facts(kind, more)), overhead, `${kind} ${JSON.stringify(more)}`)
    t.equal(row.underlay(facts(kind, more)).join(), underlay)
  }
  t.equal(kindRow('veth'), undefined)
  t.equal(kindRow('toString'), undefined)
  t.end()
})
