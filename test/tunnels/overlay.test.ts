import t, { type Test } from 'tap'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import type { Host } from '../../lib/testing/host.js'
import { Lab } from '../../lib/testing/lab.js'
import type { Packet } from '../../lib/testing/packet.js'
import type { TunnelKind } from '../../lib/tunnel/kinds.js'
import type { OverlayOptions } from '../../lib/tunnel/options.js'
import { Overlay } from '../../lib/tunnel/overlay.js'
import type { Peer } from '../../lib/tunnel/peer.js'
import { Tunnel, type TunnelOptions } from '../../lib/tunnel/tunnel.js'
import { answer, ask } from '../helpers/echo.js'

/**
 * Three hosts, one tunnel device on each, peers by Overlay alone: packets pass, and their outer headers are what they
 * should be. Runs in a kernel that has the tunnels: `node tools/uml.mjs -- node …`.
 */

type Site = Host<'eth1'>
type Inner = 4 | 6

interface Case {
  readonly name: string
  /** The device of a host; `n` is 11, 12 or 13. */
  readonly device: (site: Site, n: number) => Promise<Tunnel>
  readonly options?: (n: number) => Partial<OverlayOptions>
  /** What a peer has beside endpoint and prefixes. */
  readonly peer?: (n: number, tunnel: Tunnel) => Partial<Peer>
  readonly underlay?: (n: number) => string
  readonly inner: readonly Inner[]
  readonly strategy: string
  /** Checks the packet beyond its outer addresses. */
  readonly outer: (packet: Packet) => boolean
  readonly prepare?: (site: Site, n: number) => Promise<void>
}

const NUMBERS = [11, 12, 13] as const
const PROTOCOL = 78
const ipv4 = (n: number): string => `192.168.122.${n}`
const ipv6 = (n: number): string => `fd00::${n}`
const inside = { 4: (n: number): string => `${n}.1.1.1`, 6: (n: number): string => `2001:db8:${n}::1` }
/** Both other hosts have these. */
const SHARED = ['50.1.1.1', '2001:db8:50::1'] as const
const prefixes = (n: number, inner: readonly Inner[]): string[] =>
  inner.map((family) => (family === 4 ? `${inside[4](n)}/32` : `2001:db8:${n}::/48`))

/** The inner header cannot be read. */
const ESP = 50
const protocol = (number: number) => (packet: Packet) => packet.outer?.protocol === number
const mac = (_n: number, tunnel: Tunnel): Partial<Peer> => ({ mac: tunnel.address! })
const external = (kind: TunnelKind) => (site: Site) =>
  Tunnel.create(site.rt, { kind, ifname: 'x0', external: true } as TunnelOptions)
const at =
  (kind: TunnelKind, more: object = {}, local = ipv4) =>
  (site: Site, n: number) =>
    Tunnel.create(site.rt, { kind, ifname: 'x0', local: local(n), ...more } as TunnelOptions)
const fallback = (kind: 'ipip' | 'gre' | 'sit') => (site: Site) => Tunnel.fallback(site.rt, kind) as Promise<Tunnel>

