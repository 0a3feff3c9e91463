import type { Test } from 'tap'
import { address } from '../../lib/rtnl/address.js'
import { link } from '../../lib/rtnl/link.js'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { netnsId } from '../../lib/rtnl/netns.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { rule } from '../../lib/rtnl/rule.js'
import { testNamespace } from '../helpers/kernel.js'
import * as show from './address.js'
import { agree, type Reasons, unknownIn } from './agree.js'
import { printed } from './iproute2.js'
import * as links from './link.js'
import * as neighbours from './neighbour.js'
import * as nexthops from './nexthop.js'
import { NSID, populate } from './populate.js'
import * as routes from './route.js'
import * as rules from './rule.js'
import * as vlans from './vlans.js'

const { NEWER } = links
const ELSEWHERE = 'not printed by this command'
const NEVER = 'not printed'

const elsewhere = (...paths: string[]): Reasons => Object.fromEntries(paths.map((path) => [path, ELSEWHERE]))

const VRF_PORT = "the number of the VRF's table, which the VRF itself tells"
const PAD =
  'an empty attribute, which aligns one of 64 bits on machines that need it (User Mode Linux says that it does)'

/** Attributes that no row of the tables knows, by what holds them. */
const UNKNOWN: Reasons = {
  'linkinfo.unknown 5': `IFLA_INFO_SLAVE_DATA: ${VRF_PORT}`,
  'unknown 42': `IFLA_PAD: ${PAD}`,
  'unknown 18': `FRA_PAD: ${PAD}`,
  'linkinfo.data.unknown 40': `IFLA_BR_PAD: ${PAD}`,
  'linkinfo.slaveData.unknown 26': `IFLA_BRPORT_PAD: ${PAD}`,
  'protinfo.unknown 26': `IFLA_BRPORT_PAD: ${PAD}`,
  'resGroup.unknown 0': `NHA_RES_GROUP_PAD: ${PAD}`,
  'resBucket.unknown 0': `NHA_RES_BUCKET_PAD: ${PAD}`,
  'encap.unknown 7': `LWTUNNEL_IP_PAD: ${PAD}`,
  'multipath.encap.unknown 7': `LWTUNNEL_IP_PAD: ${PAD}`,
}

/**
 * Fills a namespace and compares every dump of it: our decode says what iproute2 prints, field by field.
 * @param more what not every kernel has, too: VLANs on bridges, MPLS, VRFs, tunnels
 */
