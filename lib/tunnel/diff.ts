import type { Route } from '../schema/route.js'
import type { Request } from '../wire/request.js'
import { FLOOD, neighboursOf, usesFdb } from './carriage.js'
import { type Destination, familyOfPrefix, Messages } from './messages.js'
import { hashSet, within } from './metric.js'
import { Objects } from './objects.js'
import type { Member } from './peer.js'
import type { Scheme } from './scheme.js'
import { multipathText, type PresentRoute, type Snapshot } from './snapshot.js'
import { hopToward, type Wanted } from './wanted.js'

/** One message, and the peers that it is about. */
export interface Step {
  readonly request: Request
  /** Endpoints, the first one standing for a message that is about one peer. */
  readonly endpoints: readonly string[]
  readonly prefix?: string
}

/** Somebody else's route to a prefix of ours. The kernel takes the one with the lower metric. */
export interface ForeignRoute {
  readonly prefix: string
  /** The peers that announce it here. */
  readonly endpoints: readonly string[]
  readonly route: Route
}

/** Somebody else's neighbour or forwarding entry where ours would be. */
export interface Obstacle {
  readonly endpoint: string
  readonly message: string
}

/** How many peers a change is about. */
export interface Counts {
  added: number
  removed: number
  changed: number
  unchanged: number
}

/** How many prefixes or peers are looked at before the reader of the steps may do something else. */
const STRIDE = 64

/**
 * The difference between what is wanted and what is there, as messages in an order that keeps a route to every prefix
 * that has one before and after: first all that is new, then the routes that are too many, then what only those needed.
 */
export class Diff {
  /** Other people's routes to the wanted prefixes, as they are found. */
  readonly foreign: ForeignRoute[] = []
  /** What could not be done without touching other people's entries. */
  readonly obstacles: Obstacle[] = []
  /** Prefixes looked at. */
  done = 0
  readonly #scheme: Scheme
  readonly #wanted: Wanted
  readonly #present: Snapshot
  readonly #messages: Messages
  readonly #objects: Objects
  /** Only what these peers have may be taken away; undefined: what all have that is not wanted. */
  readonly #scope: ReadonlySet<string> | undefined
  readonly #gone = new Set<string>()

  constructor(scheme: Scheme, wanted: Wanted, present: Snapshot, scope?: ReadonlySet<string>) {
    this.#scheme = scheme
    this.#wanted = wanted
    this.#present = present
    this.#scope = scope
    this.#messages = new Messages(scheme)
    this.#objects = new Objects(scheme, this.#messages, present)
  }

