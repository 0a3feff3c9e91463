import { ip, prefix, via } from '../wire/addresses.js'
import { body, type InputOf, sequence, type ValueOf } from '../wire/body.js'
import { widened } from '../wire/fields.js'
import { labels } from '../wire/labels.js'
import { message } from '../wire/message.js'
import { be16, bits, bool, enumeration, named, plus, s32, string, u8, u16, u32, u64 } from '../wire/scalars.js'
import { hidden, struct } from '../wire/struct.js'
import { attr, table } from '../wire/table.js'
import { AF, ICMPV6_ROUTER_PREF, RT_SCOPE, RT_TABLE, RTM_F, RTN, RTNH_F, RTPROT } from './constants.js'
import { encap } from './encap.js'
import { label } from './tunnel-fields.js'

/** `struct rtmsg` (linux/rtnetlink.h). */
export const RTMSG = struct('rtmsg', {
  /** Address family; follows from the addresses where they tell. */
  family: enumeration(u8, AF),
  dstLen: hidden(u8),
  srcLen: hidden(u8),
  /** Type of service that a packet must have. */
  tos: u8,
  table: hidden(u8),
  /** Who installed the route. */
  protocol: enumeration(u8, RTPROT),
  /** How far away the destination is. */
  scope: enumeration(u8, RT_SCOPE),
  /** What becomes of the packet. */
  type: enumeration(u8, RTN),
  /** Flags of the nexthop (`onlink`) and of the route. */
  flags: bits(u32, RTM_F),
})

/** RTAX_*: metrics of a route. */
export const RTAX = table('RTAX_', {
  /** Which metrics may not be changed by the kernel, by name. */
  lock: attr(
    1,
    bits(u32, {
      mtu: 1 << 2,
      window: 1 << 3,
      rtt: 1 << 4,
      rttvar: 1 << 5,
      ssthresh: 1 << 6,
      cwnd: 1 << 7,
      advmss: 1 << 8,
      reordering: 1 << 9,
      hoplimit: 1 << 10,
      initcwnd: 1 << 11,
      features: 1 << 12,
      rto_min: 1 << 13,
      initrwnd: 1 << 14,
      quickack: 1 << 15,
      cc_algo: 1 << 16,
      fastopen_no_cookie: 1 << 17,
    }),
  ),
  /** Path MTU in bytes. */
  mtu: attr(2, u32),
  /** Largest TCP window in bytes. */
  window: attr(3, u32),
  /** Round trip time in 1/8 ms. */
  rtt: attr(4, u32),
  /** Its variation in 1/4 ms. */
  rttvar: attr(5, u32),
  /** Slow start threshold in segments. */
  ssthresh: attr(6, u32),
  /** Clamp of the congestion window, with `lock`. */
  cwnd: attr(7, u32),
  /** Advertised maximum segment size in bytes. */
  advmss: attr(8, u32),
  /** Reordering metric. */
  reordering: attr(9, u32),
  /** Hop limit of packets. */
  hoplimit: attr(10, u32),
  /** Initial congestion window in segments. */
  initcwnd: attr(11, u32),
  /** RTAX_FEATURE_*. */
  features: attr(12, bits(u32, { ecn: 1, sack: 2, timestamp: 4, allfrag: 8, tcp_usec_ts: 16 })),
  /** Least retransmission timeout in ms. */
  rtoMin: attr(13, u32),
  /** Initial receive window in segments. */
  initrwnd: attr(14, u32),
  /** TCP quick acknowledgements, 0 or 1. */
  quickack: attr(15, u32),
  /** Name of the TCP congestion control. */
  ccAlgo: attr(16, string(15)),
  /** TCP Fast Open without cookie, 0 or 1. */
  fastopenNoCookie: attr(17, u32),
})

/** `struct rta_cacheinfo`. */
export const RTA_CACHEINFO = struct('rta_cacheinfo', {
  clntref: u32,
  /** In clock ticks ago. */
  lastuse: u32,
  /** In clock ticks from now; 0 is never. */
  expires: s32,
  error: u32,
  used: u32,
  id: u32,
  ts: u32,
  tsage: u32,
})

