import type { Names } from '../wire/scalars.js'

/**
 * Names that several tables share, lower-case uapi spelling without the prefix.
 * @module
 */

const names = <const N extends Names>(n: N): N => n

/** AF_* (linux/socket.h), those that rtnetlink answers for. */
export const AF = names({ unspec: 0, inet: 2, bridge: 7, inet6: 10, mpls: 28, ipmr: 128, ip6mr: 129 })

/** RTN_*: what a route does with a packet (linux/rtnetlink.h). */
export const RTN = names({
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
  nat: 10,
  xresolve: 11,
})

/** RTPROT_*: who installed a route, nexthop or neighbour (linux/rtnetlink.h). Other numbers are free to use. */
export const RTPROT = names({
  unspec: 0,
  redirect: 1,
  kernel: 2,
  boot: 3,
  static: 4,
  gated: 8,
  ra: 9,
  mrt: 10,
  zebra: 11,
  bird: 12,
  dnrouted: 13,
  xorp: 14,
  ntk: 15,
  dhcp: 16,
  mrouted: 17,
  keepalived: 18,
  babel: 42,
  ovn: 84,
  openr: 99,
  bgp: 186,
  isis: 187,
  ospf: 188,
  rip: 189,
  eigrp: 192,
})

/** RT_SCOPE_*: how far away the destination is (linux/rtnetlink.h). */
export const RT_SCOPE = names({ universe: 0, site: 200, link: 253, host: 254, nowhere: 255 })

/** RT_TABLE_*: the tables with a name (linux/rtnetlink.h). */
export const RT_TABLE = names({ unspec: 0, compat: 252, default: 253, main: 254, local: 255 })

/** RTNH_F_*: flags of a nexthop (linux/rtnetlink.h). */
export const RTNH_F = names({
  dead: 0x1,
  pervasive: 0x2,
  onlink: 0x4,
  offload: 0x8,
  linkdown: 0x10,
  unresolved: 0x20,
  trap: 0x40,
})

/** RTM_F_*: flags of a route (linux/rtnetlink.h), which share rtm_flags with {@link RTNH_F}. */
export const RTM_F = names({
  ...RTNH_F,
  notify: 0x100,
  cloned: 0x200,
  equalize: 0x400,
  prefix: 0x800,
  lookup_table: 0x1000,
  fib_match: 0x2000,
  rt_offload: 0x4000,
  rt_trap: 0x8000,
  rt_offload_failed: 0x20000000,
})

/** NUD_*: states of a neighbour (linux/neighbour.h). */
export const NUD = names({
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
})

/** NTF_*: flags of a neighbour or FDB entry (linux/neighbour.h). */
export const NTF = names({
  use: 0x01,
  self: 0x02,
  master: 0x04,
  proxy: 0x08,
  ext_learned: 0x10,
  offloaded: 0x20,
  sticky: 0x40,
  router: 0x80,
})

/** NTF_EXT_*: further flags of a neighbour (linux/neighbour.h). */
export const NTF_EXT = names({ managed: 0x1, locked: 0x2, ext_validated: 0x4 })

/** IFA_F_*: flags of an address (linux/if_addr.h). */
export const IFA_F = names({
  secondary: 0x01,
  nodad: 0x02,
  optimistic: 0x04,
  dadfailed: 0x08,
  homeaddress: 0x10,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  managetempaddr: 0x100,
  noprefixroute: 0x200,
  mcautojoin: 0x400,
  stable_privacy: 0x800,
})

/** IFAPROT_*: who installed an address (linux/if_addr.h). Other numbers are free to use. */
export const IFAPROT = names({ unspec: 0, kernel_lo: 1, kernel_ra: 2, kernel_ll: 3 })

/** FR_ACT_*: what a rule does (linux/fib_rules.h). */
export const FR_ACT = names({
  unspec: 0,
  to_tbl: 1,
  goto: 2,
  nop: 3,
  res3: 4,
  res4: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
})

/** FIB_RULE_*: flags of a rule (linux/fib_rules.h). */
export const FIB_RULE = names({
  permanent: 0x1,
  invert: 0x2,
  unresolved: 0x4,
  iif_detached: 0x8,
  oif_detached: 0x10,
  find_saddr: 0x10000,
})

/** ICMPV6_ROUTER_PREF_*: preference of an IPv6 route (linux/icmpv6.h). */
export const ICMPV6_ROUTER_PREF = names({ medium: 0, high: 1, invalid: 2, low: 3 })

/** NEXTHOP_GRP_TYPE_* (linux/nexthop.h). */
export const NEXTHOP_GRP_TYPE = names({ mpath: 0, res: 1 })

/** TUNNEL_*: flags of a lightweight IP tunnel (linux/if_tunnel.h), network byte order on the wire. */
export const TUNNEL = names({
  csum: 0x01,
  routing: 0x02,
  key: 0x04,
  seq: 0x08,
  strict: 0x10,
  rec: 0x20,
  version: 0x40,
  no_key: 0x80,
  dont_fragment: 0x0100,
  oam: 0x0200,
  crit_opt: 0x0400,
  geneve_opt: 0x0800,
  vxlan_opt: 0x1000,
  nocache: 0x2000,
  erspan_opt: 0x4000,
  gtp_opt: 0x8000,
})

/** RTNLGRP_*: multicast groups, as a monitor is given them (linux/rtnetlink.h). */
export const RTNLGRP = names({
  link: 1,
  notify: 2,
  neigh: 3,
  tc: 4,
  'ipv4-ifaddr': 5,
  'ipv4-mroute': 6,
  'ipv4-route': 7,
  'ipv4-rule': 8,
  'ipv6-ifaddr': 9,
  'ipv6-mroute': 10,
  'ipv6-route': 11,
  'ipv6-ifinfo': 12,
  'ipv6-prefix': 18,
  'ipv6-rule': 19,
  'nd-useropt': 20,
  'phonet-ifaddr': 21,
  'phonet-route': 22,
  dcb: 23,
  'ipv4-netconf': 24,
  'ipv6-netconf': 25,
  mdb: 26,
  'mpls-route': 27,
  nsid: 28,
  'mpls-netconf': 29,
  'ipv4-mroute-r': 30,
  'ipv6-mroute-r': 31,
  nexthop: 32,
  brvlan: 33,
  'mctp-ifaddr': 34,
  tunnel: 35,
  stats: 36,
  'ipv4-mcaddr': 37,
  'ipv6-mcaddr': 38,
  'ipv6-acaddr': 39,
})
