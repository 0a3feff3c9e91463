import { DecodeError, DumpInterruptedError, OverrunError, UnsupportedError } from '../errors.js'
import { single } from '../wire/batch.js'
import { eachOf, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, type Run } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { type Carrier, Exchange } from './exchange.js'
import { Fifo } from './fifo.js'
import { type Flaw, type Outcome, unanswered } from './outcome.js'
import { type Answer, kernelError } from './refusal.js'
import { Runs } from './runs.js'

/**
 * Reading all there is of something. The kernel fills the next part when one was read, and marks what changed under
 * it (NLM_F_DUMP_INTR). An interrupted dump is tried again; when it cannot be, its reader is told.
 * @module
 */

/** How often a dump is tried before its reader hears that it was interrupted. */
export const DUMP_TRIES = 5
/** A stream yields nothing before it has this many bytes or all of them: until then it can be tried again unseen. */
const HOLD = 1_048_576

/** Options of a dump. */
export interface DumpOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds between two parts. */
  readonly timeout: number
}

/** A dump and its further tries: each is the same exchange with a new sequence number. */
abstract class Dump extends Exchange {
  protected readonly carrier: Carrier
  protected readonly request: Request
  protected readonly signal: AbortSignal | undefined
  /** Nobody listens any more: the rest is read and dropped, so that the socket is free for the next dump. */
  protected deaf = false
  #tries = 0
  #refusal: Error | undefined

  constructor(carrier: Carrier, request: Request, options: DumpOptions) {
    super(request.bytes, { cost: carrier.dumpCost, isDump: true, timeout: options.timeout, patient: true })
    if (!request.reads) throw new UnsupportedError(`${request}: only reads can be dumps`)
    this.carrier = carrier
    this.request = request
    this.signal = options.signal
  }

  /** Sends it. */
  protected start(): void {
    this.#tries++
    this.renew()
    this.first = this.carrier.reserve(1)
    this.datagram = single(this.request, NLM_F_REQUEST | NLM_F_DUMP, NLM_F_ACK, this.first)
    this.carrier.submit(this)
  }

  /** A part has come. */
  protected abstract accept(run: Run): void
  /** Forgets what came so far; false if it has been seen already. */
  protected abstract forget(): boolean
  /** All came, or there is an error. */
  protected abstract end(error?: unknown): void

  /** Listens to the signal, and sends. */
  protected begin(): void {
    if (this.signal?.aborted) {
      this.handleEvent()
      return
    }
    this.signal?.addEventListener('abort', this)
    this.start()
  }

  /** Stops listening to the kernel. What is on its way is read and dropped. */
  protected stop(): void {
    this.deaf = true
    if (this.state === 'queued') this.carrier.abandon(this, undefined)
  }

  /** Stops listening to the signal. */
  protected unhook(): void {
    this.signal?.removeEventListener('abort', this)
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.stop()
    this.end(this.signal?.reason)
  }

  /* c8 ignore next -- parts() takes them all */
  reply(): void {}

