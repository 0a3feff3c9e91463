import t from 'tap'
import { ADDRESS } from '../../lib/schema/address.js'
import * as names from '../../lib/schema/constants.js'
import {
  ENCAPS,
  ERSPAN_OPT,
  GENEVE_OPT,
  LWTUNNEL_IP,
  LWTUNNEL_IP6,
  MPLS_IPTUNNEL,
  OPTS,
  VXLAN_OPT,
} from '../../lib/schema/encap.js'
import { CTRL, FOU } from '../../lib/schema/generic.js'
import { NEIGHBOUR, NFEA } from '../../lib/schema/neighbour.js'
import { NETNS } from '../../lib/schema/netns.js'
import { GROUP_STATS_ENTRY, NEXTHOP, NEXTHOP_GRP, NHMSG, RES_BUCKET, RES_GROUP } from '../../lib/schema/nexthop.js'
import { HOP, ROUTE, RTAX, RTNEXTHOP } from '../../lib/schema/route.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import { RULE } from '../../lib/schema/rule.js'
import type { Bits, Names } from '../../lib/wire/scalars.js'
import { snake, type Table, VIRTUAL } from '../../lib/wire/table.js'
import { codecs } from '../helpers/arbitrary.js'
import { shape } from '../helpers/spec.js'
import { constants } from '../helpers/uapi.js'

/**
 * Numbers and names of everything but links, against the kernel's own headers where they are installed.
 * @module
 */

const headers = constants(
  'rtnetlink.h',
  'neighbour.h',
  'if_addr.h',
  'fib_rules.h',
  'nexthop.h',
  'lwtunnel.h',
  'mpls_iptunnel.h',
  'net_namespace.h',
  'icmpv6.h',
  'fou.h',
  'genetlink.h',
  'netlink.h',
)
const skip = headers === undefined ? 'the kernel headers are not installed (linux-libc-dev)' : false

/** What is newer than the headers of Linux 6.1, and the first kernel that has it. */
const NEWER: Readonly<Record<string, string>> = {
  RTA_FLOWLABEL: '6.14',
  NHA_OP_FLAGS: '6.9',
  NHA_GROUP_STATS: '6.9',
  NHA_HW_STATS_ENABLE: '6.9',
  NHA_HW_STATS_USED: '6.9',
  NHA_GROUP_STATS_ENTRY: '6.9',
  NHA_GROUP_STATS_ENTRY_ID: '6.9',
  NHA_GROUP_STATS_ENTRY_PACKETS: '6.9',
  NHA_GROUP_STATS_ENTRY_PACKETS_HW: '6.9',
  FRA_DSCP: '6.13',
  FRA_FLOWLABEL: '6.14',
  FRA_FLOWLABEL_MASK: '6.14',
  FRA_SPORT_MASK: '6.15',
  FRA_DPORT_MASK: '6.15',
  FRA_DSCP_MASK: '6.15',
  NTF_EXT_LOCKED: '6.2',
  NTF_EXT_EXT_VALIDATED: '6.17',
  RTPROT_OVN: '6.14',
  RTNLGRP_IPV4_MCADDR: '6.14',
  RTNLGRP_IPV6_MCADDR: '6.14',
  RTNLGRP_IPV6_ACADDR: '6.14',
}

