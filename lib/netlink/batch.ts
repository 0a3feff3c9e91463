import { NbmaError, OutcomeUnknownError } from '../errors.js'
import { Datagram } from '../wire/batch.js'
import type { Request } from '../wire/request.js'
import { isSeries, type Series } from '../wire/series.js'
import { type Carrier, Exchange, TRIES } from './exchange.js'
import { type Outcome, type Unanswered, unanswered } from './outcome.js'
import { type Answer, kernelError } from './refusal.js'

/**
 * Any number of messages, as few datagrams, one in flight at a time: the kernel executes each within one sendmsg(), so
 * more in flight gain nothing. While it does, the next is filled.
 * @module
 */

/** Datagrams in a row without any answer after which a batch stops. */
const SILENT = 2

/** What a batch takes: requests, and series of them, in a list or as they come. */
export type BatchSource<R extends Request> = Iterable<R | Series<R>> | AsyncIterable<R | Series<R>>

/** What became of a batch. `sent` is `applied`, `unknown` and the refused among `failures` together. */
export interface BatchResult<R extends Request = Request> {
  /** Messages that the kernel was given. */
  sent: number
  /** Messages that it applied. */
  applied: number
  /**
   * Messages that were not applied, `index` counting from 0 in the order of the batch: refused by the kernel
   * (KernelError), or not sent because they cannot be (any other error).
   */
  failures: { index: number; request: R; error: Error }[]
  /** Messages whose answer was lost: applied or not. */
  unknown: { index: number; request: R }[]
}

/** Options of a batch. */
export interface BatchOptions<R extends Request = Request> {
  /** Aborts it between two datagrams: what was sent until then was sent. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds to wait for the answer to one datagram. Default: the connection's. */
  readonly timeout?: number | undefined
  /**
   * Called after each datagram, and before the batch rejects, with the result so far (the same object each time).
   * What it throws ends the batch.
   */
  readonly onProgress?: ((result: BatchResult<R>) => void) | undefined
  /** Sending a message twice does no harm (`replace`): those whose answer was lost are sent again. Default false. */
  readonly idempotent?: boolean | undefined
}

const DONE = Promise.resolve()

/** Where the messages of a datagram stand in the batch. */
type Places = (at: number) => number

/** One after the other, but for those that were left out: before which messages, in ascending order. */
const placesOf =
  (first: number, leftOut: readonly number[]): Places =>
  (at) => {
    let [low, high] = [0, leftOut.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (leftOut[middle]! <= at) low = middle + 1
      else high = middle
    }
    return first + at + low
  }

/** One datagram in flight. */
class Lot<R extends Request> extends Exchange {
  readonly refusals = new Map<number, Answer>()
  readonly #done: (outcome: Outcome) => void

  constructor(datagram: Datagram<R>, timeout: number, done: (outcome: Outcome) => void) {
    super(datagram.seal(), { count: datagram.count, timeout, patient: true })
    this.first = datagram.first
    this.#done = done
  }

  reply(): void {}

  refused(at: number, answer: Answer): boolean {
    if (this.refusals.has(at)) return false
    this.refusals.set(at, answer)
    return true
  }

  settled(outcome: Outcome): void {
    this.#done(outcome)
  }

  /** Where the messages stand that may or may not have been applied, given that it was sent. */
  doubtful(outcome: Outcome): number[] {
    const answered = outcome.how === 'answered'
    if (answered && !this.flaw) return []
    // Replies come in order, and an overrun loses all after the first that it loses: what precedes a refusal is known.
    const known = this.flaw === 'malformed' ? -1 : Math.max(-1, ...this.refusals.keys())
    const doubtful: number[] = []
    for (let at = known + 1; at < this.count; at++) {
      if (!this.refusals.has(at) && !(answered && at === this.count - 1)) doubtful.push(at)
    }
    return doubtful
  }
}

