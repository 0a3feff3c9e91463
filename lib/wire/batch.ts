import { Buffer } from 'node:buffer'
import { EncodeError, UnsupportedError } from '../errors.js'
import { align, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_HDRLEN, writeSeq } from './frame.js'
import { readU16, readU32, writeU16 } from './host.js'
import type { Request } from './request.js'
import type { Series } from './series.js'

/**
 * Many messages in one datagram. The kernel executes all of them within one sendmsg(); only the last asks for an
 * acknowledgement, because errors come back without being asked for.
 * @module
 */

/** Bytes a datagram, unless the send buffer is smaller. */
export const BATCH_BYTES = 65_536
/** What the kernel keeps of the send buffer for itself: a datagram that needs it is EMSGSIZE. */
export const SEND_RESERVE = 32

/** A read of all there is. The same bits mean other things on requests that write. */
export const isDump = (request: Request): boolean => request.reads && (request.flags & NLM_F_DUMP) !== 0

/**
 * The bytes of a request with other flags and a sequence number, ready to be sent on their own.
 * @param flags set besides the request's own
 * @param clear taken from the request's own
 */
export function single(request: Request, flags: number, clear: number, seq: number): Buffer {
  const bytes = Buffer.allocUnsafe(align(request.length))
  put(request, bytes, 0, bytes.length)
  writeU16(bytes, 6, (readU16(bytes, 6) & ~clear) | flags)
  writeSeq(bytes, 0, seq)
  return bytes
}

/**
 * Writes a message and what fills it up to `end`.
 * @throws EncodeError if its bytes are not one whole message
 */
function put(request: Request, target: Buffer, start: number, end: number): void {
  const size = request.length
  if (size >= NLMSG_HDRLEN) request.write(target, start)
  const length = size < NLMSG_HDRLEN ? 0 : readU32(target, start)
  if (length < NLMSG_HDRLEN || length > size || start + align(length) !== end) {
    throw new EncodeError('nlmsg_len', length, `the length of the message, ${size}`)
  }
  if (start + length < end) target.fill(0, start + length, end)
}

/** A datagram that is being filled. */
export class Datagram<R extends Request = Request> {
  /** Sequence number of the first message; the n-th has `first + n`. */
  readonly first: number
  /** How many messages it has. */
  count = 0
  /** Those that came one by one, where they stand. */
  readonly #requests: R[] = []
  /** Parts of series: the number of the series' message that would stand first in the datagram, and where they end. */
  readonly #series: { readonly series: Series<R>; readonly offset: number; readonly end: number }[] = []
  readonly #limits: { readonly bytes: number; readonly messages: number }
  #bytes: Buffer
  #length = 0
  #last = 0

  /**
   * @param first sequence number of the first message
   * @param limits how many bytes and messages it may have; one message always fits
   * @param capacity bytes to begin with; it grows
   */
  constructor(first: number, limits: { readonly bytes: number; readonly messages: number }, capacity = 8192) {
    this.first = first
    this.#limits = limits
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(capacity, limits.bytes))
  }

  /** Whether nothing more has room, as far as is known without it. */
  get isFull(): boolean {
    return this.count >= this.#limits.messages
  }

  /** One of its messages. */
  request(n: number): R {
    const part = this.#requests[n] === undefined ? this.#series.find(({ end }) => n < end) : undefined
    return part === undefined ? this.#requests[n]! : part.series.request(n - part.offset)
  }

  /** Bytes that it has room for: a good start for the next one. */
  get capacity(): number {
    return this.#bytes.length
  }

  /**
   * Adds a copy of a message.
   * @returns false if it is full: the message belongs into the next one
   * @throws EncodeError if the message's own length is not what it is, or if it is a dump: the kernel would silently
   * skip what comes after the one, and answers the other differently
   */
  add(request: R): boolean {
    if (isDump(request))
      throw new UnsupportedError(`${request}: a dump cannot be part of a batch: use list() or dump()`)
    const start = this.#length
    const end = start + align(request.length)
    if (this.isFull || (this.count > 0 && end > this.#limits.bytes)) return false
    if (end > this.#bytes.length) this.#grow(end)
    put(request, this.#bytes, start, end)
    this.#requests[this.count] = request
    this.#number(1, end - start)
    return true
  }

  /**
   * Adds messages of a series, from number `from` on, as far as there is room.
   * @returns how many
   */
  addSeries(series: Series<R>, from: number): number {
    const { bytes, messages } = this.#limits
    const { size } = series
    const room = Math.min(messages - this.count, Math.floor((bytes - this.#length) / size))
    const taken = Math.min(series.count - from, this.count === 0 ? Math.max(1, room) : room)
    if (taken <= 0) return 0
    const start = this.#length
    const end = start + taken * size
    if (end > this.#bytes.length) this.#grow(end)
    series.write(this.#bytes, start, from, from + taken)
    this.#series.push({ series, offset: this.count - from, end: this.count + taken })
    this.#number(taken, size)
    return taken
  }

  /** Takes over messages that were written behind the last one. */
  #number(count: number, size: number): void {
    const target = this.#bytes
    for (let i = 0; i < count; i++) {
      const at = this.#length
      writeU16(target, at + 6, (readU16(target, at + 6) & ~NLM_F_ACK) | NLM_F_REQUEST)
      writeSeq(target, at, (this.first + this.count) >>> 0)
      this.#last = at
      this.#length += size
      this.count++
    }
  }

  /** The bytes, with NLM_F_ACK on the last message. */
  seal(): Buffer {
    const bytes = this.#bytes
    writeU16(bytes, this.#last + 6, readU16(bytes, this.#last + 6) | NLM_F_ACK)
    return bytes.subarray(0, this.#length)
  }

  #grow(length: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(length, Math.min(this.#bytes.length * 2, this.#limits.bytes)))
    bytes.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = bytes
  }
}
