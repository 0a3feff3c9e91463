import { setTimeout as sleep } from 'node:timers/promises'
import createDebug from 'debug'
import { NbmaError, UnsupportedError } from '../errors.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import { deliver, type Progress } from './deliver.js'
import { factsOf, refreshLink } from './device.js'
import { Diff } from './diff.js'
import type { PeerFailure, SyncResult } from './result.js'
import type { Scheme } from './scheme.js'
import { type Expectation, readSnapshot, type Snapshot } from './snapshot.js'
import type { Target } from './step.js'
import type { Wanted } from './wanted.js'

const debug = createDebug('nbma:overlay')

/** How often a change is tried where others change the same things meanwhile. */
const ROUNDS = 5
/** Milliseconds before the second try; each time four times as many: what is read while others change much lacks some. */
const PAUSE = 10

/**
 * Peers that nexthop objects are used for unless forced: link down holds the kernel's lock for 0.2 s with as many, and
 * for minutes with a hundred thousand.
 */
export const MOST_OBJECTS = 5000

/** Peers that can announce one prefix: an attribute has 65,535 bytes, and a hop with its encap more than a hundred. */
export const MOST_HOPS = 512

/** Options of everything that changes peers. */
export interface ChangeOptions {
  /** Stops between two lots of messages. The next sync finds what was done until then. */
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link Overlay.sync}. */
export interface SyncOptions extends ChangeOptions {
  /** Send nothing: the result lists the messages. */
  readonly dryRun?: boolean | undefined
  /**
   * Remove other people's routes to the prefixes of the peers, once those of the overlay are there; but for the
   * kernel's own. Default false: they are left alone and listed in `foreign`.
   */
  readonly takeOver?: boolean | undefined
  /** Called after each lot of messages. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What a change is about. */
export interface Change {
  /** What is wanted, given what is there. */
  target(snapshot: Snapshot): Target
  readonly expectation: Expectation
}

/** Reads, compares and sends until nothing is left to do. */
export async function converge(
  rt: Rtnetlink,
  scheme: Scheme,
  { target, expectation }: Change,
  options: SyncOptions = {},
): Promise<SyncResult> {
  const { signal, dryRun } = options
  let first: Diff | undefined
  let messages = 0
  for (let round = 1; ; round++) {
    await assertReady(rt, scheme)
    signal?.throwIfAborted()
    const snapshot = await readSnapshot(rt, scheme, { signal, expectation })
    const wish = { ...target(snapshot), takeOver: options.takeOver ?? false }
    const { wanted } = wish
    limit(scheme, wanted)
    const diff = new Diff(scheme, wish, snapshot)
    first ??= diff
    const delivery = await deliver(rt, diff, { ...options, total: wanted.size })
    const { sent, failures, deviceLost, doubtful, requests } = delivery
    messages += sent
    debug('%s: round %d: %d messages, %d failures', scheme.device.ifname, round, sent, failures.length)
    if (deviceLost !== undefined) {
      await assertReady(rt, scheme)
      throw deviceLost
    }
    if (!doubtful || round === ROUNDS) {
      const all = [...failures, ...diff.obstacles.map(obstacle)]
      const counts = first.counts(new Set(all.map(({ endpoint }) => endpoint)))
      const result = { ...counts, failures: all, foreign: diff.foreign, messages }
      return dryRun ? { ...result, requests } : result
    }
    for (const claim of wanted.claims()) claim.settled = false
    await sleep(PAUSE * 4 ** (round - 1), undefined, { signal }).catch(() => {})
  }
}

const obstacle = ({ endpoint, message }: { endpoint: string; message: string }): PeerFailure => ({
  endpoint,
  error: new NbmaError('EEXIST', `${endpoint}: ${message}`),
})

/** @throws {NbmaError} if the device is gone or down: the kernel would refuse every message */
async function assertReady(rt: Rtnetlink, { device }: Scheme): Promise<void> {
  const { ifname, up } = factsOf(await refreshLink(rt, device))
  if (!up) throw new NbmaError('ENETDOWN', `device ${ifname} is down: no peer can be added to it; bring it up first`)
}

/** @throws {UnsupportedError} */
function limit({ objects, force }: Scheme, { members, most }: Wanted): void {
  if (most > MOST_HOPS)
    throw new UnsupportedError(`${most} peers announce one prefix: a route has room for ${MOST_HOPS}`)
  if (!objects || force || members.size <= MOST_OBJECTS) return
  throw new UnsupportedError(
    `${members.size} peers with nexthop objects: from ${MOST_OBJECTS} on the kernel holds its lock for seconds to minutes when the device goes down, because each object looks through all routes; use strategy 'onlink', or force it`,
  )
}