  override parts(run: Run): void {
    if (this.deaf) return
    // What will be tried again need not be kept.
    if (this.flaw === 'interrupted' && this.#tries < DUMP_TRIES && this.forget()) return
    this.accept(run)
  }

  refused(_index: number, answer: Answer): boolean {
    const refusal = kernelError(this.carrier.protocol, this.request, answer)
    if (refusal.code !== this.carrier.protocol.nothing?.[this.request.operation]) this.#refusal = refusal
    return true
  }

  settled(outcome: Outcome): void {
    if (this.deaf) return
    const { flaw } = this
    if (outcome.how === 'unanswered') {
      this.end(unanswered(outcome, { what: `${this.request}`, read: true, timeout: this.timeout }))
    } else if (this.#refusal) this.end(this.#refusal)
    else if (flaw === undefined) this.end()
    else if (flaw !== 'malformed' && this.#tries < DUMP_TRIES && this.forget()) this.start()
    else this.end(this.#flawed(flaw))
  }

  /** The error of a dump that came to its end and may still lack something. */
  #flawed(flaw: Flaw): Error {
    if (flaw === 'malformed') return new DecodeError('', `${this.request}: a part of the dump is not a message`)
    if (flaw === 'overrun') return new OverrunError(`${this.request}: replies were lost (receive buffer overrun)`)
    const times = this.#tries === 1 ? 'once' : `in each of ${this.#tries} tries`
    return new DumpInterruptedError(`${this.request}: what it reads changed meanwhile, ${times}`, this.items)
  }

  /** What was collected, for the error. */
  protected get items(): readonly unknown[] {
    return []
  }
}

/** Collects a dump. */
export class DumpList<T> extends Dump {
  readonly #items: T[] = []
  #error: unknown
  readonly #resolve: (items: T[]) => void
  readonly #reject: (error: unknown) => void

  constructor(
    carrier: Carrier,
    request: Request<T>,
    options: DumpOptions,
    resolve: (items: T[]) => void,
    reject: (error: unknown) => void,
  ) {
    super(carrier, request, options)
    this.#resolve = resolve
    this.#reject = reject
    this.begin()
  }

  protected accept(run: Run): void {
    if (this.#error !== undefined) return
    try {
      eachOf(run, (frame) => this.#items.push(this.carrier.protocol.decodeValue(frame) as T))
    } catch (error) {
      this.#error = error
    }
  }

  protected forget(): boolean {
    this.#items.length = 0
    this.#error = undefined
    return true
  }

  protected end(error = this.#error): void {
    this.unhook()
    if (error === undefined) this.#resolve(this.#items)
    else this.#reject(error)
  }

  protected override get items(): readonly T[] {
    return this.#items
  }
}

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void
  reject(error: unknown): void
}

/** Items that are handed out before the event loop may turn. */
const ITEMS_A_TURN = 1024

/** Yields a dump as it comes. Nothing is sent before the first `next()`. */
export class DumpStream<T> extends Dump implements AsyncIterableIterator<T, undefined> {
  /** Parts that wait to be decoded. */
  readonly #queue = new Runs()
  #started = false
  #yielded = false
  /** Nothing more will be queued. */
  #ended = false
  #error: unknown
  readonly #readers = new Fifo<Waiter<T>>()
  #turn = ITEMS_A_TURN

  /** The next item; rejects once with what ended the dump. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#readers.length === 0 && this.#ready()) {
      try {
        return Promise.resolve({ done: false, value: this.#take() })
      } catch (error) {
        this.#close(error)
      }
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
      if (!this.#started) {
        this.#started = true
        this.begin()
      }
      this.#serve()
    })
  }

  /** Stops reading. What is on its way is drained behind the scenes, so that the socket is free for the next dump. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#started = true
    this.#close(undefined)
    this.unhook()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  override handleEvent(): void {
    this.#close(this.signal?.reason)
  }

  protected accept(run: Run): void {
    this.#queue.push(run)
    if (this.#queue.bytes > this.carrier.dumpBuffer) {
      this.stop()
      this.end(
        new OverrunError(`${this.request}: ${this.#queue.bytes} bytes of it wait for their reader, which is too slow`),
      )
    }
    this.#serve()
  }

  protected forget(): boolean {
    if (this.#yielded) return false
    this.#queue.clear()
    return true
  }

  protected end(error?: unknown): void {
    this.#ended = true
    this.#error = error
    this.#serve()
  }

  /** Ends it here and now, whatever waits. */
  #close(error: unknown): void {
    this.stop()
    this.#queue.clear()
    this.#ended = true
    this.#error = error
    this.#serve()
  }

  /** An item may be handed out now. */
  #ready(): boolean {
    if (this.#queue.bytes === 0 || this.#turn === 0) return false
    return this.#ended || this.#yielded || this.#queue.bytes > HOLD
  }

  #take(): T {
    const frame = this.#queue.shift()!
    this.#yielded = true
    if (--this.#turn === 0) setImmediate(this.#nextTurn)
    return this.carrier.protocol.decodeValue(frame) as T
  }

  #serve(): void {
    for (let reader = this.#readers.peek(); reader; reader = this.#readers.peek()) {
      if (this.#ready()) {
        let value: T
        try {
          value = this.#take()
        } catch (error) {
          this.#close(error)
          return
        }
        reader.resolve({ done: false, value })
      } else if (this.#ended && this.#queue.bytes === 0) this.#finish(reader)
      else return
      this.#readers.shift()
    }
  }

  readonly #nextTurn = (): void => {
    this.#turn = ITEMS_A_TURN
    this.#serve()
  }

  #finish(reader: Waiter<T>): void {
    this.unhook()
    const error = this.#error
    this.#error = undefined
    if (error === undefined) reader.resolve({ done: true, value: undefined })
    else reader.reject(error)
  }
}