const UNUSED = 'the kernel does not use it'
const PADDING = 'padding before eight bytes on machines that must align them'
/** Attributes of the headers that have no row, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  RTA_PROTOINFO: UNUSED,
  RTA_SESSION: UNUSED,
  RTA_MP_ALGO: UNUSED,
  RTA_ENCAP_TYPE: 'part of encap',
  RTA_PAD: PADDING,
  NHA_ENCAP_TYPE: 'part of encap',
  NHA_RES_GROUP_PAD: PADDING,
  NHA_RES_BUCKET_PAD: PADDING,
  FRA_UNUSED2: UNUSED,
  FRA_UNUSED3: UNUSED,
  FRA_UNUSED4: UNUSED,
  FRA_UNUSED5: UNUSED,
  FRA_PAD: PADDING,
  LWTUNNEL_IP_PAD: PADDING,
  LWTUNNEL_IP6_PAD: PADDING,
  FRA_IFNAME: 'another name of FRA_IIFNAME',
  NETNSA_NONE: 'not an attribute: 0',
  CTRL_ATTR_OP_ID: 'within CTRL_ATTR_OPS',
  CTRL_ATTR_OP_FLAGS: 'within CTRL_ATTR_OPS',
  CTRL_ATTR_MCAST_GRP_NAME: 'within CTRL_ATTR_MCAST_GROUPS',
  CTRL_ATTR_MCAST_GRP_ID: 'within CTRL_ATTR_MCAST_GROUPS',
  CTRL_ATTR_POLICY_DO: 'within CTRL_ATTR_OP_POLICY',
  CTRL_ATTR_POLICY_DUMP: 'within CTRL_ATTR_OP_POLICY',
  CTRL_ATTR_OPS: 'which commands there are: not asked',
  CTRL_ATTR_MCAST_GROUPS: 'which groups there are: not asked',
  CTRL_ATTR_POLICY: 'how attributes are checked: not asked',
  CTRL_ATTR_OP_POLICY: 'how attributes are checked: not asked',
  CTRL_ATTR_OP: 'how attributes are checked: not asked',
}

const TABLES = [
  ...[ROUTE, HOP, RTAX, NEXTHOP, RES_GROUP, RES_BUCKET, GROUP_STATS_ENTRY, NEIGHBOUR, NFEA, ADDRESS, RULE, NETNS],
  ...[LWTUNNEL_IP, LWTUNNEL_IP6, OPTS, GENEVE_OPT, VXLAN_OPT, ERSPAN_OPT, MPLS_IPTUNNEL, CTRL, FOU],
  NEXTHOP.rows.groupStats.codec,
] as unknown as readonly Table[]

t.test('every attribute has the number of its name', { skip }, async (t) => {
  let checked = 0
  for (const table of TABLES) {
    for (const row of Object.values(table.rows) as { type: number }[]) {
      if (row.type === VIRTUAL) continue
      const name = table.nameOf(row.type)
      const number = headers!.get(name)
      if (number === undefined) t.ok(name in NEWER, `${name} is in the headers, or known to be newer: ${NEWER[name]}`)
      else t.equal(row.type, number, name)
      checked++
    }
  }
  t.ok(checked > 170, `${checked} attributes`)
})

t.test('every attribute of the headers has a row, or a reason to have none', { skip }, async (t) => {
  const prefixes = new Set(TABLES.map(({ prefix }) => prefix))
  const rows = new Set(TABLES.flatMap((table) => Object.values(table.rows).map(({ type }) => table.nameOf(type))))
  /** Names that begin alike and are no attributes: macros, values of attributes, ends of enumerations. */
  const others = /_(MAX|UNSPEC|CNT)$|^(IFA_F_|NETNSA_NSID_NOT|NHA_OP_FLAG|RTA_ALIGN|RTAX_FEATURE_)/
  const found = new Set<string>()
  for (const name of headers!.keys()) {
    const prefix = [...prefixes].filter((one) => name.startsWith(one)).sort((a, b) => b.length - a.length)[0]
    if (prefix === undefined || name.startsWith('__') || rows.has(name) || others.test(name)) continue
    t.ok(name in LEFT_OUT, `${name} has a row, or a reason to have none: ${LEFT_OUT[name]}`)
    found.add(name)
  }
  t.same(
    Object.keys(LEFT_OUT).filter((name) => !found.has(name)),
    [],
    'no reason is out of date',
  )
})

t.test('every name of a value has its number', { skip }, async (t) => {
  const check = (prefix: string, values: Names, bit = false): void => {
    for (const [key, value] of Object.entries(values)) {
      const name = prefix + key.toUpperCase().replaceAll('-', '_')
      const number = headers!.get(name)
      if (number === undefined) t.ok(name in NEWER, `${name} is in the headers, or known to be newer: ${NEWER[name]}`)
      else t.equal(value, bit ? 2 ** number : number, name)
    }
  }
  check('RTN_', names.RTN)
  check('RTPROT_', names.RTPROT)
  check('RT_SCOPE_', names.RT_SCOPE)
  check('RT_TABLE_', names.RT_TABLE)
  check('RTNH_F_', names.RTNH_F)
  const { rt_offload, rt_trap, rt_offload_failed, ...rtm } = names.RTM_F
  for (const key of Object.keys(names.RTNH_F)) delete (rtm as Record<string, number>)[key]
  check('RTM_F_', { ...rtm, offload: rt_offload, trap: rt_trap, offload_failed: rt_offload_failed })
  check('NUD_', names.NUD)
  check('NTF_', names.NTF)
  check('NTF_EXT_', names.NTF_EXT)
  check('IFA_F_', names.IFA_F)
  check('IFAPROT_', names.IFAPROT)
  check('FR_ACT_', names.FR_ACT)
  check('FIB_RULE_', names.FIB_RULE)
  check('ICMPV6_ROUTER_PREF_', names.ICMPV6_ROUTER_PREF)
  check('NEXTHOP_GRP_TYPE_', names.NEXTHOP_GRP_TYPE)
  check('RTNLGRP_', names.RTNLGRP)
  check('LWTUNNEL_ENCAP_', Object.fromEntries(Object.entries(ENCAPS).map(([key, [number]]) => [key, number])))
  // Families are those of the C library, sys/socket.h and linux/socket.h, and RTNL_FAMILY_*.
  t.same(names.AF, { unspec: 0, inet: 2, bridge: 7, inet6: 10, mpls: 28, ipmr: 128, ip6mr: 129 })
  check('RTNL_FAMILY_', { ipmr: names.AF.ipmr, ip6mr: names.AF.ip6mr })
})

