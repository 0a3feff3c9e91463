import { ipv4, ipv6 } from '../wire/addresses.js'
import { bool, flag, range, u8, u16, u32 } from '../wire/scalars.js'
import { attr, table } from '../wire/table.js'
import {
  encapFlags,
  encapType,
  flowinfo,
  greFlags,
  ip6tnlFlags,
  key,
  port,
  remoteIpv4,
  remoteIpv6,
  ttl,
} from './tunnel-fields.js'

/**
 * IFLA_GRE_*: GRE over IPv4 and IPv6 (linux/if_tunnel.h).
 * @module
 */

const COMMON = {
  /** Index of the device that the tunnel's packets leave by; 0 for whichever the route says. */
  link: attr(1, u32),
  /** What received packets must have: `key` for `ikey` to count. Network byte order. */
  iflags: attr(2, greFlags),
  /** What sent packets have: `key` for `okey` to count. Network byte order. */
  oflags: attr(3, greFlags),
  /** Key of received packets, network byte order. */
  ikey: attr(4, key),
  /** Key of sent packets, network byte order. */
  okey: attr(5, key),
  /** Hop limit of the outer header, 0 to take over the inner one. */
  ttl: attr(8, ttl),
  /** UDP in between. Linux 3.18. */
  encapType: attr(14, encapType),
  /** Checksums of the UDP in between. Linux 3.18. */
  encapFlags: attr(15, encapFlags),
  /** UDP source port, 0 to hash the flow; network byte order. Linux 3.18. */
  encapSport: attr(16, port),
  /** UDP destination port, network byte order. Linux 3.18. */
  encapDport: attr(17, port),
  /** `external`: each route's encap says where packets go. One such device of a kind a namespace. Linux 4.3. */
  collectMetadata: attr(18, flag),
  /** Firewall mark of the outer packets. Linux 4.12. */
  fwmark: attr(20, u32),
}

const IPV4 = {
  /** Own address. */
  local: attr(6, ipv4),
  /** TOS of the outer header, 1 to take over the inner one. */
  tos: attr(9, u8),
  /** Path MTU discovery; must be off where `ignoreDf` is on. On where it is left out, unless all of the data is. */
  pmtudisc: attr(10, bool),
  /** Fragments the outer packet whatever the inner one's don't-fragment bit says. Linux 4.8. */
  ignoreDf: attr(19, bool),
}

const IPV6 = {
  /** Own address. */
  local: attr(6, ipv6),
  /** How many further encapsulations are allowed (RFC 2473). */
  encapLimit: attr(11, u8),
  /** Traffic class and flow label, `class << 20 | label`; network byte order. */
  flowinfo: attr(12, flowinfo),
  /** What the outer header takes over from the inner one, and more. Host byte order. */
  flags: attr(13, ip6tnlFlags),
}

/** Where IP is carried. */
const IPV4_REMOTE = {
  /** The one peer; left out (or 0.0.0.0) the device is NBMA. */
  remote: attr(7, ipv4),
}
const IPV6_REMOTE = {
  /** The one peer; left out (or ::) the device has none, and sends only where it is `external`. */
  remote: attr(7, ipv6),
}

/** Where Ethernet is carried. */
const IPV4_ETHERNET_REMOTE = {
  /** The one peer; left out the device is NBMA. The kernel refuses 0.0.0.0. */
  remote: attr(7, remoteIpv4),
}
const IPV6_ETHERNET_REMOTE = {
  /** The one peer; left out the device has none. The kernel refuses ::. */
  remote: attr(7, remoteIpv6),
}

const ERSPAN_VERSION = {
  /** Version: 0 (type I), 1 (type II) or 2 (type III). Linux 4.16. */
  erspanVer: attr(22, range(u8, 0, 2, 'an ERSPAN version')),
}

const ERSPAN_ROWS = {
  ...ERSPAN_VERSION,
  /** Version 1: index of the mirrored port, 20 bits, host byte order. Linux 4.14. */
  erspanIndex: attr(21, range(u32, 0, 0xfffff, 'an ERSPAN index')),
  /** Version 2: 0 for mirrored ingress, 1 for egress. Linux 4.16. */
  erspanDir: attr(23, range(u8, 0, 1, 'a direction, 0 ingress or 1 egress')),
  /** Version 2: identifier of the engine, 6 bits, host byte order. Linux 4.16. */
  erspanHwid: attr(24, range(u16, 0, 63, 'an ERSPAN engine')),
}

/** IP over GRE over IPv4: kind `gre`, fallback device gre0. */
export const GRE_TUNNEL = table('IFLA_GRE_', { ...COMMON, ...IPV4, ...IPV4_REMOTE })

/** Ethernet over GRE over IPv4: kind `gretap`, fallback device gretap0. */
export const GRETAP = table('IFLA_GRE_', { ...COMMON, ...IPV4, ...IPV4_ETHERNET_REMOTE })

/** Mirrored Ethernet over GRE over IPv4: kind `erspan`, fallback device erspan0. */
export const ERSPAN = table('IFLA_GRE_', { ...COMMON, ...IPV4, ...IPV4_ETHERNET_REMOTE, ...ERSPAN_ROWS })

/**
 * IP over GRE over IPv6: kind `ip6gre`, fallback device ip6gre0. `erspanVer` says nothing here: iproute2 sends it, and
 * kernels before 6.2 answer with it.
 */
export const IP6GRE = table('IFLA_GRE_', { ...COMMON, ...IPV6, ...IPV6_REMOTE, ...ERSPAN_VERSION })

/** Ethernet over GRE over IPv6: kind `ip6gretap`. `erspanVer` says nothing here, as in {@link IP6GRE}. */
export const IP6GRETAP = table('IFLA_GRE_', { ...COMMON, ...IPV6, ...IPV6_ETHERNET_REMOTE, ...ERSPAN_VERSION })

/** Mirrored Ethernet over GRE over IPv6: kind `ip6erspan`. */
export const IP6ERSPAN = table('IFLA_GRE_', { ...COMMON, ...IPV6, ...IPV6_ETHERNET_REMOTE, ...ERSPAN_ROWS })