/** A batch on its way. */
export class Batch<R extends Request> {
  readonly result: BatchResult<R> = { sent: 0, applied: 0, failures: [], unknown: [] }
  readonly #carrier: Carrier
  readonly #options: BatchOptions<R>
  readonly #timeout: number
  #datagram: Datagram<R>
  /** Where the first message of #datagram stands in the batch. */
  #first = 0
  /** For each message that cannot be sent, how many #datagram had when it was left out. */
  #leftOut: number[] = []
  #silent = 0
  /** The datagram before, until it is done. */
  #before = DONE
  /** What {@link stop} does now. */
  #interrupt: ((reason: unknown) => void) | undefined
  /** What is on its way. A closure over it here would keep every datagram alive until a full collection. */
  #lot: Lot<R> | undefined

  constructor(carrier: Carrier, options: BatchOptions<R> & { readonly timeout: number }) {
    this.#carrier = carrier
    this.#options = options
    this.#timeout = options.timeout
    this.#datagram = this.#anew(8192)
  }

  /** Sends all that `source` gives. */
  async run(source: BatchSource<R>): Promise<BatchResult<R>> {
    const { signal, onProgress } = this.#options
    const abort = (): void => this.stop(signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      signal?.throwIfAborted()
      if (Symbol.asyncIterator in source) await this.#pull(source[Symbol.asyncIterator]())
      else {
        for (const item of source) {
          const full = this.#take(item)
          if (full !== undefined) await full
        }
      }
      if (this.#datagram.count > 0) await this.#flush()
      await this.#before
    } catch (error) {
      await this.#before.catch(() => {})
      this.#sort()
      onProgress?.(this.result)
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
    this.#sort()
    return this.result
  }

  /** Ends the wait for the source, or for a turn to send. What is in flight is waited for. */
  stop(reason: unknown): void {
    if (this.#lot?.state === 'queued') this.#carrier.abandon(this.#lot, reason)
    this.#interrupt?.(reason)
  }

  /** As `for await`, but one that can be stopped while the source makes it wait. */
  async #pull(source: AsyncIterator<R | Series<R>>): Promise<void> {
    try {
      for (;;) {
        const step = await this.#step(source)
        if (step.done) return
        await this.#take(step.value)
      }
    } catch (error) {
      // Not waited for: it may be busy with what we no longer want.
      Promise.resolve()
        .then(() => source.return?.())
        .catch(() => {})
      throw error
    }
  }

  #step(source: AsyncIterator<R | Series<R>>): Promise<IteratorResult<R | Series<R>>> {
    return new Promise((resolve, reject) => {
      this.#options.signal?.throwIfAborted()
      this.#interrupt = reject
      source.next().then(resolve, reject)
    })
  }

  /** Where the next message stands. */
  get #next(): number {
    return this.#first + this.#datagram.count + this.#leftOut.length
  }

  #anew(capacity: number): Datagram<R> {
    const { limits } = this.#carrier
    return new Datagram<R>(this.#carrier.reserve(limits.messages), limits, capacity)
  }

  /** Takes what the source gave. Where that is more than the datagram has room for, a promise. */
  #take(item: R | Series<R>): Promise<void> | undefined {
    if (isSeries(item)) return this.#takeSeries(item)
    if (this.#add(item)) return undefined
    return this.#flush().then(() => void this.#add(item))
  }

  async #takeSeries(series: Series<R>): Promise<void> {
    for (let from = 0; from < series.count; ) {
      const taken = this.#datagram.addSeries(series, from)
      from += taken
      // It goes as soon as it can: what comes next may take a while.
      if (taken === 0 || this.#datagram.isFull) await this.#flush()
    }
  }

  /** False if the datagram is full. What cannot be sent at all is a failure at once. */
  #add(request: R): boolean {
    try {
      return this.#datagram.add(request)
    } catch (error) {
      if (!(error instanceof NbmaError)) throw error
      this.result.failures.push({ index: this.#next, request, error })
      this.#leftOut.push(this.#datagram.count)
      return true
    }
  }

  /** Sends what is full as soon as what was sent before is done, and does not wait for it: the next can be filled. */
  async #flush(): Promise<void> {
    await this.#before
    const full = this.#datagram
    // It is sent before anything else is done: the kernel has nothing to do meanwhile.
    this.#before = this.#complete(full, placesOf(this.#first, this.#leftOut))
    // Whoever waits for it hears of it.
    this.#before.catch(() => {})
    this.#first = this.#next
    this.#leftOut = []
    this.#datagram = this.#anew(full.capacity)
  }

