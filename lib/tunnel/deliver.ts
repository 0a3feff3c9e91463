import { setImmediate as turn } from 'node:timers/promises'
import { KernelError } from '../errors.js'
import type { BatchResult } from '../netlink/batch.js'
import { Fifo } from '../netlink/fifo.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Request } from '../wire/request.js'
import type { Diff } from './diff.js'
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
  for (const request of lot) if (requests.push(request) % DRY === 0) return
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
        lot.failed.set(index, undefined)
        if (judge(request, error) === 'device') lot.deviceLost = true
      }
      lot.forget(sent)
      report(sent)
    },
  })
}

/** The steps of a difference, one by one. */
class Steps {
  /** The next may lead to an object that was made just before. */
  leads = false
  /** There are no more. */
  ended = false
  readonly #source: Iterator<readonly Step[], void>
  #lot: readonly Step[] = []
  /** Where the next stands. */
  #at = 0
  #rank = 0

  constructor(diff: Diff) {
    this.#source = diff.steps()
  }

  /** The next step; nothing for a while without one, at the end, and for once where it {@link leads}. */
  next(): Step | undefined {
    this.leads = false
    if (this.#at === this.#lot.length) this.#read()
    const step = this.#lot[this.#at]
    if (step === undefined) return undefined
    const rank = rankOf(step.request)
    this.leads = rank > this.#rank && this.#rank > 0
    this.#rank = rank
    if (this.leads) return undefined
    this.#at++
    return step
  }

  #read(): void {
    const { done, value } = this.#source.next()
    this.ended = done === true
    this.#lot = value ?? []
    this.#at = 0
  }
}

/** 1 for nexthop objects that are made, 2 for groups of them, 3 for what may lead to either; 0 for the rest. */
function rankOf(request: Request): number {
  const { operation } = request
  if (operation === 'RTM_NEWROUTE') return 3
  if (operation === 'RTM_NEWNEXTHOP') return request.value.group === undefined ? 1 : 2
  return operation.startsWith('RTM_NEW') ? 3 : 0
}

/** The next messages of a difference: all, or what can be found before the event loop must turn. */
class Lot implements IterableIterator<Request, undefined> {
  /** The steps that failed, by where their messages stand among those of the lot. */
  readonly failed = new Map<number, Step | undefined>()
  /** The device is gone or down: the rest would fare no better. */
  deviceLost = false
  readonly #source: Steps
  /** The steps whose messages were given out, but for the first: what is kept for long is dear to collect. */
  readonly #given = new Fifo<Step>()
  #forgotten = 0
  /** When the last message was given out, if that is a while ago. */
  #began: number | undefined

  constructor(source: Steps) {
    this.#source = source
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<Request, undefined> {
    while (!this.deviceLost) {
      const step = this.#source.next()
      if (step !== undefined) {
        this.#began = undefined
        this.#given.push(step)
        return { done: false, value: step.request }
      }
      if (this.#source.ended || this.#source.leads) break
      this.#began ??= performance.now()
      if (performance.now() - this.#began > SLICE) break
    }
    return { done: true, value: undefined }
  }

  /** The first so many messages were answered: of their steps only those that failed are kept. */
  forget(count: number): void {
    for (; this.#forgotten < count; this.#forgotten++) {
      const step = this.#given.shift()
      if (this.failed.has(this.#forgotten)) this.failed.set(this.#forgotten, step)
    }
  }

  /** The step of a message that failed. */
  stepOf(index: number): Step {
    this.failed.set(index, this.failed.get(index))
    this.forget(index + 1)
    return this.failed.get(index)!
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
