import { formatIpv6, writeIpv4, writeIpv6 } from '../address.js'
import type { RouteInput } from '../schema/route.js'
import type { Family } from './kinds.js'
import { fmix32 } from './metric.js'

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
  readonly prefix: string
  /** One peer, or several; none where nobody announces it any more. */
  readonly who: Member | readonly Member[]
  /** All of them. */
  readonly members: readonly Member[]
  /** The kernel has just this route. */
  settled: boolean
}

/** What few peers have. */
interface Rare {
  weight: number
  mac: string | undefined
  gateway: string | undefined
  /** Nexthops of its routes, where they are not just the endpoint; made when they are needed. */
  hop: Hop | undefined
  hop6: Hop | undefined
}

const COMMON: Readonly<Rare> = { weight: 1, mac: undefined, gateway: undefined, hop: undefined, hop6: undefined }

/**
 * A peer in the one spelling of each of its addresses, and what follows from them. It claims its one prefix itself. A
 * hundred thousand are made before anything is sent, so what few have is kept apart.
 */
export class Member implements Claim {
  readonly endpoint: string
  readonly family: Family
  /** The endpoint as a word where it is one of IPv4, a hash of it where it is not: a signed 32-bit number. */
  readonly word: number
  /** Where it stands in the list that it came in. */
  index = 0
  /** One alone stands for itself. */
  #prefixes: string | readonly string[] = NONE
  #rare: Rare | undefined = undefined
  /** What a change does to it; undefined as long as it was neither found in the kernel nor a message about it made. */
  fate: 'added' | 'changed' | 'unchanged' | undefined = undefined
  settled = false

  constructor(endpoint: string, family: Family, word: number) {
    this.endpoint = endpoint
    this.family = family
    this.word = word
  }

  get weight(): number {
    return this.#rare === undefined ? 1 : this.#rare.weight
  }

  get mac(): string | undefined {
    return this.#rare?.mac
  }

  get gateway(): string | undefined {
    return this.#rare?.gateway
  }

  /** What is known of it beside its endpoint and prefixes. */
  know(what: Partial<Rare>): void {
    this.#rare = { ...COMMON, ...this.#rare, ...what }
  }

  /** The nexthop of its routes of a family, where that is not just the endpoint and was made before. */
  hop(family: Family): Hop | undefined {
    return family === 'inet' ? this.#rare?.hop : this.#rare?.hop6
  }

  /** Hash of the endpoint, as a signed 32-bit number. */
  get hash(): number {
    return this.family === 'inet' ? fmix32(this.word) | 0 : this.word
  }

  /** Without repetition, with lengths. */
  get prefixes(): readonly string[] {
    return typeof this.#prefixes === 'string' ? [this.#prefixes] : this.#prefixes
  }

  set prefixes(prefixes: readonly string[]) {
    this.#prefixes = prefixes.length === 1 ? prefixes[0]! : prefixes
  }

  /** Its prefix, where it has just one; '' where it has not. */
  get prefix(): string {
    return typeof this.#prefixes === 'string' ? this.#prefixes : ''
  }

  set prefix(prefix: string) {
    this.#prefixes = prefix
  }

  /** Whether it has something of a family inside. A gateway is reached by other people's routes too. */
  carries(inner: Family): boolean {
    const all = this.gateway === undefined ? this.prefixes : [...this.prefixes, this.gateway]
    return all.some((one) => one.includes(':') === (inner === 'inet6'))
  }

  /** A message about it was made. */
  touch(): void {
    if (this.fate === undefined) this.fate = 'added'
    else if (this.fate === 'unchanged') this.fate = 'changed'
  }

  get who(): Member {
    return this
  }

  get members(): readonly Member[] {
    return [this]
  }
}

const NONE: readonly string[] = []

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
