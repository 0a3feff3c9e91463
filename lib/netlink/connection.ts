import createDebug from 'debug'
import { ClosedError, UnsupportedError } from '../errors.js'
import { BATCH_BYTES, BATCH_MESSAGES, isDump, SEND_RESERVE } from '../wire/batch.js'
import { frames } from '../wire/frame.js'
import type { Captured } from '../wire/pcap.js'
import type { Protocol } from '../wire/protocol.js'
import type { Request } from '../wire/request.js'
import { Batch, type BatchOptions, type BatchResult } from './batch.js'
import { Correlator, type Dropped, TICK } from './correlator.js'
import { DumpList, DumpStream } from './dump.js'
import type { Carrier, Exchange } from './exchange.js'
import { type RequestResult, Single } from './single.js'
import type { Transport } from './transport.js'

const debug = createDebug('nbma:socket')

/** Milliseconds to wait for an answer, where nobody says otherwise. */
const TIMEOUT = 5000
const DUMP_BUFFER = 268_435_456

/** Messages that are sent before the rest of the process gets its turn, small datagrams or one large. */
const MESSAGES_A_TURN = 256

/** Options of {@link Connection}. */
export interface ConnectionOptions {
  /** Milliseconds to wait for an answer, where a call does not say otherwise; Infinity: for ever. Default 5000. */
  readonly timeout?: number | undefined
  /** Bytes of a dump that may wait for a slow reader. Default 268,435,456: some four million routes. */
  readonly dumpBuffer?: number | undefined
  /** Is shown every datagram that goes out or comes in, and must not change it: for `toPcap`. */
  readonly tap?: ((datagram: Captured) => void) | undefined
}

/** Options of everything that waits for the kernel. */
export interface WaitOptions {
  /** Aborts the wait. */
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds to wait, to within 50: from the call for a request or a get, for each further part of a dump.
   * Default: the connection's.
   */
  readonly timeout?: number | undefined
}

/**
 * Sends requests through a {@link Transport} and tells what became of them.
 *
 * Every call ends in one of these ways: with the kernel's answer; with a KernelError, which says that the kernel
 * refused and why; with an OutcomeUnknownError (nothing came within the timeout, or the wait was aborted) or an
 * OverrunError (the answer was lost), after which a change may or may not have been applied; or with an error that
 * says that nothing was sent. Reads change nothing: their abort rejects with the signal's reason, their timeout with
 * code `NBMA_TIMEOUT`.
 *
 * A request is executed inside sendmsg(): while another process holds the kernel's RTNL lock the thread waits for
 * it, and no timer can interrupt that. Such a wait does not count as a timeout if the answer is there after it.
 * Datagrams over 4 KiB, which only batches have, are sent on a thread of libuv's pool: there the wait holds up nobody
 * else, but what the same connection sends after it.
 */
export class Connection {
  readonly #transport: Transport
  readonly #protocol: Protocol
  readonly #timeout: number
  readonly #tap: ConnectionOptions['tap']
  readonly #correlator: Correlator
  readonly #carrier: Carrier
  readonly #batches = new Set<{ stop(reason: unknown): void }>()
  /** Runs while something is pending, and up to one tick longer. */
  #timer: NodeJS.Timeout | undefined
  /** Messages that may still be sent before the event loop must turn. */
  #turn = MESSAGES_A_TURN
  #closed = false
  #cause: unknown