export async function compareDumps(t: Test, { more }: { more: boolean }): Promise<void> {
  const here = testNamespace(t)
  const there = testNamespace(t)
  const rt = await Rtnetlink.open({ namespace: here })
  t.teardown(() => rt.close())
  await populate(here, there, rt, more)
  const devices = links.devicesIn(await rt.list(link.list()))
  const { nameOf } = devices
  const all: unknown[] = []

  await t.test('links', async (t) => {
    const values = await agree(t, {
      ours: () => rt.list(link.list()),
      theirs: () => printed(here, 'ip -d -s -s -j link'),
      shape: (one) => links.link(one, devices),
      silent: links.SILENT,
      uncompared: { ...links.TIMERS, ...(more && { 'linkinfo.info_slave_data.table': VRF_PORT }) },
    })
    all.push(values)
    const kinds = new Set(values.map(({ linkinfo }) => linkinfo?.kind))
    const few = ['bridge', 'ifb', 'macvlan', 'veth', 'vxlan']
    for (const kind of more ? [...few, 'gre', 'ip6gre', 'sit', 'vlan', 'vrf'] : few) t.ok(kinds.has(kind), `a ${kind}`)
  })

  await t.test('ports of bridges', async (t) => {
    const values = await agree(t, {
      ours: () => rt.list(link.list({ family: 'bridge' })),
      theirs: () => printed(here, 'bridge -d -j link'),
      shape: (one) => vlans.port(one, devices),
      silent: {
        ...links.SILENT,
        ...elsewhere('address', 'broadcast', 'operstate', 'type', 'afSpec'),
        protinfo: 'in `ip -d link` as that of the port',
      },
    })
    all.push(values)
  })

  if (more)
    await t.test('VLANs of ports, and the tunnels that they stand for', async (t) => {
      const ports = () => rt.list(link.list({ family: 'bridge', extMask: ['brvlan_compressed'] }))
      const silent = elsewhere(...(await ports()).flatMap((one) => Object.keys(one)))
      await agree(t, {
        ours: async () => (await ports()).filter(({ afSpec }) => afSpec?.vlanInfo),
        theirs: () => printed(here, 'bridge -compressvlans -j vlan'),
        shape: vlans.vlans,
        silent,
      })
      const tunnels = await agree(t, {
        ours: async () => (await ports()).filter(({ afSpec }) => afSpec?.vlanTunnelInfo),
        theirs: () => printed(here, 'bridge -compressvlans -j vlan tunnelshow'),
        shape: vlans.tunnels,
        silent,
      })
      t.match(tunnels, [{ ifname: 'vx5', afSpec: { vlanTunnelInfo: [{ vid: 10 }, { vid: 20, id: 1020 }, { id: 7 }] } }])
    })

  await t.test('addresses', async (t) => {
    const values = await agree(t, {
      // They are printed device by device.
      ours: async () => {
        const every = await rt.list(address.list())
        return (await rt.list(link.list())).flatMap(({ index }) => every.filter((one) => one.index === index))
      },
      theirs: async () =>
        ((await printed(here, 'ip -d -j address')) as { addr_info: object[] }[]).flatMap(({ addr_info }) => addr_info),
      shape: show.address,
      silent: { ...elsewhere('index'), 'cacheinfo.cstamp': NEVER, 'cacheinfo.tstamp': NEVER, proto: NEWER },
      clocks: ['valid_life_time', 'preferred_life_time'],
    })
    all.push(values)
    t.ok(values.some(({ flags }) => flags?.includes('secondary')))
    t.ok(values.some(({ flags }) => flags?.includes('deprecated')))
  })

  await t.test('nexthops, and buckets of resilient groups', async (t) => {
    const values = await agree(t, {
      ours: () => rt.list(nexthop.list()),
      theirs: () => printed(here, 'ip -d -j nexthop'),
      shape: (one) => nexthops.nexthop(one, nameOf),
      silent: { family: NEVER, opFlags: NEWER, hwStatsEnable: NEWER, hwStatsUsed: NEWER },
    })
    const buckets = await agree(t, {
      ours: () => rt.list(nexthop.listBuckets()),
      theirs: () => printed(here, 'ip -d -j nexthop bucket'),
      shape: nexthops.bucket,
      silent: { family: NEVER, scope: NEVER, protocol: NEVER },
      clocks: ['bucket.idle_time'],
    })
    all.push(values, buckets)
    t.equal(buckets.length, 8)
    for (const { resBucket } of buckets) t.type(resBucket?.idleTime, 'bigint')
  })

  const families = [['inet', '-4'] as const, ['inet6', '-6'] as const, ...(more ? [['mpls', '-f mpls'] as const] : [])]
  for (const [family, option] of families)
    await t.test(`routes of family ${family}`, async (t) => {
      const objects = new Map((await rt.list(nexthop.list())).map((one) => [one.id!, one]))
      const values = await agree(t, {
        ours: () => rt.list(route.list({ family })),
        theirs: () => printed(here, `ip ${option} -d -s -j route show table all`, routes.distinguish),
        shape: (one) => routes.route(one, nameOf, objects),
        silent: {
          family: NEVER,
          'metrics.lock': 'printed as text only',
          ...(family === 'mpls' && { 'multipath.weight': NEVER }),
        },
        clocks: ['expires', 'age'],
      })
      all.push(values)
      if (family !== 'mpls') t.ok(new Set(values.map(({ table }) => table)).size >= 3, 'of several tables')
      t.ok(values.some(({ multipath }) => multipath !== undefined))
    })

  for (const [family, option] of [['inet', '-4'] as const, ['inet6', '-6'] as const])
    await t.test(`rules of family ${family}`, async (t) => {
      const values = await agree(t, {
        ours: () => rt.list(rule.list({ family })),
        theirs: () => printed(here, `ip ${option} -d -j rule`),
        shape: rules.rule,
        silent: {
          family: NEVER,
          suppressPrefixlen: 'printed where a table is looked in',
          dscp: NEWER,
          sportMask: NEWER,
          dportMask: NEWER,
          dscpMask: NEWER,
        },
      })
      all.push(values)
    })

  await t.test('neighbours', async (t) => {
    const shape = (one: Parameters<typeof neighbours.neighbour>[0]) => neighbours.neighbour(one, nameOf)
    const silent: Reasons = { family: NEVER, type: NEVER }
    const values = await agree(t, {
      ours: () => rt.list(neighbour.list()),
      theirs: () => printed(here, 'ip -s -j neigh show nud all'),
      shape,
      silent,
      clocks: ['used', 'confirmed', 'updated'],
    })
    const proxies = await agree(t, {
      ours: () => rt.list(neighbour.list({ family: 'inet', flags: ['proxy'] })),
      theirs: () => printed(here, 'ip -4 -s -j neigh show proxy'),
      shape,
      silent,
      clocks: ['used', 'confirmed', 'updated'],
    })
    all.push(values, proxies)
    t.match(proxies, [{ dst: '192.0.2.14', protocol: 'static' }])
    if (more) t.ok(values.some(({ lladdr }) => lladdr === '192.0.2.78'))
    if (more) t.ok(values.some(({ lladdr }) => lladdr === '2001:db8::78'))
  })

  await t.test('FDB', async (t) => {
    const values = await agree(t, {
      ours: () => rt.list(neighbour.list({ family: 'bridge' })),
      theirs: () => printed(here, 'bridge -s -j fdb show'),
      shape: (one) => neighbours.fdbEntry(one, nameOf),
      silent: { family: NEVER, type: NEVER, 'cacheinfo.confirmed': NEVER, 'cacheinfo.refcnt': NEVER, flagsExt: NEWER },
      clocks: ['used', 'updated'],
    })
    all.push(values)
    t.ok(values.some(({ nhId }) => nhId === 11))
    t.ok(values.some(({ srcVni }) => srcVni === 1000))
  })

  await t.test('ids of namespaces', async (t) => {
    const values = await agree(t, {
      ours: () => rt.list(netnsId.list()),
      theirs: () => printed(here, 'ip -j netns list-id'),
      shape: ({ nsid }) => ({ nsid, name: nsid === NSID ? there.name : undefined }),
      silent: { family: NEVER },
    })
    all.push(values)
  })

  t.same(
    [...new Set(unknownIn(all))].filter((path) => !Object.hasOwn(UNKNOWN, path)),
    [],
    'no attribute is unknown, but for what is listed',
  )
}
