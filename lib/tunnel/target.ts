import { Member, Members } from './member.js'
import { within } from './metric.js'
import type { Peer } from './peer.js'
import { PresentPeer, PresentRoute } from './present.js'
import type { Scheme } from './scheme.js'
import type { Expectation, Snapshot } from './snapshot.js'
import type { Target } from './step.js'
import { contentToward, Wanted } from './wanted.js'

/**
 * What is wanted after a change of some peers, given what is there: only the prefixes that the change is about.
 * @module
 */

/** Peers as the kernel knows them, made when they are needed. */
class Known {
  readonly #snapshot: Snapshot
  /** By weight: that is a prefix's, not the peer's. */
  readonly #members = new Map<number, Members>()

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  member(endpoint: string, weight: number): Member | undefined {
    let members = this.#members.get(weight)
    if (members === undefined) {
      members = new Members()
      this.#members.set(weight, members)
    }
    const known = members.get(endpoint)
    if (known !== undefined) return known
    const member = members.at(endpoint)
    const { gateway, mac } = this.#snapshot.peers.get(endpoint) ?? {}
    member?.set({ prefixes: [], weight, gateway, mac })
    return member
  }
}

/** Announces a prefix for the peers that have it now, but for some. */
function keepOthers(
  wanted: Wanted,
  snapshot: Snapshot,
  known: Known,
  prefix: string,
  but: (endpoint: string) => boolean,
): void {
  const found = snapshot.routes.get(prefix)
  // One peer of a thousand prefixes is what most changes are about.
  if (found instanceof PresentRoute && found.to instanceof PresentPeer && but(found.to.endpoint)) return
  for (const { hops } of snapshot.routesTo(prefix)) {
    for (const { peer, weight } of hops) {
      if (but(peer.endpoint)) continue
      const member = known.member(peer.endpoint, weight)
      if (member !== undefined) wanted.announcePrefix(prefix, member)
    }
  }
}

/** Prefixes that peers have now. */
function prefixesOf({ routes }: Snapshot, endpoints: ReadonlySet<string>): string[] {
  const prefixes: string[] = []
  for (const [prefix, found] of routes) {
    const has =
      found instanceof PresentRoute ? found.leadsTo(endpoints) : found.some((route) => route.leadsTo(endpoints))
    if (has) prefixes.push(prefix)
  }
  return prefixes
}

/** A change of some peers is about their routes and those to their prefixes, other people's included. */
export function interestIn(members: Iterable<Member>, endpoints: Iterable<string> = []): Expectation {
  const prefixes = new Set<string>()
  const about = new Set(endpoints)
  for (const member of members) {
    about.add(member.endpoint)
    for (const prefix of member.prefixes) prefixes.add(prefix)
  }
  return {
    interests: (prefix) => prefixes.has(prefix),
    settles: () => false,
    concerns: (prefix, endpoint) => prefixes.has(prefix) || about.has(endpoint),
  }
}

/** Most routes are just as they should be: these are ticked off while they are read. */
export function expectationOf(scheme: Scheme, wanted: Wanted): Expectation {
  return {
    interests: (prefix) => wanted.has(prefix),
    settles(prefix, metric, content) {
      const claim = scheme.objects ? undefined : wanted.claim(prefix)
      if (claim === undefined || claim.settled || !(claim.who instanceof Member)) return false
      const { who } = claim
      if (metric !== within(scheme.metric, who.hash) || content !== contentToward(scheme, who, prefix)) return false
      who.find()
      claim.settled = true
      return true
    },
  }
}

const NOBODY: ReadonlySet<string> = new Set()

/** Peers with their prefixes, and all that is there. */
export function additions(snapshot: Snapshot, members: Members): Target {
  const wanted = new Wanted(members)
  const known = new Known(snapshot)
  for (const member of members) {
    const present = snapshot.peers.get(member.endpoint)
    const gateway = member.gateway ?? present?.gateway
    const mac = member.mac ?? present?.mac
    if (gateway !== member.gateway || mac !== member.mac) member.know({ gateway, mac })
    for (const prefix of member.prefixes) {
      if (!wanted.has(prefix))
        keepOthers(
          wanted,
          snapshot,
          known,
          prefix,
          (endpoint) => members.has(endpoint) && announces(members.get(endpoint)!, prefix),
        )
      wanted.announcePrefix(prefix, member)
    }
  }
  return { wanted, scope: NOBODY }
}

const announces = ({ prefixes }: Member, prefix: string): boolean => prefixes.includes(prefix)

/** All that is there but for some peers. */
export function removals(snapshot: Snapshot, endpoints: ReadonlySet<string>): Target {
  const wanted = new Wanted(new Members())
  const known = new Known(snapshot)
  for (const prefix of prefixesOf(snapshot, endpoints)) {
    wanted.withdraw(prefix)
    keepOthers(wanted, snapshot, known, prefix, (endpoint) => endpoints.has(endpoint))
  }
  return { wanted, scope: endpoints }
}

/** A peer as it shall be, instead of what it was, perhaps elsewhere. */
export function moves(snapshot: Snapshot, members: Members, from: string | undefined): Target {
  const [member] = members as Iterable<Member> as [Member]
  const before = new Set(from === undefined ? [member.endpoint] : [member.endpoint, from])
  const { prefixes } = member
  const wanted = new Wanted(members, prefixes.length)
  const known = new Known(snapshot)
  for (const prefix of prefixes) {
    keepOthers(wanted, snapshot, known, prefix, (endpoint) => before.has(endpoint))
    wanted.announcePrefix(prefix, member)
  }
  for (const prefix of prefixesOf(snapshot, before)) {
    if (wanted.has(prefix)) continue
    wanted.withdraw(prefix)
    keepOthers(wanted, snapshot, known, prefix, (endpoint) => before.has(endpoint))
  }
  if (from === undefined || from === member.endpoint) return { wanted, scope: before }
  return { wanted, scope: before, moved: { from, to: member } }
}

/** The peers that are there, as they would have to be added. */
export function membersOf(snapshot: Snapshot): Members {
  const members = new Members(snapshot.peers.size)
  for (const { endpoint, prefixes, weight = 1, mac, gateway } of peersOf(snapshot))
    members.at(endpoint)?.set({ prefixes, weight, mac, gateway })
  return members
}

/** The peers that are there. A weight is known only where a prefix has several. */
export function* peersOf(snapshot: Snapshot): Generator<Peer, void> {
  const prefixes = new Map<string, string[]>()
  const weights = new Map<string, number>()
  for (const prefix of snapshot.routes.keys()) {
    for (const { hops } of snapshot.routesTo(prefix)) {
      for (const { peer, weight } of hops) {
        const { endpoint } = peer
        if (weight !== 1) weights.set(endpoint, weight)
        const own = prefixes.get(endpoint)
        if (own === undefined) prefixes.set(endpoint, [prefix])
        // Mid-change a prefix has two routes, one behind the other.
        else if (own[own.length - 1] !== prefix) own.push(prefix)
      }
    }
  }
  for (const { endpoint, gateway, mac, weight: share } of snapshot.peers.values()) {
    if (endpoint === '') continue
    const weight = weights.get(endpoint) ?? (share === 1 ? undefined : share)
    yield {
      endpoint,
      prefixes: prefixes.get(endpoint) ?? [],
      ...(weight === undefined ? {} : { weight }),
      ...(mac === undefined ? {} : { mac }),
      ...(gateway === undefined ? {} : { gateway }),
    }
  }
}