/** `struct rtnexthop`. */
export const RTNEXTHOP = struct('rtnexthop', {
  len: hidden(u16),
  /** Flags of this nexthop: `onlink`. */
  flags: bits(u8, RTNH_F),
  /** 1 to 256; sent as weight - 1. */
  weight: plus(u8, 1, 256),
  /** Index of the device. */
  oif: s32,
})

const nexthopRows = {
  /** The nexthop: for a tunnel with `onlink`, the peer's underlay address. */
  gateway: attr(5, ip),
  /** Realms, destination in the low 16 bits. */
  flow: attr(11, u32),
  /** A gateway of another family than the route's. Linux 5.2 for IPv4 routes. */
  via: attr(18, via),
  /** Labels that replace the top one (MPLS routes), outermost first. */
  newdst: attr(19, labels),
  /** Encapsulation of this nexthop. Linux 4.3. */
  encap: attr(22, encap(21, 'RTA_ENCAP_TYPE')),
}

/** A nexthop of a multipath route. */
export const HOP = body('RTA_', RTNEXTHOP, nexthopRows)

/** A route: header and RTA_* attributes. */
export const ROUTE = body('RTA_', RTMSG, {
  ...nexthopRows,
  /** Destination, `10.0.0.0/8` or `default`; of family `mpls` a label, `100`. */
  dst: attr(1, prefix({ length: RTMSG.offset('dstLen'), default: true })),
  /** Source prefix that a packet must have (IPv6), or the source address asked about. */
  src: attr(2, prefix({ length: RTMSG.offset('srcLen') })),
  /** Index of the incoming device. */
  iif: attr(3, u32),
  /** Index of the outgoing device. */
  oif: attr(4, u32),
  /** Metric: of two routes to one prefix the lower is used. */
  priority: attr(6, u32),
  /** Preferred source address. */
  prefsrc: attr(7, ip),
  /** Path MTU, advertised MSS and others. */
  metrics: attr(8, RTAX),
  /** Several nexthops. */
  multipath: attr(9, sequence(HOP)),
  /** Counters of a cached or expiring route. */
  cacheinfo: attr(12, RTA_CACHEINFO),
  /** Table: 254 is main; numbers above 255 are sent as RTA_TABLE. */
  table: attr(15, widened(RTMSG.offset('table'), named(u32, RT_TABLE))),
  /** Firewall mark, of a lookup. */
  mark: attr(16, u32),
  /** Counters of a multicast route. */
  mfcStats: attr(17, struct('rta_mfc_stats', { packets: u64, bytes: u64, wrongIf: u64 })),
  /** Preference of an IPv6 route (RFC 4191). Linux 4.1. */
  pref: attr(20, enumeration(u8, ICMPV6_ROUTER_PREF)),
  /** Lifetime of an IPv6 route in seconds. Linux 4.5. */
  expires: attr(23, u32),
  /** User id, of a lookup. Linux 4.10. */
  uid: attr(25, u32),
  /** Whether MPLS hands the TTL down. Linux 4.12. */
  ttlPropagate: attr(26, bool),
  /** IP protocol, of a lookup. Linux 4.17. */
  ipProto: attr(27, u8),
  /** Source port, of a lookup; network byte order. Linux 4.17. */
  sport: attr(28, be16),
  /** Destination port, of a lookup; network byte order. Linux 4.17. */
  dport: attr(29, be16),
  /** Nexthop object to use instead of gateway and oif. Linux 5.3. */
  nhId: attr(30, u32),
  /** IPv6 flow label, of a lookup; network byte order. Linux 6.14. */
  flowlabel: attr(31, label),
})

/** RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE. */
export const ROUTE_MESSAGES = message('ROUTE', 24, ROUTE)

/** A route as the kernel tells it. */
export interface Route extends ValueOf<typeof ROUTE> {}
/** A route as a builder takes it. */
export interface RouteInput extends InputOf<typeof ROUTE> {}
