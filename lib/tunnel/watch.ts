import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { NbmaError } from '../errors.js'
import type { MonitorEvent } from '../netlink/monitor.js'
import type { Group, Rtnetlink } from '../rtnl/rtnetlink.js'
import { converge } from './converge.js'
import { factsOf, findLink } from './device.js'
import { Diff } from './diff.js'
import { type Drift, driftOf, keyOf, type Told } from './drift.js'
import type { Members } from './member.js'
import type { PeerFailure } from './result.js'
import { isRefusal, type Scheme } from './scheme.js'
import { protocolName, readSnapshot } from './snapshot.js'
import { expectationOf } from './target.js'
import { Wanted } from './wanted.js'

export type { Drift } from './drift.js'

/** What {@link Overlay.watch} yields. */
export type OverlayEvent =
  | Drift
  /** The device went up, down, or away for good; the last one ends the watch. */
  | { readonly event: 'device'; readonly state: 'up' | 'down' | 'gone'; readonly ifname: string }
  /** What was reported before is as it should be again, and not by a repair. */
  | { readonly event: 'restored'; readonly endpoint: string; readonly prefix?: string }
  /** It was put back, with so many messages. */
  | { readonly event: 'repaired'; readonly messages: number; readonly failures: readonly PeerFailure[] }
  /** Announcements were lost: all was read anew. */
  | { readonly event: 'resync' }

/** Options of {@link Overlay.watch}. */
export interface WatchOptions {
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal | undefined
  /**
   * Put back what is missing and remove what is too much. Whoever takes it away again and again is met with longer and
   * longer pauses, from 0.1 s to 30 s. Default false.
   */
  readonly repair?: boolean | undefined
}

/** What the watch needs from its overlay. */
export interface Watched {
  readonly rt: Rtnetlink
  readonly scheme: Scheme
  /** The peers that should be there. */
  expected(): Members
  /** Runs something while the overlay changes nothing. */
  exclusively<T>(fn: () => Promise<T>): Promise<T>
}

/** Milliseconds without an announcement before the kernel is read: they come in crowds. */
const QUIET = 20
/** How long a crowd may last. */
const IMPATIENCE = 500
/** Milliseconds of our own work before the event loop turns. */
const SLICE = 8
/** Pauses between repairs of the same, in milliseconds. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 30_000
/** After so many pauses without trouble the next repair is the first one again. */
const PATIENCE = 10
/** Announced deletions that are remembered until the kernel is read. */
const MEMORY = 10_000

/** Tells what others change, by comparing what is there with what should be whenever the kernel announces something. */
export class Watch {
  readonly #watched: Watched
  readonly #repair: boolean
  readonly #stop: AbortController
  readonly #protocol: string | number
  /** Something was announced since the kernel was last read. */
  #dirty = true
  #lost = false
  #up: boolean | undefined
  #gone = false
  #error: unknown
  /** Prefixes and ids whose deletion was announced. */
  readonly #deleted = new Set<string>()
  #nexthopDeleted = false
  #wentDown = false
  #lastNews = 0
  /** What was reported and is still so. */
  #reported = new Map<string, Drift>()
  #pause = 0
  #wake: () => void = () => {}

  /** When something was put back last. */
  #mended = Number.NEGATIVE_INFINITY
  readonly #listening: Promise<void>

  /** Listens from now on. */
  constructor(watched: Watched, { repair = false, signal }: WatchOptions) {
    this.#watched = watched
    this.#repair = repair
    this.#stop = new AbortController()
    this.#protocol = protocolName(watched.scheme.protocol)
    if (signal?.aborted) this.#stop.abort()
    else signal?.addEventListener('abort', () => this.stop(), { once: true })
    this.#listening = this.#listen()
  }

  /** Ends it. */
  stop(): void {
    this.#stop.abort()
    this.#wake()
  }

