import { setImmediate as turn } from 'node:timers/promises'
import { KernelError } from '../errors.js'
import type { BatchResult } from '../netlink/batch.js'
import { Fifo } from '../netlink/fifo.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Request } from '../wire/request.js'
import { isSeries } from '../wire/series.js'
import type { Diff } from './diff.js'
import type { Portion, RouteSeries } from './route-series.js'
import { endpointsOf, type Step } from './step.js'

/**
 * Sends the messages of a difference and sorts what came back.
 * @module
 */

/** Messages of a dry run before the event loop turns. */
const DRY = 8192
/** Milliseconds of our own work before the event loop turns. */
const SLICE = 8

/** A message that was not applied. */
export interface Failure {
  /** The peer that it is about, '' where it is about none. */
  readonly endpoint: string
  readonly prefix?: string
  readonly error: Error
  readonly request: Request
}

/** What a caller hears on the way. */
export interface Progress {
  /** Prefixes that were looked at, of `total`. */
  readonly done: number
  readonly total: number
  /** Messages sent so far. */
  readonly sent: number
}

/** Options of {@link deliver}. */
export interface DeliverOptions {
  readonly signal?: AbortSignal | undefined
  /** Send nothing. */
  readonly dryRun?: boolean | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Prefixes that will be looked at, for `onProgress`. */
  readonly total: number
}

/** What became of the messages. */
export interface Delivery {
  sent: number
  readonly failures: Failure[]
  /** The kernel was not as it was read, or it is not known what it did: read it again. */
  doubtful: boolean
  /** The device is gone or down. */
  deviceLost: KernelError | undefined
  /** The messages themselves, of a dry run. */
  readonly requests: Request[]
}

/** Sends what a difference comes to, as far as the kernel lets it. */
export async function deliver(rt: Rtnetlink, diff: Diff, options: DeliverOptions): Promise<Delivery> {
  const { signal, dryRun, onProgress, total } = options
  const delivery: Delivery = { sent: 0, failures: [], doubtful: false, deviceLost: undefined, requests: [] }
  const report = (sent: number): void => onProgress?.({ done: diff.done, total, sent })
  const steps = new Steps(diff)
  do {
    signal?.throwIfAborted()
    const lot = new Lot(steps)
    if (dryRun) list(lot, delivery)
    else account(lot, await send(rt, lot, signal, (sent) => report(delivery.sent + sent)), delivery)
    report(delivery.sent)
    // An object whose id somebody else took in the meantime must not be led to.
    if (steps.leads && delivery.doubtful) return delivery
    if (!steps.ended) await turn()
  } while (!steps.ended && delivery.deviceLost === undefined)
  return delivery
}

/** Takes messages that are not sent. */
function list(lot: Lot, { requests }: Delivery): void {
  const enough = requests.length + DRY
  for (const item of lot) {
    for (let i = 0; i < countOf(item); i++) requests.push(isSeries(item) ? item.request(i) : item)
    if (requests.length >= enough) return
  }
}

/** Sends a lot, and looks at refusals as they come: without the device the rest would be refused as well. */
function send(
  rt: Rtnetlink,
  lot: Lot,
  signal: AbortSignal | undefined,
  report: (sent: number) => void,
): Promise<BatchResult> {
  let seen = 0
  return rt.batch(lot, {
    signal,
    onProgress({ sent, failures }) {
      for (; seen < failures.length; seen++) {
        const { index, request, error } = failures[seen]!
        lot.note(index)
        if (judge(request, error) === 'device') lot.deviceLost = true
      }
      lot.forget(sent)
      report(sent)
    },
  })
}

const countOf = (item: object): number => ('count' in item ? (item.count as number) : 1)

/** The steps of a difference, one by one. */
class Steps {
  /** The next may lead to an object that was made just before. */
  leads = false
  /** There are no more. */
  ended = false
  readonly #source: Iterator<Portion, void>
  #portion: Portion = []
  /** Where the next stands. */
  #at = 0
  #rank = 0

  constructor(diff: Diff) {
    this.#source = diff.steps()
  }

