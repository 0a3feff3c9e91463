import t from 'tap'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { rule } from '../../lib/rtnl/rule.js'
import { body, does, value } from '../helpers/request.js'

t.test('neighbours: what each does', async (t) => {
  const given = { ifindex: 7, dst: '192.0.2.1' }
  t.equal(does(neighbour.add(given)), 'RTM_NEWNEIGH request ack excl create')
  t.equal(does(neighbour.replace(given)), 'RTM_NEWNEIGH request ack replace create')
  t.equal(does(neighbour.change(given)), 'RTM_NEWNEIGH request ack replace')
  t.equal(does(neighbour.append(given)), 'RTM_NEWNEIGH request ack create append')
  t.equal(does(neighbour.delete(given)), 'RTM_DELNEIGH request ack')
  t.equal(does(neighbour.flush({ family: 'bridge', ifindex: 7 })), 'RTM_DELNEIGH request ack bulk')
  t.equal(does(neighbour.get(given)), 'RTM_GETNEIGH request')
  t.equal(does(neighbour.list()), 'RTM_GETNEIGH request root match')
})

t.test('neighbours: bytes', async (t) => {
  // struct ndmsg: family, padding; ifindex; state (NUD_PERMANENT 0x80), flags, type.
  t.equal(
    body(neighbour.add({ ifindex: 7, dst: '192.0.2.1', lladdr: '192.0.2.1' })),
    '02000000 07000000 80000000 08000100 c0000201 08000200 c0000201',
  )
  t.equal(body(neighbour.delete({ ifindex: 7, dst: '192.0.2.1' })), '02000000 07000000 00000000 08000100 c0000201')
  // AF_BRIDGE, NUD_NOARP | NUD_PERMANENT, NTF_SELF.
  t.equal(
    body(neighbour.append({ family: 'bridge', ifindex: 7, lladdr: '00:00:00:00:00:00', dst: '192.0.2.1', vni: 5 })),
    '07000000 07000000 c0000200 0a000200 00000000 00000000 08000100 c0000201 08000700 05000000',
  )
  t.equal(body(neighbour.list()), '00000000 00000000 00000000')
})

t.test('neighbours: what is left out', async (t) => {
  const add = (given: Parameters<typeof neighbour.add>[0]) => value(neighbour.add(given))
  t.match(add({ ifindex: 7, dst: 'fe80::1', lladdr: '2001:db8::1' }), {
    family: 'inet6',
    state: ['permanent'],
    flags: [],
  })
  t.match(add({ ifindex: 7, dst: '192.0.2.1', state: ['reachable'] }), { state: ['reachable'] })
  t.match(add({ family: 7, ifindex: 7, lladdr: '02:00:00:00:00:01' }), {
    state: ['noarp', 'permanent'],
    flags: ['self'],
  })
  t.match(add({ family: 'bridge', ifindex: 7, flags: ['master'], state: 0 }), { state: [], flags: ['master'] })
  for (const flagsExt of [['managed'], ['locked', 'managed'], [1], 3, 1] as const) {
    t.match(add({ ifindex: 7, dst: '192.0.2.1', flagsExt }), { state: [] }, 'the kernel resolves it itself')
  }
  for (const flagsExt of [['locked'], 2, []] as const) {
    t.match(add({ ifindex: 7, dst: '192.0.2.1', flagsExt }), { state: ['permanent'] })
  }
  t.match(value(neighbour.delete({ family: 'bridge', ifindex: 7 })), { state: [], flags: ['self'] })
  t.match(value(neighbour.flush({ family: 'bridge', ifindex: 7, ndmFlagsMask: ['sticky'] })), {
    ndmFlagsMask: ['sticky'],
    flags: ['self'],
  })
})

t.test('neighbours: everything else', async (t) => {
  const given = {
    family: 'bridge',
    ifindex: 7,
    lladdr: '02:00:00:00:00:01',
    dst: '2001:db8::2',
    vlan: 100,
    port: 4789,
    vni: 0xffffff,
    srcVni: 0,
    viaIfindex: 3,
    master: 4,
    linkNetnsid: -1,
    protocol: 'zebra',
    nhId: 9,
    fdbExtAttrs: { activityNotify: ['notify'], dontRefresh: true },
    probes: 3,
  } as const
  t.match(value(neighbour.add(given)), given)
})

t.test('nexthops: what each does', async (t) => {
  const given = { id: 7, gateway: '192.0.2.1', oif: 3 }
  t.equal(does(nexthop.add(given)), 'RTM_NEWNEXTHOP request ack excl create')
  t.equal(does(nexthop.replace(given)), 'RTM_NEWNEXTHOP request ack replace create')
  t.equal(does(nexthop.change(given)), 'RTM_NEWNEXTHOP request ack replace')
  t.equal(does(nexthop.delete({ id: 7 })), 'RTM_DELNEXTHOP request ack')
  t.equal(does(nexthop.get({ id: 7 })), 'RTM_GETNEXTHOP request')
  t.equal(does(nexthop.list()), 'RTM_GETNEXTHOP request root match')
  t.equal(does(nexthop.getBucket({ id: 7, resBucket: { index: 0 } })), 'RTM_GETNEXTHOPBUCKET request')
  t.equal(does(nexthop.listBuckets()), 'RTM_GETNEXTHOPBUCKET request root match')
})

