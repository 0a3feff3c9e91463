import { writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import { KernelError } from '../../lib/errors.js'
import type { Namespace } from '../../lib/netns/namespace.js'
import { address } from '../../lib/rtnl/address.js'
import { link } from '../../lib/rtnl/link.js'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import type { LinkinfoInput } from '../../lib/schema/link.js'
import type { Nexthop } from '../../lib/schema/nexthop.js'
import type { Route, RouteInput } from '../../lib/schema/route.js'
import { testNamespace } from '../helpers/kernel.js'
import { isUml, loadModules } from '../helpers/uml.js'
import { agree, type Reasons, withoutPadding } from '../show/agree.js'
import { otherIproute2, printed } from '../show/iproute2.js'
import { devicesIn } from '../show/link.js'
import { neighbour as shownNeighbour } from '../show/neighbour.js'
import { nexthop as shownNexthop } from '../show/nexthop.js'
import { distinguish, route as shownRoute } from '../show/route.js'

/** Routes, nexthops and neighbours of tunnels: what is asked, and what the kernel tells. */

type Encap = NonNullable<RouteInput['encap']>

interface EncapCase {
  readonly name: string
  readonly asked: Encap
  /** What is told beside what was asked. */
  readonly told?: object
  /** Has options of the tunnel's own header, which lock up the routing of some kernels. */
  readonly hazardous?: boolean
}

const IP = { id: 0n, src: '0.0.0.0', ttl: 0, tos: 0, flags: [] } as const
const IP6 = { id: 0n, src: '::', hoplimit: 0, tc: 0, flags: [] } as const
const OPTIONS = 'the kernel notes which options there are'

const ip = (more: object): Encap => ({ type: 'ip', dst: '192.0.2.9', ...more }) as Encap
const ip6 = (more: object): Encap => ({ type: 'ip6', dst: '2001:db8::9', ...more }) as Encap

const geneve = [
  { class: 0x0102, type: 0x80, data: Buffer.from('01020304', 'hex') },
  { class: 0xffff, type: 1, data: Buffer.from('0102030405060708', 'hex') },
]

const CASES: readonly EncapCase[] = [
  { name: 'bare', asked: ip({}), told: IP },
  {
    name: 'with everything',
    asked: ip({
      id: 2n ** 63n + 5n,
      src: '192.0.2.1',
      ttl: 9,
      tos: 4,
      flags: ['csum', 'key', 'seq', 'dont_fragment'],
    }),
  },
  { name: 'bare, IPv6', asked: ip6({}), told: IP6 },
  {
    name: 'with everything, IPv6',
    asked: ip6({ id: 2n ** 40n, src: '2001:db8::1', hoplimit: 9, tc: 4, flags: ['csum', 'key', 'seq'] }),
  },
  { name: 'MPLS', asked: { type: 'mpls', dst: [100, 0xfffff] } },
  { name: 'MPLS with a TTL', asked: { type: 'mpls', dst: [16], ttl: 9 } },
  {
    name: `Geneve options: ${OPTIONS}`,
    asked: ip({ opts: { geneve } }),
    told: { ...IP, flags: ['geneve_opt'] },
    hazardous: true,
  },
  {
    name: `Geneve options, IPv6: ${OPTIONS}`,
    asked: ip6({ opts: { geneve } }),
    told: { ...IP6, flags: ['geneve_opt'] },
    hazardous: true,
  },
  {
    name: `VXLAN options: ${OPTIONS}`,
    asked: ip({ opts: { vxlan: { gbp: 0x1234 } } }),
    told: { ...IP, flags: ['vxlan_opt'] },
    hazardous: true,
  },
  {
    name: `ERSPAN options of version 1: ${OPTIONS}`,
    asked: ip({ opts: { erspan: { ver: 1, index: 0x12345 } } }),
    told: { ...IP, flags: ['erspan_opt'] },
    hazardous: true,
  },
  {
    name: `ERSPAN options of version 2: ${OPTIONS}`,
    asked: ip6({ opts: { erspan: { ver: 2, dir: 1, hwid: 7 } } }),
    told: { ...IP6, flags: ['erspan_opt'] },
    hazardous: true,
  },
]

/** The options are only for a kernel that may be lost. */
const cases = CASES.filter(({ hazardous }) => isUml || !hazardous)

/** A namespace with MPLS, and a device that is up. */
async function scene(t: Test): Promise<{ ns: Namespace; rt: Rtnetlink; oif: number }> {
  const ns = testNamespace(t)
  const rt = await Rtnetlink.open({ namespace: ns })
  t.teardown(() => rt.close())
  loadModules('mpls_router', 'mpls_iptunnel')
  ns.run(() => writeFileSync('/proc/sys/net/mpls/platform_labels', '1000'))
  await rt.request(link.add({ ifname: 'e0', linkinfo: { kind: 'veth', data: { peer: { ifname: 'e1' } } } }))
  await rt.request(link.change({ ifname: 'e1', up: true }))
  await rt.request(link.change({ ifname: 'e0', up: true }))
  const [{ index: oif } = { index: 0 }] = await rt.get(link.get({ ifname: 'e0' }))
  await rt.request(address.add({ index: oif, address: '192.0.2.1/24' }))
  await rt.request(address.add({ index: oif, address: '2001:db8::1/64', flags: ['nodad'] }))
  return { ns, rt, oif }
}

const ENCAP_SILENT: Reasons = { family: 'not printed' }

export async function readEncaps(t: Test): Promise<void> {
  const { ns, rt, oif } = await scene(t)
  const { nameOf } = devicesIn(await rt.list(link.list()))
  const via = { gateway: '192.0.2.3', oif } as const
  const expected = ({ asked, told }: EncapCase) => ({ ...told, ...asked })
  if (cases.length < CASES.length) t.comment('options of tunnel headers are not for this kernel')

  await t.test('on routes', async (t) => {
    for (const [i, one] of cases.entries()) {
      const dst = `10.0.${i}.0/24`
      await rt.request(route.add({ dst, encap: one.asked, protocol: 78, ...via }))
      const [found] = await rt
        .list(route.list({ family: 'inet', protocol: 78 }))
        .then((all) => all.filter((r) => r.dst === dst))
      t.match(found, { dst, ...via })
      t.same(withoutPadding(found?.encap), expected(one), one.name)
    }
  })

  await t.test('on routes with several nexthops', async (t) => {
    const multipath = cases.map(({ asked }, i) => ({ ...via, weight: i + 1, encap: asked }))
    await rt.request(route.add({ dst: '10.1.0.0/24', protocol: 79, multipath }))
    const [found] = await rt.list(route.list({ family: 'inet', protocol: 79 }))
    t.same(
      found?.multipath?.map(({ encap, weight }) => ({ encap: withoutPadding(encap), weight })),
      cases.map((one, i) => ({ encap: expected(one), weight: i + 1 })),
    )
  })

  await t.test('on routes over IPv6', async (t) => {
    const [, one] = cases
    await rt.request(
      route.add({ dst: '2001:db8:1::/48', gateway: '2001:db8::3', oif, encap: one!.asked, protocol: 78 }),
    )
    const [found] = await rt.list(route.list({ family: 'inet6', protocol: 78 }))
    t.same(withoutPadding(found?.encap), expected(one!))
  })

  await t.test('on nexthop objects', async (t) => {
    for (const [i, one] of cases.entries()) {
      await rt.request(nexthop.add({ id: i + 1, encap: one.asked, ...via }))
      const [found] = await rt.get(nexthop.get({ id: i + 1 }))
      t.same(withoutPadding(found?.encap), expected(one), one.name)
    }
  })

  if (otherIproute2()) return
  await t.test('as iproute2 tells them', async (t) => {
    const objects = new Map<number, Nexthop>()
    await agree(t, {
      ours: () => rt.list(route.list({ family: 'inet', table: 254 })),
      theirs: () => printed(ns, 'ip -d -s -j route show table main', distinguish),
      shape: (one: Route) => ({ ...shownRoute(one, nameOf, objects), table: undefined }),
      silent: { ...ENCAP_SILENT, table: 'not printed of a table that was asked for' },
    })
    await agree(t, {
      ours: () => rt.list(nexthop.list()),
      theirs: () => printed(ns, 'ip -d -j nexthop'),
      shape: (one: Nexthop) => shownNexthop(one, nameOf),
      silent: ENCAP_SILENT,
    })
  })
}

/** Routes between labels. */
export async function readMpls(t: Test): Promise<void> {
  const { rt, oif } = await scene(t)
  const via = { family: 'inet', address: '192.0.2.3' } as const
  const asked = [
    { dst: '100', via, oif, newdst: [200, 300], ttlPropagate: false },
    { dst: '101', via, oif, ttlPropagate: true },
    { dst: '102', via: { family: 'inet6', address: '2001:db8::3' }, oif },
    {
      dst: '103',
      multipath: [
        { via, oif, newdst: [7 + 16] },
        { via, oif },
      ],
    },
  ] as const
  for (const one of asked) await rt.request(route.add({ family: 'mpls', ...one }))
  const found = await rt.list(route.list({ family: 'mpls' }))
  t.match(
    found.sort((a, b) => Number(a.dst) - Number(b.dst)),
    asked.map((one) => ({ family: 'mpls', ...one })),
  )
}

/** Neighbours whose link-layer address is an underlay address, and gateways that have one in them. */
export async function readNeighbours(t: Test): Promise<void> {
  const { ns, rt, oif } = await scene(t)
  const create = async (ifname: string, linkinfo: LinkinfoInput): Promise<number> => {
    await rt.request(link.add({ ifname, up: true, linkinfo }))
    return (await rt.get(link.get({ ifname })))[0]!.index
  }
  const keyed = { ikey: 5, okey: 5, iflags: ['key'], oflags: ['key'] } as const
  const gre = await create('gre', { kind: 'gre', data: { local: '192.0.2.1', ...keyed } })
  const ip6gre = await create('ip6gre', { kind: 'ip6gre', data: { local: '2001:db8::1', ...keyed } })
  const sit = await create('sit', { kind: 'sit', data: { local: '192.0.2.1' } })
  const asked = [
    { ifindex: oif, dst: '192.0.2.7', lladdr: '02:00:00:00:00:07', state: ['permanent'] },
    { ifindex: gre, dst: '10.9.0.1', lladdr: '192.0.2.8', state: ['permanent'], protocol: 78 },
    { ifindex: gre, dst: '2001:db8:9::1', lladdr: '192.0.2.9', state: ['permanent'] },
    { ifindex: ip6gre, dst: '10.9.0.2', lladdr: '2001:db8::8', state: ['permanent'] },
    { ifindex: ip6gre, dst: '2001:db8:9::2', lladdr: '2001:db8::9', state: ['noarp'] },
    { ifindex: ip6gre, dst: '2001:db8:9::3', lladdr: '::192.0.2.1', state: ['reachable'], flags: ['router'] },
  ] as const
  for (const one of asked) await rt.request(neighbour.add(one))
  for (const one of asked) {
    const [found] = await rt.get(neighbour.get({ ifindex: one.ifindex, dst: one.dst }))
    t.match(found, one, `${one.dst} is at ${one.lladdr}`)
  }

  const dst = '2001:db8:8::/48'
  await rt.request(route.add({ dst, gateway: '::192.0.2.12', oif: sit, protocol: 78 }))
  const [found] = await rt.list(route.list({ family: 'inet6', protocol: 78 }))
  t.match(found, { dst, gateway: '::192.0.2.12', oif: sit }, 'sit has the peer in the gateway')

  if (otherIproute2()) return
  const { nameOf } = devicesIn(await rt.list(link.list()))
  await agree(t, {
    ours: () => rt.list(neighbour.list()),
    theirs: () => printed(ns, 'ip -s -j neigh show nud all'),
    shape: (one) => shownNeighbour(one, nameOf),
    silent: { family: 'not printed', type: 'not printed' },
    clocks: ['used', 'confirmed', 'updated'],
  })
}

/** FOU and GUE, which kernels without CONFIG_NET_FOU_IP_TUNNELS refuse. */
export async function readUdpEncaps(t: Test): Promise<void> {
  const rt = await Rtnetlink.open({ namespace: testNamespace(t) })
  t.teardown(() => rt.close())
  loadModules('fou', 'fou6')
  const udp = { encapFlags: ['csum', 'csum6'], encapSport: 1000, encapDport: 5555 } as const
  const local4 = '192.0.2.1'
  const local6 = '2001:db8::1'
  const kinds = { ipip: local4, sit: local4, gre: local4, gretap: local4, ip6tnl: local6, ip6gre: local6 }
  const outcomes = new Set<string>()
  for (const [kind, local] of Object.entries(kinds))
    for (const encapType of ['fou', 'gue']) {
      const ifname = `${kind}-${encapType}`
      const data = {
        ...udp,
        local,
        encapType,
        ...(encapType === 'gue' && { remote: kinds.ipip === local ? '192.0.2.2' : '2001:db8::2' }),
      }
      try {
        await rt.request(link.add({ ifname, linkinfo: { kind, data } as unknown as LinkinfoInput }))
      } catch (error) {
        if (!(error instanceof KernelError)) throw error
        t.equal(error.code, 'EINVAL', `${ifname} is refused`)
        outcomes.add('refused')
        continue
      }
      outcomes.add('told')
      const [found] = await rt.get(link.get({ ifname }))
      t.match(found?.linkinfo?.data, { ...udp, encapType })
    }
  t.equal(outcomes.size, 1, 'all kinds alike')
  if (outcomes.has('refused')) t.comment('this kernel has no CONFIG_NET_FOU_IP_TUNNELS')
}
