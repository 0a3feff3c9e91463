import { AddressMap } from './address-map.js'
import { hopOf } from './carriage.js'
import type { Family } from './kinds.js'
import { type Claim, Member, type Members } from './member.js'
import { familyOfPrefix } from './messages.js'
import type { Hop } from './peer.js'
import { isRefusal, type Scheme } from './scheme.js'

/**
 * What an overlay should have in the kernel.
 * @module
 */

/** A prefix of peers that have several, or that several peers have. */
class Shared implements Claim {
  readonly prefix: string
  who: Member | Member[]
  settled = false

  constructor(prefix: string, who: Member | Member[]) {
    this.prefix = prefix
    this.who = who
  }

  get members(): readonly Member[] {
    return this.who instanceof Member ? [this.who] : this.who
  }

  add(member: Member): void {
    if (this.who instanceof Member) this.who = [this.who, member]
    else if (this.who.push(member) === 1) this.who = member
  }
}

/** Peers, and who announces each prefix. */
export class Wanted {
  readonly members: Members
  /** How many peers announce the prefix that most of them do. */
  most = 1
  /** By prefix, in the order in which each was announced first. A peer's one prefix is told by where the peer stands. */
  readonly #claims: AddressMap<number | Shared>

  /** @param expected how many prefixes there will be, about */
  constructor(members: Members, expected = members.size) {
    this.members = members
    this.#claims = new AddressMap(expected)
  }

  /** How many prefixes there are. */
  get size(): number {
    return this.#claims.size
  }

  /** Whether a prefix is announced, or withdrawn. */
  has(prefix: string): boolean {
    return this.#claims.has(prefix)
  }

  /** Who announces a prefix. */
  claim(prefix: string): Claim | undefined {
    const found = this.#claims.get(prefix)
    return found === undefined ? undefined : this.#claimOf(found)
  }

  /** All, in order. */
  *claims(): Generator<Claim, void> {
    for (let at = 0; at < this.size; at++) yield this.claimAt(at)
  }

  /** The one that stands somewhere, from 0 on. */
  claimAt(at: number): Claim {
    return this.#claimOf(this.#claims.values[at]!)
  }

  #claimOf(found: number | Shared): Claim {
    return typeof found === 'number' ? new Member(this.members, found) : found
  }

  /** Takes the prefixes of one of the members, of which none was taken before. */
  announce(at: number): void {
    const prefixes = this.members.prefixes[at]!
    const host = this.members.hosts[at]!
    if (typeof prefixes !== 'string')
      for (const one of prefixes) this.#announce(one, new Shared(one, new Member(this.members, at)), at)
    else if (host === 0) this.#announce(prefixes, at, at)
    else this.#shareIf(this.#claims.addHost(host, at), prefixes, at)
  }

  #announce(prefix: string, claim: number | Shared, at: number): void {
    this.#shareIf(this.#claims.add(prefix, claim), prefix, at)
  }

  #shareIf(there: number, prefix: string, at: number): void {
    if (there >= 0) this.#share(there, prefix, new Member(this.members, at))
  }

  /** Takes one prefix of any peer, which it may have already. */
  announcePrefix(prefix: string, member: Member): void {
    const there = this.#claims.add(prefix, new Shared(prefix, member))
    if (there < 0) return
    const { members } = this.#claimOf(this.#claims.values[there]!)
    if (!members.some((one) => one.is(member))) this.#share(there, prefix, member)
  }

  #share(at: number, prefix: string, member: Member): void {
    const found = this.#claims.values[at]!
    const shared = typeof found === 'number' ? new Shared(prefix, new Member(this.members, found)) : found
    shared.add(member)
    this.#claims.values[at] = shared
    this.most = Math.max(this.most, shared.members.length)
  }

  /** A prefix that nobody may announce, unless somebody does. */
  withdraw(prefix: string): void {
    this.#claims.add(prefix, new Shared(prefix, []))
  }
}

/** The nexthop of a peer's routes of a family. One that is not just the endpoint is made once. */
export function hopFor(scheme: Scheme, member: Member, family: Family): Hop {
  const known = member.hop(family)
  if (known !== undefined) return known
  const hop = hopOf(scheme, member, family)
  if (hop.text === member.endpoint) return hop
  member.know(family === 'inet' ? { hop } : { hop6: hop })
  return hop
}

/** The nexthop of a peer's route to a prefix. */
export const hopToward = (scheme: Scheme, member: Member, prefix: string): Hop =>
  hopFor(scheme, member, familyOfPrefix(prefix))

/** Its text alone. */
export function contentToward(scheme: Scheme, member: Member, prefix: string): string {
  const family = familyOfPrefix(prefix)
  return isPlain(scheme, family) && family === member.family ? member.endpoint : hopFor(scheme, member, family).text
}

/** Whether routes of a family name the endpoint as gateway, and nothing else, where it is of the same family. */
export function isPlain({ ways }: Scheme, family: Family): boolean {
  const way = ways[family]
  return !isRefusal(way) && way.gateway === 'endpoint' && way.carriage !== 'encap'
}
