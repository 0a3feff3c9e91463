import { hopOf } from './carriage.js'
import type { Family } from './kinds.js'
import { familyOfPrefix } from './messages.js'
import { type Hop, Member } from './peer.js'
import type { Scheme } from './scheme.js'

/**
 * What an overlay should have in the kernel.
 * @module
 */

/** Peers, and who announces each prefix. */
export class Wanted {
  readonly members: ReadonlyMap<string, Member>
  /** One peer, or several; an empty list where nobody announces the prefix any more. */
  readonly routes = new Map<string, Member | readonly Member[]>()

  constructor(members: ReadonlyMap<string, Member>) {
    this.members = members
  }

  /** Takes a peer's prefixes. */
  announce(member: Member): void {
    for (const prefix of member.prefixes) this.announcePrefix(prefix, member)
  }

  /** Takes one prefix of a peer. */
  announcePrefix(prefix: string, member: Member): void {
    const others = this.routes.get(prefix)
    if (others === undefined) this.routes.set(prefix, member)
    else if (others instanceof Member) {
      if (others !== member) this.routes.set(prefix, [others, member])
    } else if (others.length === 0) this.routes.set(prefix, member)
    else if (!others.includes(member)) this.routes.set(prefix, [...others, member])
  }

  /** A prefix that nobody may announce, unless somebody does. */
  withdraw(prefix: string): void {
    if (!this.routes.has(prefix)) this.routes.set(prefix, [])
  }
}

/** The nexthop of a peer's routes of a family, made once. */
export function hopFor(scheme: Scheme, member: Member, family: Family): Hop {
  if (family === 'inet') {
    member.hop ??= hopOf(scheme, member, 'inet')
    return member.hop
  }
  member.hop6 ??= hopOf(scheme, member, 'inet6')
  return member.hop6
}

/** The nexthop of a peer's route to a prefix. */
export const hopToward = (scheme: Scheme, member: Member, prefix: string): Hop =>
  hopFor(scheme, member, familyOfPrefix(prefix))
