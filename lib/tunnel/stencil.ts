import { writeIpv6 } from '../address.js'
import { NLMSG_HDRLEN } from '../wire/frame.js'
import { readU16, writeU32 } from '../wire/host.js'
import { Request } from '../wire/request.js'
import { quad, readQuad, writeQuad } from './quad.js'

/**
 * Very many route messages that differ only in prefix, metric and gateway: one is encoded, the others are copies with
 * other bytes in three places.
 * @module
 */

/** Bytes of `struct rtmsg` (linux/rtnetlink.h), and where its prefix length lies. */
const RTMSG = 12
const DST_LEN = 1
const RTA_DST = 1
const RTA_GATEWAY = 5
const RTA_PRIORITY = 6

/** Messages are cut from blocks of this size. */
const BLOCK = 65_536

/** Makes routes like a sample. */
export class Stencil {
  readonly #sample: Request
  readonly #dst: number
  readonly #priority: number
  /** Undefined where the sample has no gateway. */
  readonly #gateway: number | undefined
  #block = Buffer.alloc(0)
  #used = 0

  /** @param sample has a prefix of full length, a metric, and for routes that have one a gateway of the same family */
  constructor(sample: Request) {
    this.#sample = sample
    this.#dst = offsetOf(sample.bytes, RTA_DST)!
    this.#priority = offsetOf(sample.bytes, RTA_PRIORITY)!
    this.#gateway = offsetOf(sample.bytes, RTA_GATEWAY)
  }

  /** A message like the sample, of the same family. The addresses are known to be right. */
  make(prefix: string, metric: number, gateway?: string): Request {
    const { operation, type, flags, bytes: sample } = this.#sample
    const bytes = this.#take(sample.length)
    bytes.set(sample)
    bytes[NLMSG_HDRLEN + DST_LEN] = writePrefix(bytes, this.#dst, prefix)
    writeU32(bytes, this.#priority, metric)
    if (this.#gateway === undefined || gateway === undefined)
      return new Request(
        operation,
        type,
        flags,
        () => ({ ...this.#sample.value, dst: prefix, priority: metric }),
        bytes,
      )
    writeAddress(bytes, this.#gateway, gateway)
    return new Request(
      operation,
      type,
      flags,
      () => ({ ...this.#sample.value, dst: prefix, priority: metric, gateway }),
      bytes,
    )
  }

  #take(size: number): Buffer {
    if (this.#used + size > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK)
      this.#used = 0
    }
    const start = this.#used
    this.#used += size
    return this.#block.subarray(start, start + size)
  }
}

/** Where the payload of an attribute of a route starts. */
function offsetOf(bytes: Buffer, wanted: number): number | undefined {
  for (let at = NLMSG_HDRLEN + RTMSG; at < bytes.length; at += (readU16(bytes, at) + 3) & ~3)
    if (readU16(bytes, at + 2) === wanted) return at + 4
  return undefined
}

function writeAddress(bytes: Buffer, offset: number, text: string): void {
  if (readQuad(text)) writeQuad(bytes, offset, quad.word)
  else writeIpv6(text, bytes, offset)
}

/** Returns the length. */
function writePrefix(bytes: Buffer, offset: number, prefix: string): number {
  if (readQuad(prefix)) {
    writeQuad(bytes, offset, quad.word)
    return quad.length
  }
  const slash = prefix.indexOf('/')
  writeIpv6(prefix.slice(0, slash), bytes, offset)
  return Number(prefix.slice(slash + 1))
}
