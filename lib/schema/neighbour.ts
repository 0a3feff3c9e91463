import { ip, linkAddress } from '../wire/addresses.js'
import { body, type InputOf, type ValueOf } from '../wire/body.js'
import { message } from '../wire/message.js'
import { be16, bits, enumeration, flag, range, s32, u8, u16, u32 } from '../wire/scalars.js'
import { pad, struct } from '../wire/struct.js'
import { attr, table } from '../wire/table.js'
import { AF, NTF, NTF_EXT, NUD, RTN, RTPROT } from './constants.js'
import { vni } from './tunnel-fields.js'

/**
 * Neighbours, and as family `bridge` the entries of forwarding databases (linux/neighbour.h, ip-neighbour(8),
 * bridge(8)).
 * @module
 */

/** `struct ndmsg`. */
export const NDMSG = struct('ndmsg', {
  /** `inet`, `inet6`; `bridge` for FDB entries. */
  family: enumeration(u8, AF),
  pad1: pad(1),
  pad2: pad(2),
  /** Index of the device. */
  ifindex: s32,
  /** NUD_*. */
  state: bits(u16, NUD),
  /** NTF_*: `self` and `master` say whose FDB. */
  flags: bits(u8, NTF),
  /** Kind of address. */
  type: enumeration(u8, RTN),
})

/** `struct nda_cacheinfo`, in clock ticks ago. */
export const NDA_CACHEINFO = struct('nda_cacheinfo', { confirmed: u32, used: u32, updated: u32, refcnt: u32 })

/** NFEA_*: activity of an FDB entry. Linux 5.9. */
export const NFEA = table('NFEA_', {
  /** FDB_NOTIFY_*. */
  activityNotify: attr(1, bits(u8, { notify: 1, inactive: 2 })),
  /** Leave the entry's age alone. */
  dontRefresh: attr(2, flag),
})

/** A neighbour or FDB entry: header and NDA_* attributes. */
export const NEIGHBOUR = body('NDA_', NDMSG, {
  /** Address of the neighbour; of a vxlan FDB entry the underlay address of the remote end. */
  dst: attr(1, ip),
  /** Link-layer address: a MAC, on gre an IPv4 underlay address, on ip6gre an IPv6 one. */
  lladdr: attr(2, linkAddress),
  /** Ages. */
  cacheinfo: attr(3, NDA_CACHEINFO),
  /** How often it was asked for. */
  probes: attr(4, u32),
  /** VLAN id. Linux 3.9. */
  vlan: attr(5, range(u16, 0, 4094, 'a VLAN id')),
  /** UDP port of the remote end, network byte order. Linux 3.10. */
  port: attr(6, be16),
  /** VNI of the remote end. Linux 3.10. */
  vni: attr(7, vni),
  /** Index of the underlay device of an FDB entry. Linux 3.10. */
  viaIfindex: attr(8, u32, 'IFINDEX'),
  /** Index of the bridge. Linux 3.16. */
  master: attr(9, u32),
  /** Namespace of the device. Linux 4.0. */
  linkNetnsid: attr(10, s32),
  /** VNI that a packet must have (external vxlan). Linux 4.11. */
  srcVni: attr(11, vni),
  /** Who installed it. Linux 5.0. */
  protocol: attr(12, enumeration(u8, RTPROT)),
  /** Nexthop group (fdb) instead of dst, port, vni. Linux 5.8. */
  nhId: attr(13, u32),
  /** Activity of an FDB entry. Linux 5.9. */
  fdbExtAttrs: attr(14, NFEA),
  /** NTF_EXT_*. Linux 5.16. */
  flagsExt: attr(15, bits(u32, NTF_EXT)),
  /** Which states a bulk deletion looks at. Linux 5.19. */
  ndmStateMask: attr(16, bits(u16, NUD)),
  /** Which flags a bulk deletion looks at. Linux 5.19. */
  ndmFlagsMask: attr(17, bits(u8, NTF)),
})

/** RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH. */
export const NEIGHBOUR_MESSAGES = message('NEIGH', 28, NEIGHBOUR)

/** A neighbour or FDB entry as the kernel tells it. */
export interface Neighbour extends ValueOf<typeof NEIGHBOUR> {}
/** A neighbour or FDB entry as a builder takes it. */
export interface NeighbourInput extends InputOf<typeof NEIGHBOUR> {}
