import { neighbour } from '../rtnl/neighbour.js'
import { nexthop } from '../rtnl/nexthop.js'
import type { NeighbourInput } from '../schema/neighbour.js'
import { hasStations } from './carriage.js'
import { type Ids, Stripe } from './ids.js'
import type { Member } from './member.js'
import { familyOfPrefix } from './messages.js'
import { fmix32, hashSet } from './metric.js'
import { groupText } from './present.js'
import type { Scheme } from './scheme.js'
import type { Snapshot } from './snapshot.js'
import type { Share } from './stations.js'
import { about, aboutAll, type Obstacle, type Step, type Target, without } from './step.js'

/**
 * Forwarding entries that lead to nexthop objects. Where a MAC is behind several endpoints its packets are spread over
 * them, by flow; and an endpoint that becomes another is one message, whatever leads to it.
 * @module
 */

/** Sets the ids of these objects apart from those that routes lead to. */
const SALT = 0x666462

/** An object of a group. */
interface Part {
  readonly id: number
  readonly weight: number
}

/** Who a MAC is behind after a change: peers of the change, and those that stay as they are. */
interface Demand {
  readonly members: Member[]
  readonly others: readonly Part[]
}

/** Forwarding entries, groups and objects of one change. */
export class Forwarding {
  readonly obstacles: Obstacle[] = []
  readonly #scheme: Scheme
  readonly #ids: Ids
  readonly #stripe: Stripe
  readonly #target: Target
  readonly #present: Snapshot
  /** Endpoint → object. */
  readonly #singles = new Map<string, number>()
  readonly #groups = new Map<string, number>()
  /** Objects and groups that something leads to. */
  readonly #used = new Set<number>()
  readonly #done = new Set<string>()

