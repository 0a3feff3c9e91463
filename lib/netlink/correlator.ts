import { randomInt } from 'node:crypto'
import createDebug from 'debug'
import {
  type Frame,
  NLM_F_ACK,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
  NLMSG_MIN_TYPE,
  NLMSG_NOOP,
  type Run,
  runs,
  writeHeader,
} from '../wire/frame.js'
import { ACK_COST, Exchange } from './exchange.js'
import { Fifo } from './fifo.js'
import type { Outcome } from './outcome.js'
import { type Answer, readAnswer, readDone } from './refusal.js'

/**
 * Which reply belongs to which request, and what is known when one does not come. No I/O and no timers: the owner
 * tells what happened and what time it is, and sends what {@link Correlator.next} hands out.
 * @module
 */
const debug = createDebug('nbma:correlator')

/** How often the owner should call {@link Correlator.tick} while something is pending, in milliseconds. */
export const TICK = 50
/** No more than this many messages are unanswered at once: a few milliseconds of the kernel's time. */
const MOST = 1024
/** How long a barrier may take before another is tried, in milliseconds. */
const BARRIER_TIMEOUT = 250

/** What was dropped, by reason. */
export interface Dropped {
  /** Our port id, but no such request is open: it was answered, given up, or never made. */
  late: number
  /** Another port id. */
  foreign: number
  /** A second answer to the same message, or one that it cannot have. */
  duplicate: number
  /** Bytes that are not a message. */
  malformed: number
}

/** To count from. */
export const nothingDropped = (): Dropped => ({ late: 0, foreign: 0, duplicate: 0, malformed: 0 })

/** `NLMSG_NOOP|REQUEST|ACK`: answered after everything that was sent before it, and harmless. */
class Barrier extends Exchange {
  constructor(seq: number) {
    super(Buffer.alloc(NLMSG_HDRLEN), { timeout: BARRIER_TIMEOUT, cost: 0 })
    this.first = seq
    writeHeader(this.datagram, 0, NLMSG_HDRLEN, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, seq, 0)
  }
  reply(): void {}
  refused(): boolean {
    return true
  }
  settled(): void {}
}

/** Matches replies to what was sent; decides what may be sent; knows what can no longer be answered. */
export class Correlator {
  readonly dropped: Dropped
  readonly #portId: number
  readonly #receiveBuffer: number
  readonly #drops: () => number
  #seq: number
  /** To be sent, in order. Those that were settled meanwhile are skipped. */
  readonly #queue = new Fifo<Exchange>()
  /** Dumps that wait for the one that runs. */
  readonly #dumps = new Fifo<Exchange>()
  #dump: Exchange | undefined
  /** What the transport is busy with. What would come behind it can still be taken back. */
  #inHand: Exchange | undefined
  /** Sent and not settled, in the order of sending. */
  readonly #open: Exchange[] = []
  /** Bytes of the receive buffer that are spoken for. */
  #spoken = 0
  #barrier: Barrier | undefined

  /**
   * @param options.portId our netlink port id
   * @param options.receiveBuffer SO_RCVBUF in bytes
   * @param options.drops the kernel's drop counter: read when a batch or dump starts and ends
   * @param options.dropped counts what was dropped, beside others
   * @param options.seq the first sequence number; random unless given, so that nobody can answer beforehand
   */
  constructor(options: {
    portId: number
    receiveBuffer: number
    drops: () => number
    dropped?: Dropped
    seq?: number
  }) {
    this.dropped = options.dropped ?? nothingDropped()
    this.#portId = options.portId
    this.#receiveBuffer = options.receiveBuffer
    this.#drops = options.drops
    this.#seq = options.seq ?? randomInt(2 ** 32)
  }

