import { FLOOD, hasStations, neighboursOf, usesFdb } from './carriage.js'
import { Forwarding } from './forwarding.js'
import type { Ids } from './ids.js'
import type { Member } from './member.js'
import type { Messages } from './messages.js'
import type { Scheme } from './scheme.js'
import type { Snapshot } from './snapshot.js'
import { about, type Obstacle, STRIDE, type Step, type Target, without } from './step.js'
import type { Wanted } from './wanted.js'

/** Neighbour and forwarding entries of one change. */
export class Entries {
  readonly #scheme: Scheme
  readonly #messages: Messages
  readonly #wanted: Wanted
  readonly #present: Snapshot
  readonly #scope: ReadonlySet<string> | undefined
  readonly #fdb: boolean
  readonly #forwarding: Forwarding
  readonly #obstacles: Obstacle[] = []
  /** Gateways and MACs that are wanted. */
  readonly #gateways = new Set<string>()
  readonly #macs = new Set<string>()

  constructor(scheme: Scheme, messages: Messages, ids: Ids, target: Target, present: Snapshot) {
    const { wanted, scope } = target
    this.#scheme = scheme
    this.#messages = messages
    this.#wanted = wanted
    this.#present = present
    this.#scope = scope
    this.#fdb = usesFdb(scheme) && !hasStations(scheme)
    this.#forwarding = new Forwarding(scheme, ids, target, present)
  }

  /** What could not be done without touching other people's entries. */
  get obstacles(): readonly Obstacle[] {
    return [...this.#obstacles, ...this.#forwarding.obstacles]
  }

  /** Messages that make what is missing. `undefined` stands for a while without one. */
  *make(): Generator<Step | undefined, void> {
    const { ways, flood } = this.#scheme
    const neighbours = [ways.inet, ways.inet6].some((way) => 'lladdr' in way)
    if (!this.#fdb && !neighbours) return
    yield* this.#forwarding.make()
    let pause = STRIDE
    for (const member of this.#wanted.members) {
      if (--pause === 0) {
        pause = STRIDE
        yield undefined
      }
      if (neighbours) yield* this.#makeNeighbours(member)
      if (this.#fdb && member.mac !== undefined) yield* this.#makeForward(member, member.mac)
      if (flood) yield* this.#makeFlood(member)
    }
  }

  *#makeNeighbours(member: Member): Generator<Step, void> {
    for (const entry of neighboursOf(this.#scheme, member)) {
      const { dst, lladdr } = entry
      if (this.#gateways.has(dst)) continue
      this.#gateways.add(dst)
      const present = this.#present.neighbours.get(dst)
      if (present === lladdr) continue
      const wrong = present === undefined ? 'missing' : 'different'
      const foreign = this.#present.foreignNeighbours.get(dst)
      if (foreign === undefined) yield about(this.#messages.replaceNeighbour(entry), wrong, member)
      else if (foreign !== lladdr)
        this.#obstacle(member, `somebody else's neighbour entry says that ${dst} is at ${foreign}, not ${lladdr}`)
    }
  }

  *#makeForward(member: Member, mac: string): Generator<Step, void> {
    const { endpoint } = member
    this.#macs.add(mac)
    if (this.#present.stations.entries.size > 0) yield* this.#forwarding.clear(mac, member)
    const present = this.#present.forwards.get(mac)
    if (present === endpoint) return
    const foreign = this.#present.foreignForwards.get(mac)
    if (present !== undefined) yield about(this.#messages.replaceForward(mac, endpoint), 'different', member)
    else if (foreign === undefined) yield about(this.#messages.addForward(mac, endpoint), 'missing', member)
    else if (!foreign.includes(endpoint)) {
      const there = foreign.join(', ')
      this.#obstacle(member, `somebody else's forwarding entry says that ${mac} is at ${there}, not ${endpoint}`)
    }
  }

  *#makeFlood(member: Member): Generator<Step, void> {
    const { endpoint } = member
    const { floods, foreignForwards } = this.#present
    if (floods.has(endpoint) || foreignForwards.get(FLOOD)?.includes(endpoint)) return
    yield about(this.#messages.addForward(FLOOD, endpoint), 'missing', member)
  }

  /** Messages that take away what is too much, once no route needs it. */
  *break(): Generator<Step | undefined, void> {
    const { neighbours, forwards, floods, stations } = this.#present
    const { members } = this.#wanted
    const mayGo = this.#scope === undefined ? () => true : (endpoint: string) => this.#scope!.has(endpoint)
    for (const [mac, endpoint] of forwards) {
      if (!mayGo(endpoint) || this.#macs.has(mac) || this.#forwarding.has(mac)) continue
      yield without(this.#messages.deleteForward(mac, endpoint), endpoint, this.#wanted)
    }
    for (const endpoint of floods) {
      if (!mayGo(endpoint) || (this.#scheme.flood && members.has(endpoint))) continue
      yield without(this.#messages.deleteForward(FLOOD, endpoint), endpoint, this.#wanted)
    }
    const old = this.#oldGateways()
    let pause = STRIDE
    for (const [dst, lladdr] of neighbours) {
      if (--pause === 0) {
        pause = STRIDE
        yield undefined
      }
      if (this.#gateways.has(dst)) continue
      const sharing = stations.sharing(lladdr, dst)
      const endpoint = sharing[0]?.endpoint ?? forwards.get(lladdr) ?? lladdr
      const goes = sharing.length > 1 ? sharing.every((one) => mayGo(one.endpoint)) : mayGo(endpoint) || old.has(dst)
      if (goes) yield without(this.#messages.deleteNeighbour(dst), endpoint, this.#wanted)
    }
    yield* this.#forwarding.break()
  }

  /** Gateways that the peers of the change had. */
  #oldGateways(): ReadonlySet<string> {
    const old = new Set<string>()
    for (const endpoint of this.#scope ?? []) {
      const gateway = this.#present.peers.get(endpoint)?.gateway
      if (gateway !== undefined) old.add(gateway)
    }
    return old
  }

  #obstacle({ endpoint }: Member, message: string): void {
    this.#obstacles.push({ endpoint, message })
  }
}