  constructor(transport: Transport, protocol: Protocol, options: ConnectionOptions = {}) {
    this.#transport = transport
    this.#protocol = protocol
    this.#timeout = duration(options.timeout ?? TIMEOUT)
    this.#tap = options.tap
    const { portId, receiveBuffer, sendBuffer } = transport
    const correlator = new Correlator({ portId, receiveBuffer, drops: () => transport.drops() })
    this.#correlator = correlator
    this.#carrier = {
      protocol,
      dumpCost: correlator.dumpCost,
      dumpBuffer: options.dumpBuffer ?? DUMP_BUFFER,
      limits: {
        messages: Math.min(BATCH_MESSAGES, correlator.window),
        bytes: Math.min(BATCH_BYTES, sendBuffer - SEND_RESERVE),
      },
      reserve: (count) => correlator.reserve(count),
      submit: (exchange) => this.#submit(exchange),
      abandon: (exchange, cause) => {
        correlator.abandon(exchange, cause)
        this.#pump()
      },
    }
    transport.start({
      receive: (datagram) => this.#receive(datagram),
      fail: (error) => this.#close(error),
    })
  }

  /** What was received and belonged to nobody, by reason. */
  get dropped(): Readonly<Dropped> {
    return this.#correlator.dropped
  }

  /**
   * Sends a message and waits for the kernel's acknowledgement: what it resolves with says that it was applied, and
   * a warning if the kernel had one.
   * @throws KernelError, OutcomeUnknownError, OverrunError, ClosedError; the abort reason or code `NBMA_TIMEOUT` if
   * it was not sent
   */
  request(request: Request, options: WaitOptions = {}): Promise<RequestResult> {
    return new Promise((resolve, reject) => {
      if (isDump(request)) throw new UnsupportedError(`${request}: this is a dump: use list() or dump()`)
      new Single(this.#carrier, request, this.#wait(options), false, resolve as never, reject)
    })
  }

  /**
   * Sends a message and collects what the kernel replies to it: one item for most gets.
   * @throws as {@link request}; DecodeError if a reply cannot be decoded
   */
  get<T>(request: Request<T>, options: WaitOptions = {}): Promise<T[]> {
    if (isDump(request)) return this.list(request, options)
    return new Promise((resolve, reject) => {
      new Single(this.#carrier, request, this.#wait(options), true, resolve as never, reject)
    })
  }

  /**
   * Reads all there is of something (NLM_F_DUMP), item by item. One dump runs at a time, others wait for it; requests
   * go on meanwhile. Nothing is sent before the first item is asked for.
   *
   * The kernel says when what it reads changes meanwhile. Such a dump is tried again, five times in all, while
   * nothing was yielded yet; a stream yields nothing before it has a megabyte or all of it, so that a dump of some
   * thousand items is either whole or has failed five times. Later, or after the last try, the stream yields what
   * there is and then throws DumpInterruptedError: a loop that ends without an error has seen all.
   *
   * The kernel does not say so for neighbours, FDB entries and routes; there an absent item proves nothing while
   * others write.
   *
   * `break` and abort may come at any time; what is on its way is dropped. A reader that lets `dumpBuffer` bytes
   * wait gets an OverrunError.
   * @throws KernelError, DumpInterruptedError, OverrunError, DecodeError, ClosedError, the abort reason, and code
   * `NBMA_TIMEOUT`
   */
  dump<T>(request: Request<T>, options: WaitOptions = {}): AsyncIterableIterator<T, undefined> {
    return new DumpStream<T>(this.#carrier, request, this.#wait(options))
  }

  /**
   * Reads all there is of something into an array. An interrupted dump is tried five times.
   * @throws as {@link dump}; the DumpInterruptedError has the `items` of the last try
   */
  list<T>(request: Request<T>, options: WaitOptions = {}): Promise<T[]> {
    return new Promise((resolve, reject) => {
      new DumpList<T>(this.#carrier, request, this.#wait(options), resolve, reject)
    })
  }

  /**
   * Sends any number of messages, up to 512 a datagram, and tells what became of each. A refused message does not
   * stop those after it. Warnings are not asked for.
   *
   * An abort takes effect between two datagrams and rejects with the signal's reason; `onProgress` knows what was
   * done until then. The event loop turns while the kernel is busy: a datagram takes it two milliseconds or so, and
   * what the connection sends meanwhile waits for that. Messages are taken from the source while the datagram before
   * is on its way.
   * @throws the abort reason, ClosedError, OutcomeUnknownError if two datagrams in a row have no answer, and what the
   * source or `onProgress` throws; `onProgress` is called before
   */
  async batch<R extends Request>(
    source: Iterable<R> | AsyncIterable<R>,
    options: BatchOptions<R> = {},
  ): Promise<BatchResult<R>> {
    const batch = new Batch<R>(this.#carrier, { ...options, ...this.#wait(options) })
    this.#batches.add(batch)
    try {
      return await batch.run(source)
    } finally {
      this.#batches.delete(batch)
    }
  }

  /** Closes the socket. All that waits ends with a ClosedError before this returns. Idempotent. */
  close(): void {
    this.#close(undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #wait(options: WaitOptions): { signal: AbortSignal | undefined; timeout: number } {
    return { signal: options.signal, timeout: duration(options.timeout ?? this.#timeout) }
  }

  #submit(exchange: Exchange): void {
    if (this.#closed) {
      exchange.settled({ how: 'unanswered', why: 'closed', sent: false, cause: this.#cause })
      return
    }
    const now = performance.now()
    this.#correlator.submit(exchange, now)
    this.#pump()
    this.#timer ??= setTimeout(this.#tick, Math.min(TICK, exchange.timeout))
  }

  #pump(): void {
    while (this.#turn > 0) {
      const exchange = this.#correlator.next()
      if (!exchange) return
      this.#turn -= exchange.count
      if (this.#turn <= 0) setImmediate(this.#nextTurn)
      this.#send(exchange)
    }
  }

  readonly #nextTurn = (): void => {
    this.#turn = MESSAGES_A_TURN
    this.#pump()
  }

  #send(exchange: Exchange): void {
    const sent = (): void => {
      this.#correlator.sent(exchange, performance.now())
      this.#pump()
    }
    const failed = (error: unknown): void => {
      this.#correlator.failed(exchange, error)
      this.#pump()
    }
    if (debug.enabled) this.#trace('→', exchange.datagram)
    this.#show(exchange.datagram, true)
    try {
      this.#transport.check()
      this.#transport.send(exchange.datagram).then(sent, failed)
    } catch (error) {
      this.#correlator.failed(exchange, error)
    }
  }

  #receive(datagram: Buffer): void {
    if (debug.enabled) this.#trace('←', datagram)
    this.#show(datagram, false)
    this.#correlator.receive(datagram)
    this.#pump()
  }

  readonly #tick = (): void => {
    const now = performance.now()
    const wait = this.#correlator.tick(now)
    this.#pump()
    this.#timer = wait === undefined ? undefined : setTimeout(this.#tick, wait)
  }

  #close(cause: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#cause = cause
    clearTimeout(this.#timer)
    this.#transport.close()
    this.#correlator.close(cause)
    const error = new ClosedError('batch: the connection was closed', cause === undefined ? undefined : { cause })
    for (const batch of this.#batches) batch.stop(error)
  }

  /** What the tap throws reaches `uncaughtException`; the exchange goes on. */
  #show(bytes: Buffer, sent: boolean): void {
    if (this.#tap === undefined) return
    try {
      this.#tap({ bytes, sent, time: Date.now() })
    } catch (error) {
      setImmediate(() => {
        throw error
      })
    }
  }

  #trace(arrow: string, datagram: Buffer): void {
    for (const { start, end } of frames(datagram)) {
      debug('%s %s', arrow, this.#protocol.inspect(datagram.subarray(start, end)))
    }
  }
}

/** @throws RangeError */
function duration(timeout: number): number {
  if (!(timeout > 0)) throw new RangeError(`timeout: ${timeout} is not a positive number of milliseconds`)
  return timeout
}