  /** The messages. `undefined` stands for a while without one. */
  *steps(): Generator<Step | undefined, void> {
    if (this.#scheme.objects) yield* this.#makeObjects()
    yield* this.#makeEntries()
    yield* this.#makeRoutes()
    yield* this.#breakRoutes()
    yield* this.#breakObjects()
    yield* this.#breakEntries()
  }

  /** What became of the peers, once all steps were taken. */
  counts(failed: ReadonlySet<string>): Counts {
    const counts: Counts = { added: 0, removed: 0, changed: 0, unchanged: 0 }
    for (const member of this.#wanted.members.values()) {
      const { endpoint } = member
      if (failed.has(endpoint)) continue
      if (!this.#present.peers.has(endpoint)) counts.added++
      else if (member.touched) counts.changed++
      else counts.unchanged++
    }
    for (const endpoint of this.#gone) if (!failed.has(endpoint)) counts.removed++
    return counts
  }

  *#makeObjects(): Generator<Step | undefined, void> {
    const groups: [string, readonly Member[]][] = []
    let pause = STRIDE
    for (const [prefix, who] of this.#wanted.routes) {
      if (--pause === 0) {
        pause = STRIDE
        yield undefined
      }
      const members = 'length' in who ? who : [who]
      for (const member of members) {
        const { request } = this.#objects.single(member, familyOfPrefix(prefix))
        if (request !== undefined) yield this.#about(request, [member])
      }
      if (members.length > 1) groups.push([prefix, members])
    }
    for (const [prefix, members] of groups) {
      const { request } = this.#objects.group(members, familyOfPrefix(prefix))
      if (request !== undefined) yield this.#about(request, members)
    }
  }

  *#makeEntries(): Generator<Step | undefined, void> {
    const { ways, flood } = this.#scheme
    const fdb = usesFdb(this.#scheme)
    const neighbours = [ways.inet, ways.inet6].some((way) => 'lladdr' in way)
    if (!fdb && !neighbours) return
    let pause = STRIDE
    for (const member of this.#wanted.members.values()) {
      if (--pause === 0) {
        pause = STRIDE
        yield undefined
      }
      if (neighbours) yield* this.#makeNeighbours(member)
      if (!fdb) continue
      if (member.mac !== undefined) yield* this.#makeForward(member, member.mac)
      if (flood && !this.#present.floods.has(member.endpoint)) {
        if (!this.#present.foreignForwards.get(FLOOD)?.includes(member.endpoint))
          yield this.#about(this.#messages.addForward(FLOOD, member.endpoint), [member])
      }
    }
  }

  *#makeNeighbours(member: Member): Generator<Step, void> {
    for (const entry of neighboursOf(this.#scheme, member)) {
      if (this.#present.neighbours.get(entry.dst) === entry.lladdr) continue
      const foreign = this.#present.foreignNeighbours.get(entry.dst)
      if (foreign === undefined) yield this.#about(this.#messages.replaceNeighbour(entry), [member])
      else if (foreign !== entry.lladdr)
        this.#obstacle(
          member,
          `somebody else's neighbour entry says that ${entry.dst} is at ${foreign}, not ${entry.lladdr}`,
        )
    }
  }

  *#makeForward(member: Member, mac: string): Generator<Step, void> {
    const { endpoint } = member
    const present = this.#present.forwards.get(mac)
    if (present === endpoint) return
    const foreign = this.#present.foreignForwards.get(mac)
    if (present !== undefined) yield this.#about(this.#messages.replaceForward(mac, endpoint), [member])
    else if (foreign === undefined) yield this.#about(this.#messages.addForward(mac, endpoint), [member])
    else if (!foreign.includes(endpoint))
      this.#obstacle(
        member,
        `somebody else's forwarding entry says that ${mac} is at ${foreign.join(', ')}, not ${endpoint}`,
      )
  }

  *#makeRoutes(): Generator<Step | undefined, void> {
    let pause = STRIDE
    for (const [prefix, who] of this.#wanted.routes) {
      this.done++
      if (--pause === 0) {
        pause = STRIDE
        yield undefined
      }
      const step = 'length' in who ? this.#makeShared(prefix, who) : this.#makeSingle(prefix, who)
      if (step !== undefined) yield step
      const foreign = this.#present.foreign.get(prefix)
      if (foreign !== undefined) {
        const endpoints = 'length' in who ? who.map(({ endpoint }) => endpoint) : [who.endpoint]
        for (const route of foreign) this.foreign.push({ prefix, endpoints, route })
      }
    }
  }

  #makeSingle(prefix: string, member: Member): Step | undefined {
    const { objects, metric } = this.#scheme
    if (objects) {
      const { id } = this.#objects.single(member, familyOfPrefix(prefix))
      return this.#makeRoute(prefix, metric.base, `#${id}`, { nhId: id }, [member])
    }
    const hop = hopToward(this.#scheme, member, prefix)
    return this.#makeRoute(prefix, within(metric, member.hash), hop.text, { hop }, [member])
  }

  #makeShared(prefix: string, members: readonly Member[]): Step | undefined {
    if (members.length === 0) return undefined
    if (members.length === 1) return this.#makeSingle(prefix, members[0]!)
    const { objects, metric } = this.#scheme
    if (objects) {
      const { id } = this.#objects.group(members, familyOfPrefix(prefix))
      return this.#makeRoute(prefix, metric.base, `#${id}`, { nhId: id }, members)
    }
    const hops = members.map((member) => ({ to: hopToward(this.#scheme, member, prefix), weight: member.weight }))
    const content = multipathText(hops.map(({ to, weight }) => ({ text: to.text, weight })))
    return this.#makeRoute(prefix, within(metric, hashSet(members.map(({ hash }) => hash))), content, { hops }, members)
  }

  #makeRoute(
    prefix: string,
    metric: number,
    content: string,
    to: Destination,
    members: readonly Member[],
  ): Step | undefined {
    const present = this.#present.routes.get(prefix)
    const same = present?.find((route) => route.metric === metric)
    if (same === undefined) return this.#about(this.#messages.addRoute(prefix, metric, to), members, prefix)
    if (same.content === content && !same.stale) return undefined
    return this.#about(this.#messages.replaceRoute(prefix, metric, to), members, prefix)
  }

  /** The metric that the wanted route to a prefix has; undefined if there shall be none. */
  #metricOf(who: Member | readonly Member[]): number | undefined {
    const { objects, metric } = this.#scheme
    if ('length' in who && who.length === 0) return undefined
    if (objects) return metric.base
    if (!('length' in who)) return within(metric, who.hash)
    return within(metric, who.length === 1 ? who[0]!.hash : hashSet(who.map(({ hash }) => hash)))
  }

  *#breakRoutes(): Generator<Step | undefined, void> {
    let pause = STRIDE
    for (const [prefix, routes] of this.#present.routes) {
      if (--pause === 0) {
        pause = STRIDE
        yield undefined
      }
      const who = this.#wanted.routes.get(prefix)
      if (who === undefined && this.#scope !== undefined) {
        for (const { content } of routes) if (content.startsWith('#')) this.#objects.keep(Number(content.slice(1)))
        continue
      }
      const metric = who === undefined ? undefined : this.#metricOf(who)
      let kept = false
      for (const route of routes) {
        // IPv6 can have two routes with one metric.
        if (route.metric === metric && !kept) kept = true
        else if (route.metric !== metric) yield this.#withdrawn(prefix, route)
      }
    }
  }