t.test('the names of the headers that have no name here', { skip }, async (t) => {
  const missing = (prefix: string, values: Names, but: RegExp): string[] =>
    [...headers!.keys()].filter(
      (name) => name.startsWith(prefix) && !but.test(name) && !(name.slice(prefix.length).toLowerCase() in values),
    )
  t.same(missing('RTN_', names.RTN, /_MAX$/), [])
  t.same(missing('RTPROT_', names.RTPROT, /^$/), [])
  t.same(missing('RT_SCOPE_', names.RT_SCOPE, /^$/), [])
  t.same(missing('NUD_', names.NUD, /^NUD_NONE$/), [])
  t.same(missing('NTF_', names.NTF, /^NTF_EXT_(?!LEARNED)/), [])
  t.same(missing('NTF_EXT_', names.NTF_EXT, /^NTF_EXT_LEARNED$/), [])
  t.same(missing('IFA_F_', names.IFA_F, /_TEMPORARY$/), [], 'temporary is another name of secondary')
  t.same(missing('FR_ACT_', names.FR_ACT, /_MAX$/), [])
  t.same(missing('RTNH_F_', names.RTNH_F, /^$/), [])
  t.same(missing('RT_TABLE_', names.RT_TABLE, /_MAX$/), [])
})

t.test('flags that are given in place', async (t) => {
  const numbers = (codec: unknown, list: readonly string[]): number[] =>
    list.map((one) => (codec as Bits<Names>).number([one]))
  const lock = RTAX.rows.lock.codec
  const keys = Object.entries(RTAX.rows).filter(([key]) => key !== 'lock')
  // RTAX_LOCK has a bit for each metric, by its number (ip_metrics.c, dst_metric_locked()).
  t.same(
    numbers(
      lock,
      keys.map(([key]) => snake(key).toLowerCase()),
    ),
    keys.map(([, { type }]) => 2 ** type),
  )
  t.same(numbers(RTAX.rows.features.codec, ['ecn', 'sack', 'timestamp', 'allfrag', 'tcp_usec_ts']), [1, 2, 4, 8, 16])
  t.same(numbers(NFEA.rows.activityNotify.codec, ['notify', 'inactive']), [1, 2])
  t.same(numbers(NEXTHOP.rows.opFlags.codec, ['dump_stats', 'dump_hw_stats', 'resp_grp_resvd_0']), [1, 2, 2 ** 31])
  if (headers === undefined) return
  t.equal(headers.get('FDB_NOTIFY_BIT'), 1)
  t.equal(headers.get('FDB_NOTIFY_INACTIVE_BIT'), 2)
  for (const name of ['ECN', 'SACK', 'TIMESTAMP', 'ALLFRAG']) {
    t.equal(numbers(RTAX.rows.features.codec, [name.toLowerCase()])[0], headers.get(`RTAX_FEATURE_${name}`), name)
  }
})

t.test('TUNNEL_* (linux/if_tunnel.h)', { skip: constants('if_tunnel.h') ? false : skip }, async (t) => {
  const tunnel = constants('if_tunnel.h')!
  for (const [key, value] of Object.entries(names.TUNNEL)) {
    // The headers have them in network byte order: __cpu_to_be16(0x01).
    t.equal(value, tunnel.get(`TUNNEL_${key.toUpperCase()}`), key)
  }
})

t.test('numbers of the messages', { skip }, async (t) => {
  for (let type = 16; type < 200; type++) {
    const kind = rtnetlink.kind(type)
    if (kind === undefined) continue
    const name = kind.operation(type)
    const number = headers!.get(name)
    if (number === undefined) t.equal(rtnetlink.operation(type), name, `${name} is not used by the kernel`)
    else t.equal(type, number, name)
  }
})

