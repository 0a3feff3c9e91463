import { DecodeError } from '../errors.js'
import { single } from '../wire/batch.js'
import { type Frame, NLM_F_ACK, NLM_F_REQUEST, writeSeq } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { ACK_COST, type Carrier, Exchange, TRIES } from './exchange.js'
import { type Outcome, unanswered } from './outcome.js'
import { type Answer, kernelError } from './refusal.js'

/** What is known of a request that was applied. */
export interface RequestResult {
  /** The kernel applied it and says something about it all the same: `bytes leftover after parsing attributes`. */
  readonly warning?: string
}

const APPLIED: RequestResult = Object.freeze({})

/** Receive buffer that the answer to a get may take: a link with all its parts is several kilobytes. */
const GET_COST = 16_384

/** Options of a request or get. */
export interface SingleOptions {
  readonly signal: AbortSignal | undefined
  readonly timeout: number
  /** It may be sent twice, as a read may. */
  readonly idempotent?: boolean | undefined
}

/** One message that asks for an acknowledgement: a request, or a get, which collects what comes before it. */
export class Single<T> extends Exchange {
  readonly #carrier: Carrier
  readonly #request: Request<T>
  readonly #signal: AbortSignal | undefined
  readonly #items: T[] | undefined
  readonly #resolve: (result: RequestResult | T[]) => void
  readonly #reject: (error: unknown) => void
  /** Sending it again does no harm. */
  readonly #repeatable: boolean
  #tries = 0
  #error: unknown

  constructor(
    carrier: Carrier,
    request: Request<T>,
    options: SingleOptions,
    get: boolean,
    resolve: (result: RequestResult | T[]) => void,
    reject: (error: unknown) => void,
  ) {
    super(single(request, NLM_F_REQUEST | NLM_F_ACK, 0, 0), {
      timeout: options.timeout,
      cost: get ? GET_COST : ACK_COST,
    })
    this.#carrier = carrier
    this.#request = request
    this.#signal = options.signal
    this.#repeatable = request.reads || options.idempotent === true
    this.#items = get ? [] : undefined
    this.#resolve = resolve
    this.#reject = reject
    if (this.#signal?.aborted) {
      reject(this.#signal.reason)
      return
    }
    this.#signal?.addEventListener('abort', this)
    this.#send()
  }

  #send(): void {
    this.#tries++
    this.first = this.#carrier.reserve(1)
    writeSeq(this.datagram, 0, this.first)
    this.#carrier.submit(this)
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.#carrier.abandon(this, this.#signal?.reason)
  }

  reply(frame: Frame): void {
    if (!this.#items || this.#error !== undefined) return
    try {
      this.#items.push(this.#carrier.protocol.decodeValue(frame) as T)
    } catch (error) {
      this.#error = error
    }
  }

  refused(_index: number, answer: Answer): boolean {
    this.#error = kernelError(this.#carrier.protocol, this.#request, answer)
    return true
  }

  settled(outcome: Outcome): void {
    if (outcome.how === 'unanswered' && outcome.why === 'lost' && this.#repeatable && this.#tries < TRIES) {
      this.renew()
      if (this.#items) this.#items.length = 0
      this.#error = undefined
      this.#send()
      return
    }
    this.#signal?.removeEventListener('abort', this)
    if (this.#error !== undefined) this.#reject(this.#error)
    else if (outcome.how === 'unanswered') {
      const waited = { what: `${this.#request}`, read: this.#request.reads, timeout: this.timeout }
      this.#reject(unanswered(outcome, waited))
    } else if (!this.#items) this.#resolve(outcome.warning === undefined ? APPLIED : { warning: outcome.warning })
    else if (this.flaw) this.#reject(new DecodeError('', `${this.#request}: a reply is not a message`))
    else this.#resolve(this.#items)
  }
}
