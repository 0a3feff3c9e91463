import type { Route } from '../schema/route.js'
import { sharedHop } from './carriage.js'
import type { Family } from './kinds.js'
import { type Claim, Member } from './member.js'
import { type Destination, familyOfPrefix, type Messages } from './messages.js'
import { hashSet, within } from './metric.js'
import type { Objects } from './objects.js'
import { multipathText, PresentRoute } from './present.js'
import { NewRoutes, type OldRoute, OldRoutes, type Portion, type RouteSeries } from './route-series.js'
import type { Scheme } from './scheme.js'
import type { Snapshot } from './snapshot.js'
import { about, aboutAll, type Step, type Target } from './step.js'
import { contentToward, hopToward, isPlain, type Wanted } from './wanted.js'

/** Somebody else's route to a prefix of ours. The kernel takes the one with the lower metric. */
export interface ForeignRoute {
  readonly prefix: string
  /** The peers that announce it here. */
  readonly endpoints: readonly string[]
  readonly route: Route
}

const FAMILIES = ['inet', 'inet6'] as const

/** Prefixes that are looked at before the reader of the steps may do something else. */
const PORTION = 1024

/** The routes of one change. */
export class Routes {
  /** Other people's routes to the wanted prefixes, as they are found. */
  readonly foreign: ForeignRoute[] = []
  /** Prefixes looked at. */
  done = 0
  readonly #scheme: Scheme
  readonly #wanted: Wanted
  readonly #present: Snapshot
  readonly #messages: Messages
  readonly #objects: Objects
  /** Only what these peers have may be taken away; undefined: what all have that is not wanted. */
  readonly #scope: ReadonlySet<string> | undefined
  readonly #takeOver: boolean
  /** There is no route that any could be compared with. */
  readonly #vacant: boolean

  constructor(scheme: Scheme, messages: Messages, objects: Objects, target: Target, present: Snapshot) {
    const { wanted, scope, takeOver = false } = target
    this.#scheme = scheme
    this.#wanted = wanted
    this.#present = present
    this.#messages = messages
    this.#objects = objects
    this.#scope = scope
    this.#takeOver = takeOver
    this.#vacant = present.routes.size === 0 && !takeOver
  }