t.test('nexthops: bytes', async (t) => {
  // struct nhmsg: family, scope, protocol, reserved; flags (RTNH_F_ONLINK 4).
  t.equal(
    body(nexthop.add({ id: 7, gateway: '192.0.2.1', oif: 3, flags: ['onlink'] })),
    '02000000 04000000 08000100 07000000 08000600 c0000201 08000500 03000000',
  )
  // struct nexthop_grp: id; weight - 1, its high byte, reserved.
  t.equal(
    body(nexthop.add({ id: 9, group: [{ id: 7 }, { id: 8, weight: 256 }, { id: 6, weight: 65_536 }] })),
    '00000000 00000000 08000100 09000000 1c000200 07000000 00000000 08000000 ff000000 06000000 ffff0000',
  )
  t.equal(body(nexthop.add({ id: 5, blackhole: true })), '02000000 00000000 08000100 05000000 04000400')
  t.equal(body(nexthop.delete({ id: 5 })), '00000000 00000000 08000100 05000000')
  t.equal(
    body(nexthop.getBucket({ id: 5, resBucket: { index: 3 } })),
    '00000000 00000000 08000100 05000000 0c000d80 06000100 03000000',
  )
})

t.test('nexthops: the family', async (t) => {
  const family = (given: Parameters<typeof nexthop.add>[0]): unknown => value(nexthop.add(given)).family
  t.equal(family({ id: 1, gateway: 'fe80::1', oif: 3 }), 'inet6')
  t.equal(family({ id: 1, oif: 3 }), 'inet')
  t.equal(family({ id: 1, oif: 3, family: 'inet6' }), 'inet6')
  t.equal(family({ id: 1, group: [{ id: 2 }] }), 'unspec', 'a group has none')
})

t.test('nexthops: everything else', async (t) => {
  const group = {
    id: 9,
    group: [{ id: 7, weight: 1 }],
    groupType: 'res',
    protocol: 'static',
    resGroup: { buckets: 8, idleTimer: 100, unbalancedTimer: 0, unbalancedTime: 5n },
    opFlags: ['dump_stats'],
    groupStats: { entry: [{ id: 7, packets: 5n, packetsHw: 2n ** 40n }] },
    hwStatsEnable: 1,
  } as const
  t.match(value(nexthop.add(group)), group)
  const single = {
    id: 1,
    gateway: '192.0.2.1',
    oif: 3,
    fdb: true,
    encap: { type: 'ip', id: 5n, dst: '192.0.2.9' },
  } as const
  t.match(value(nexthop.add(single)), single)
})

t.test('rules: what each does', async (t) => {
  t.equal(does(rule.add({ table: 100 })), 'RTM_NEWRULE request ack excl create')
  t.equal(does(rule.delete({ table: 100 })), 'RTM_DELRULE request ack')
  t.equal(does(rule.list()), 'RTM_GETRULE request root match')
})

t.test('rules: bytes', async (t) => {
  // struct fib_rule_hdr: family, dst, src, tos; table, reserved, action (FR_ACT_TO_TBL 1); flags.
  t.equal(
    body(rule.add({ src: '10.0.0.0/8', table: 100, priority: 1000 })),
    '02000800 64000001 00000000 08000200 0a000000 08000600 e8030000',
  )
  t.equal(body(rule.add({ table: 1000 })), '02000000 00000001 00000000 08000f00 e8030000')
  t.equal(body(rule.delete({ priority: 1000 })), '02000000 00000000 00000000 08000600 e8030000')
  t.equal(body(rule.list({ family: 'inet6' })), '0a000000 00000000 00000000')
})

t.test('rules: what is left out', async (t) => {
  const add = (given: Parameters<typeof rule.add>[0]) => value(rule.add(given))
  t.match(add({}), { family: 'inet', table: 254, action: 'to_tbl' })
  t.match(add({ dst: '2001:db8::/32' }), { family: 'inet6', table: 254, action: 'to_tbl' })
  t.match(add({ family: 'inet6', table: 'local' }), { family: 'inet6', table: 255 })
  t.match(add({ action: 1 }), { table: 254, action: 'to_tbl' })
  t.match(add({ l3mdev: true }), { table: 0, action: 'to_tbl', l3mdev: true })
  t.match(add({ action: 'prohibit' }), { table: 0, action: 'prohibit' })
  t.match(add({ goto: 500 }), { table: 0, action: 'goto', goto: 500 }, 'where it says, it goes')
  t.match(add({ action: undefined, family: undefined }), { family: 'inet', action: 'to_tbl' })
  t.match(value(rule.delete({ goto: 500 })), { action: 'unspec', goto: 500 })
})

t.test('rules: everything else', async (t) => {
  const given = {
    src: '10.0.0.0/8',
    dst: '11.0.0.0/8',
    iifname: 'eth0',
    oifname: 'eth1',
    tos: 8,
    flags: ['invert'],
    fwmark: 1,
    fwmask: 0xff,
    tunId: 5n,
    suppressPrefixlen: -1,
    suppressIfgroup: 3,
    uidRange: { start: 0, end: 1000 },
    ipProto: 6,
    sportRange: { start: 1, end: 2 },
    dportRange: { start: 3, end: 4 },
    protocol: 'static',
    dscp: 63,
    flowlabel: 0xfffff,
    flowlabelMask: 1,
    sportMask: 0xff,
    dportMask: 0xff,
    dscpMask: 7,
  } as const
  t.match(value(rule.add(given)), given)
})