  async #complete(full: Datagram<R>, places: Places): Promise<void> {
    const { unknown } = this.result
    const from = unknown.length
    let lost = await this.#deliver(full, places, false)
    if (!this.#options.idempotent) return
    let size = full.count
    for (let tries = 2; lost > 0 && tries <= TRIES; tries++) {
      size = Math.ceil(size / 2)
      let left = lost
      lost = 0
      while (left > 0) {
        this.#options.signal?.throwIfAborted()
        const again = unknown.splice(from, Math.min(size, left))
        left -= again.length
        const datagram = this.#anew(full.capacity)
        for (const { request } of again) datagram.add(request)
        lost += await this.#deliver(datagram, (at) => again[at]!.index, true)
      }
    }
  }

  /**
   * Sends a datagram and counts what became of its messages.
   * @param again they were sent before: if they are not sent now, it is still not known whether they were applied
   * @returns how many were added to the unknown and may be sent again
   */
  async #deliver(datagram: Datagram<R>, places: Places, again: boolean): Promise<number> {
    this.#options.signal?.throwIfAborted()
    const { lot, outcome } = await this.#send(datagram)
    const answered = outcome.how === 'answered'
    const error = answered ? undefined : this.#errorOf(outcome, datagram)
    let doubtful: number[] = []
    if (answered || outcome.sent) {
      doubtful = lot.doubtful(outcome)
      if (!again) this.result.sent += lot.count
      this.result.applied += lot.count - lot.refusals.size - doubtful.length
      for (const [at, answer] of lot.refusals) this.#fail(datagram, places, at, answer)
    } else if (again) doubtful = [...Array(lot.count).keys()]
    else if (!isFatal(outcome)) for (let at = 0; at < lot.count; at++) this.#fail(datagram, places, at, error as Error)
    for (const at of doubtful) this.result.unknown.push({ index: places(at), request: datagram.request(at) })
    this.#options.onProgress?.(this.result)
    if (answered) this.#silent = 0
    else if (isFatal(outcome)) throw error
    else if (outcome.why === 'timeout') this.#giveUp()
    return answered || outcome.why === 'lost' ? doubtful.length : 0
  }

  #send(datagram: Datagram<R>): Promise<{ lot: Lot<R>; outcome: Outcome }> {
    return new Promise((resolve) => {
      const lot = new Lot(datagram, this.#timeout, (outcome) => {
        this.#lot = undefined
        resolve({ lot, outcome })
      })
      this.#lot = lot
      this.#carrier.submit(lot)
    })
  }

  #fail(datagram: Datagram<R>, places: Places, at: number, why: Answer | Error): void {
    const request = datagram.request(at)
    const error = why instanceof Error ? why : traceless(() => kernelError(this.#carrier.protocol, request, why))
    this.result.failures.push({ index: places(at), request, error })
  }

  #errorOf(outcome: Unanswered, datagram: Datagram<R>): unknown {
    const { count } = datagram
    const what = count > 1 ? `${datagram.request(0)} and ${count - 1} more` : `${datagram.request(0)}`
    return unanswered(outcome, { what, read: false, timeout: this.#timeout })
  }

  /** The kernel did not answer a datagram: another one may fare better, a third will not. */
  #giveUp(): void {
    if (++this.#silent < SILENT) return
    const { sent } = this.result
    throw new OutcomeUnknownError(`batch stopped after ${sent} messages: ${SILENT} datagrams in a row had no answer`)
  }

  #sort(): void {
    this.result.failures.sort((a, b) => a.index - b.index)
    this.result.unknown.sort((a, b) => a.index - b.index)
  }
}

/** Whether the batch ends with it: closed, aborted, or a namespace that is gone. */
const isFatal = (outcome: Unanswered): boolean =>
  outcome.why === 'closed' || outcome.why === 'aborted' || outcome.cause instanceof NbmaError

/** Makes an error without a stack trace, which costs more than all else and would only show our own receiving. */
function traceless(make: () => Error): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
