import t from 'tap'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { route } from '../../lib/rtnl/route.js'
import type { Host } from '../../lib/testing/host.js'
import { Lab } from '../../lib/testing/lab.js'
import { Tunnel, type TunnelOptions } from '../../lib/tunnel/tunnel.js'

/** What overlays do beside a route is needed: the kernel takes the same without it, and delivers nothing. */

t.setTimeout(300_000)

type Site = Host<'eth1'>
const ipv4 = (n: number): string => `192.168.122.${n}`
const ipv6 = (n: number): string => `fd01::${n}`
const inside = { 4: (n: number): string => `${n}.1.1.1`, 6: (n: number): string => `2001:db8:${n}::1` }

interface Case {
  readonly name: string
  readonly device: (n: number) => TunnelOptions | 'gre'
  readonly inner: 4 | 6
  /** How the route leads to the other host; nothing: to the device alone. */
  readonly gateway?: (n: number) => string
  /** A neighbour entry for the gateway makes it work, or not. */
  readonly lladdr?: (n: number) => string
  readonly mended: boolean
}

const gre = (n: number): TunnelOptions => ({ kind: 'gre', ifname: 'x0', local: ipv4(n), key: 5 }) as TunnelOptions
const CASES: readonly Case[] = [
  {
    name: 'ipip, without a gateway',
    device: (n) => ({ kind: 'ipip', ifname: 'x0', local: ipv4(n) }) as TunnelOptions,
    inner: 4,
    mended: false,
  },
  { name: 'gre, without a neighbour entry', device: gre, inner: 4, gateway: ipv4, lladdr: ipv4, mended: true },
  { name: 'gre0, without a neighbour entry', device: () => 'gre', inner: 4, gateway: ipv4, lladdr: ipv4, mended: true },
  {
    name: 'gre, IPv6 inside, without a neighbour entry',
    device: gre,
    inner: 6,
    gateway: (n) => `::${ipv4(n)}`,
    lladdr: ipv4,
    mended: true,
  },
  {
    name: 'ip6gre, with a neighbour entry or without',
    device: (n) => ({ kind: 'ip6gre', ifname: 'x0', local: ipv6(n) }) as TunnelOptions,
    inner: 6,
    gateway: ipv6,
    lladdr: ipv6,
    mended: false,
  },
]

for (const { name, device, inner, gateway, lladdr, mended } of CASES) {
  t.test(name, { timeout: 60_000 }, async (t) => {
    await using lab = await Lab.create({
      hosts: Object.fromEntries(
        [11, 12].map((n) => [
          `h${n}`,
          { eth1: [`${ipv4(n)}/24`, `${ipv6(n)}/128`], lo: [`${inside[4](n)}/32`, `${inside[6](n)}/128`] },
        ]),
      ),
    })
    const sites = [lab.hosts.h11, lab.hosts.h12] as [Site, Site]
    const mend: (() => Promise<unknown>)[] = []
    for (const [i, { rt, exec, name: host }] of sites.entries()) {
      const n = 11 + i
      const other = 23 - n
      await exec.call(lab.hosts[host]!, 'ip', ['-6', 'route', 'add', 'default', 'dev', 'eth1'])
      const wanted = device(n)
      const tunnel = wanted === 'gre' ? await Tunnel.fallback(rt, 'gre') : await Tunnel.create(rt, wanted)
      const dst = `${inside[inner](other)}/${inner === 4 ? 32 : 128}`
      const to = gateway === undefined ? {} : { gateway: gateway(other), flags: ['onlink'] as const }
      await rt.request(route.add({ dst, oif: tunnel.index, prefsrc: inside[inner](n), ...to }))
      if (gateway === undefined || lladdr === undefined) continue
      const entry = { ifindex: tunnel.index, dst: gateway(other), lladdr: lladdr(other) }
      mend.push(() => rt.request(neighbour.replace(entry)))
    }
    const ping = async (): Promise<number> =>
      (await sites[0].ping(inside[inner](12), { source: inside[inner](11), count: 2, timeout: 400 })).received
    t.equal(await ping(), 0, 'nothing arrives')
    for (const one of mend) await one()
    t.equal(await ping(), mended ? 2 : 0, mended ? 'with the entry it does' : 'nor with an entry')
  })
}
