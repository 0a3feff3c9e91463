import { hopOf } from './carriage.js'
import type { Family } from './kinds.js'
import { familyOfPrefix } from './messages.js'
import { type Hop, Member } from './peer.js'
import type { Scheme } from './scheme.js'

/**
 * What an overlay should have in the kernel.
 * @module
 */

/** Who announces a prefix. */
export class Claim {
  /** One peer, or several; none where nobody announces it any more. */
  who: Member | Member[]
  /** The kernel has just this route. */
  settled = false

  constructor(who: Member | Member[]) {
    this.who = who
  }

  /** The peers that announce it. */
  get members(): readonly Member[] {
    return this.who instanceof Member ? [this.who] : this.who
  }
}

/** Peers, and who announces each prefix. */
export class Wanted {
  readonly members: ReadonlyMap<string, Member>
  readonly routes = new Map<string, Claim>()
  /** How many peers announce the prefix that most of them do. */
  most = 1

  constructor(members: ReadonlyMap<string, Member>) {
    this.members = members
  }

  /** Takes a peer's prefixes, of which none was taken before. */
  announce(member: Member): void {
    for (const prefix of member.prefixes) {
      const claim = this.routes.get(prefix)
      if (claim === undefined) this.routes.set(prefix, new Claim(member))
      else this.#share(claim, member)
    }
  }

  /** Takes one prefix of a peer, which it may have already. */
  announcePrefix(prefix: string, member: Member): void {
    const claim = this.routes.get(prefix)
    if (claim === undefined) this.routes.set(prefix, new Claim(member))
    else if (!claim.members.includes(member)) this.#share(claim, member)
  }

  #share(claim: Claim, member: Member): void {
    if (claim.who instanceof Member) claim.who = [claim.who, member]
    else if (claim.who.push(member) === 1) claim.who = member
    this.most = Math.max(this.most, claim.members.length)
  }

  /** A prefix that nobody may announce, unless somebody does. */
  withdraw(prefix: string): void {
    if (!this.routes.has(prefix)) this.routes.set(prefix, new Claim([]))
  }
}

/** The nexthop of a peer's routes of a family. One with an encap is made once; others are small. */
export function hopFor(scheme: Scheme, member: Member, family: Family): Hop {
  const known = family === 'inet' ? member.hop : member.hop6
  if (known !== undefined) return known
  const hop = hopOf(scheme, member, family)
  if (hop.encap === undefined) return hop
  if (family === 'inet') member.hop = hop
  else member.hop6 = hop
  return hop
}

/** The nexthop of a peer's route to a prefix. */
export const hopToward = (scheme: Scheme, member: Member, prefix: string): Hop =>
  hopFor(scheme, member, familyOfPrefix(prefix))
