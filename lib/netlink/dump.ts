import { DecodeError, DumpInterruptedError, OverrunError, UnsupportedError } from '../errors.js'
import { single } from '../wire/batch.js'
import { eachOf, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, type Run } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { type Carrier, Exchange } from './exchange.js'
import { type Flaw, type Outcome, unanswered } from './outcome.js'
import { type Answer, kernelError } from './refusal.js'

/**
 * Reading all there is of something. The kernel fills the next part when one was read, and marks what changed under
 * it (NLM_F_DUMP_INTR). An interrupted dump is tried again; when it cannot be, its reader is told.
 * @module
 */

/** How often a dump is tried before its reader hears that it was interrupted. */
export const DUMP_TRIES = 5

/** Options of a dump. */
export interface DumpOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds between two parts. */
  readonly timeout: number
}

/** A dump and its further tries: each is the same exchange with a new sequence number. */
export abstract class Dump extends Exchange {
  protected carrier!: Carrier
  protected readonly request: Request
  protected readonly signal: AbortSignal | undefined
  /** Nobody listens any more. */
  protected deaf = false
  #tries = 0
  #refusal: Error | undefined

  constructor(request: Request, options: DumpOptions) {
    super(request.bytes, { isDump: true, timeout: options.timeout, patient: true })
    if (!request.reads) throw new UnsupportedError(`${request}: only reads can be dumps`)
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

  /** Stops listening to the kernel. */
  protected abstract stop(): void

  /** Listens to the signal, and sends. */
  protected begin(open: () => Carrier): void {
    if (this.signal?.aborted) {
      this.handleEvent()
      return
    }
    this.carrier = open()
    this.cost = this.carrier.dumpCost
    this.signal?.addEventListener('abort', this)
    this.start()
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
    super(request, options)
    this.#resolve = resolve
    this.#reject = reject
    this.begin(() => carrier)
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

  /** What is on its way is read and dropped, so that the socket is free for the next dump. */
  protected stop(): void {
    this.deaf = true
    if (this.state === 'queued') this.carrier.abandon(this, undefined)
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