  constructor(scheme: Scheme, ids: Ids, target: Target, present: Snapshot) {
    this.#scheme = scheme
    this.#ids = ids
    this.#stripe = new Stripe(scheme.nexthopIds, scheme.device.index)
    this.#target = target
    this.#present = present
    const { nexthops, groups } = present.stations
    for (const [id, endpoint] of nexthops) if (!this.#singles.has(endpoint)) this.#singles.set(endpoint, id)
    for (const { id, text } of groups.values()) if (!this.#groups.has(text)) this.#groups.set(text, id)
  }

  /** Messages that make what is missing: objects, groups, entries. */
  *make(): Generator<Step, void> {
    if (!hasStations(this.#scheme)) return
    yield* this.#move()
    const stations = [...this.#demand()].filter(([mac, { members }]) => !this.#isTaken(mac, members))
    for (const [, { members }] of stations) yield* this.#makeSingles(members)
    const ids: number[] = []
    for (const [, demand] of stations) ids.push(yield* this.#makeGroup(demand))
    for (const [i, [mac, { members }]] of stations.entries()) yield* this.#makeEntry(mac, ids[i]!, members)
  }

  /** Lets the object of an endpoint lead to a peer that has none. */
  *#move(): Generator<Step, void> {
    const { moved } = this.#target
    if (moved === undefined || moved.to.mac === undefined) return
    const { from, to } = moved
    const id = this.#singles.get(from)
    if (id === undefined || this.#singles.has(to.endpoint) || familyOfPrefix(from) !== to.family) return
    this.#singles.delete(from)
    this.#singles.set(to.endpoint, id)
    yield about(nexthop.replace(this.#single(id, to)), 'different', to)
  }

  /** MACs that the change is about. */
  #demand(): Map<string, Demand> {
    const { wanted, scope } = this.#target
    const demand = new Map<string, Demand>()
    for (const member of wanted.members) {
      const { mac } = member
      if (mac === undefined) continue
      const known = demand.get(mac)
      if (known === undefined) demand.set(mac, { members: [member], others: this.#others(mac) })
      else known.members.push(member)
    }
    if (scope === undefined) return demand
    for (const mac of this.#present.stations.entries.keys()) {
      if (demand.has(mac) || !this.#shares(mac).some(({ endpoint }) => this.#restated(endpoint))) continue
      const others = this.#others(mac)
      if (others.length > 0) demand.set(mac, { members: [], others })
    }
    return demand
  }

  #shares(mac: string): readonly Share[] {
    return this.#present.stations.behind(mac)
  }

  /** Whether the change says all there is to say about an endpoint. */
  #restated(endpoint: string): boolean {
    const { wanted, scope } = this.#target
    return scope === undefined || scope.has(endpoint) || wanted.members.has(endpoint)
  }

  /** Objects behind a MAC that the change leaves alone. */
  #others(mac: string): Part[] {
    const { stations } = this.#present
    const group = stations.groups.get(stations.entries.get(mac) ?? 0)
    return (group?.parts ?? []).filter(({ id }) => !this.#restated(stations.nexthops.get(id)!))
  }

  *#makeSingles(members: readonly Member[]): Generator<Step, void> {
    for (const member of members) {
      const { endpoint, hash } = member
      if (this.#singles.has(endpoint)) continue
      const id = this.#ids.takeOf(this.#stripe, fmix32(hash ^ SALT))
      this.#singles.set(endpoint, id)
      yield about(nexthop.add(this.#single(id, member)), 'missing', member)
    }
  }

  /** Returns the id of the group. */
  *#makeGroup({ members, others }: Demand): Generator<Step, number> {
    const own = members.map(({ endpoint, weight }) => ({ id: this.#singles.get(endpoint)!, weight }))
    const parts: readonly Part[] = [...others, ...own]
    const text = groupText(parts)
    let id = this.#groups.get(text)
    if (id === undefined) {
      id = this.#ids.takeOf(this.#stripe, hashSet(parts.map((part) => fmix32(part.id ^ SALT))))
      this.#groups.set(text, id)
      yield aboutAll(nexthop.add({ id, protocol: this.#scheme.protocol, fdb: true, group: parts }), 'missing', members)
    }
    for (const one of [id, ...parts.map((part) => part.id)]) this.#used.add(one)
    return id
  }

  *#makeEntry(mac: string, nhId: number, members: readonly Member[]): Generator<Step, void> {
    this.#done.add(mac)
    const { stations, forwards } = this.#present
    const present = stations.entries.get(mac)
    if (present === nhId) return
    if (present !== undefined) {
      yield aboutAll(neighbour.replace(this.#entry(mac, nhId)), 'different', members)
      return
    }
    // The kernel does not turn an entry with an address into one with a group.
    const dst = forwards.get(mac)
    if (dst !== undefined) {
      const { index: ifindex } = this.#scheme.device
      yield aboutAll(neighbour.delete({ family: 'bridge', ifindex, lladdr: mac, dst }), 'different', members)
    }
    yield aboutAll(neighbour.add(this.#entry(mac, nhId)), 'missing', members)
  }

  /** Whether somebody else has an entry for a MAC. One that leads to the endpoint will do. */
  #isTaken(mac: string, members: readonly Member[]): boolean {
    const { stations, foreignForwards } = this.#present
    const group = stations.foreign.get(mac)
    const foreign = group === undefined ? foreignForwards.get(mac) : [`nexthop group ${group}`]
    if (foreign === undefined) return false
    const there = foreign.join(', ')
    for (const { endpoint } of members)
      if (!foreign.includes(endpoint))
        this.obstacles.push({
          endpoint,
          message: `somebody else's forwarding entry says that ${mac} is at ${there}, not ${endpoint}`,
        })
    return true
  }

  /** Whether a MAC has its entry with a group. */
  has(mac: string): boolean {
    return this.#done.has(mac)
  }

  /** Removes an entry with a group, in whose place another one shall be. */
  *clear(mac: string, member: Member): Generator<Step, void> {
    const nhId = this.#present.stations.entries.get(mac)
    if (nhId === undefined || this.#done.has(mac)) return
    this.#done.add(mac)
    yield about(neighbour.delete(this.#entry(mac, nhId)), 'different', member)
  }

  /** Messages that take away what is too much: entries, groups, objects. */
  *break(): Generator<Step, void> {
    const { wanted, scope } = this.#target
    const { stations } = this.#present
    const { entries, groups, nexthops } = stations
    const full = scope === undefined
    for (const [mac, nhId] of entries) {
      if (this.#done.has(mac)) continue
      const shares = this.#shares(mac)
      if (full || (shares.length > 0 && shares.every(({ endpoint }) => this.#restated(endpoint)))) {
        const [first] = shares
        yield without(neighbour.delete(this.#entry(mac, nhId)), first?.endpoint ?? '', wanted)
      } else {
        this.#used.add(nhId)
        for (const { id } of groups.get(nhId)?.parts ?? []) this.#used.add(id)
      }
    }
    for (const { id } of groups.values()) if (!this.#used.has(id)) yield without(nexthop.delete({ id }), '', wanted)
    for (const [id, endpoint] of nexthops)
      if (!this.#used.has(id)) yield without(nexthop.delete({ id }), endpoint, wanted)
  }

  #single(id: number, { endpoint, family }: Member): Parameters<typeof nexthop.add>[0] {
    return { id, family, protocol: this.#scheme.protocol, gateway: endpoint, fdb: true }
  }

  #entry(lladdr: string, nhId: number): NeighbourInput {
    const { index: ifindex } = this.#scheme.device
    return { family: 'bridge', ifindex, lladdr, nhId, flags: ['self', 'ext_learned'], state: ['permanent'] }
  }
}
