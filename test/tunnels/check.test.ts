import { writeFileSync } from 'node:fs'
import t from 'tap'
import { link } from '../../lib/rtnl/link.js'
import { route } from '../../lib/rtnl/route.js'
import type { Host } from '../../lib/testing/host.js'
import { Lab } from '../../lib/testing/lab.js'
import type { Finding } from '../../lib/tunnel/check.js'
import { Overlay } from '../../lib/tunnel/overlay.js'
import { Tunnel, type TunnelOptions } from '../../lib/tunnel/tunnel.js'

/** Other devices of the kind that get what peers send: they are found, and packets show that they do. */

t.setTimeout(300_000)

type Site = Host<'eth1'>
const underlay = (n: number): string => `192.168.122.${n}`

const make = (site: Site, options: object): Promise<Tunnel> =>
  Tunnel.create(site.rt, options as TunnelOptions) as Promise<Tunnel>

const find = async (overlay: Overlay, code: Finding['code']): Promise<string[]> =>
  (await overlay.check()).filter((one) => one.code === code).map(({ severity, message }) => `${severity} ${message}`)

const received = async (site: Site, ifname: string): Promise<number> => {
  const [found] = await site.rt.get(link.get({ ifname }))
  return Number(found!.stats64!.rxPackets)
}

interface Case {
  readonly name: string
  readonly code: Finding['code']
  /** The overlay's device here, and the other one. */
  readonly device: object
  readonly rival: (site: Site) => Promise<Tunnel>
  readonly expected: RegExp
  /** What the other host sends with, and where to. */
  readonly sender: object
  readonly to: string
}

const SECOND = '192.168.122.21'
const CASES: readonly Case[] = [
  {
    name: 'a device with the same key and a local address',
    code: 'device-clash',
    device: { kind: 'gre', ifname: 'x0', key: 5 },
    rival: (site) => make(site, { kind: 'gre', ifname: 'x1', key: 5, local: SECOND }),
    expected:
      /^warning x1 has the key 5 of x0: packets to 192\.168\.122\.21 come in there; give one of them another key/,
    sender: { key: 5 },
    to: SECOND,
  },
  {
    name: 'a device with the same key and no local address',
    code: 'device-clash',
    device: { kind: 'gre', ifname: 'x0', key: 5, local: underlay(11) },
    rival: (site) => make(site, { kind: 'gre', ifname: 'x1', key: 5 }),
    expected: /^warning x1 has the key 5 of x0 and no local address: packets to other addresses than 192\.168\.122\.11/,
    sender: { key: 5 },
    to: SECOND,
  },
  {
    name: 'the fallback device',
    code: 'fallback-shared',
    device: { kind: 'gre', ifname: 'x0', local: underlay(11) },
    rival: async (site) => (await Tunnel.fallback(site.rt, 'gre')) as Tunnel,
    expected: /^note gre0 is up as well: packets that do not fit x0.*come in there; set it down/,
    sender: {},
    to: SECOND,
  },
  {
    name: 'an external device',
    code: 'external-shared',
    device: { kind: 'gre', ifname: 'x0', key: 5, local: underlay(11) },
    rival: (site) => make(site, { kind: 'gre', ifname: 'x1', external: true }),
    expected: /^note x1 is external, the one such device of kind gre here: packets that do not fit x0/,
    sender: { key: 6 },
    to: underlay(11),
  },
  {
    name: 'beside an external device',
    code: 'external-shared',
    device: { kind: 'gre', ifname: 'x0', external: true },
    rival: (site) => make(site, { kind: 'gre', ifname: 'x1', key: 5, local: underlay(11) }),
    expected: /^note x1 has no remote address either: packets with its key to 192\.168\.122\.11 come in there/,
    sender: { key: 5 },
    to: underlay(11),
  },
]

