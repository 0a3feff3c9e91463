import type { Names } from '../wire/scalars.js'

/**
 * Names that only links use, lower-case uapi spelling without the prefix.
 * @module
 */

const names = <const N extends Names>(n: N): N => n

/** IFF_*: flags of a device (linux/if.h). */
export const IFF = names({
  up: 0x1,
  broadcast: 0x2,
  debug: 0x4,
  loopback: 0x8,
  pointopoint: 0x10,
  notrailers: 0x20,
  running: 0x40,
  noarp: 0x80,
  promisc: 0x100,
  allmulti: 0x200,
  master: 0x400,
  slave: 0x800,
  multicast: 0x1000,
  portsel: 0x2000,
  automedia: 0x4000,
  dynamic: 0x8000,
  lower_up: 0x10000,
  dormant: 0x20000,
  echo: 0x40000,
})

/**
 * ARPHRD_*: what a device's link-layer addresses are (linux/if_arp.h): those that one meets. ARPHRD_NETROM is left out:
 * it is 0, which in a request says nothing.
 */
export const ARPHRD = names({
  ether: 1,
  infiniband: 32,
  can: 280,
  ppp: 512,
  rawip: 519,
  tunnel: 768,
  tunnel6: 769,
  loopback: 772,
  sit: 776,
  ipgre: 778,
  pimreg: 779,
  ieee80211: 801,
  ieee80211_prism: 802,
  ieee80211_radiotap: 803,
  ieee802154: 804,
  ip6gre: 823,
  netlink: 824,
  vsockmon: 826,
  none: 0xfffe,
  void: 0xffff,
})

/** IF_OPER_*: RFC 2863 operational states (linux/if.h). */
export const IF_OPER = names({
  unknown: 0,
  notpresent: 1,
  down: 2,
  lowerlayerdown: 3,
  testing: 4,
  dormant: 5,
  up: 6,
})

/** IF_LINK_MODE_*: which state follows a carrier (linux/if.h). */
export const IF_LINK_MODE = names({ default: 0, dormant: 1, testing: 2 })

/** IFLA_EVENT_*: why a notification was sent (linux/if_link.h). */
export const IFLA_EVENT = names({
  none: 0,
  reboot: 1,
  features: 2,
  bonding_failover: 3,
  notify_peers: 4,
  igmp_resend: 5,
  bonding_options: 6,
})

/** RTEXT_FILTER_*: what else a dump of links should hold, or leave out (linux/rtnetlink.h). */
export const RTEXT_FILTER = names({
  vf: 0x1,
  brvlan: 0x2,
  brvlan_compressed: 0x4,
  skip_stats: 0x8,
  mrp: 0x10,
  cfm_config: 0x20,
  cfm_status: 0x40,
  mst: 0x80,
  name_only: 0x100,
})

/** IN6_ADDR_GEN_MODE_*: how a device gets its link-local address (linux/if_link.h). */
export const IN6_ADDR_GEN_MODE = names({ eui64: 0, none: 1, stable_privacy: 2, random: 3 })

/** IF_*: IPv6 state of a device (net/if_inet6.h; the kernel has no uapi header for them). */
export const IF_INET6 = names({
  rs_sent: 0x10,
  ra_rcvd: 0x20,
  ra_managed: 0x40,
  ra_otherconf: 0x80,
  ready: 0x80000000,
})

/** XDP_ATTACHED_*: where a program runs (linux/if_link.h). */
export const XDP_ATTACHED = names({ none: 0, drv: 1, skb: 2, hw: 3, multi: 4 })

/** XDP_FLAGS_*: how to attach a program (linux/if_link.h). */
export const XDP_FLAGS = names({ update_if_noexist: 0x1, skb_mode: 0x2, drv_mode: 0x4, hw_mode: 0x8, replace: 0x10 })

/** IPPROTO_* of what a tunnel carries (linux/in.h). `ip` is 0: whatever comes, what iproute2 calls `mode any`. */
export const IPPROTO_TUNNEL = names({ ip: 0, ipip: 4, ipv6: 41, mpls: 137 })

/** TUNNEL_ENCAP_*: what stands between the outer IP header and the tunnel's own (linux/if_tunnel.h). */
export const TUNNEL_ENCAP = names({ none: 0, fou: 1, gue: 2, mpls: 3 })