  /**
   * What happens.
   * @param ready resolves when it is known what should be there
   */
  async *events(ready: Promise<unknown>): AsyncGenerator<OverlayEvent, void> {
    try {
      await ready
      for (;;) {
        await this.#news()
        if (this.#error !== undefined) throw this.#error
        if (this.#stop.signal.aborted) return
        yield* this.#look()
        if (this.#gone) return
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
    } finally {
      this.#stop.abort()
      await this.#listening
    }
  }

  /** Reads announcements until the end. */
  async #listen(): Promise<void> {
    const { rt, scheme } = this.#watched
    const { ways } = scheme
    const entries = [ways.inet, ways.inet6].some((way) => !isRefusal(way) && way.lladdr !== undefined)
    const groups: Group[] = ['link', 'ipv4-route', 'ipv6-route', 'nexthop', ...(entries ? (['neigh'] as const) : [])]
    try {
      for await (const event of rt.monitor(groups, { signal: this.#stop.signal })) {
        if (!this.#concerns(event as MonitorEvent)) continue
        this.#dirty = true
        this.#lastNews = performance.now()
        this.#wake()
      }
      if (!this.#stop.signal.aborted) this.#error = new NbmaError('NBMA_CLOSED', 'the watch of the overlay was closed')
    } catch (error) {
      this.#error = error
    }
    this.#wake()
  }

  /** Whether an announcement may be about the overlay; remembers what was taken away. */
  #concerns({ event, message }: MonitorEvent): boolean {
    if (message === undefined) {
      this.#lost = true
      return true
    }
    const { scheme } = this.#watched
    const { index } = scheme.device
    if (event === 'RTM_NEWLINK' || event === 'RTM_DELLINK') {
      if (message.index !== index) return false
      const up = event === 'RTM_NEWLINK' && message.up === true
      if (!up) this.#wentDown = true
      return event === 'RTM_DELLINK' || up !== this.#up
    }
    if (event.endsWith('NEIGH')) return message.ifindex === index && (event === 'RTM_DELNEIGH' || permanent(message))
    if (message.protocol !== this.#protocol) return false
    if (event === 'RTM_DELNEXTHOP') this.#nexthopDeleted = true
    if (event.endsWith('ROUTE') && message.table !== scheme.table) return false
    if (event === 'RTM_DELROUTE' && this.#deleted.size < MEMORY) this.#deleted.add(`${message.dst}`)
    return true
  }

  /** Waits until something was announced, and for a while nothing more. */
  async #news(): Promise<void> {
    const { signal } = this.#stop
    while (!this.#dirty && this.#error === undefined && !signal.aborted)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    const began = performance.now()
    if (this.#pause > 0) await sleep(this.#pause, undefined, { signal }).catch(() => {})
    while (!signal.aborted && performance.now() - began < IMPATIENCE + this.#pause) {
      const quiet = performance.now() - this.#lastNews
      if (quiet >= QUIET) break
      await sleep(QUIET - quiet, undefined, { signal }).catch(() => {})
    }
  }

  /** Reads, compares, reports, and repairs. */
  async *#look(): AsyncGenerator<OverlayEvent, void> {
    if (this.#lost) yield { event: 'resync' }
    this.#lost = false
    const { events, state } = await this.#watched.exclusively(() => this.#compare())
    if (state !== undefined) yield state
    if (this.#gone) return
    if (events === undefined) {
      yield* this.#mend()
      return
    }
    const before = this.#reported
    this.#reported = new Map(events.map((event) => [keyOf(event), event]))
    for (const [key, { endpoint, prefix }] of before)
      if (!this.#reported.has(key)) yield { event: 'restored', endpoint, ...(prefix === undefined ? {} : { prefix }) }
    for (const [key, event] of this.#reported) if (!before.has(key)) yield event
    if (events.length === 0) this.#relax()
    else if (this.#repair && this.#up) yield* this.#mend()
  }

  /** Forgets the pause when nobody has interfered for a good while. */
  #relax(): void {
    if (performance.now() - this.#mended > PATIENCE * this.#pause) this.#pause = 0
  }

  /** What is wrong; no `events` where it is known that everything has to be put back. */
  async #compare(): Promise<{ events?: Drift[]; state?: OverlayEvent }> {
    const { rt, scheme } = this.#watched
    this.#dirty = false
    const told = { wentDown: this.#wentDown, nexthop: this.#nexthopDeleted, deleted: new Set(this.#deleted) }
    this.#wentDown = this.#nexthopDeleted = false
    this.#deleted.clear()
    const { index, ifname, kind } = scheme.device
    const link = await findLink(rt, index)
    const facts = link === undefined ? undefined : factsOf(link)
    if (facts === undefined || facts.kind !== kind) {
      this.#gone = true
      return { state: { event: 'device', state: 'gone', ifname } }
    }
    const { up } = facts
    const turned = this.#up !== undefined && this.#up !== up
    const state = turned ? ({ event: 'device', state: up ? 'up' : 'down', ifname: facts.ifname } as const) : undefined
    this.#up = up
    if (state !== undefined && up && this.#repair) return { state }
    const events = await this.#drift({ ...told, up })
    return state === undefined ? { events } : { events, state }
  }

  /** What is missing, different or too much. */
  async #drift(told: Told): Promise<Drift[]> {
    const { rt, scheme } = this.#watched
    const wanted = wantedOf(this.#watched.expected())
    const snapshot = await readSnapshot(rt, scheme, { expectation: expectationOf(scheme, wanted) })
    const events: Drift[] = []
    let began = performance.now()
    for (const lot of new Diff(scheme, { wanted }, snapshot).steps()) {
      for (const what of lot)
        for (const step of 'count' in what ? what.steps() : [what]) events.push(...driftOf(step, told))
      if (performance.now() - began < SLICE) continue
      await turn()
      began = performance.now()
    }
    return events
  }

  /** Puts everything back, and makes the next time wait longer. */
  async *#mend(): AsyncGenerator<OverlayEvent, void> {
    const { rt, scheme, exclusively, expected } = this.#watched
    const again = performance.now() - this.#mended < PATIENCE * this.#pause
    this.#pause = again ? Math.min(LONGEST_PAUSE, this.#pause * 2) : FIRST_PAUSE
    // Then it is seen whether it is there, without waiting for news.
    this.#dirty = true
    try {
      const { messages, failures } = await exclusively(() => {
        const wanted = wantedOf(expected())
        return converge(rt, scheme, { target: () => ({ wanted }), expectation: expectationOf(scheme, wanted) })
      })
      this.#reported.clear()
      yield { event: 'repaired', messages, failures }
    } catch (error) {
      if (!(error instanceof NbmaError) || !DEVICE_LOST.has(error.code)) throw error
    } finally {
      this.#mended = performance.now()
    }
  }
}

/** The device went while it was being repaired: its own event says so. */
const DEVICE_LOST: ReadonlySet<string> = new Set(['ENETDOWN', 'ENODEV'])

const permanent = ({ state }: Readonly<Record<string, unknown>>): boolean =>
  Array.isArray(state) && state.includes('permanent')

function wantedOf(members: Members): Wanted {
  const wanted = new Wanted(members)
  members.unsettle()
  for (let at = 0; at < members.size; at++) wanted.announce(at)
  return wanted
}