  /** The next step, or several that are one message each; nothing for a while without one, at the end, and for once where it {@link leads}. */
  next(): Step | RouteSeries | undefined {
    this.leads = false
    if (this.#at === this.#portion.length) this.#read()
    const step = this.#portion[this.#at]
    if (step === undefined) return undefined
    const rank = 'count' in step ? MAKES : rankOf(step.request)
    this.leads = rank > this.#rank && this.#rank > 0
    this.#rank = rank
    if (this.leads) return undefined
    this.#at++
    return step
  }

  #read(): void {
    const { done, value } = this.#source.next()
    this.ended = done === true
    this.#portion = value ?? []
    this.#at = 0
  }
}

/** The rank of what may lead to nexthop objects or groups. */
const MAKES = 3

/** 1 for nexthop objects that are made, 2 for groups of them, 3 for what may lead to either; 0 for the rest. */
function rankOf(request: Request): number {
  const { operation } = request
  if (operation === 'RTM_NEWNEXTHOP') return request.value.group === undefined ? 1 : 2
  return operation.startsWith('RTM_NEW') ? MAKES : 0
}

/** Messages that were given out together, and where the first of them stands. */
interface Given {
  readonly first: number
  readonly what: Step | RouteSeries
}

/** The next messages of a difference: all, or what can be found before the event loop must turn. */
class Lot implements IterableIterator<Request | RouteSeries, undefined> {
  /** The device is gone or down: the rest would fare no better. */
  deviceLost = false
  readonly #source: Steps
  /** What was given out, but for the first: what is kept for long is dear to collect. */
  readonly #given = new Fifo<Given>()
  /** Where the next message stands. */
  #next = 0
  /** The steps that failed, by where their messages stand. */
  readonly #failed = new Map<number, Step>()
  /** When the last message was given out, if that is a while ago. */
  #began: number | undefined

  constructor(source: Steps) {
    this.#source = source
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<Request | RouteSeries, undefined> {
    while (!this.deviceLost) {
      const what = this.#source.next()
      if (what !== undefined) {
        this.#began = undefined
        this.#given.push({ first: this.#next, what })
        this.#next += countOf(what)
        return { done: false, value: 'count' in what ? what : what.request }
      }
      if (this.#source.ended || this.#source.leads) break
      this.#began ??= performance.now()
      if (performance.now() - this.#began > SLICE) break
    }
    return { done: true, value: undefined }
  }

  /** The first so many messages were answered: of their steps only those that were noted are kept. */
  forget(count: number): void {
    for (let given = this.#given.peek(); given !== undefined; given = this.#given.peek()) {
      if (given.first + countOf(given.what) > count) return
      this.#given.shift()
    }
  }

  /** A message failed. */
  note(index: number): void {
    this.#failed.set(index, this.#find(index))
  }

  /** The step of a message that failed. */
  stepOf(index: number): Step {
    return this.#failed.get(index) ?? this.#find(index)
  }

  #find(index: number): Step {
    const { length } = this.#given
    let [low, high] = [0, length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#given.at(middle).first <= index) low = middle
      else high = middle - 1
    }
    const { first, what } = this.#given.at(low)
    return 'count' in what ? what.step(index - first) : what
  }
}

function account(lot: Lot, { sent, failures, unknown }: BatchResult, delivery: Delivery): void {
  delivery.sent += sent
  if (unknown.length > 0) delivery.doubtful = true
  for (const { index, request, error } of failures) {
    const verdict = judge(request, error)
    if (verdict === 'fine') continue
    if (verdict === 'doubtful') delivery.doubtful = true
    if (verdict === 'device') delivery.deviceLost = error as KernelError
    const step = lot.stepOf(index)
    const about = step.prefix === undefined ? {} : { prefix: step.prefix }
    for (const endpoint of endpointsOf(step)) delivery.failures.push({ endpoint, error, request, ...about })
  }
}

/** What a refusal means: somebody else was faster, the device is no longer there, or it is one. */
function judge(request: Request, error: Error): 'fine' | 'doubtful' | 'device' | 'failed' {
  if (!(error instanceof KernelError)) return 'failed'
  const deletes = request.operation.startsWith('RTM_DEL')
  if (deletes && (error.code === 'ESRCH' || error.code === 'ENOENT')) return 'fine'
  if (error.code === 'EEXIST' || error.code === 'ESRCH' || error.code === 'ENOENT') return 'doubtful'
  // An object that it leads to is not there any more.
  if (error.code === 'EINVAL' && (request.value.nhId ?? request.value.group) !== undefined) return 'doubtful'
  return error.code === 'ENETDOWN' || error.code === 'ENODEV' ? 'device' : 'failed'
}
