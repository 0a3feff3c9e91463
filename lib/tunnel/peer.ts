import { formatIpv6, writeIpv4, writeIpv6 } from '../address.js'
import type { RouteInput } from '../schema/route.js'
import type { Family } from './kinds.js'

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

/** Who announces a prefix. */
export interface Claim {
  /** One peer, or several; none where nobody announces it any more. */
  readonly who: Member | readonly Member[]
  /** All of them. */
  readonly members: readonly Member[]
  /** The kernel has just this route. */
  settled: boolean
}

/** A peer in the one spelling of each of its addresses, and what follows from them. It claims its one prefix itself. */
export class Member implements Claim {
  readonly endpoint: string
  /** Hash of the endpoint, as a signed 32-bit number. */
  readonly hash: number
  /** The endpoint as a word where it is one of IPv4, which is never 0; 0 where it is not. */
  readonly word: number
  /** Where it stands in the list that it came in. */
  index = 0
  weight = 1
  mac: string | undefined = undefined
  gateway: string | undefined = undefined
  /** Without repetition, with lengths. */
  prefixes: string[] = NO_PREFIXES
  carriesInet = false
  carriesInet6 = false
  /** Nexthops of its routes, where they are not just the endpoint; made when they are needed. */
  hop: Hop | undefined = undefined
  hop6: Hop | undefined = undefined
  /** The kernel had something of it when it was first looked for. */
  known: boolean | undefined = undefined
  /** A message about it was made. */
  touched = false
  settled = false

  constructor(endpoint: string, hash: number, word: number) {
    this.endpoint = endpoint
    this.hash = hash | 0
    this.word = word
  }

  get family(): Family {
    return this.word === 0 ? 'inet6' : 'inet'
  }

  get who(): Member {
    return this
  }

  get members(): readonly Member[] {
    return [this]
  }
}

/** Never written to: all who have prefixes get a list of their own. */
const NO_PREFIXES: string[] = []

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
