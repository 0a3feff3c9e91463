import createDebug from 'debug'
import { ClosedError, NbmaError, UnsupportedError } from '../errors.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import { deliver, type Progress } from './deliver.js'
import { factsOf, getLink, refreshLink } from './device.js'
import { Diff } from './diff.js'
import { type DeviceFacts, type Family, kindRow } from './kinds.js'
import { Messages } from './messages.js'
import { type OverlayOptions, schemeOf } from './options.js'
import type { Member, Peer } from './peer.js'
import { checked, type PeerFailure, type SyncResult } from './result.js'
import { normalEndpoint, Roster } from './roster.js'
import { isRefusal, type Scheme, type Strategy } from './scheme.js'
import { type Expectation, readSnapshot, type Snapshot } from './snapshot.js'
import { additions, expectationOf, interestIn, moves, peersOf, removals, type Target } from './target.js'
import { Tunnel } from './tunnel.js'
import { checkLoops, readUnderlay } from './underlay.js'
import { hopFor, Wanted } from './wanted.js'

const debug = createDebug('nbma:overlay')

/** How often a change is tried where others change the same things meanwhile. */
const ROUNDS = 4
/** Peers that are checked before the event loop may turn. */
const STRIDE = 512
/** Milliseconds of our own work before it does. */
const SLICE = 8

/** Peers that nexthop objects are used for unless forced: link down holds the kernel's lock for 0.2 s then. */
export const MOST_OBJECTS = 5000

/** Options of everything that changes peers. */
export interface ChangeOptions {
  /** Stops between two lots of messages. The next sync finds what was done until then. */
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link Overlay.sync}. */
export interface SyncOptions extends ChangeOptions {
  /** Send nothing: the result lists the messages. */
  readonly dryRun?: boolean | undefined
  /** Called after each lot of messages. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * Any number of peers behind one device. What it has is in the kernel alone: routes (and nexthop objects, neighbour
 * and forwarding entries) that bear its protocol number and are on its device. Nothing else is ever changed, and
 * whoever opens an overlay with the same protocol, device and table finds the same peers.
 * @example
 * await using overlay = await Overlay.open(rt, { device: tunl0, protocol: 78, source: '11.1.1.1' })
 * await overlay.add({ endpoint: '192.168.122.12', prefixes: ['12.1.1.1/32'] })
 * const { added, removed } = await overlay.sync(peers)
 * for await (const { endpoint, prefixes } of overlay.peers()) console.log(endpoint, prefixes)
 */
export class Overlay implements AsyncDisposable {
  readonly #rt: Rtnetlink
  readonly #scheme: Scheme
  readonly #families: readonly Family[]
  /** The change that runs; the next one waits for it. */
  #tail: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(rt: Rtnetlink, scheme: Scheme) {
    this.#rt = rt
    this.#scheme = scheme
    this.#families = kindRow(scheme.device.kind)?.underlay(scheme.device) ?? ['inet', 'inet6']
  }

  /**
   * Opens an overlay over a device. Nothing is sent to the kernel but questions.
   * @throws {UnsupportedError} if the device cannot carry peers so, with the reason
   * @throws {NbmaError} ENODEV if there is no such device
   */
  static async open(rt: Rtnetlink, options: OverlayOptions): Promise<Overlay> {
    const { device } = options
    const found = device instanceof Tunnel ? await refreshLink(rt, device.facts) : await getLink(rt, device)
    return new Overlay(rt, schemeOf(factsOf(found), options))
  }

  /** How peers are carried. */
  get strategy(): Strategy {
    return this.#scheme.strategy
  }

  /** The device, as it was when the overlay was opened. */
  get device(): DeviceFacts {
    return this.#scheme.device
  }

  /** Why peers are carried so, and what is not carried, in words. */
  explain(): string {
    const { ways, device, strategy, objects } = this.#scheme
    const lines = (['inet', 'inet6'] as const).map((family) => {
      const way = ways[family]
      const words = family === 'inet' ? 'IPv4' : 'IPv6'
      return isRefusal(way) ? `${words}: not carried: ${way.refused}` : `${words}: ${way.carriage}: ${way.why}`
    })
    const about = objects ? '; routes lead to nexthop objects, so that a peer moves with one message' : ''
    return [`${device.ifname} (${device.kind || 'no kind'}): strategy ${strategy}${about}`, ...lines].join('\n')
  }

