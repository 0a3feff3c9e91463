import { AddressMap } from './address-map.js'
import { hopOf } from './carriage.js'
import type { Family } from './kinds.js'
import { familyOfPrefix } from './messages.js'
import { type Claim, type Hop, Member } from './peer.js'
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

/** Peers by their endpoints. */
export type Members = Pick<AddressMap<Member>, 'get' | 'has' | 'size' | 'values'>

/** Peers, and who announces each prefix. */
export class Wanted {
  readonly members: Members
  readonly routes = new AddressMap<Claim>()
  /** How many peers announce the prefix that most of them do. */
  most = 1

  constructor(members: Members) {
    this.members = members
  }

  /** Takes a peer's prefixes, of which none was taken before. */
  announce(member: Member): void {
    // It may have been a claim before.
    member.settled = false
    if (member.prefix !== '') this.#claim(member.prefix, member, member)
    else for (const prefix of member.prefixes) this.#claim(prefix, member, new Shared(prefix, member))
  }

  #claim(prefix: string, member: Member, claim: Claim): void {
    const there = this.routes.add(prefix, claim)
    if (there !== undefined) this.#share(there, member)
  }

  /** Takes one prefix of a peer, which it may have already. */
  announcePrefix(prefix: string, member: Member): void {
    const claim = this.routes.get(prefix)
    if (claim === undefined) this.routes.set(prefix, new Shared(prefix, member))
    else if (!claim.members.includes(member)) this.#share(claim, member)
  }

  #share(claim: Claim, member: Member): void {
    let shared = claim
    if (!(shared instanceof Shared)) {
      const { prefix } = claim
      shared = new Shared(prefix, shared.who as Member)
      this.routes.set(prefix, shared)
    }
    ;(shared as Shared).add(member)
    this.most = Math.max(this.most, shared.members.length)
  }

  /** A prefix that nobody may announce, unless somebody does. */
  withdraw(prefix: string): void {
    if (!this.routes.has(prefix)) this.routes.set(prefix, new Shared(prefix, []))
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
  const way = scheme.ways[family]
  const plain = !isRefusal(way) && way.gateway === 'endpoint' && family === member.family
  return plain ? member.endpoint : hopFor(scheme, member, family).text
}