  /** How many messages one datagram may have so that even if all are refused no reply is lost. */
  get window(): number {
    return Math.max(1, Math.min(MOST, Math.floor(this.#receiveBuffer / ACK_COST)))
  }

  /** Bytes of the receive buffer that a running dump may fill: the kernel fills half, and one part more. */
  get dumpCost(): number {
    return (this.#receiveBuffer >> 1) + 40_000
  }

  /** True while a reply is waited for or something waits to be sent. */
  get pending(): boolean {
    return this.#open.length > 0 || this.#queue.length > 0 || this.#dumps.length > 0
  }

  /** Takes `count` sequence numbers; returns the first. They go on from 0 after 2^32 - 1. */
  reserve(count: number): number {
    const first = this.#seq
    this.#seq = (first + count) >>> 0
    return first
  }

  /** Queues an exchange whose `first` was reserved and written into its datagram. */
  submit(exchange: Exchange, now: number): void {
    exchange.state = 'queued'
    if (!exchange.patient) exchange.deadline = now + exchange.timeout
    if (!exchange.isDump) this.#queue.push(exchange)
    else if (this.#dump) this.#dumps.push(exchange)
    else this.#startDump(exchange)
  }

  /** What to send now, if anything may be sent: the owner sends it at once. */
  next(): Exchange | undefined {
    if (this.#inHand) return undefined
    if (this.#barrier?.state === 'queued') return this.#fly(this.#barrier)
    for (let first = this.#queue.peek(); first; first = this.#queue.peek()) {
      const waits = first.state === 'queued'
      if (waits && this.#open.length > 0 && this.#spoken + first.cost > this.#receiveBuffer) return undefined
      this.#queue.shift()
      if (waits) return this.#fly(first)
    }
    return undefined
  }

  /** The kernel has executed the datagram. From now on its answers are waited for. */
  sent(exchange: Exchange, now: number): void {
    this.#leave(exchange)
    if (exchange.patient) exchange.deadline = now + exchange.timeout
  }

  /** The datagram could not be sent; nothing in it was executed. */
  failed(exchange: Exchange, cause: unknown): void {
    this.#leave(exchange)
    this.#giveUp(exchange, 'failed', false, cause)
  }

  /** The caller no longer waits. */
  abandon(exchange: Exchange, cause: unknown): void {
    this.#giveUp(exchange, 'aborted', exchange.state === 'sent', cause)
  }

  /** A datagram from the kernel. */
  receive(datagram: Buffer): void {
    if (datagram.length === 0) this.#malformed(0)
    for (const frame of runs(datagram, this.#malformed)) {
      if (frame.pid !== this.#portId) {
        this.dropped.foreign += frame.count
        debug('foreign: type %d, seq %d, port %d', frame.type, frame.seq, frame.pid)
        continue
      }
      const exchange = this.#find(frame.seq)
      if (!exchange) {
        this.dropped.late += frame.count
        debug('late: type %d, seq %d', frame.type, frame.seq)
        continue
      }
      exchange.active = true
      if (frame.type === NLMSG_ERROR) this.#answer(exchange, frame)
      else if (exchange.isDump) this.#part(exchange, frame)
      else if (frame.type >= NLMSG_MIN_TYPE) exchange.parts(frame)
    }
  }

  /**
   * Time passes: gives up what is overdue, and queues a barrier behind what has been unanswered for a whole tick.
   * Nothing is given up at the first tick that finds it overdue, but at the next: if the thread was held up, the
   * answer is in the socket already.
   * @returns milliseconds to the next tick, undefined if nothing is pending
   */
  tick(now: number): number | undefined {
    let wait = TICK
    let silent = false
    const overdue: Exchange[] = []
    const look = (exchange: Exchange): void => {
      if (exchange.state === 'settled' || exchange.sending) return
      if (exchange.isDump && exchange.active) {
        exchange.deadline = now + exchange.timeout
        exchange.overdue = exchange.active = false
      } else if (exchange.seen && !exchange.isDump && exchange !== this.#barrier) silent = true
      exchange.seen = exchange.state === 'sent'
      if (exchange.deadline > now) wait = Math.min(wait, exchange.deadline - now)
      else if (exchange.overdue) overdue.push(exchange)
      else {
        exchange.overdue = true
        wait = 1
      }
    }
    for (const exchange of this.#open) look(exchange)
    for (const exchange of this.#queue) look(exchange)
    for (const exchange of this.#dumps) look(exchange)
    for (const exchange of overdue) this.#giveUp(exchange, 'timeout', exchange.state === 'sent')
    if (silent && (!this.#barrier || this.#barrier.state === 'settled')) this.#raiseBarrier(now)
    return this.pending ? Math.max(1, Math.ceil(wait)) : undefined
  }

  /** Settles everything; nothing is sent any more. */
  close(cause?: unknown): void {
    const all = [...this.#open, ...this.#queue, ...this.#dumps]
    for (const exchange of all) this.#giveUp(exchange, 'closed', exchange.state === 'sent', cause)
  }

  #fly(exchange: Exchange): Exchange {
    exchange.state = 'sent'
    exchange.sending = true
    this.#inHand = exchange
    if (exchange.count > 1 || exchange.isDump) exchange.drops = this.#drops()
    this.#spoken += exchange.cost
    this.#open.push(exchange)
    return exchange
  }

  #leave(exchange: Exchange): void {
    exchange.sending = false
    if (this.#inHand === exchange) this.#inHand = undefined
  }

  #startDump(exchange: Exchange): void {
    this.#dump = exchange
    this.#queue.push(exchange)
  }

  /** In nearly all cases the first: replies come in the order of sending. */
  #find(seq: number): Exchange | undefined {
    for (const exchange of this.#open) if ((seq - exchange.first) >>> 0 < exchange.count) return exchange
    return undefined
  }

  readonly #malformed = (offset: number): void => {
    this.dropped.malformed++
    debug('malformed at byte %d', offset)
    // It may have been anything: an error in the middle of a batch, a part of a dump.
    for (const exchange of this.#open) exchange.flaw = 'malformed'
  }

  #answer(exchange: Exchange, frame: Frame): void {
    const answer = readAnswer(frame)
    const index = (frame.seq - exchange.first) >>> 0
    const last = index === exchange.count - 1
    if (!answer) {
      this.dropped.malformed++
      debug('malformed answer to seq %d', frame.seq)
      exchange.flaw = 'malformed'
    } else if (answer.errno === 0) {
      if (last && !exchange.isDump) this.#finish(exchange, answer)
      else this.#duplicate(frame)
    } else if (!exchange.refused(index, answer)) this.#duplicate(frame)
    else if (last) this.#finish(exchange, answer)
  }

  #part(exchange: Exchange, frame: Run): void {
    if (frame.flags & NLM_F_DUMP_INTR) exchange.flaw ??= 'interrupted'
    if (frame.type >= NLMSG_MIN_TYPE) exchange.parts(frame)
    else if (frame.type === NLMSG_DONE) {
      const answer = readDone(frame)
      if (!answer) {
        this.dropped.malformed++
        exchange.flaw = 'malformed'
        return
      }
      if (answer.errno !== 0) exchange.refused(0, answer)
      this.#finish(exchange, answer)
    }
  }

  #duplicate(frame: Frame): void {
    this.dropped.duplicate++
    debug('duplicate: type %d, seq %d', frame.type, frame.seq)
  }

  #finish(exchange: Exchange, answer: Answer): void {
    if ((exchange.count > 1 || exchange.isDump) && this.#drops() !== exchange.drops) exchange.flaw ??= 'overrun'
    const before = exchange === this.#barrier ? this.#open.slice(0, this.#open.indexOf(exchange)) : []
    const warning = answer.errno === 0 ? answer.message : undefined
    if (warning !== undefined) debug('seq %d was applied with a warning: %s', exchange.first, warning)
    this.#release(exchange)
    exchange.settled(warning === undefined ? ANSWERED : { how: 'answered', warning })
    // Answers come in order: what was sent before the barrier and has none will never have one.
    for (const lost of before) if (!lost.isDump) this.#giveUp(lost, 'lost', true)
  }

  #giveUp(
    exchange: Exchange,
    why: 'lost' | 'timeout' | 'aborted' | 'closed' | 'failed',
    sent: boolean,
    cause?: unknown,
  ): void {
    if (exchange.state !== 'queued' && exchange.state !== 'sent') return
    debug('%s: seq %d, %d messages, sent: %s', why, exchange.first, exchange.count, sent)
    this.#release(exchange)
    exchange.settled({ how: 'unanswered', why, sent, cause })
  }

  #release(exchange: Exchange): void {
    if (exchange.state === 'sent') {
      this.#open.splice(this.#open.indexOf(exchange), 1)
      this.#spoken -= exchange.cost
    }
    exchange.state = 'settled'
    if (exchange !== this.#dump) return
    this.#dump = undefined
    let next = this.#dumps.shift()
    while (next && next.state !== 'queued') next = this.#dumps.shift()
    if (next) this.#startDump(next)
  }

  #raiseBarrier(now: number): void {
    this.#barrier = new Barrier(this.reserve(1))
    this.#barrier.state = 'queued'
    this.#barrier.deadline = now + BARRIER_TIMEOUT
  }
}

const ANSWERED: Outcome = { how: 'answered' }