t.test('sets of bits have one bit a name', async (t) => {
  let sets = 0
  for (const table of TABLES) {
    for (const [path, codec] of codecs(table)) {
      const list = /^a list of (.+), or a number$/.exec(codec.expects)?.[1]?.split(', ')
      const { number } = codec as Partial<Bits<Names>>
      if (list === undefined || number === undefined) continue
      sets++
      for (const name of list) {
        const bit = number([name])
        t.ok(bit > 0 && Number.isInteger(Math.log2(bit)), `${path} ${name}`)
      }
    }
  }
  t.ok(sets > 15, `${sets} sets`)
})

t.test('payloads of what no specification describes, as the kernel puts and reads them', async (t) => {
  const ipv4 = '4 bytes'
  const ipv6 = '16 bytes'
  const same = (table: unknown, expected: Readonly<Record<string, string>>): void => {
    const { prefix, rows } = table as Table
    const found = Object.entries(rows).map(([key, { codec }]) => [key, shape(codec)])
    t.same(Object.fromEntries(found), expected, prefix)
  }
  // net/ipv4/nexthop.c, rtm_nh_policy_new and nh_fill_node().
  same(NEXTHOP, {
    id: 'u32',
    group: 'binary',
    groupType: 'u16',
    blackhole: 'flag',
    oif: 'u32',
    gateway: 'binary',
    encap: 'nest',
    groups: 'flag',
    master: 'u32',
    fdb: 'flag',
    resGroup: 'nest',
    resBucket: 'nest',
    opFlags: 'u32',
    groupStats: 'nest',
    hwStatsEnable: 'u32',
    hwStatsUsed: 'u32',
  })
  same(RES_GROUP, { buckets: 'u16', idleTimer: 'u32', unbalancedTimer: 'u32', unbalancedTime: 'u64' })
  same(RES_BUCKET, { index: 'u16', idleTime: 'u64', nhId: 'u32' })
  same(GROUP_STATS_ENTRY, { id: 'u32', packets: 'uint', packetsHw: 'uint' })
  // net/core/neighbour.c, nda_policy; net/bridge/br_fdb.c, br_nda_fdb_pol.
  same(NFEA, { activityNotify: 'u8', dontRefresh: 'flag' })
  // net/core/net_namespace.c, rtnl_net_policy.
  same(NETNS, { nsid: 's32', pid: 'u32', fd: 'u32', targetNsid: 's32', currentNsid: 's32' })
  // net/ipv4/ip_tunnel_core.c, ip_tun_policy and its kin.
  const tunnel = { flags: 'be16', opts: 'nest' }
  same(LWTUNNEL_IP, { id: 'be64', dst: ipv4, src: ipv4, ttl: 'u8', tos: 'u8', ...tunnel })
  same(LWTUNNEL_IP6, { id: 'be64', dst: ipv6, src: ipv6, hoplimit: 'u8', tc: 'u8', ...tunnel })
  same(OPTS, { geneve: 'nest', vxlan: 'nest', erspan: 'nest' })
  same(GENEVE_OPT, { class: 'be16', type: 'u8', data: 'binary' })
  same(VXLAN_OPT, { gbp: 'u32' })
  same(ERSPAN_OPT, { ver: 'u8', index: 'be32', dir: 'u8', hwid: 'u8' })
  // net/mpls/mpls_iptunnel.c, mpls_iptunnel_policy.
  same(MPLS_IPTUNNEL, { dst: 'binary', ttl: 'u8' })
  // net/ipv4/fou_nl.c, fou_nl_policy.
  same(FOU, {
    port: 'be16',
    af: 'u8',
    ipproto: 'u8',
    type: 'u8',
    remcsumNopartial: 'flag',
    localV4: ipv4,
    localV6: ipv6,
    peerV4: ipv4,
    peerV6: ipv6,
    peerPort: 'be16',
    ifindex: 's32',
  })
})

t.test('structs of what no specification describes', async (t) => {
  const offsets = (struct: unknown, keys: readonly string[]): number[] =>
    keys.map((key) => (struct as { offset(key: string): number }).offset(key))
  // linux/rtnetlink.h: u16 len, u8 flags, u8 hops, int ifindex.
  t.same([RTNEXTHOP.size, ...offsets(RTNEXTHOP, ['len', 'flags', 'weight', 'oif'])], [8, 0, 2, 3, 4])
  // linux/nexthop.h: u8 family, u8 scope, u8 protocol, u8 resvd, u32 flags.
  t.same([NHMSG.size, ...offsets(NHMSG, ['family', 'scope', 'protocol', 'flags'])], [8, 0, 1, 2, 4])
  // linux/nexthop.h: u32 id, u8 weight, u8 weight_high, u16 resvd2.
  t.same([NEXTHOP_GRP.size, ...offsets(NEXTHOP_GRP, ['id', 'weight'])], [8, 0, 4])
})