/** TUNNEL_ENCAP_FLAG_* (linux/if_tunnel.h). */
export const TUNNEL_ENCAP_FLAG = names({ csum: 0x1, csum6: 0x2, remcsum: 0x4 })

/** SIT_*: flags of a sit device (linux/if_tunnel.h). */
export const SIT = names({ isatap: 0x1 })

/** IP6_TNL_F_*: flags of a tunnel over IPv6 (linux/ip6_tunnel.h). */
export const IP6_TNL_F = names({
  ign_encap_limit: 0x1,
  use_orig_tclass: 0x2,
  use_orig_flowlabel: 0x4,
  mip6_dev: 0x8,
  rcv_dscp_copy: 0x10,
  use_orig_fwmark: 0x20,
  allow_local_remote: 0x40,
})

/** GRE_*: flags of the GRE header (linux/if_tunnel.h), network byte order on the wire. */
export const GRE = names({ csum: 0x8000, routing: 0x4000, key: 0x2000, seq: 0x1000, strict: 0x0800, ack: 0x0080 })

/** VXLAN_DF_* and GENEVE_DF_*: the outer header's don't-fragment bit (linux/if_link.h). */
export const DF = names({ unset: 0, set: 1, inherit: 2 })

/** VXLAN_LABEL_*: where the outer flow label comes from (linux/if_link.h). */
export const VXLAN_LABEL = names({ fixed: 0, inherit: 1 })

/** ETH_P_* of VLAN tags (linux/if_ether.h). */
export const ETH_P_VLAN = names({ '8021q': 0x8100, '8021ad': 0x88a8 })

/** VLAN_FLAG_* (linux/if_vlan.h). */
export const VLAN_FLAG = names({ reorder_hdr: 0x1, gvrp: 0x2, loose_binding: 0x4, mvrp: 0x8, bridge_binding: 0x10 })

/** MACVLAN_MODE_* (linux/if_link.h). */
export const MACVLAN_MODE = names({ private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 })

/** MACVLAN_FLAG_* (linux/if_link.h). */
export const MACVLAN_FLAG = names({ nopromisc: 0x1, nodst: 0x2 })

/** MACVLAN_MACADDR_*: what to do with the list of source addresses (linux/if_link.h). */
export const MACVLAN_MACADDR = names({ add: 0, del: 1, flush: 2, set: 3 })

/** BR_STATE_*: spanning tree state of a port (linux/if_bridge.h). */
export const BR_STATE = names({ disabled: 0, listening: 1, learning: 2, forwarding: 3, blocking: 4 })

/** BR_STP_MODE_*: who runs the spanning tree (linux/if_link.h). */
export const BR_STP_MODE = names({ auto: 0, user: 1, kernel: 2 })

/** BR_BOOLOPT_*: options of a bridge, bit by bit (linux/if_bridge.h). */
export const BR_BOOLOPT = names({
  no_ll_learn: 0x1,
  mcast_vlan_snooping: 0x2,
  mst_enable: 0x4,
  mdb_offload_fail_notification: 0x8,
  fdb_local_vlan_0: 0x10,
})

/** MDB_RTR_TYPE_*: whether a multicast router is behind a port (linux/if_bridge.h). */
export const MDB_RTR_TYPE = names({ disabled: 0, temp_query: 1, perm: 2, temp: 3 })

/** BRIDGE_FLAGS_*: who a message of family `bridge` is for (linux/if_bridge.h). */
export const BRIDGE_FLAGS = names({ master: 0x1, self: 0x2 })

/** BRIDGE_MODE_*: 802.1Qbg mode (linux/if_bridge.h). */
export const BRIDGE_MODE = names({ veb: 0, vepa: 1, undef: 0xffff })

/** BRIDGE_VLAN_INFO_*: flags of a VLAN on a port (linux/if_bridge.h). */
export const BRIDGE_VLAN_INFO = names({
  master: 0x1,
  pvid: 0x2,
  untagged: 0x4,
  range_begin: 0x8,
  range_end: 0x10,
  brentry: 0x20,
  only_opts: 0x40,
})
