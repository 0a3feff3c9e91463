import { randomInt } from 'node:crypto'
import createDebug from 'debug'
import { ClosedError } from '../errors.js'
import {
  type Frame,
  frames,
  NLM_F_ACK,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
  NLMSG_NOOP,
  writeHeader,
} from '../wire/frame.js'
import type { Protocol } from '../wire/protocol.js'
import { Fifo } from './fifo.js'
import type { Receiver, Transport } from './transport.js'

const debug = createDebug('nbma:socket')

/** Events that may wait for their reader. */
const QUEUE = 16_384
/** How often the drop counter is read when nothing comes, in milliseconds. */
const INTERVAL = 250
/** The first type that is not netlink's own (NLMSG_MIN_TYPE). */
const MIN_TYPE = 16

/** What a monitor yields. */
export type MonitorEvent<T = Record<string, unknown>> =
  /** `event` is the kernel's name of the message, `RTM_NEWROUTE`, and `message` its body. */
  | { readonly event: string; readonly message: T }
  /** Events were lost: what is known must be read anew. Events that follow are newer than the loss. */
  | { readonly event: 'resync'; readonly message?: undefined }

/** Options of {@link monitor}. */
export interface MonitorOptions {
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal | undefined
  /** How many events may wait for their reader before they are given up for a `resync`. Default 16,384. */
  readonly queue?: number | undefined
}

interface Reader<T> {
  resolve(result: IteratorResult<MonitorEvent<T>, undefined>): void
  reject(error: unknown): void
}

/**
 * Yields what the kernel announces to the multicast groups that the transport has joined, from the call on, in order.
 * The transport is the monitor's own from then on, and closed with it.
 *
 * Whenever something may have been missed there is exactly one `resync` in its place: the kernel had no room, the
 * reader let too many events wait, or a message could not be decoded. Nothing that was announced before the loss
 * follows a `resync`: read the state when it comes, and go on with the events.
 *
 * Not everything is announced; whoever keeps state must know what goes without a word:
 * - A link that goes down takes its onlink routes and nexthop objects with it: there is RTM_NEWLINK for the link and
 *   RTM_DELNEIGH for its neighbours, but no RTM_DELROUTE or RTM_DELNEXTHOP. FDB entries stay. Nothing comes back when
 *   the link does.
 * - RTM_DELNEXTHOP takes all routes through the nexthop with it, without RTM_DELROUTE.
 * - Removing an address removes the routes whose gateway it made reachable, or that prefer it as their source,
 *   without RTM_DELROUTE.
 *
 * An abort, `break` and `return()` end the iteration without an error.
 * @throws ClosedError from the iteration, once, if the socket fails; NamespaceGoneError if its namespace's name is gone
 * or means another one: what lives on under no name is not what the caller watches
 */
export function monitor<T = Record<string, unknown>>(
  transport: Transport,
  protocol: Protocol,
  options: MonitorOptions = {},
): AsyncIterableIterator<MonitorEvent<T>, undefined> {
  return new Monitor<T>(transport, protocol, options)
}

class Monitor<T> implements AsyncIterableIterator<MonitorEvent<T>, undefined>, Receiver {
  readonly #transport: Transport
  readonly #protocol: Protocol
  readonly #most: number
  readonly #signal: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout
  readonly #readers = new Fifo<Reader<T>>()
  /** Events that wait for their reader, undecoded. */
  readonly #queue = new Fifo<Frame>()
  /** A resync comes before what is queued. */
  #resync = false
  /**
   * The kernel lost something, and this is the number of the NLMSG_NOOP whose answer stands behind what it queued
   * before. Until that is read, events are dropped: the reader of a resync would take old ones for new.
   */
  #barrier: number | undefined
  #seq = randomInt(2 ** 32)
  #drops: number
  #ended = false
  #error: unknown