const CASES: readonly Case[] = [
  { name: 'ipip, fallback', device: fallback('ipip'), inner: [4], strategy: 'onlink', outer: protocol(4) },
  { name: 'ipip with local', device: at('ipip'), inner: [4], strategy: 'onlink', outer: protocol(4) },
  {
    name: 'ipip, nexthop objects',
    device: fallback('ipip'),
    options: () => ({ strategy: 'nexthop' }),
    inner: [4],
    strategy: 'nexthop',
    outer: protocol(4),
  },
  { name: 'ipip, external', device: external('ipip'), inner: [4], strategy: 'encap', outer: protocol(4) },
  {
    name: 'ipip, external, nexthop objects',
    device: external('ipip'),
    options: () => ({ strategy: 'nexthop' }),
    inner: [4],
    strategy: 'nexthop',
    outer: protocol(4),
  },
  {
    name: 'ipip, fallback, encap',
    device: fallback('ipip'),
    options: () => ({ strategy: 'encap' }),
    inner: [4],
    strategy: 'encap',
    outer: protocol(4),
  },
  { name: 'sit, fallback', device: fallback('sit'), inner: [6], strategy: 'onlink', outer: protocol(41) },
  { name: 'sit with local', device: at('sit'), inner: [4, 6], strategy: 'onlink', outer: () => true },
  {
    name: 'sit, nexthop objects',
    device: at('sit'),
    options: () => ({ strategy: 'nexthop' }),
    inner: [4, 6],
    strategy: 'nexthop',
    outer: () => true,
  },
  {
    name: 'gre, fallback',
    device: fallback('gre'),
    inner: [4, 6],
    strategy: 'onlink',
    outer: ({ gre }) => gre !== undefined,
  },
  {
    name: 'gre with local and key',
    device: at('gre', { key: 5 }),
    inner: [4, 6],
    strategy: 'onlink',
    outer: ({ gre }) => gre?.key === 5,
  },
  {
    name: 'gre with key only',
    device: (site) => Tunnel.create(site.rt, { kind: 'gre', ifname: 'x0', key: 7 }) as Promise<Tunnel>,
    inner: [4, 6],
    strategy: 'onlink',
    outer: ({ gre }) => gre?.key === 7,
  },
  {
    name: 'gre, gateways inside',
    device: at('gre', { key: 5 }),
    options: () => ({ strategy: 'neighbour' }),
    peer: (n) => ({ gateway: `10.255.0.${n}` }),
    inner: [4, 6],
    strategy: 'neighbour',
    outer: ({ gre }) => gre?.key === 5,
  },
  {
    name: 'gre, nexthop objects',
    device: at('gre', { key: 5 }),
    options: () => ({ strategy: 'nexthop' }),
    inner: [4, 6],
    strategy: 'nexthop',
    outer: ({ gre }) => gre?.key === 5,
  },
  {
    name: 'gre, external',
    device: external('gre'),
    options: () => ({ encap: { id: 9 } }),
    inner: [4, 6],
    strategy: 'encap',
    outer: ({ gre }) => gre?.key === 9,
  },
  {
    name: 'gre, external, nexthop objects',
    device: external('gre'),
    options: () => ({ strategy: 'nexthop', encap: { id: 9 } }),
    inner: [4, 6],
    strategy: 'nexthop',
    outer: ({ gre }) => gre?.key === 9,
  },
  {
    name: 'gretap',
    device: at('gretap', { key: 5 }),
    peer: mac,
    inner: [4, 6],
    strategy: 'onlink',
    outer: ({ gre }) => gre?.protocol === 0x6558,
  },
  {
    name: 'gretap, external',
    device: external('gretap'),
    options: () => ({ encap: { id: 9 } }),
    peer: mac,
    inner: [4, 6],
    strategy: 'encap',
    outer: ({ gre }) => gre?.protocol === 0x6558 && gre.key === 9,
  },
  {
    name: 'erspan',
    device: at('erspan'),
    peer: mac,
    inner: [4, 6],
    strategy: 'onlink',
    outer: ({ gre }) => gre?.protocol === 0x88be,
  },
  {
    name: 'erspan, external',
    device: external('erspan'),
    options: () => ({ encap: { id: 9, opts: { erspan: { ver: 1, index: 7 } } } }),
    peer: mac,
    inner: [4, 6],
    strategy: 'encap',
    outer: ({ gre }) => gre?.protocol === 0x88be,
  },
  {
    name: 'ip6tnl, external',
    device: external('ip6tnl'),
    underlay: ipv6,
    inner: [4, 6],
    strategy: 'encap',
    outer: () => true,
  },
  {
    name: 'ip6tnl, underlay behind the default route',
    device: at('ip6tnl', {}, (n) => `fd01::${n}`),
    underlay: (n) => `fd01::${n}`,
    prepare: async (site) => {
      await site.exec('ip', ['-6', 'route', 'add', 'default', 'dev', 'eth1'])
    },
    inner: [4, 6],
    strategy: 'onlink',
    outer: () => true,
  },
  {
    name: 'ip6tnl, nexthop objects',
    device: at('ip6tnl', {}, (n) => `fd01::${n}`),
    underlay: (n) => `fd01::${n}`,
    options: () => ({ strategy: 'nexthop' }),
    prepare: async (site) => {
      await site.exec('ip', ['-6', 'route', 'add', 'default', 'dev', 'eth1'])
    },
    inner: [4, 6],
    strategy: 'nexthop',
    outer: () => true,
  },
  {
    name: 'ip6gre, external',
    device: external('ip6gre'),
    underlay: ipv6,
    inner: [4, 6],
    strategy: 'encap',
    outer: ({ gre }) => gre !== undefined,
  },
  {
    name: 'ip6gretap, external',
    device: external('ip6gretap'),
    underlay: ipv6,
    peer: mac,
    inner: [4, 6],
    strategy: 'encap',
    outer: ({ gre }) => gre?.protocol === 0x6558,
  },
  {
    name: 'ip6erspan, external',
    device: external('ip6erspan'),
    options: () => ({ encap: { id: 9, opts: { erspan: { ver: 1, index: 7 } } } }),
    underlay: ipv6,
    peer: mac,
    inner: [4, 6],
    strategy: 'encap',
    outer: ({ gre }) => gre?.protocol === 0x88be,
  },
  {
    name: 'vxlan, nexthop objects',
    device: at('vxlan', { vni: 42 }),
    options: () => ({ strategy: 'nexthop' }),
    peer: mac,
    inner: [4, 6],
    strategy: 'nexthop',
    outer: ({ vxlan }) => vxlan?.vni === 42,
  },
  {
    name: 'vxlan',
    device: at('vxlan', { vni: 42 }),
    peer: mac,
    inner: [4, 6],
    strategy: 'fdb',
    outer: ({ vxlan }) => vxlan?.vni === 42,
  },
  {
    name: 'vxlan over IPv6',
    device: at('vxlan', { vni: 42 }, ipv6),
    underlay: ipv6,
    peer: mac,
    inner: [4, 6],
    strategy: 'fdb',
    outer: ({ vxlan }) => vxlan?.vni === 42,
  },
  {
    name: 'vxlan, external',
    device: external('vxlan'),
    options: () => ({ encap: { id: 43 } }),
    peer: mac,
    inner: [4, 6],
    strategy: 'encap',
    outer: ({ vxlan }) => vxlan?.vni === 43,
  },
  {
    name: 'geneve, external',
    device: external('geneve'),
    options: () => ({ encap: { id: 44 } }),
    peer: mac,
    inner: [4, 6],
    strategy: 'encap',
    outer: ({ geneve }) => geneve?.vni === 44,
  },
  {
    name: 'geneve, external, over IPv6',
    device: external('geneve'),
    options: () => ({ encap: { id: 44 } }),
    underlay: ipv6,
    peer: mac,
    inner: [4, 6],
    strategy: 'encap',
    outer: ({ geneve }) => geneve?.vni === 44,
  },
  {
    name: 'vti',
    device: at('vti', { key: 5 }),
    prepare: (site, n) => xfrm(site, n, ipv4, [4, 6]),
    inner: [4, 6],
    strategy: 'onlink',
    outer: protocol(ESP),
  },
  {
    name: 'vti6, underlay behind the default route',
    device: at('vti6', { key: 5 }, (n) => `fd01::${n}`),
    underlay: (n) => `fd01::${n}`,
    prepare: async (site, n) => {
      await site.exec('ip', ['-6', 'route', 'add', 'default', 'dev', 'eth1'])
      await xfrm(site, n, (one) => `fd01::${one}`, [4, 6])
    },
    inner: [4, 6],
    strategy: 'onlink',
    outer: protocol(ESP),
  },
]

