import t from 'tap'
import type { Host } from '../../lib/testing/host.js'
import { Lab } from '../../lib/testing/lab.js'
import type { Finding } from '../../lib/tunnel/check.js'
import type { OverlayOptions } from '../../lib/tunnel/options.js'
import { Overlay } from '../../lib/tunnel/overlay.js'
import { Tunnel } from '../../lib/tunnel/tunnel.js'
import { needsNamespaces } from '../helpers/kernel.js'

/** What keeps packets from peers is found, each thing after it was made so and not before. */

t.setTimeout(120_000)
const skip = { skip: needsNamespaces, timeout: 60_000 }

type Site = Host<'eth1'>
const underlay = (n: number): string => `192.168.122.${n}`

async function withVxlan(options: Partial<OverlayOptions> = {}): Promise<{ lab: Lab; site: Site; overlay: Overlay }> {
  const lab = await Lab.create({ hosts: { h11: { eth1: [`${underlay(11)}/24`, 'fd00::11/64'], lo: '11.1.1.1/32' } } })
  const site = lab.hosts.h11 as Site
  const device = (await Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx0', vni: 5, local: underlay(11) })) as Tunnel
  return { lab, site, overlay: await Overlay.open(site.rt, { device, protocol: 78, ...options }) }
}

const find = async (overlay: Overlay, code: Finding['code']): Promise<string[]> =>
  (await overlay.check())
    .filter((one) => one.code === code)
    .map(({ severity, message, endpoint }) => `${severity} ${endpoint ?? '-'} ${message}`)

const peer = (n: number, more: object = {}) => ({
  endpoint: underlay(n),
  prefixes: [`${n}.1.1.0/24`],
  mac: `02:00:00:00:00:${n}`,
  ...more,
})

interface Case {
  readonly code: Finding['code']
  readonly make: (site: Site, overlay: Overlay) => Promise<unknown>
  readonly expected: RegExp
  readonly options?: Partial<OverlayOptions>
}

const run =
  (...lines: string[]) =>
  async (site: Site): Promise<void> => {
    for (const line of lines) await site.exec('ip', line.split(' '))
  }

const CASES: readonly Case[] = [
  { code: 'device-down', make: run('link set vx0 down'), expected: /^error - vx0 is down.*bring it up and sync/ },
  { code: 'device-gone', make: run('link del vx0'), expected: /^error - .*open the overlay anew/ },
  {
    code: 'no-addresses',
    make: run('-4 addr flush dev eth1', '-4 addr flush dev lo'),
    expected: /^error - .*bring up lo/,
  },
  {
    code: 'source-missing',
    make: run('addr del 11.1.1.1/32 dev lo'),
    options: { source: '11.1.1.1' },
    expected: /^error - the source address 11\.1\.1\.1 is on no device/,
  },
  {
    code: 'endpoint-local',
    make: run('addr add 192.168.122.12/32 dev lo'),
    expected: /^error 192\.168\.122\.12 .*it is on lo.*remove the peer or the address/,
  },
  {
    code: 'endpoint-local',
    make: run('addr add 192.168.122.9/29 dev eth1', 'addr add 192.168.122.14/30 dev eth1'),
    expected: /^error 192\.168\.122\.15 .*broadcast address/,
  },
  {
    code: 'gateway-local',
    make: run('addr add 10.255.0.13/24 dev vx0'),
    expected: /^error 192\.168\.122\.13 the gateway 10\.255\.0\.13 .*it is on vx0/,
  },
  {
    code: 'no-underlay-route',
    make: (_, overlay) => overlay.add(peer(14, { endpoint: '203.0.113.1' })),
    expected: /^error 203\.0\.113\.1 no route leads/,
  },
  {
    code: 'underlay-loop',
    make: run('route add 192.168.122.12/32 dev vx0'),
    expected: /^error 192\.168\.122\.12 packets .* go into vx0 itself/,
  },
  {
    code: 'mtu',
    make: run('link set eth1 mtu 1400'),
    expected: /^warning - vx0 has MTU 1450, but eth1 \(1400\) leaves 1350 after 50 bytes.*set the MTU to 1350/,
  },
  {
    code: 'mtu',
    make: run('route add 192.168.122.12/32 dev eth1 mtu 1300'),
    expected: /^warning 192\.168\.122\.12 .*the way to 192\.168\.122\.12 \(1300\) leaves 1250/,
  },
  {
    code: 'foreign-route',
    make: run('route add 12.1.1.0/24 dev eth1 metric 3'),
    expected: /^warning - .*12\.1\.1\.0\/24 with metric 3: it goes before ours/,
  },
  {
    code: 'rp-filter',
    make: async (site) => site.sysctl('net.ipv4.conf.vx0.rp_filter', 1),
    expected: /^note - vx0 has rp_filter 1 \(strict/,
  },
  {
    code: 'rp-filter',
    make: async (site) => site.sysctl('net.ipv4.conf.all.rp_filter', 1),
    expected: /^note - vx0 has rp_filter 1 \(strict/,
  },
  {
    code: 'rp-filter',
    make: async (site) => site.sysctl('net.ipv4.conf.vx0.rp_filter', 2),
    expected: /^note - vx0 has rp_filter 2 \(loose\) and no IPv4 address/,
  },
  {
    code: 'forwarding',
    make: async (site) => site.sysctl('net.ipv4.ip_forward', 0),
    expected: /^note - vx0 does not forward IPv4.*net\.ipv4\.ip_forward to 1/,
  },
  {
    code: 'forwarding',
    make: async (site, overlay) => {
      site.sysctl('net.ipv6.conf.all.forwarding', 0)
      await overlay.add(peer(12, { prefixes: ['2001:db8:12::/48'] }))
    },
    expected: /^note - vx0 does not forward IPv6.*net\.ipv6\.conf\.all\.forwarding to 1/,
  },
]

for (const { code, make, expected, options } of CASES) {
  t.test(`${code}: ${expected.source}`, skip, async (t) => {
    const { lab, site, overlay } = await withVxlan(options)
    await using _ = lab
    for (const one of ['all', 'default', 'vx0']) site.sysctl(`net.ipv4.conf.${one}.rp_filter`, 0)
    site.sysctl('net.ipv4.ip_forward', 1)
    site.sysctl('net.ipv6.conf.all.forwarding', 1)
    await overlay.add([peer(12), peer(13, { gateway: '10.255.0.13' }), peer(15)])
    t.same(await find(overlay, code), [], 'all is well')
    await make(site, overlay)
    t.match(await find(overlay, code), [expected])
  })
}

t.test('nothing is found where nothing is wrong', skip, async (t) => {
  const { lab, site, overlay } = await withVxlan()
  await using _ = lab
  for (const one of ['all', 'vx0']) site.sysctl(`net.ipv4.conf.${one}.rp_filter`, 0)
  site.sysctl('net.ipv4.ip_forward', 1)
  await overlay.add([peer(12), peer(13, { gateway: '10.255.0.13' })])
  t.same(await overlay.check(), [])
})

t.test('parameters are those of the namespace, not of the process', skip, async (t) => {
  const found = await Promise.all(
    [0, 1, 2].map(async (value) => {
      const { lab, site, overlay } = await withVxlan()
      await using _ = lab
      site.sysctl('net.ipv4.conf.vx0.rp_filter', 0)
      site.sysctl('net.ipv4.conf.all.rp_filter', value)
      return (await find(overlay, 'rp-filter')).map((text) => text.match(/rp_filter (\d)/)![1])
    }),
  )
  t.same(found, [[], ['1'], ['2']])
})
