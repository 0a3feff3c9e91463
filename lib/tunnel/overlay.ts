import { setImmediate as turn } from 'node:timers/promises'
import { ClosedError } from '../errors.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import { check, type Finding } from './check.js'
import { type Change, type ChangeOptions, converge, type SyncOptions } from './converge.js'
import { factsOf, getLink, refreshLink } from './device.js'
import { type DeviceFacts, type Family, kindRow } from './kinds.js'
import { type Lane, laneOf } from './lane.js'
import { type Details, type Member, Members } from './member.js'
import { type OverlayOptions, schemeOf } from './options.js'
import type { Peer } from './peer.js'
import { checked, type SyncResult } from './result.js'
import { normalEndpoint, Roster } from './roster.js'
import { isRefusal, type Scheme, type Strategy } from './scheme.js'
import { readSnapshot } from './snapshot.js'
import { additions, expectationOf, interestIn, membersOf, moves, peersOf, removals } from './target.js'
import { Tunnel } from './tunnel.js'
import { checkLoops, readUnderlay } from './underlay.js'
import { Wanted } from './wanted.js'
import { type OverlayEvent, Watch, type WatchOptions } from './watch.js'

/** Peers in a list, or as they come. */
export type Peers = Iterable<Peer> | AsyncIterable<Peer>

/** Peers that are checked before the event loop may turn. */
const STRIDE = 512
/** Milliseconds of our own work before it does. */
const SLICE = 8

/**
 * Any number of peers behind one device. What it has is in the kernel alone: routes (and nexthop objects, neighbour
 * and forwarding entries) that bear its protocol number and are on its device. Nothing else is ever changed, and
 * whoever opens an overlay with the same protocol, device and table finds the same peers. Changes through one connection
 * wait for each other; where several processes change one overlay, the last sync of each of them decides.
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
  readonly #lane: Lane
  /** The last change that was asked for. */
  #tail: Promise<unknown> = Promise.resolve()
  #closed = false
  /** What should be there, as long as somebody watches. */
  #expected: Members | undefined
  readonly #watches = new Set<Watch>()

  private constructor(rt: Rtnetlink, scheme: Scheme) {
    this.#rt = rt
    this.#scheme = scheme
    this.#lane = laneOf(rt, scheme)
    this.#families = kindRow(scheme.device.kind)?.underlay(scheme.device) ?? ['inet', 'inet6']
  }

  /**
   * Opens an overlay over a device. Nothing is sent to the kernel but questions.
   * @throws {UnsupportedError} if the device cannot carry peers so, with the reason
   * @throws {NbmaError} ENODEV if there is no such device
   */
  static async open(rt: Rtnetlink, options: OverlayOptions): Promise<Overlay> {
    const { device } = options
    const found =
      device instanceof Tunnel
        ? await refreshLink(rt, device.facts)
        : await getLink(rt, typeof device === 'object' ? device.index : device)
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
   * What is there is read first: with very many peers, add those that come together with one call.
   * @throws {EncodeError} before anything is sent, if a peer cannot be: says which property of which peer
   * @throws {UnsupportedError} before anything is sent, if a prefix cannot be carried
   * @throws {PeersError} if the kernel refused something; the rest was done
   */
  async add(peers: Peer | Peers, options: ChangeOptions = {}): Promise<SyncResult> {
    return this.#exclusively(async () => {
      const members = await this.#roster(peers)
      this.#expected = this.#expected?.with(members, merged)
      const expectation = interestIn(members)
      return checked(await this.#change({ target: (snapshot) => additions(snapshot, members), expectation }, options))
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
      this.#expected = this.#expected?.without(endpoints)
      const expectation = interestIn([], endpoints)
      return checked(await this.#change({ target: (snapshot) => removals(snapshot, endpoints), expectation }, options))
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
      const members = await this.#roster(peer)
      const before = endpointsOf(options.from ?? [])
      this.#expected = this.#expected?.without(before).with(members, (_, member) => member)
      const [from] = before
      const expectation = interestIn(members, before)
      const result = await this.#change({ target: (snapshot) => moves(snapshot, members, from), expectation }, options)
      return checked(result.removed > 0 ? asMove(result) : result)
    })
  }

  /**
   * Makes the overlay have exactly these peers. What is right already is not touched: a sync without changes sends
   * nothing. It may be killed at any moment; the next one finds what is there and goes on from it.
   * @throws {EncodeError}, {UnsupportedError} before anything is sent, as {@link add}
   * @throws {NbmaError} ENETDOWN or ENODEV if the device goes down or away; the abort reason
   */
  async sync(peers: Peers, options: SyncOptions = {}): Promise<SyncResult> {
    return this.#exclusively(async () => {
      const members = new Members(sizeOf(peers))
      const wanted = new Wanted(members, sizeOf(peers))
      await this.#enlist(peers, members, (at) => wanted.announce(at))
      if (options.dryRun !== true && this.#expected !== undefined) this.#expected = members
      return this.#change({ target: () => ({ wanted }), expectation: expectationOf(this.#scheme, wanted) }, options)
    })
  }

  /** The peers, read from the kernel. */
  async *peers({ signal }: ChangeOptions = {}): AsyncGenerator<Peer, void> {
    this.#open()
    const snapshot = await readSnapshot(this.#rt, this.#scheme, { signal })
    for (const peer of peersOf(snapshot)) yield peer
  }

  /**
   * What others change under the overlay, from the call on: what is missing, different or too much against the peers
   * that were there at the call and the changes made through this object since. The kernel says nothing when a device
   * that goes down takes routes and nexthop objects with it, or when an object takes its routes: whenever it announces
   * anything that may be about the overlay, all is read and compared.
   * @example
   * for await (const event of overlay.watch({ signal, repair: true })) console.log(event)
   */
  watch(options: WatchOptions = {}): AsyncGenerator<OverlayEvent, void> {
    this.#open()
    const ready = this.#exclusively(async () => {
      this.#expected ??= membersOf(await readSnapshot(this.#rt, this.#scheme))
    })
    ready.catch(() => {})
    const watch = new Watch(
      {
        rt: this.#rt,
        scheme: this.#scheme,
        expected: () => this.#expected!,
        exclusively: (fn) => this.#exclusively(fn),
      },
      options,
    )
    this.#watches.add(watch)
    return watch.events(ready)
  }

  /**
   * Looks for what is known to keep packets from peers: the device, addresses, underlay routes, MTU, limits of the
   * kernel, other people's routes. An empty list means that nothing was found.
   */
  async check(): Promise<Finding[]> {
    this.#open()
    return check(this.#rt, this.#scheme)
  }

  /**
   * Ends the overlay for this process, and its watches. What it has in the kernel stays, and the connection stays open.
   */
  close(): void {
    this.#closed = true
    for (const watch of this.#watches) watch.stop()
    this.#watches.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#tail.catch(() => {})
  }

  #open(): void {
    if (this.#closed) throw new ClosedError(`the overlay on ${this.#scheme.device.ifname} was closed`)
  }

  /** Runs changes one after the other, those through other objects of the same overlay included. */
  #exclusively<T>(change: () => Promise<T>): Promise<T> {
    this.#open()
    const run = this.#lane.run(change)
    this.#tail = run.catch(() => {})
    return run
  }

  #change(change: Change, options: SyncOptions): Promise<SyncResult> {
    return converge(this.#rt, this.#scheme, change, options)
  }

  /** Checks peers. */
  async #roster(peers: Peer | Peers): Promise<Members> {
    const members = new Members(sizeOf(peers))
    await this.#enlist(peers, members)
    return members
  }

  /** Checks peers, and puts them into `members`. */
  async #enlist(peers: Peer | Peers, members: Members, then: (at: number) => void = () => {}): Promise<void> {
    const list = isMany(peers)
    const roster = new Roster(this.#scheme, await readUnderlay(this.#rt), this.#families, members, list)
    const add = (peer: Peer): void => then(roster.add(peer))
    if (!list) add(peers)
    else if (Symbol.asyncIterator in peers) for await (const peer of peers) add(peer)
    else await sliced(peers, add)
    await checkLoops(this.#rt, this.#scheme, roster.covering)
  }
}