/** IPsec between a host and the others, as an administrator would set it up: one policy a peer, by the mark of the device. */
async function xfrm(site: Site, n: number, underlay: (n: number) => string, families: readonly Inner[]): Promise<void> {
  const key = '0x00112233445566778899aabbccddeeff00112233'
  const states = (src: number, dst: number): string =>
    `state add src ${underlay(src)} dst ${underlay(dst)} proto esp spi ${src * 256 + dst} mode tunnel flag af-unspec aead rfc4106(gcm(aes)) ${key} 128`
  const lines: string[] = []
  for (const other of NUMBERS.filter((one) => one !== n)) {
    const policies = families.flatMap((family) => {
      const all = family === 4 ? '0.0.0.0/0' : '::/0'
      const [peer] = prefixes(other, [family])
      return [
        `policy add src ${all} dst ${peer} dir out mark 5 tmpl src ${underlay(n)} dst ${underlay(other)} proto esp mode tunnel`,
        `policy add src ${peer} dst ${all} dir in mark 5 tmpl src ${underlay(other)} dst ${underlay(n)} proto esp mode tunnel`,
      ]
    })
    lines.push(states(n, other), states(other, n), ...policies)
  }
  await site.exec('ip', ['-batch', '-'], { input: lines.map((line) => `xfrm ${line}\n`).join('') })
}

/** A prefix that both other hosts have: packets arrive at one of them, and at the one that is left. */
async function shared(t: Test, one: Case, site: Site, overlay: Overlay, peers: readonly Peer[]): Promise<void> {
  // What IPsec lets through is the administrator's business.
  if (/^vti/.test(one.name)) return
  const targets = one.inner.map((inner) => SHARED[inner === 4 ? 0 : 1])
  const both = peers.slice(1).map((peer) => ({ ...peer, prefixes: [...peer.prefixes, ...targets] }))
  for (const list of [both, [peers[1]!, both[1]!]]) {
    t.match(await overlay.sync(list), { failures: { length: 0 } })
    t.match(await overlay.sync(list), { messages: 0 })
    for (const target of targets) {
      const source = target.includes(':') ? inside[6](11) : inside[4](11)
      t.equal(await ask(site.ns, target, { source }), 1, `${target}, ${list === both ? 'shared' : 'of one'}`)
    }
  }
  await overlay.sync(peers.slice(1))
}

t.setTimeout(600_000)

const only = process.env.ONLY

