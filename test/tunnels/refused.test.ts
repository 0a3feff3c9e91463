import t from 'tap'
import { UnsupportedError } from '../../lib/errors.js'
import type { Host } from '../../lib/testing/host.js'
import { Lab } from '../../lib/testing/lab.js'
import type { TunnelKind } from '../../lib/tunnel/kinds.js'
import type { OverlayOptions } from '../../lib/tunnel/options.js'
import { Overlay } from '../../lib/tunnel/overlay.js'
import { Tunnel, type TunnelOptions } from '../../lib/tunnel/tunnel.js'

/** What overlays refuse does not deliver: with `force` it is tried all the same. Runs in a kernel that has the tunnels. */

t.setTimeout(600_000)

type Site = Host<'eth1'>

interface Case {
  readonly name: string
  readonly device: (site: Site, n: number) => Promise<Tunnel>
  readonly options?: Partial<OverlayOptions>
  readonly inner: 4 | 6
  readonly reason: RegExp
  readonly underlay?: (n: number) => string
}

const ipv4 = (n: number): string => `192.168.122.${n}`
const ipv6 = (n: number): string => `fd01::${n}`
const inside = { 4: (n: number): string => `${n}.1.1.1`, 6: (n: number): string => `2001:db8:${n}::1` }
const make =
  (kind: TunnelKind, options: object = {}) =>
  (site: Site, n: number) =>
    Tunnel.create(site.rt, {
      kind,
      ifname: 'x0',
      ...('local' in options ? { ...options, local: (options.local as (n: number) => string)(n) } : options),
    } as TunnelOptions)
const fallback = (kind: 'gre' | 'sit' | 'ip6tnl' | 'ip6gre' | 'vti') => (site: Site) =>
  Tunnel.fallback(site.rt, kind) as Promise<Tunnel>

const CASES: readonly Case[] = [
  {
    name: 'gre, external, by gateway',
    device: make('gre', { external: true }),
    options: { strategy: 'onlink' },
    inner: 4,
    reason: /external/,
  },
  {
    name: 'ipip, external, by gateway',
    device: make('ipip', { external: true }),
    options: { strategy: 'onlink' },
    inner: 4,
    reason: /external/,
  },
  {
    name: 'gre, fallback, by encap',
    device: fallback('gre'),
    options: { strategy: 'encap' },
    inner: 4,
    reason: /not external/,
  },
  {
    name: 'gre, by encap',
    device: make('gre', { local: ipv4 }),
    options: { strategy: 'encap' },
    inner: 4,
    reason: /not external/,
  },
  {
    name: 'sit, by encap',
    device: make('sit', { local: ipv4 }),
    options: { strategy: 'encap' },
    inner: 6,
    reason: /not external/,
  },
  {
    name: 'ip6tnl, by encap',
    device: make('ip6tnl', { local: ipv6 }),
    options: { strategy: 'encap' },
    inner: 6,
    reason: /not external/,
    underlay: ipv6,
  },
  {
    name: 'ip6tnl, fallback',
    device: fallback('ip6tnl'),
    options: { strategy: 'onlink' },
    inner: 6,
    reason: /no local address/,
    underlay: ipv6,
  },
  {
    name: 'ip6gre',
    device: make('ip6gre', { local: ipv6 }),
    options: { strategy: 'onlink' },
    inner: 6,
    reason: /no remote, without which/,
    underlay: ipv6,
  },
  {
    name: 'ip6gre, fallback',
    device: fallback('ip6gre'),
    options: { strategy: 'onlink' },
    inner: 4,
    reason: /no remote, without which/,
    underlay: ipv6,
  },
  {
    name: 'vti, fallback',
    device: fallback('vti'),
    options: { strategy: 'onlink' },
    inner: 4,
    reason: /no local address/,
  },
  {
    name: 'ipip, by neighbour',
    device: make('ipip', { local: ipv4 }),
    options: { strategy: 'neighbour' },
    inner: 4,
    reason: /does not look at neighbour entries/,
  },
]

