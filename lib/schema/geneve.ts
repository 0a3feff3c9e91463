import { ipv4, ipv6 } from '../wire/addresses.js'
import { bool, flag, u8 } from '../wire/scalars.js'
import { attr, table } from '../wire/table.js'
import { df, label, PORT_RANGE, port, ttl, vni } from './tunnel-fields.js'

/**
 * Ethernet over UDP, RFC 8926: kind `geneve` (IFLA_GENEVE_*, linux/if_link.h).
 * @module
 */
export const GENEVE = table('IFLA_GENEVE_', {
  /** VNI, 24 bits. */
  id: attr(1, vni),
  /** The one peer, IPv4. A device without a peer is of use only where it is `external`. */
  remote: attr(2, ipv4),
  /** Hop limit of the outer header, 0 for the route's. */
  ttl: attr(3, ttl),
  /** TOS of the outer header, 1 to take over the inner one. */
  tos: attr(4, u8),
  /** UDP destination port, network byte order; 6081 where it is left out. Linux 4.3. */
  port: attr(5, port),
  /** `external`: each route's encap says where packets go. One such device a port, and no other beside it. Linux 4.3. */
  collectMetadata: attr(6, flag),
  /** The one peer, IPv6. Linux 4.4. */
  remote6: attr(7, ipv6),
  /** UDP checksums over IPv4; told only where `remote` is. Linux 4.5. */
  udpCsum: attr(8, bool),
  /** Sends without UDP checksum over IPv6; told only where `remote6` is. Linux 4.5. */
  udpZeroCsum6Tx: attr(9, bool),
  /** Accepts packets without UDP checksum over IPv6; over IPv4 always on. Linux 4.5. */
  udpZeroCsum6Rx: attr(10, bool),
  /** Flow label of the outer header, 20 bits, network byte order. Linux 4.6. */
  label: attr(11, label),
  /** Takes over the inner hop limit. A byte here, where vxlan has a flag. Linux 4.20. */
  ttlInherit: attr(12, bool),
  /** The outer don't-fragment bit. Linux 5.0. */
  df: attr(13, df),
  /** Carries bare IP too, by the inner protocol. Linux 5.18. */
  innerProtoInherit: attr(14, flag),
  /** UDP source ports to hash flows over, network byte order. Linux 6.15. */
  portRange: attr(15, PORT_RANGE),
  /** Hints for receive offload in an option. Linux 7.0. */
  groHint: attr(16, flag),
  /** Own address, IPv4. Linux 7.2. */
  local: attr(17, ipv4),
  /** Own address, IPv6. Linux 7.2. */
  local6: attr(18, ipv6),
})