for (const one of CASES.filter(({ name }) => only === undefined || name.includes(only))) {
  t.test(one.name, { timeout: 60_000 }, async (t) => {
    await using lab = await Lab.create({
      hosts: Object.fromEntries(
        NUMBERS.map((n) => [
          `h${n}`,
          {
            eth1: [`${ipv4(n)}/24`, `${ipv6(n)}/64`, `fd01::${n}/128`],
            lo: [
              `${inside[4](n)}/32`,
              `${inside[6](n)}/128`,
              ...(n === 11 ? [] : [`${SHARED[0]}/32`, `${SHARED[1]}/128`]),
            ],
          },
        ]),
      ),
    })
    const sites = NUMBERS.map((n) => lab.hosts[`h${n}`] as Site)
    const answering = ([12, 13] as const).map((n) => [inside[4](n), inside[6](n), ...SHARED])
    using _at12 = answer(sites[1]!.ns, answering[0]!)
    using _at13 = answer(sites[2]!.ns, answering[1]!)
    const tunnels: Tunnel[] = []
    for (const [i, site] of sites.entries()) tunnels.push(await one.device(site, NUMBERS[i]!))
    for (const [i, site] of sites.entries()) await one.prepare?.(site, NUMBERS[i]!)
    const underlay = one.underlay ?? ipv4
    const peers = NUMBERS.map(
      (n, i): Peer => ({
        endpoint: underlay(n),
        prefixes: prefixes(n, one.inner),
        ...one.peer?.(n, tunnels[i]!),
      }),
    )
    const overlays: Overlay[] = []
    for (const [i, site] of sites.entries()) {
      const overlay = await Overlay.open(site.rt, {
        device: tunnels[i]!,
        protocol: PROTOCOL,
        source: [inside[4](NUMBERS[i]!), inside[6](NUMBERS[i]!)],
        ...one.options?.(NUMBERS[i]!),
      })
      await overlay.add(peers.filter((_, j) => j !== i))
      overlays.push(overlay)
    }
    t.equal(overlays[0]!.strategy, one.strategy, 'strategy')
    const ways = ([12, 13] as const).flatMap((n) => one.inner.map((inner) => ({ n, inner, dst: inside[inner](n) })))
    {
      // That it arrives is seen by the answers.
      await using capture = await sites[0]!.capture({ device: 'eth1' })
      const answers = await Promise.all(
        ways.map(({ inner, dst }) => ask(sites[0]!.ns, dst, { source: inside[inner](11), count: 2 })),
      )
      const packets = await capture.flush()
      for (const [i, { n, inner, dst }] of ways.entries()) {
        t.equal(answers[i], 2, `IPv${inner} to host ${n}`)
        const seen = packets.filter(
          (packet) =>
            packet.outer?.dst === underlay(n) &&
            packet.outer.src === underlay(11) &&
            (packet.outer.protocol === ESP || packet.inner?.dst === dst) &&
            one.outer(packet),
        )
        t.ok(seen.length >= 2, `outer header from ${underlay(11)} to ${underlay(n)} around ${dst}`)
        if (answers[i] !== 2 || seen.length < 2) t.comment((await capture.text()).join('\n'))
      }
    }
    const found: Peer[] = []
    for await (const peer of overlays[0]!.peers()) found.push(peer)
    t.same(found.map(({ endpoint }) => endpoint).sort(), [underlay(12), underlay(13)], 'peers are read back')
    t.match(
      await overlays[0]!.sync(peers.slice(1)),
      { messages: 0, unchanged: 2 },
      'a sync without changes sends nothing',
    )
    await shared(t, one, sites[0]!, overlays[0]!, peers)
    await overlays[0]!.remove(underlay(12))
    const inner = one.inner[0]!
    const [removed, left] = await Promise.all([
      ask(sites[0]!.ns, inside[inner](12), { source: inside[inner](11), timeout: 300 }),
      ask(sites[0]!.ns, inside[inner](13), { source: inside[inner](11) }),
    ])
    t.equal(removed, 0, 'a removed peer is not reached')
    t.equal(left, 1, 'the other one is')
    t.match(await overlays[0]!.sync([]), { removed: 1, failures: { length: 0 } })
    const { rt, devices } = sites[0]!
    const routes = await rt.list(route.list())
    t.ok(
      routes.some(({ dst, oif }) => dst === '192.168.122.0/24' && oif === devices.eth1.index),
      'foreign routes are there',
    )
    const neighbours = await rt.list(neighbour.list())
    t.same(
      {
        routes: routes.filter((one) => one.protocol === PROTOCOL),
        nexthops: await rt.list(nexthop.list()),
        neighbours: neighbours.filter(({ state, lladdr }) => state?.includes('permanent') && lladdr !== undefined),
      },
      { routes: [], nexthops: [], neighbours: [] },
      'nothing of ours is left',
    )
  })
}
