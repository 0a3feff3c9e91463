import { ipv4, ipv6 } from '../wire/addresses.js'
import { bits, bool, flag, range, u8, u16, u32 } from '../wire/scalars.js'
import { attr, table } from '../wire/table.js'
import { SIT } from './link-constants.js'
import { encapFlags, encapType, flowinfo, ip6tnlFlags, port, ttl, tunnelProtocol } from './tunnel-fields.js'

/**
 * IFLA_IPTUN_*: IP over IP (linux/if_tunnel.h).
 * @module
 */

const COMMON = {
  /** Index of the device that the tunnel's packets leave by; 0 for whichever the route says. */
  link: attr(1, u32),
  /** Hop limit of the outer header, 0 to take over the inner one. */
  ttl: attr(4, ttl),
  /** What is carried; `ip` (0) for anything that the kind can carry. */
  proto: attr(9, tunnelProtocol),
  /** UDP in between. Linux 3.18. */
  encapType: attr(15, encapType),
  /** Checksums of the UDP in between. Linux 3.18. */
  encapFlags: attr(16, encapFlags),
  /** UDP source port, 0 to hash the flow; network byte order. Linux 3.18. */
  encapSport: attr(17, port),
  /** UDP destination port, network byte order. Linux 3.18. */
  encapDport: attr(18, port),
  /** Firewall mark of the outer packets. Linux 4.12. */
  fwmark: attr(20, u32),
}

const COLLECT_METADATA = {
  /** `external`: each route's encap says where packets go. One such device a namespace. Linux 4.9. */
  collectMetadata: attr(19, flag),
}

const IPV4 = {
  /** Own address. */
  local: attr(2, ipv4),
  /** The one peer; left out (or 0.0.0.0) the device is NBMA. */
  remote: attr(3, ipv4),
  /** TOS of the outer header, 1 to take over the inner one. */
  tos: attr(5, u8),
  /** Path MTU discovery. On where it is left out, unless the kind's data is left out altogether; a `ttl` switches it on. */
  pmtudisc: attr(10, bool),
}

const IPV6 = {
  /** Own address. */
  local: attr(2, ipv6),
  /** The one peer; left out (or ::) the device is NBMA. */
  remote: attr(3, ipv6),
  /** How many further encapsulations are allowed (RFC 2473). */
  encapLimit: attr(6, u8),
  /** Traffic class and flow label, `class << 20 | label`; network byte order. */
  flowinfo: attr(7, flowinfo),
  /** What the outer header takes over from the inner one, and more. Four bytes, host byte order. */
  flags: attr(8, ip6tnlFlags),
}

/** IPv4 (or MPLS) over IPv4: kind `ipip`, fallback device tunl0. */
export const IPIP = table('IFLA_IPTUN_', { ...COMMON, ...IPV4, ...COLLECT_METADATA })

/** IPv6 (or IPv4, MPLS) over IPv4: kind `sit`, fallback device sit0. It cannot be `external`. */
export const SIT_TUNNEL = table('IFLA_IPTUN_', {
  ...COMMON,
  ...IPV4,
  /** ISATAP. Two bytes, host byte order: the kernel calls it big-endian but never swaps. */
  flags: attr(8, bits(u16, SIT)),
  /** 6rd (RFC 5969): prefix of the domain, its length in `sixRdPrefixlen`. */
  sixRdPrefix: attr(11, ipv6, '6RD_PREFIX'),
  /** 6rd: IPv4 prefix that all border relays and customers share. */
  sixRdRelayPrefix: attr(12, ipv4, '6RD_RELAY_PREFIX'),
  /** 6rd: length of the prefix in bits. */
  sixRdPrefixlen: attr(13, range(u16, 0, 64, 'a prefix length'), '6RD_PREFIXLEN'),
  /** 6rd: length of the IPv4 prefix in bits. */
  sixRdRelayPrefixlen: attr(14, range(u16, 0, 32, 'a prefix length'), '6RD_RELAY_PREFIXLEN'),
})

/** IPv6 or IPv4 over IPv6: kind `ip6tnl`, fallback device ip6tnl0. */
export const IP6TNL = table('IFLA_IPTUN_', { ...COMMON, ...IPV6, ...COLLECT_METADATA })
