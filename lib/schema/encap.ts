import { ipv4, ipv6 } from '../wire/addresses.js'
import { encap as encapCodec } from '../wire/encap.js'
import { labels } from '../wire/labels.js'
import { packed } from '../wire/packed.js'
import { be16, be32, be64, bits, bytes, u8, u32 } from '../wire/scalars.js'
import { attr, attrs, table } from '../wire/table.js'
import { TUNNEL } from './constants.js'

/**
 * Lightweight tunnels: what a route or nexthop puts around a packet (linux/lwtunnel.h, ip-route(8) "encap").
 * @module
 */

/** LWTUNNEL_IP_OPT_GENEVE_*: one option of a Geneve header. Linux 5.5. */
export const GENEVE_OPT = packed('LWTUNNEL_IP_OPT_GENEVE_', {
  /** Option class, network byte order. */
  class: attr(1, be16),
  /** Option type. */
  type: attr(2, u8),
  /** Option data: up to 127 bytes, a multiple of 4. */
  data: attr(3, bytes(127)),
})

/** LWTUNNEL_IP_OPT_VXLAN_*. Linux 5.5. */
export const VXLAN_OPT = table('LWTUNNEL_IP_OPT_VXLAN_', {
  /** Group policy id, 16 bits; 0x80000 and 0x400000 are flags of the header (applied, do not learn). */
  gbp: attr(1, u32),
})

/** LWTUNNEL_IP_OPT_ERSPAN_*. Linux 5.5. */
export const ERSPAN_OPT = table('LWTUNNEL_IP_OPT_ERSPAN_', {
  /** ERSPAN version, 1 or 2. */
  ver: attr(1, u8),
  /** Index of version 1, network byte order. */
  index: attr(2, be32),
  /** Direction of version 2: 0 ingress, 1 egress. */
  dir: attr(3, u8),
  /** Hardware id of version 2. */
  hwid: attr(4, u8),
})

/**
 * LWTUNNEL_IP_OPTS_*: options of the tunnel's own header. Some kernels built with FORTIFY_SOURCE stop on Geneve options
 * (seen on 6.18) while they hold the lock of all network configuration: try them on a kernel that may be lost.
 */
export const OPTS = table('LWTUNNEL_IP_OPTS_', {
  /** Geneve options, in order. */
  geneve: attrs(1, GENEVE_OPT),
  /** VXLAN options. */
  vxlan: attr(2, VXLAN_OPT),
  /** ERSPAN options. */
  erspan: attr(3, ERSPAN_OPT),
})

/** LWTUNNEL_IP_*: encapsulation in IPv4. Linux 4.4. */
export const LWTUNNEL_IP = table('LWTUNNEL_IP_', {
  /** Tunnel key or VNI, 64 bits in network byte order. */
  id: attr(1, be64),
  /** Underlay destination: the peer. */
  dst: attr(2, ipv4),
  /** Underlay source. */
  src: attr(3, ipv4),
  /** TTL of the outer header; 0 lets the kernel choose. */
  ttl: attr(4, u8),
  /** TOS of the outer header. */
  tos: attr(5, u8),
  /** TUNNEL_*: `key` sends the id, `csum`, `seq`, `dont_fragment`. Network byte order. */
  flags: attr(6, bits(be16, TUNNEL)),
  /** Options of the tunnel's own header. Linux 5.5. */
  opts: attr(8, OPTS),
})

/** LWTUNNEL_IP6_*: encapsulation in IPv6. Linux 4.4. */
export const LWTUNNEL_IP6 = table('LWTUNNEL_IP6_', {
  /** Tunnel key or VNI, 64 bits in network byte order. */
  id: attr(1, be64),
  /** Underlay destination: the peer. */
  dst: attr(2, ipv6),
  /** Underlay source. */
  src: attr(3, ipv6),
  /** Hop limit of the outer header; 0 lets the kernel choose. */
  hoplimit: attr(4, u8),
  /** Traffic class of the outer header. */
  tc: attr(5, u8),
  /** TUNNEL_*: `key` sends the id, `csum`, `seq`, `dont_fragment`. Network byte order. */
  flags: attr(6, bits(be16, TUNNEL)),
  /** Options of the tunnel's own header. Linux 5.5. */
  opts: attr(8, OPTS),
})

/** MPLS_IPTUNNEL_*: a label stack (linux/mpls_iptunnel.h). Linux 4.3. */
export const MPLS_IPTUNNEL = table('MPLS_IPTUNNEL_', {
  /** Labels, outermost first. */
  dst: attr(1, labels),
  /** TTL of the labels; absent, it is taken from the packet. */
  ttl: attr(2, u8),
})

/** LWTUNNEL_ENCAP_*: the types whose attributes are known. */
export const ENCAPS = {
  mpls: [1, MPLS_IPTUNNEL],
  ip: [2, LWTUNNEL_IP],
  ip6: [4, LWTUNNEL_IP6],
} as const

/** An encap whose type stands in attribute `type`. */
export const encap = (type: number, name: string) => encapCodec({ type, name }, ENCAPS)
