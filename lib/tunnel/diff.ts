import { Entries } from './entries.js'
import { Ids } from './ids.js'
import type { Member } from './member.js'
import { familyOfPrefix, Messages } from './messages.js'
import { Objects } from './objects.js'
import type { PresentPeer } from './present.js'
import type { Portion } from './route-series.js'
import { type ForeignRoute, Routes } from './routes.js'
import type { Scheme } from './scheme.js'
import type { Snapshot } from './snapshot.js'
import { about, aboutAll, inPortions, type Obstacle, STRIDE, type Step, type Target, without } from './step.js'
import type { Wanted } from './wanted.js'

/** How many peers a change is about. */
export interface Counts {
  added: number
  removed: number
  changed: number
  unchanged: number
}

/**
 * The difference between what is wanted and what is there, as messages in an order that keeps a route to every prefix
 * that has one before and after: first all that is new, then the routes that are too many, then what only those needed.
 */
export class Diff {
  readonly #scheme: Scheme
  readonly #wanted: Wanted
  readonly #present: Snapshot
  readonly #messages: Messages
  readonly #objects: Objects
  /** Only what these peers have may be taken away; undefined: what all have that is not wanted. */
  readonly #scope: ReadonlySet<string> | undefined
  readonly #moved: Target['moved']
  readonly #routes: Routes
  readonly #entries: Entries
  readonly #gone = new Set<PresentPeer>()

  constructor(scheme: Scheme, target: Target, present: Snapshot) {
    const { wanted, scope, moved } = target
    this.#scheme = scheme
    this.#wanted = wanted
    this.#present = present
    this.#scope = scope
    this.#moved = moved
    this.#messages = new Messages(scheme)
    const ids = new Ids(scheme.nexthopIds, present.takenIds)
    this.#objects = new Objects(scheme, this.#messages, ids, present)
    this.#routes = new Routes(scheme, this.#messages, this.#objects, target, present)
    this.#entries = new Entries(scheme, this.#messages, ids, target, present)
  }

  /** Other people's routes to the wanted prefixes, as they are found. */
  get foreign(): readonly ForeignRoute[] {
    return this.#routes.foreign
  }

  /** Prefixes looked at. */
  get done(): number {
    return this.#routes.done
  }

  /** What could not be done without touching other people's entries. */
  get obstacles(): readonly Obstacle[] {
    return this.#entries.obstacles
  }

  /** The messages, a few at a time: after each portion the event loop may turn. Some portions are empty. */
  *steps(): Generator<Portion, void> {
    yield* inPortions(this.#recognise())
    yield* inPortions(this.#entries.make())
    yield* inPortions(this.#makeObjects())
    yield* this.#routes.make()
    yield* inPortions(this.#routes.breakForeign())
    yield* this.#routes.break()
    yield* inPortions(this.#breakObjects())
    yield* inPortions(this.#entries.break())
  }

  /** What became of the peers, once all steps were taken. */
  counts(failed: ReadonlySet<string>): Counts {
    const { members } = this.#wanted
    const counts: Counts = { ...members.fates(), removed: 0 }
    for (const endpoint of failed) {
      const member = members.get(endpoint)
      if (member !== undefined) counts[member.fate ?? 'added']--
    }
    for (const { endpoint } of this.#gone) if (!failed.has(endpoint)) counts.removed++
    return counts
  }

  /** Joins what is wanted with what is there. */
  *#recognise(): Generator<undefined, void> {
    const { peers } = this.#present
    if (peers.size === 0) return
    let pause = STRIDE
    for (const member of this.#wanted.members) {
      const peer = peers.get(member.endpoint)
      if (peer !== undefined) {
        peer.member = member
        member.find()
      }
      if (--pause > 0) continue
      pause = STRIDE
      yield undefined
    }
    const candidates = this.#scope === undefined ? peers.values() : this.#within(this.#scope)
    for (const peer of candidates) {
      if (peer.member === undefined && peer.endpoint !== '') this.#gone.add(peer)
      if (--pause > 0) continue
      pause = STRIDE
      yield undefined
    }
  }

  *#within(scope: ReadonlySet<string>): Generator<PresentPeer, void> {
    for (const endpoint of scope) {
      const peer = this.#present.peers.get(endpoint)
      if (peer !== undefined) yield peer
    }
  }

  *#makeObjects(): Generator<Step | undefined, void> {
    if (!this.#scheme.objects) return
    if (this.#moved !== undefined) {
      const { from, to } = this.#moved
      for (const request of this.#objects.move(from, to)) yield about(request, 'different', to)
    }
    const groups: [string, readonly Member[]][] = []
    let pause = STRIDE
    for (const { prefix, members } of this.#wanted.claims()) {
      if (--pause === 0) {
        pause = STRIDE
        yield undefined
      }
      for (const member of members) {
        const { request } = this.#objects.single(member, familyOfPrefix(prefix))
        if (request !== undefined) yield about(request, 'missing', member)
      }
      if (members.length > 1) groups.push([prefix, members])
    }
    for (const [prefix, members] of groups) {
      const { request } = this.#objects.group(members, familyOfPrefix(prefix))
      if (request !== undefined) yield aboutAll(request, 'missing', members)
    }
  }

  *#breakObjects(): Generator<Step, void> {
    for (const { request, endpoint } of this.#objects.leftovers()) yield without(request, endpoint, this.#wanted)
  }
}