  /** Messages that make what is missing, or is not what it should be. */
  *make(): Generator<Portion, void> {
    while (this.done < this.#wanted.size) yield this.#makePortion(Math.min(this.done + PORTION, this.#wanted.size))
  }

  /** Routes to the next prefixes. Not in the generator: loops in those take long to be compiled. */
  #makePortion(end: number): Portion {
    const { foreign } = this.#present
    const portion: (Step | RouteSeries)[] = []
    const together: Record<Family, Claim[]> = { inet: [], inet6: [] }
    for (; this.done < end; this.done++) {
      const claim = this.#wanted.claimAt(this.done)
      if (foreign.size > 0) this.#reportForeign(claim)
      if (claim.settled) continue
      const { prefix, who } = claim
      const step = who instanceof Member ? this.#makeSingle(claim, who, together) : this.#makeShared(prefix, who)
      if (step !== undefined) portion.push(step)
    }
    for (const family of FAMILIES) {
      const claims = together[family]
      if (claims.length > 0)
        portion.push(new NewRoutes(this.#messages.stencil('add', family), this.#scheme.metric, claims))
    }
    return portion
  }

  #reportForeign({ prefix, members }: Claim): void {
    const found = this.#present.foreign.get(prefix)
    if (found === undefined) return
    const endpoints = members.map(({ endpoint }) => endpoint)
    for (const route of found) this.foreign.push({ prefix, endpoints, route })
  }

  /** Removes other people's routes, where that was asked for; those of the kernel come back by themselves. */
  *breakForeign(): Generator<Step, void> {
    if (!this.#takeOver) return
    for (const { prefix, route } of this.foreign) {
      if (route.protocol === 'kernel') continue
      const { members } = this.#wanted.claim(prefix)!
      // One with the metric of ours was replaced.
      if ((route.priority ?? 0) !== this.#metricOf(members))
        yield aboutAll(this.#messages.deleteForeign(route), 'surplus', members, prefix)
    }
  }

  /** The metric of a route to peers. */
  #metricOf(members: readonly Member[]): number {
    const { metric, objects } = this.#scheme
    if (objects) return metric.base
    return within(metric, members.length === 1 ? members[0]!.hash : hashSet(members.map(({ hash }) => hash)))
  }

  /** @param together gets the claim, where its route can be made with those of others */
  #makeSingle(claim: Claim, member: Member, together: Record<Family, Claim[]>): Step | undefined {
    const { objects, metric } = this.#scheme
    const { prefix } = claim
    const family = familyOfPrefix(prefix)
    if (objects) {
      const { id } = this.#objects.single(member, family)
      return this.#makeRoute(prefix, metric.base, `#${id}`, { nhId: id }, [member])
    }
    const own = within(metric, member.hash)
    const there = this.#vacant ? 'none' : this.#compare(prefix, own, contentToward(this.#scheme, member, prefix))
    if (there === 'same') return undefined
    if (there === 'none' && family === member.family && isPlain(this.#scheme, family)) {
      member.touch()
      together[family].push(claim)
      return undefined
    }
    const hop = hopToward(this.#scheme, member, prefix)
    const request = this.#messages.singleRoute(prefix, own, hop, there === 'other')
    return about(request, there === 'other' ? 'different' : 'missing', member, prefix)
  }

  #makeShared(prefix: string, members: readonly Member[]): Step | undefined {
    if (members.length === 0) {
      for (const route of this.#present.routesTo(prefix)) route.verdict = 'dropped'
      return undefined
    }
    const metric = this.#metricOf(members)
    if (this.#scheme.objects) {
      const { id } = this.#objects.group(members, familyOfPrefix(prefix))
      return this.#makeRoute(prefix, metric, `#${id}`, { nhId: id }, members)
    }
    const hops = members.map((member) => ({
      to: sharedHop(hopToward(this.#scheme, member, prefix), member, familyOfPrefix(prefix)),
      weight: member.weight,
    }))
    const content = multipathText(hops.map(({ to, weight }) => ({ text: to.text, weight })))
    return this.#makeRoute(prefix, metric, content, { hops }, members)
  }

  #makeRoute(
    prefix: string,
    metric: number,
    content: string,
    to: Destination,
    members: readonly Member[],
  ): Step | undefined {
    const there = this.#compare(prefix, metric, content)
    if (there === 'same') return undefined
    const request =
      there === 'other' ? this.#messages.replaceRoute(prefix, metric, to) : this.#messages.addRoute(prefix, metric, to)
    return aboutAll(request, there === 'other' ? 'different' : 'missing', members, prefix)
  }

  /**
   * Looks for a route of ours with this metric, which stays; those with other metrics go.
   * @returns `other` if it is there and not what it should be
   */
  #compare(prefix: string, metric: number, content: string): 'same' | 'other' | 'none' {
    const present = this.#present.routes.get(prefix)
    if (present === undefined) return this.#takes(prefix, metric) ? 'other' : 'none'
    if (present instanceof PresentRoute) return judge(present, metric, content)
    let verdict: 'same' | 'other' | 'none' = 'none'
    for (const route of present) {
      const found = judge(route, metric, content)
      if (verdict === 'none' || found === 'same') verdict = found === 'none' ? verdict : found
    }
    return verdict
  }

  /** Whether a route of somebody else's stands where ours shall be, and may be replaced. */
  #takes(prefix: string, metric: number): boolean {
    return (
      this.#takeOver && (this.#present.foreign.get(prefix)?.some(({ priority = 0 }) => priority === metric) ?? false)
    )
  }

  /** Messages that take away what is too much, once all that is wanted is there. */
  *break(): Generator<Portion, void> {
    const { routes, nexthops } = this.#present
    // Objects may be used by routes that a change of some peers is not about.
    const all = this.#scope === undefined || nexthops.size > 0
    let looked = 0
    let gone: OldRoute[] = []
    for (const prefix of all ? routes.keys() : this.#wantedPrefixes()) {
      const found = routes.get(prefix)
      if (found === undefined) continue
      if (found instanceof PresentRoute) {
        if (this.#goes(found)) gone.push({ prefix, route: found })
      } else for (const route of found) if (this.#goes(route)) gone.push({ prefix, route })
      if (++looked % PORTION > 0) continue
      yield this.#breakPortion(gone)
      gone = []
    }
    yield this.#breakPortion(gone)
  }

  #breakPortion(gone: readonly OldRoute[]): Portion {
    const portion: (Step | RouteSeries)[] = []
    const together: Record<Family, OldRoute[]> = { inet: [], inet6: [] }
    for (const old of gone) {
      const { prefix, route } = old
      const { metric, content, peers } = route
      for (const { member } of peers) member?.touch()
      if (!content.startsWith('#')) together[familyOfPrefix(prefix)].push(old)
      else {
        const request = this.#messages.deleteRoute(prefix, metric, Number(content.slice(1)))
        portion.push({ request, wrong: 'surplus', who: peers, prefix })
      }
    }
    for (const family of FAMILIES) {
      const routes = together[family]
      if (routes.length > 0) portion.push(new OldRoutes(this.#messages.stencil('delete', family), routes))
    }
    return portion
  }

  *#wantedPrefixes(): Generator<string, void> {
    for (const { prefix } of this.#wanted.claims()) yield prefix
  }

  /** Whether a route is no longer wanted. */
  #goes({ verdict, content }: PresentRoute): boolean {
    if (verdict !== 'unseen' || this.#scope === undefined) return verdict !== 'kept'
    if (content.startsWith('#')) this.#objects.keep(Number(content.slice(1)))
    return false
  }
}

function judge(route: PresentRoute, metric: number, content: string): 'same' | 'other' | 'none' {
  if (route.metric !== metric) {
    route.verdict = 'dropped'
    return 'none'
  }
  route.verdict = 'kept'
  return route.content === content && !route.stale ? 'same' : 'other'
}