/** Does something with each item, and lets the event loop turn in between. */
async function sliced<T>(items: Iterable<T>, each: (item: T) => void): Promise<void> {
  let began = performance.now()
  let pause = STRIDE
  for (const item of items) {
    each(item)
    if (--pause > 0) continue
    pause = STRIDE
    if (performance.now() - began < SLICE) continue
    await turn()
    began = performance.now()
  }
}

/** A peer with the prefixes that it had as well. */
const merged = (before: Member, { prefixes, weight, mac = before.mac, gateway = before.gateway }: Member): Details => ({
  prefixes: [...new Set([...before.prefixes, ...prefixes])],
  weight,
  mac,
  gateway,
})

/** A peer that went and came is one that changed. */
const asMove = (result: SyncResult): SyncResult => ({
  ...result,
  added: 0,
  removed: 0,
  changed: result.failures.length > 0 ? 0 : 1,
  unchanged: 0,
})

function endpointsOf(peers: string | Peer | Iterable<string | Peer>): Set<string> {
  const endpoints = new Set<string>()
  const list = typeof peers !== 'string' && isMany(peers)
  let index = 0
  for (const one of list ? (peers as Iterable<string | Peer>) : [peers as string | Peer])
    endpoints.add(
      normalEndpoint(typeof one === 'string' ? one : one?.endpoint, list ? `peers[${index++}]` : 'endpoint'),
    )
  return endpoints
}

const isMany = (value: unknown): value is Peers =>
  typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)

/** How many peers there are, where that is known. */
const sizeOf = (peers: Peer | Peers): number => (Array.isArray(peers) ? peers.length : 0)
