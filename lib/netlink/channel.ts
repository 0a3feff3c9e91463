import createDebug from 'debug'
import { BATCH_BYTES, SEND_RESERVE } from '../wire/batch.js'
import { frames } from '../wire/frame.js'
import type { Captured } from '../wire/pcap.js'
import type { Protocol } from '../wire/protocol.js'
import { Correlator, type Dropped, TICK } from './correlator.js'
import type { Carrier, Exchange } from './exchange.js'
import type { DumpTransport, Transport } from './transport.js'
import { uncaught } from './uncaught.js'

const debug = createDebug('nbma:socket')

/** Messages that are sent before the rest of the process gets its turn, small datagrams or one large. */
const MESSAGES_A_TURN = 256

/** What {@link Channel} takes beside its transport. */
export interface ChannelOptions {
  readonly protocol: Protocol
  /** Counts what belonged to nobody. */
  readonly dropped: Dropped
  /** Is shown every datagram. */
  readonly tap: ((datagram: Captured) => void) | undefined
  /** It was closed, or its transport failed. */
  readonly closed: (cause: unknown) => void
}

/** Carries exchanges over one transport: sends what the {@link Correlator} allows and tells it what came and when. */
export class Channel<T extends Transport | DumpTransport = Transport> implements Carrier {
  readonly protocol: Protocol
  readonly dumpCost: number
  readonly limits: Carrier['limits']
  protected readonly transport: T
  readonly #correlator: Correlator
  readonly #options: ChannelOptions
  /** Runs while something is pending, and up to one tick longer. */
  #timer: NodeJS.Timeout | undefined
  /** Messages that may still be sent before the event loop must turn. */
  #turn = MESSAGES_A_TURN
  #closed = false
  #cause: unknown

  constructor(transport: T, options: ChannelOptions) {
    const { portId, receiveBuffer, sendBuffer } = transport
    const { protocol, dropped } = options
    this.#correlator = new Correlator({ portId, receiveBuffer, drops: () => transport.drops(), dropped })
    this.#options = options
    this.transport = transport
    this.protocol = protocol
    this.dumpCost = this.#correlator.dumpCost
    this.limits = {
      messages: this.#correlator.window,
      bytes: Math.min(BATCH_BYTES, sendBuffer - SEND_RESERVE),
    }
    transport.start({
      receive: (datagram) => this.#receive(datagram),
      fail: (error) => this.close(error),
    })
  }

  reserve(count: number): number {
    return this.#correlator.reserve(count)
  }

  submit(exchange: Exchange): void {
    if (this.#closed) {
      exchange.settled({ how: 'unanswered', why: 'closed', sent: false, cause: this.#cause })
      return
    }
    this.#correlator.submit(exchange, performance.now())
    this.#pump()
    this.watch(exchange.timeout)
  }

  abandon(exchange: Exchange, cause: unknown): void {
    this.#correlator.abandon(exchange, cause)
    this.#pump()
  }

  /** Closes the transport. All that waits is settled before this returns. Idempotent. */
  close(cause?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#cause = cause
    this.rest()
    this.transport.close()
    this.#correlator.close(cause)
    this.#options.closed(cause)
  }

  /** Looks at the clock from now on. */
  protected watch(timeout = TICK): void {
    if (!this.#closed) this.#timer ??= setTimeout(this.#tick, Math.min(TICK, timeout))
  }

  /** Lets time pass. */
  protected rest(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
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
      this.transport.check()
      this.transport.send(exchange.datagram).then(sent, failed)
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
    const wait = this.#correlator.tick(performance.now())
    this.#pump()
    this.#timer = wait === undefined ? undefined : setTimeout(this.#tick, wait)
  }

  /** What the tap throws reaches `uncaughtException`; the exchange goes on. */
  #show(bytes: Buffer, sent: boolean): void {
    if (this.#options.tap === undefined) return
    try {
      this.#options.tap({ bytes, sent, time: Date.now() })
    } catch (error) {
      uncaught(error)
    }
  }

  #trace(arrow: string, datagram: Buffer): void {
    for (const { start, end } of frames(datagram)) {
      debug('%s %s', arrow, this.protocol.inspect(datagram.subarray(start, end)))
    }
  }
}

/** Carries a dump, as fast as it is read. */
export class DumpChannel extends Channel<DumpTransport> {
  readonly #idle: (channel: DumpChannel) => void

  /** @param options.idle is called when a dump was read to its end */
  constructor(transport: DumpTransport, options: ChannelOptions & { readonly idle: (channel: DumpChannel) => void }) {
    super(transport, options)
    this.#idle = options.idle
  }

  /** Lets the kernel wait. That time does not count: a part has just come, which the next tick takes for activity. */
  pause(): void {
    this.rest()
    this.transport.pause()
  }

  /** Goes on. */
  resume(): void {
    this.watch()
    this.transport.resume()
  }

  /** All was read: another dump can have it. */
  free(): void {
    this.transport.resume()
    this.#idle(this)
  }
}
