import { formatIpv6, writeIpv4, writeIpv6 } from '../address.js'
import type { RouteInput } from '../schema/route.js'

/** What a route or nexthop puts around a packet. */
export type Encap = NonNullable<RouteInput['encap']>

/** Where a route leads. */
export interface Hop {
  readonly gateway: string | undefined
  readonly encap: Encap | undefined
  /** The two as one text: hops are the same if these are. */
  readonly text: string
}

/** A remote host, and what is behind it. */
export interface Peer {
  /** Its underlay address: a unicast address of another host. One peer each. */
  readonly endpoint: string
  /** What is reached through it: `12.1.1.1/32`, `2001:db8:12::/48`; a bare address stands for itself, `default` for IPv4. */
  readonly prefixes: readonly string[]
  /** Its share where several peers announce a prefix, 1 to 256. Default 1. The kernel keeps it only there. */
  readonly weight?: number | undefined
  /**
   * MAC address of its end of the tunnel, where the tunnel carries Ethernet. With strategy `nexthop` on vxlan it may be
   * behind several peers, each with its `weight`; they may name one `gateway`, and then share what is behind that.
   */
  readonly mac?: string | undefined
  /** An address of its end of the tunnel that routes name as gateway, where it is not the endpoint. */
  readonly gateway?: string | undefined
}

/** The bytes of an address in either family; undefined if it is none. */
export function canonicalBytes(text: string): Uint8Array | undefined {
  const bytes = Buffer.alloc(text.includes(':') ? 16 : 4)
  const valid = bytes.length === 4 ? writeIpv4(text, bytes, 0) : writeIpv6(text, bytes, 0)
  return valid ? bytes : undefined
}

/** The one spelling of an address; undefined if it is none. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = canonicalBytes(text)
  if (bytes === undefined) return undefined
  return bytes.length === 4 ? text : formatIpv6(bytes, 0)
}
