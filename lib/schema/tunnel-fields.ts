import { ipv4, ipv6 } from '../wire/addresses.js'
import { be16, be32, bits, enumeration, nonzero, range, u8, u16, u32 } from '../wire/scalars.js'
import { struct } from '../wire/struct.js'
import { DF, GRE, IP6_TNL_F, IPPROTO_TUNNEL, TUNNEL_ENCAP, TUNNEL_ENCAP_FLAG } from './link-constants.js'

/**
 * Payloads that several kinds of tunnel share; each kind numbers them itself.
 * @module
 */

/** A GRE key, network byte order; `iflags` and `oflags` say whether it is in use. */
export const key = range(be32, 0, 0xffffffff, 'a key')

/** Which fields a GRE header has, network byte order. */
export const greFlags = bits(be16, GRE)

/** Hop limit of the outer header, 0 to take over the inner one. */
export const ttl = range(u8, 0, 255, 'a TTL')

/** What is carried: IPPROTO_*. */
export const tunnelProtocol = enumeration(u8, IPPROTO_TUNNEL)

/** Encapsulation in UDP (TUNNEL_ENCAP_*). */
export const encapType = enumeration(u16, TUNNEL_ENCAP)

/** Checksums of that encapsulation (TUNNEL_ENCAP_FLAG_*). */
export const encapFlags = bits(u16, TUNNEL_ENCAP_FLAG)

/** A UDP port, network byte order. */
export const port = range(be16, 0, 0xffff, 'a port')

/** `struct ifla_vxlan_port_range`, `struct ifla_geneve_port_range`: UDP source ports, network byte order. */
export const PORT_RANGE = struct('ifla_vxlan_port_range', {
  /** First port. */
  low: port,
  /** Last port, not below the first. */
  high: port,
})

/** Flags of a tunnel over IPv6 (IP6_TNL_F_*), host byte order. */
export const ip6tnlFlags = bits(u32, IP6_TNL_F)

/** Traffic class and flow label of the outer header, `class << 20 | label`, network byte order. */
export const flowinfo = range(be32, 0, 0x0fffffff, 'a traffic class and flow label')

/** Flow label of the outer header, network byte order. */
export const label = range(be32, 0, 0xfffff, 'a flow label')

/** A virtual network identifier. */
export const vni = range(u32, 0, 0xffffff, 'a VNI')

/** The outer header's don't-fragment bit. */
export const df = enumeration(u8, DF)

/** A remote that is really one: Ethernet over GRE refuses to be told 0.0.0.0. */
export const remoteIpv4 = nonzero(ipv4, 'an IPv4 address other than 0.0.0.0 (leave it out for none)')
/** A remote that is really one: Ethernet over GRE refuses to be told ::. */
export const remoteIpv6 = nonzero(ipv6, 'an IPv6 address other than :: (leave it out for none)')