  #withdrawn(prefix: string, { metric, content, to }: PresentRoute): Step {
    const nhId = content.startsWith('#') ? Number(content.slice(1)) : undefined
    const endpoints = to.map(({ endpoint }) => endpoint)
    for (const endpoint of endpoints) this.#touch(endpoint)
    return { request: this.#messages.deleteRoute(prefix, metric, nhId), endpoints, prefix }
  }

  *#breakObjects(): Generator<Step, void> {
    for (const { request, endpoint } of this.#objects.leftovers()) {
      this.#touch(endpoint)
      yield { request, endpoints: endpoint === '' ? [] : [endpoint] }
    }
  }

  *#breakEntries(): Generator<Step | undefined, void> {
    const { neighbours, forwards, floods, peers } = this.#present
    if (this.#scope === undefined) {
      let pause = STRIDE
      for (const endpoint of peers.keys()) {
        if (--pause === 0) {
          pause = STRIDE
          yield undefined
        }
        this.#touch(endpoint, false)
      }
    } else for (const endpoint of this.#scope) if (peers.has(endpoint)) this.#touch(endpoint, false)
    const needed = new Set<string>()
    const fdb = usesFdb(this.#scheme)
    if (neighbours.size > 0)
      for (const member of this.#wanted.members.values())
        for (const { dst } of neighboursOf(this.#scheme, member)) needed.add(dst)
    for (const [mac, endpoint] of forwards) {
      if (!this.#mayGo(endpoint) || (fdb && this.#wanted.members.get(endpoint)?.mac === mac)) continue
      // Another peer has it now: then it was replaced.
      if (fdb && this.#hasMac(mac)) continue
      yield this.#withoutEntry(this.#messages.deleteForward(mac, endpoint), endpoint)
    }
    for (const endpoint of floods) {
      if (!this.#mayGo(endpoint) || (this.#scheme.flood && this.#wanted.members.has(endpoint))) continue
      yield this.#withoutEntry(this.#messages.deleteForward(FLOOD, endpoint), endpoint)
    }
    for (const [dst, lladdr] of neighbours) {
      const endpoint = forwards.get(lladdr) ?? lladdr
      if (needed.has(dst) || !this.#mayGo(endpoint, dst)) continue
      yield this.#withoutEntry(this.#messages.deleteNeighbour(dst), endpoint)
    }
  }

  #macs: Set<string> | undefined

  #hasMac(mac: string): boolean {
    if (this.#macs === undefined) {
      this.#macs = new Set()
      for (const member of this.#wanted.members.values()) if (member.mac !== undefined) this.#macs.add(member.mac)
    }
    return this.#macs.has(mac)
  }

  /** Whether something of a peer's may be taken away. */
  #mayGo(endpoint: string, gateway?: string): boolean {
    if (this.#scope === undefined) return true
    if (this.#scope.has(endpoint)) return true
    return gateway !== undefined && [...this.#scope].some((one) => this.#present.peers.get(one)?.gateway === gateway)
  }

  #withoutEntry(request: Request, endpoint: string): Step {
    this.#touch(endpoint)
    return { request, endpoints: [endpoint] }
  }

  /** A message takes something from a peer. */
  #touch(endpoint: string, counts = true): void {
    const member = this.#wanted.members.get(endpoint)
    if (member !== undefined) member.touched ||= counts
    else if (this.#present.peers.has(endpoint) && (this.#scope === undefined || this.#scope.has(endpoint)))
      this.#gone.add(endpoint)
  }

  #about(request: Request, members: readonly Member[], prefix?: string): Step {
    for (const member of members) member.touched = true
    const endpoints = members.map(({ endpoint }) => endpoint)
    return prefix === undefined ? { request, endpoints } : { request, endpoints, prefix }
  }

  #obstacle({ endpoint }: Member, message: string): void {
    this.obstacles.push({ endpoint, message })
  }
}
