import { ipv4, ipv6 } from '../wire/addresses.js'
import { be64, bool, enumeration, flag, u8, u32 } from '../wire/scalars.js'
import { attr, table } from '../wire/table.js'
import { VXLAN_LABEL } from './link-constants.js'
import { df, label, PORT_RANGE, port, ttl, vni } from './tunnel-fields.js'

/**
 * Ethernet over UDP, RFC 7348: kind `vxlan` (IFLA_VXLAN_*, linux/if_link.h).
 * @module
 */
export const VXLAN = table('IFLA_VXLAN_', {
  /** VNI, 24 bits. Needed unless the device is `external`. */
  id: attr(1, vni),
  /** Multicast group, or the one peer, over IPv4. */
  group: attr(2, ipv4),
  /** Index of the device that the tunnel's packets leave by; needed with a multicast group. */
  link: attr(3, u32),
  /** Own address, IPv4. */
  local: attr(4, ipv4),
  /** Hop limit of the outer header, 0 for the route's. */
  ttl: attr(5, ttl),
  /** TOS of the outer header, 1 to take over the inner one. */
  tos: attr(6, u8),
  /** Learns who is where from received packets. On where it is left out: an NBMA device wants `false`. */
  learning: attr(7, bool),
  /** Seconds that a learned FDB entry lives, 0 for 300. */
  ageing: attr(8, u32),
  /** How many FDB entries there may be, 0 for any number. */
  limit: attr(9, u32),
  /** UDP source ports to hash flows over, network byte order. */
  portRange: attr(10, PORT_RANGE),
  /** Answers ARP for neighbours that the device knows. Linux 3.8. */
  proxy: attr(11, bool),
  /** Route short circuit: sends to the destination's own VNI straight away. Linux 3.8. */
  rsc: attr(12, bool),
  /** Tells of FDB entries that are missed. Linux 3.8. */
  l2miss: attr(13, bool),
  /** Tells of neighbours that are missed. Linux 3.8. */
  l3miss: attr(14, bool),
  /** UDP destination port, network byte order. Left out or 0 it is 8472, not IANA's 4789. Linux 3.10. */
  port: attr(15, port),
  /** Multicast group, or the one peer, over IPv6; `::` makes the device one over IPv6. Linux 3.12. */
  group6: attr(16, ipv6),
  /** Own address, IPv6. Linux 3.12. */
  local6: attr(17, ipv6),
  /** UDP checksums over IPv4. Linux 3.16. */
  udpCsum: attr(18, bool),
  /** Sends without UDP checksum over IPv6. Linux 3.16. */
  udpZeroCsum6Tx: attr(19, bool),
  /** Accepts packets without UDP checksum over IPv6. Linux 3.16. */
  udpZeroCsum6Rx: attr(20, bool),
  /** Sends with remote checksum offload. Linux 4.0. */
  remcsumTx: attr(21, bool),
  /** Accepts remote checksum offload. Linux 4.0. */
  remcsumRx: attr(22, bool),
  /** Group policy extension. Linux 4.0. */
  gbp: attr(23, flag),
  /** Remote checksum offload in full only. Linux 4.0. */
  remcsumNopartial: attr(24, flag),
  /** `external`: each route's encap says where packets go. A byte here, where other kinds have a flag. Linux 4.3. */
  collectMetadata: attr(25, bool),
  /** Flow label of the outer header, 20 bits, network byte order. Linux 4.6. */
  label: attr(26, label),
  /** Generic protocol extension; needs `collectMetadata`. Linux 4.7. */
  gpe: attr(27, flag),
  /** Takes over the inner hop limit. Sent as a flag, told as a byte. Linux 4.18. */
  ttlInherit: attr(28, flag),
  /** The outer don't-fragment bit. Linux 5.0. */
  df: attr(29, df),
  /** Takes only VNIs from its own list; needs `collectMetadata`. Linux 5.18. */
  vnifilter: attr(30, bool),
  /** Packets to an own address go to that VXLAN device directly. On where it is left out. Linux 6.5. */
  localbypass: attr(31, bool),
  /** Where the outer flow label comes from. Linux 6.7. */
  labelPolicy: attr(32, enumeration(u32, VXLAN_LABEL)),
  /** Bits of the VXLAN header (eight bytes, network byte order) that must be zero when received. Linux 6.14. */
  reservedBits: attr(33, be64),
  /** Sends multicast by the multicast routing table. Linux 6.17. */
  mcRoute: attr(34, bool),
})