  /**
   * Adds peers, or further prefixes to peers that are there. A prefix that others announce too gets one route over all.
   * @throws {EncodeError} before anything is sent, if a peer cannot be: says which property of which peer
   * @throws {UnsupportedError} before anything is sent, if a prefix cannot be carried
   * @throws {PeersError} if the kernel refused something; the rest was done
   */
  async add(peers: Peer | Iterable<Peer>, options: ChangeOptions = {}): Promise<SyncResult> {
    return this.#exclusively(async () => {
      const { members } = await this.#roster(peers)
      const about = interestIn(members.values())
      return checked(await this.#converge((snapshot) => additions(snapshot, members), about, options))
    })
  }

  /**
   * Removes peers, by endpoint or as they were added, with all of their prefixes. Peers that are not there are not an
   * error.
   * @throws {PeersError} if the kernel refused something
   */
  async remove(peers: string | Peer | Iterable<string | Peer>, options: ChangeOptions = {}): Promise<SyncResult> {
    return this.#exclusively(async () => {
      const endpoints = endpointsOf(peers)
      return checked(await this.#converge((snapshot) => removals(snapshot, endpoints), interestIn([]), options))
    })
  }

  /**
   * Gives a peer other prefixes, or with `from` another endpoint: new routes come before the old ones go. With nexthop
   * objects a move is one message, however many prefixes there are.
   * @param options `from` is the endpoint that it had
   * @throws as {@link add}
   */
  async update(peer: Peer, options: ChangeOptions & { readonly from?: string | undefined } = {}): Promise<SyncResult> {
    return this.#exclusively(async () => {
      const { members } = await this.#roster(peer)
      const [member] = members.values()
      const [from] = options.from === undefined ? [] : endpointsOf(options.from)
      const moved = from === undefined ? 0 : await this.#moveObjects(from, member!)
      const result = await this.#converge((snapshot) => moves(snapshot, member!, from), interestIn([member!]), options)
      return checked(moved > 0 || result.removed > 0 ? asMove(result, moved) : result)
    })
  }

  /**
   * Makes the overlay have exactly these peers. What is right already is not touched: a sync without changes sends
   * nothing. It may be killed at any moment; the next one finds what is there and goes on from it.
   * @throws {EncodeError}, {UnsupportedError} before anything is sent, as {@link add}
   * @throws {NbmaError} ENETDOWN or ENODEV if the device goes down or away; the abort reason
   */
  async sync(peers: Iterable<Peer>, options: SyncOptions = {}): Promise<SyncResult> {
    return this.#exclusively(async () => {
      const { members } = await this.#roster(peers)
      const wanted = new Wanted(members)
      await this.#sliced(members.values(), (member) => wanted.announce(member))
      return this.#converge(() => ({ wanted }), expectationOf(this.#scheme, wanted), options)
    })
  }

  /** The peers, read from the kernel. */
  async *peers({ signal }: ChangeOptions = {}): AsyncGenerator<Peer, void> {
    this.#open()
    const snapshot = await readSnapshot(this.#rt, this.#scheme, { signal })
    for (const peer of peersOf(snapshot)) yield peer
  }

  /** Ends the overlay for this process. What it has in the kernel stays, and the connection stays open. */
  close(): void {
    this.#closed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#tail.catch(() => {})
  }

  #open(): void {
    if (this.#closed) throw new ClosedError(`the overlay on ${this.#scheme.device.ifname} was closed`)
  }

  /** Runs changes one after the other. */
  #exclusively<T>(change: () => Promise<T>): Promise<T> {
    this.#open()
    const run = this.#tail.then(change, change)
    this.#tail = run.catch(() => {})
    return run
  }

  async #roster(peers: Peer | Iterable<Peer>): Promise<Roster> {
    const list = isIterable(peers)
    const roster = new Roster(this.#scheme, await readUnderlay(this.#rt), this.#families, list)
    await this.#sliced(list ? peers : [peers as Peer], (peer) => roster.add(peer))
    await checkLoops(this.#rt, this.#scheme, roster.covering)
    return roster
  }

  /** Does something with each item, and lets the event loop turn in between. */
  async #sliced<T>(items: Iterable<T>, each: (item: T) => void): Promise<void> {
    let began = performance.now()
    let pause = STRIDE
    for (const item of items) {
      each(item)
      if (--pause > 0) continue
      pause = STRIDE
      if (performance.now() - began < SLICE) continue
      await new Promise((resolve) => setImmediate(resolve))
      began = performance.now()
    }
  }

  /** Reads, compares and sends until nothing is left to do. */
  async #converge(
    target: (snapshot: Snapshot) => Target,
    expectation: Expectation,
    options: SyncOptions,
  ): Promise<SyncResult> {
    const { signal, dryRun } = options
    let first: Diff | undefined
    let messages = 0
    for (let round = 1; ; round++) {
      await this.#ready()
      signal?.throwIfAborted()
      const snapshot = await readSnapshot(this.#rt, this.#scheme, {
        signal,
        interest: (prefix) => interest.has(prefix),
      })
      const { wanted, scope } = target(snapshot)
      this.#limit(wanted)
      const diff = new Diff(this.#scheme, wanted, snapshot, scope)
      const delivery = await deliver(this.#rt, diff, { ...options, total: wanted.routes.size })
      first ??= diff
      messages += delivery.sent
      debug(
        '%s: round %d: %d messages, %d failures',
        this.#scheme.device.ifname,
        round,
        delivery.sent,
        delivery.failures.length,
      )
      if (delivery.deviceLost !== undefined) {
        await this.#ready()
        throw delivery.deviceLost
      }
      if (delivery.doubtful && round < ROUNDS) continue
      const failures: PeerFailure[] = [
        ...delivery.failures,
        ...diff.obstacles.map(({ endpoint, message }) => ({
          endpoint,
          error: new NbmaError('EEXIST', `${endpoint}: ${message}`),
        })),
      ]
      const failed = new Set(failures.map(({ endpoint }) => endpoint))
      const result = { ...first.counts(failed), failures, foreign: diff.foreign, messages }
      return dryRun ? { ...result, requests: delivery.requests } : result
    }
  }

  /** @throws {NbmaError} if the device is gone or down: the kernel would refuse every message */
  async #ready(): Promise<void> {
    const { ifname, up } = factsOf(await refreshLink(this.#rt, this.#scheme.device))
    if (!up) throw new NbmaError('ENETDOWN', `device ${ifname} is down: no peer can be added to it; bring it up first`)
  }

  #limit(wanted: Wanted): void {
    const { objects, force } = this.#scheme
    const count = wanted.members.size
    if (!objects || force || count <= MOST_OBJECTS) return
    throw new UnsupportedError(
      `${count} peers with nexthop objects: from ${MOST_OBJECTS} on the kernel holds its lock for seconds to minutes when the device goes down, because each object looks through all routes; use strategy 'onlink', or force it`,
    )
  }

  /** Lets the nexthop objects of an endpoint lead to another. */
  async #moveObjects(from: string, member: Member): Promise<number> {
    if (!this.#scheme.objects || from === member.endpoint) return 0
    const snapshot = await readSnapshot(this.#rt, this.#scheme)
    if (snapshot.peers.has(member.endpoint)) return 0
    const messages = new Messages(this.#scheme)
    const requests = [...snapshot.nexthops.values()]
      .filter(({ endpoint }) => endpoint === from)
      .map(({ id, text }) => {
        const family = text.startsWith('inet6 ') ? 'inet6' : 'inet'
        return messages.replaceNexthop(id, hopFor(this.#scheme, member, family), family)
      })
    const { failures } = await this.#rt.batch(requests)
    if (failures[0] !== undefined) throw failures[0].error
    return requests.length
  }
}

/** A peer that went and came is one that changed. */
const asMove = (result: SyncResult, messages: number): SyncResult => ({
  ...result,
  added: 0,
  removed: 0,
  changed: result.failures.length > 0 ? 0 : 1,
  unchanged: 0,
  messages: result.messages + messages,
})

function endpointsOf(peers: string | Peer | Iterable<string | Peer>): Set<string> {
  const endpoints = new Set<string>()
  const list = typeof peers !== 'string' && isIterable(peers)
  let index = 0
  for (const one of list ? (peers as Iterable<string | Peer>) : [peers as string | Peer])
    endpoints.add(
      normalEndpoint(typeof one === 'string' ? one : one?.endpoint, list ? `peers[${index++}]` : 'endpoint'),
    )
  return endpoints
}

const isIterable = (value: unknown): value is Iterable<Peer> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value
