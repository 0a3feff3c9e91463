import { ClosedError, UnsupportedError } from '../errors.js'
import { isDump } from '../wire/batch.js'
import type { Captured } from '../wire/pcap.js'
import type { Protocol } from '../wire/protocol.js'
import type { Request } from '../wire/request.js'
import { Batch, type BatchOptions, type BatchResult, type BatchSource } from './batch.js'
import { Channel, type ChannelOptions, DumpChannel } from './channel.js'
import { type Dropped, nothingDropped } from './correlator.js'
import { DumpList } from './dump.js'
import { DumpStream } from './dump-stream.js'
import { unanswered } from './outcome.js'
import { type RequestResult, Single, type SingleOptions } from './single.js'
import type { Transport } from './transport.js'

/** Milliseconds to wait for an answer, where nobody says otherwise. */
const TIMEOUT = 5000
const READ_AHEAD = 4 << 20

/** Options of {@link Connection}. */
export interface ConnectionOptions {
  /** Milliseconds to wait for an answer, where a call does not say otherwise; Infinity: for ever. Default 5000. */
  readonly timeout?: number | undefined
  /** Bytes of a streamed dump that are read before they are asked for. Default 4 MiB: some 40,000 routes. */
  readonly readAhead?: number | undefined
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

/** Options of {@link Connection.request}. */
export interface RequestOptions extends WaitOptions {
  /** Sending the message twice does no harm (`replace`): if its answer is lost, it is sent again. Default false. */
  readonly idempotent?: boolean | undefined
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
  readonly #readAhead: number
  readonly #tap: ConnectionOptions['tap']
  readonly #channel: Channel
  readonly #streams = new Set<DumpChannel>()
  /** One of them that no stream has. */
  #spare: DumpChannel | undefined
  readonly #batches = new Set<{ stop(reason: unknown): void }>()
  #closed = false
  #cause: unknown
  /** What was received and belonged to nobody, by reason. */
  readonly dropped: Readonly<Dropped> = nothingDropped()

  constructor(transport: Transport, protocol: Protocol, options: ConnectionOptions = {}) {
    this.#timeout = duration(options.timeout ?? TIMEOUT)
    this.#readAhead = positive('readAhead', options.readAhead ?? READ_AHEAD, 'bytes')
    this.#transport = transport
    this.#protocol = protocol
    this.#tap = options.tap
    this.#channel = new Channel(
      transport,
      this.#options((cause) => this.#close(cause)),
    )
  }

