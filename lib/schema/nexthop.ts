import { ip } from '../wire/addresses.js'
import { body, type InputOf, type ValueOf } from '../wire/body.js'
import { message } from '../wire/message.js'
import { bits, enumeration, flag, le16, list, plus, u8, u16, u32, u64, uint } from '../wire/scalars.js'
import { pad, struct } from '../wire/struct.js'
import { attr, attrs, table } from '../wire/table.js'
import { AF, NEXTHOP_GRP_TYPE, RT_SCOPE, RTNH_F, RTPROT } from './constants.js'
import { encap } from './encap.js'

/**
 * Nexthop objects: a nexthop with an id of its own, which routes and FDB entries refer to (linux/nexthop.h,
 * ip-nexthop(8)). Linux 5.3.
 * @module
 */

/** `struct nhmsg`. */
export const NHMSG = struct('nhmsg', {
  /** Address family; follows from the gateway where there is one. */
  family: enumeration(u8, AF),
  /** Scope; only told, not taken. */
  scope: enumeration(u8, RT_SCOPE),
  /** Who installed the nexthop. */
  protocol: enumeration(u8, RTPROT),
  resvd: pad(1),
  /** `onlink`: the gateway is reachable although no route says so. */
  flags: bits(u32, RTNH_F),
})

/** `struct nexthop_grp`: one nexthop of a group. */
export const NEXTHOP_GRP = struct('nexthop_grp', {
  /** Id of a nexthop object that exists. */
  id: u32,
  /** 1 to 256, since Linux 6.12 to 65,536; sent as weight - 1. */
  weight: plus(le16, 1, 65_536),
  resvd2: pad(2),
})

/** NHA_RES_GROUP_*: a resilient group. Linux 5.13. */
export const RES_GROUP = table('NHA_RES_GROUP_', {
  /** How many buckets. */
  buckets: attr(1, u16),
  /** How long a bucket must be idle before it moves, in clock ticks (1/100 s). */
  idleTimer: attr(2, u32),
  /** How long the group may be unbalanced, in clock ticks; 0 is for ever. */
  unbalancedTimer: attr(3, u32),
  /** How long it has been unbalanced, in clock ticks. */
  unbalancedTime: attr(4, u64),
})

/** NHA_RES_BUCKET_*: a bucket of a resilient group. Linux 5.13. */
export const RES_BUCKET = table('NHA_RES_BUCKET_', {
  /** Which bucket. */
  index: attr(1, u16),
  /** How long it has been idle, in clock ticks. */
  idleTime: attr(2, u64),
  /** The nexthop it leads to. */
  nhId: attr(3, u32),
})

/** NHA_GROUP_STATS_ENTRY_*. Linux 6.9. */
export const GROUP_STATS_ENTRY = table('NHA_GROUP_STATS_ENTRY_', {
  /** Id of the nexthop. */
  id: attr(1, u32),
  /** Packets that took it. */
  packets: attr(2, uint),
  /** Of these, in hardware. */
  packetsHw: attr(3, uint),
})

/** A nexthop object: header and NHA_* attributes. */
export const NEXTHOP = body('NHA_', NHMSG, {
  /** Id, which routes name as `nhId`; 0 or absent lets the kernel choose. */
  id: attr(1, u32),
  /** The nexthops of a group; nothing else may be given with it. */
  group: attr(2, list(NEXTHOP_GRP)),
  /** Kind of the group. */
  groupType: attr(3, enumeration(u16, NEXTHOP_GRP_TYPE)),
  /** Drops what comes to it. */
  blackhole: attr(4, flag),
  /** Index of the outgoing device. */
  oif: attr(5, u32),
  /** The nexthop's address: for a tunnel with `onlink`, the peer's underlay address. */
  gateway: attr(6, ip),
  /** Encapsulation. */
  encap: attr(8, encap(7, 'NHA_ENCAP_TYPE')),
  /** List only groups. */
  groups: attr(9, flag),
  /** List only nexthops whose device has this master. */
  master: attr(10, u32),
  /** For FDB entries of a vxlan device. Linux 5.8. */
  fdb: attr(11, flag),
  /** Resilient group. Linux 5.13. */
  resGroup: attr(12, RES_GROUP),
  /** Bucket of a resilient group. Linux 5.13. */
  resBucket: attr(13, RES_BUCKET),
  /** What a dump shall contain: `dump_stats`, `dump_hw_stats`. Linux 6.9. */
  opFlags: attr(14, bits(u32, { dump_stats: 1, dump_hw_stats: 2, resp_grp_resvd_0: 0x80000000 })),
  /** Packets by nexthop. Linux 6.9. */
  groupStats: attr(
    15,
    table('NHA_GROUP_STATS_', {
      /** Of each nexthop. */
      entry: attrs(1, GROUP_STATS_ENTRY),
    }),
  ),
  /** Counting in hardware, 0 or 1. Linux 6.9. */
  hwStatsEnable: attr(16, u32),
  /** Whether hardware counts, 0 or 1. Linux 6.9. */
  hwStatsUsed: attr(17, u32),
})

/** RTM_NEWNEXTHOP, RTM_DELNEXTHOP, RTM_GETNEXTHOP. */
export const NEXTHOP_MESSAGES = message('NEXTHOP', 104, NEXTHOP)
/** RTM_NEWNEXTHOPBUCKET, RTM_GETNEXTHOPBUCKET: the same shape. Linux 5.13. */
export const NEXTHOPBUCKET_MESSAGES = message('NEXTHOPBUCKET', 116, NEXTHOP)

/** A nexthop object as the kernel tells it. */
export interface Nexthop extends ValueOf<typeof NEXTHOP> {}
/** A nexthop object as a builder takes it. */
export interface NexthopInput extends InputOf<typeof NEXTHOP> {}
