import { eachOf, type Frame, type Run } from '../wire/frame.js'
import type { Protocol } from '../wire/protocol.js'
import type { Flaw, Outcome } from './outcome.js'
import type { Answer } from './refusal.js'

/** Receive buffer that one acknowledgement may take: 832 bytes at least, more with the kernel's words (extack). */
export const ACK_COST = 2048

/** How often a message is sent whose answer was lost, where that does no harm. */
export const TRIES = 3

/** One datagram on its way to the kernel and back: a range of sequence numbers. Its owner extends it. */
export abstract class Exchange {
  /** Sequence number of the first message. */
  first = 0
  /** How many messages, so how many sequence numbers. */
  readonly count: number
  /** Bytes of the receive buffer that the replies may take. */
  cost: number
  /** One dump at a time: the kernel says EBUSY to a second one. */
  readonly isDump: boolean
  /** Milliseconds to wait, from {@link Correlator.submit}, or from sending if `patient`; Infinity: for ever. */
  readonly timeout: number
  /** The time until it is sent does not count. */
  readonly patient: boolean
  /** What goes out; its messages carry the numbers from `first` on. */
  datagram: Buffer
  /** 'new' until submitted. */
  state: 'new' | 'queued' | 'sent' | 'settled' = 'new'
  flaw: Flaw | undefined
  /** The transport has it and does not say yet that the kernel has executed it. */
  sending = false
  /** When to give up, on the owner's clock. */
  deadline = Number.POSITIVE_INFINITY
  /** It was overdue, or unanswered, at the last tick: what was in the socket then has been read since. */
  overdue = false
  seen = false
  /** Something came since the last tick. */
  active = false
  /** The kernel's drop counter when it was sent. */
  drops = 0

  constructor(
    datagram: Buffer,
    options: { count?: number; cost?: number; isDump?: boolean; timeout: number; patient?: boolean },
  ) {
    this.datagram = datagram
    this.count = options.count ?? 1
    this.cost = options.cost ?? this.count * ACK_COST
    this.isDump = options.isDump ?? false
    this.timeout = options.timeout
    this.patient = options.patient ?? false
  }

  /** A message that is neither an error nor the end: what a get or a dump asked for. Must not throw. */
  abstract reply(frame: Frame): void
  /** The kernel refused the message at `index` of the range. False if it did so before. Must not throw. */
  abstract refused(index: number, answer: Answer): boolean
  /** Nothing more will come. Called once for each time it is submitted. Must not throw. */
  abstract settled(outcome: Outcome): void

  /** One such message, or several of a dump. */
  parts(run: Run): void {
    eachOf(run, (frame) => this.reply(frame))
  }

  /** Ready to be submitted (again). */
  renew(): void {
    this.state = 'new'
    this.flaw = undefined
    this.deadline = Number.POSITIVE_INFINITY
    this.sending = this.overdue = this.seen = this.active = false
  }
}

/** What carries exchanges: a connection, seen from within. */
export interface Carrier {
  readonly protocol: Protocol
  /** Bytes of the receive buffer that a dump may fill. */
  readonly dumpCost: number
  /** Messages and bytes that one datagram may have. */
  readonly limits: { readonly messages: number; readonly bytes: number }
  /** Takes `count` sequence numbers; returns the first. */
  reserve(count: number): number
  /** Sends it when there is room, or settles it at once if the connection is closed. */
  submit(exchange: Exchange): void
  /** Its caller no longer waits. */
  abandon(exchange: Exchange, cause: unknown): void
}