  /**
   * Sends a message and waits for the kernel's acknowledgement: what it resolves with says that it was applied, and
   * a warning if the kernel had one.
   * @throws KernelError, OutcomeUnknownError, OverrunError, ClosedError; the abort reason or code `NBMA_TIMEOUT` if
   * it was not sent
   */
  request(request: Request, options: RequestOptions = {}): Promise<RequestResult> {
    return new Promise((resolve, reject) => {
      if (isDump(request)) throw new UnsupportedError(`${request}: this is a dump: use list() or dump()`)
      new Single(this.#channel, request, this.#wait(options), false, resolve as never, reject)
    })
  }

  /**
   * Sends a message and collects what the kernel replies to it: one item for most gets. If that is lost, it is asked
   * for again, three times in all.
   * @throws as {@link request}; DecodeError if a reply cannot be decoded
   */
  get<T>(request: Request<T>, options: WaitOptions = {}): Promise<T[]> {
    if (isDump(request)) return this.list(request, options)
    return new Promise((resolve, reject) => {
      new Single(this.#channel, request, this.#wait(options), true, resolve as never, reject)
    })
  }

  /**
   * Reads all there is of something (NLM_F_DUMP), item by item, over a socket of its own: several can run at once, and
   * with anything else. Nothing is opened or sent before the first item is asked for.
   *
   * No more than `readAhead` bytes wait for their reader: a loop that is slow is waited for by the kernel, which holds
   * no lock meanwhile. What is read so late may be as old as the beginning of the loop or as new as its end.
   *
   * The kernel says when what it reads changes meanwhile. Such a dump is tried again, five times in all, while
   * nothing was yielded yet; a stream yields nothing before it has a megabyte or all of it, so that a dump of some
   * thousand items is either whole or has failed five times. Later, or after the last try, the stream yields what
   * there is and then throws DumpInterruptedError: a loop that ends without an error has seen all.
   *
   * The kernel does not say so for neighbours, FDB entries and routes, which are yielded as they come; there an absent
   * item proves nothing while others write.
   *
   * `break` and abort may come at any time and close the socket; so does the end. Who calls `next()` and not to the end
   * must call `return()`.
   * @throws KernelError, DumpInterruptedError, OverrunError, DecodeError, ClosedError, the abort reason, code
   * `NBMA_TIMEOUT`, and what opening a socket throws
   */
  dump<T>(request: Request<T>, options: WaitOptions = {}): AsyncIterableIterator<T, undefined> {
    return new DumpStream<T>(request, {
      ...this.#wait(options),
      open: () => this.#openDump(request),
      readAhead: this.#readAhead,
    })
  }

  /**
   * Reads all there is of something into an array, over the connection's own socket: one after the other, while
   * requests go on. An interrupted dump is tried five times.
   * @throws as {@link dump}; the DumpInterruptedError has the `items` of the last try
   */
  list<T>(request: Request<T>, options: WaitOptions = {}): Promise<T[]> {
    return new Promise((resolve, reject) => {
      new DumpList<T>(this.#channel, request, this.#wait(options), resolve, reject)
    })
  }

  /**
   * Sends any number of messages, up to 1,024 a datagram, and tells what became of each. A refused message does not
   * stop those after it. Warnings are not asked for. Very many of one length may come as {@link Series}.
   *
   * An abort takes effect between two datagrams and rejects with the signal's reason; `onProgress` knows what was
   * done until then. The event loop turns while the kernel is busy: a datagram takes it four milliseconds or so, and
   * what the connection sends meanwhile waits for that. Messages are taken from the source while the datagram before
   * is on its way.
   * @throws the abort reason, ClosedError, OutcomeUnknownError if two datagrams in a row have no answer, and what the
   * source or `onProgress` throws; `onProgress` is called before
   */
  async batch<R extends Request>(source: BatchSource<R>, options: BatchOptions<R> = {}): Promise<BatchResult<R>> {
    const batch = new Batch<R>(this.#channel, { ...options, ...this.#wait(options) })
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

  #wait({ signal, timeout, idempotent }: RequestOptions): SingleOptions {
    return { signal, timeout: duration(timeout ?? this.#timeout), idempotent }
  }

  #options(closed: (cause: unknown) => void): ChannelOptions {
    return { protocol: this.#protocol, tap: this.#tap, dropped: this.dropped, closed }
  }

  /** A channel for a stream alone. */
  #openDump(request: Request): DumpChannel {
    if (this.#closed) {
      const outcome = { how: 'unanswered', why: 'closed', sent: false, cause: this.#cause } as const
      throw unanswered(outcome, { what: `${request}`, read: true, timeout: this.#timeout })
    }
    const spare = this.#spare
    this.#spare = undefined
    if (spare) return spare
    const options = this.#options(() => {
      this.#streams.delete(channel)
      if (this.#spare === channel) this.#spare = undefined
    })
    const channel = new DumpChannel(this.#transport.openDump(), { ...options, idle: this.#keep })
    this.#streams.add(channel)
    return channel
  }

  /** Opening a socket takes longer than a small dump: one is kept. */
  readonly #keep = (channel: DumpChannel): void => {
    if (this.#spare) channel.close()
    else this.#spare = channel
  }

  #close(cause: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#cause = cause
    this.#channel.close(cause)
    for (const channel of this.#streams) channel.close(cause)
    const error = new ClosedError('batch: the connection was closed', cause === undefined ? undefined : { cause })
    for (const batch of this.#batches) batch.stop(error)
  }
}

/** @throws RangeError */
function positive(name: string, value: number, unit: string): number {
  if (!(value > 0)) throw new RangeError(`${name}: ${value} is not a positive number of ${unit}`)
  return value
}

const duration = (timeout: number): number => positive('timeout', timeout, 'milliseconds')