  constructor(transport: Transport, protocol: Protocol, options: MonitorOptions) {
    this.#transport = transport
    this.#protocol = protocol
    this.#most = options.queue ?? QUEUE
    this.#signal = options.signal
    this.#drops = transport.drops()
    this.#timer = setInterval(() => this.#look(), INTERVAL)
    transport.start(this)
    if (this.#signal?.aborted) this.handleEvent()
    else this.#signal?.addEventListener('abort', this)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<MonitorEvent<T>, undefined>> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
      this.#serve()
    })
  }

  async return(): Promise<IteratorResult<MonitorEvent<T>, undefined>> {
    this.handleEvent()
    return { done: true, value: undefined }
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.#queue.clear()
    this.#resync = false
    this.#end(undefined)
  }

  receive(datagram: Buffer): void {
    if (debug.enabled) debug('← %s', this.#protocol.inspect(datagram))
    this.#compareDrops()
    const malformed = (): void => this.#lose('malformed')
    if (datagram.length === 0) malformed()
    for (const frame of frames(datagram, malformed)) {
      if (frame.type < MIN_TYPE) this.#control(frame)
      else if (this.#barrier === undefined) this.#queue.push(frame)
    }
    if (this.#queue.length > this.#most) this.#lose('the reader is too slow')
    this.#serve()
  }

  fail(error: Error): void {
    this.#end(new ClosedError(`the monitor's socket failed: ${error.message}`, { cause: error }))
  }

  /** From time to time, because nothing may come: did the kernel lose something, and are we where we were? */
  #look(): void {
    try {
      this.#transport.check()
    } catch (error) {
      this.#end(error)
      return
    }
    if (this.#barrier === undefined) this.#compareDrops()
    else this.#raiseBarrier()
  }

  #compareDrops(): void {
    if (this.#barrier !== undefined || this.#transport.drops() === this.#drops) return
    this.#lose('the kernel had no room')
    this.#raiseBarrier()
  }

  #raiseBarrier(): void {
    this.#drops = this.#transport.drops()
    this.#barrier = this.#seq
    this.#seq = (this.#seq + 1) >>> 0
    const bytes = Buffer.alloc(NLMSG_HDRLEN)
    writeHeader(bytes, 0, NLMSG_HDRLEN, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, this.#barrier, 0)
    this.#transport.send(bytes).catch((error) => debug('monitor: %s', error))
  }

  #control(frame: Frame): void {
    const { type, seq, pid } = frame
    if (type !== NLMSG_ERROR || seq !== this.#barrier || pid !== this.#transport.portId) return
    if (this.#transport.drops() === this.#drops) this.#barrier = undefined
    else this.#raiseBarrier()
  }

  /** Something is missing: what waits is given up for one resync. */
  #lose(why: string): void {
    debug('monitor: resync: %s, %d events given up', why, this.#queue.length)
    this.#queue.clear()
    this.#resync = true
  }

  #end(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    clearInterval(this.#timer)
    this.#signal?.removeEventListener('abort', this)
    this.#transport.close()
    this.#serve()
  }

  #serve(): void {
    for (let reader = this.#readers.peek(); reader; reader = this.#readers.peek()) {
      const event = this.#take()
      if (event) reader.resolve({ done: false, value: event })
      else if (this.#ended) this.#finish(reader)
      else return
      this.#readers.shift()
    }
  }

  #take(): MonitorEvent<T> | undefined {
    const frame = this.#resync ? undefined : this.#queue.shift()
    if (frame) {
      try {
        return { event: this.#protocol.operation(frame.type), message: this.#protocol.decodeValue(frame) as T }
      } catch (error) {
        this.#lose(String(error))
      }
    }
    if (!this.#resync || (this.#barrier !== undefined && !this.#ended)) return undefined
    this.#resync = false
    return { event: 'resync' }
  }

  #finish(reader: Reader<T>): void {
    const error = this.#error
    this.#error = undefined
    if (error === undefined) reader.resolve({ done: true, value: undefined })
    else reader.reject(error)
  }
}