const lab = (): Promise<Lab> =>
  Lab.create({
    hosts: Object.fromEntries(
      [11, 12].map((n) => [
        `h${n}`,
        { eth1: [`${ipv4(n)}/24`, `${ipv6(n)}/128`], lo: [`${inside[4](n)}/32`, `${inside[6](n)}/128`] },
      ]),
    ),
  })

for (const { name, device, options, inner, reason, underlay = ipv4 } of CASES) {
  t.test(name, { timeout: 60_000 }, async (t) => {
    await using made = await lab()
    const sites = [made.hosts.h11, made.hosts.h12] as Site[]
    for (const [i, site] of sites.entries()) {
      // Nothing but the default route leads to the other one, so that IPv6 gateways are not refused for that.
      await site.exec('ip', ['-6', 'route', 'add', 'default', 'dev', 'eth1'])
      const n = 11 + i
      const tunnel = await device(site, n)
      const wanted: OverlayOptions = { device: tunnel, protocol: 78, source: [inside[4](n), inside[6](n)], ...options }
      await t.rejects(Overlay.open(site.rt, wanted), { name: 'UnsupportedError', message: reason })
      const overlay = await Overlay.open(site.rt, { ...wanted, force: true })
      const other = 23 - n
      const prefix = inner === 4 ? `${inside[4](other)}/32` : `${inside[6](other)}/128`
      await overlay.add({ endpoint: underlay(other), prefixes: [prefix], gateway: `10.255.0.${other}` })
    }
    const { received } = await sites[0]!.ping(inside[inner](12), { source: inside[inner](11), count: 2, timeout: 300 })
    t.equal(received, 0, 'nothing arrives')
  })
}

t.test('families that a kind does not carry', { timeout: 60_000 }, async (t) => {
  await using made = await lab()
  const { rt } = made.hosts.h11 as Site
  const four = { endpoint: ipv4(12), prefixes: ['12.1.1.1/32'] }
  const six = { endpoint: ipv4(12), prefixes: ['2001:db8:12::/48'] }
  const open = (device: Tunnel): Promise<Overlay> => Overlay.open(rt, { device, protocol: 78 })
  const ipip = await open((await Tunnel.fallback(rt, 'ipip')) as Tunnel)
  await t.rejects(
    ipip.add(six),
    new UnsupportedError(
      'peer.prefixes[0]: 2001:db8:12::/48: tunl0: ipip carries IPv4 only; IPv6 goes through sit or gre',
    ),
  )
  const sit = await open((await Tunnel.fallback(rt, 'sit')) as Tunnel)
  await t.rejects(sit.add(four), { name: 'UnsupportedError', message: /sit0 carries ipv6 only/ })
  t.match(sit.explain(), /IPv4: not carried: sit0 carries ipv6 only/)
  const seq = await Tunnel.create(rt, {
    kind: 'gre',
    ifname: 'x0',
    local: ipv4(11),
    key: 5,
    iflags: ['seq'],
    oflags: ['seq'],
  })
  await t.rejects(open(seq as Tunnel), { name: 'UnsupportedError', message: /sequence numbers/ })
  const one = await Tunnel.create(rt, { kind: 'gre', ifname: 'x1', local: ipv4(11), remote: ipv4(12), key: 6 })
  await t.rejects(open(one as Tunnel), { name: 'UnsupportedError', message: /has the remote 192\.168\.122\.12/ })
})

t.test('ip6tnl: what the kernel says where a connected route leads to the peer', { timeout: 60_000 }, async (t) => {
  await using made = await Lab.create({ hosts: { h11: { eth1: 'fd00::11/64' } } })
  const { rt } = made.hosts.h11
  const device = (await Tunnel.create(rt, { kind: 'ip6tnl', ifname: 'x0', local: 'fd00::11' })) as Tunnel
  const overlay = await Overlay.open(rt, { device, protocol: 78 })
  t.match(overlay.explain(), /only an external device will do/)
  await t.rejects(overlay.add({ endpoint: 'fd00::12', prefixes: ['2001:db8:12::/48'] }), {
    code: 'EINVAL',
    message: /Nexthop has invalid gateway or device mismatch/,
  })
})