for (const { name, code, device, rival, expected, sender, to } of CASES) {
  t.test(name, { timeout: 60_000 }, async (t) => {
    await using lab = await Lab.create({
      hosts: {
        h11: { eth1: [`${underlay(11)}/24`, `${SECOND}/24`], lo: '11.1.1.1/32' },
        h12: { eth1: `${underlay(12)}/24`, lo: '12.1.1.1/32' },
      },
    })
    const [here, there] = [lab.hosts.h11, lab.hosts.h12] as [Site, Site]
    const own = await make(here, device)
    const { kind, index } = await make(there, { kind: 'gre', ifname: 'y0', remote: to, ...sender })
    t.equal(kind, 'gre')
    await there.rt.request(route.add({ dst: '11.1.1.1/32', oif: index, scope: 'link', prefsrc: '12.1.1.1' }))
    const overlay = await Overlay.open(here.rt, { device: own, protocol: 78 })
    await overlay.add({ endpoint: underlay(12), prefixes: ['12.1.1.1/32'] })
    t.same(await find(overlay, code), [], 'not yet')
    const other = await rival(here)
    t.match(await find(overlay, code), [expected])
    const before = [await received(here, own.ifname), await received(here, other.ifname)]
    await there.ping('11.1.1.1', { source: '12.1.1.1', count: 3, timeout: 200 })
    const after = [await received(here, own.ifname), await received(here, other.ifname)]
    t.same(
      after.map((count, i) => count - before[i]!),
      [0, 3],
      'they do come in there',
    )
  })
}

t.test('one external device of a kind', { timeout: 60_000 }, async (t) => {
  await using lab = await Lab.create({ hosts: { h11: { eth1: `${underlay(11)}/24` } } })
  for (const kind of ['ipip', 'gre', 'ip6tnl', 'ip6gre', 'geneve']) {
    await make(lab.hosts.h11 as Site, { kind, ifname: 'x0', external: true })
    await t.rejects(
      make(lab.hosts.h11 as Site, { kind, ifname: 'x1', external: true }),
      { message: /x0 is external, and a kind has one such device a namespace/ },
      kind,
    )
    await lab.hosts.h11.rt.request(link.delete({ ifname: 'x0' }))
  }
})

t.test('fallback devices, shared and absent; the bit that keeps packets whole', { timeout: 60_000 }, async (t) => {
  await using lab = await Lab.create({ hosts: { h11: { eth1: `${underlay(11)}/24`, lo: '11.1.1.1/32' } } })
  const site = lab.hosts.h11 as Site
  const peer = { endpoint: underlay(12), prefixes: ['12.1.1.1/32'] }
  const shared = await Overlay.open(site.rt, {
    device: (await Tunnel.fallback(site.rt, 'ipip')) as Tunnel,
    protocol: 78,
  })
  await shared.add(peer)
  t.match(await find(shared, 'fallback-shared'), [/^note tunl0 is the fallback device of ipip/])
  t.match(await find(shared, 'pmtu'), [/^note tunl0 does not set the outer don't-fragment bit/])
  await shared.sync([])
  const device = await make(site, { kind: 'ipip', ifname: 'x0', local: underlay(11) })
  const own = await Overlay.open(site.rt, { device, protocol: 78 })
  await own.add(peer)
  t.same(await find(own, 'pmtu'), [])
  t.same(await find(own, 'fallback-absent'), [])
})

t.test('a namespace without fallback devices', { timeout: 60_000 }, async (t) => {
  const path = '/proc/sys/net/core/fb_tunnels_only_for_init_net'
  writeFileSync(path, '2')
  t.teardown(() => writeFileSync(path, '0'))
  await using lab = await Lab.create({ hosts: { h11: { eth1: `${underlay(11)}/24` } } })
  const site = lab.hosts.h11 as Site
  t.equal(site.rt.sysctl('net/core/fb_tunnels_only_for_init_net'), '2', 'it is of the whole host')
  const device = await make(site, { kind: 'gre', ifname: 'x0', local: underlay(11), key: 5 })
  const overlay = await Overlay.open(site.rt, { device, protocol: 78 })
  t.match(await find(overlay, 'fallback-absent'), [
    /^note there is no gre0 here \(net\.core\.fb_tunnels_only_for_init_net is 2\)/,
  ])
})
