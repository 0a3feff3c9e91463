import { writeIpv6 } from '../address.js'
import { NLMSG_HDRLEN } from '../wire/frame.js'
import { readU16, writeU32 } from '../wire/host.js'
import { Request } from '../wire/request.js'
import { quad, readQuad, writeQuad } from './quad.js'

/**
 * Very many route messages that differ only in prefix, metric and gateway: one is encoded, the others are copies with
 * other bytes in three places, made where they are sent.
 * @module
 */

/** Bytes of `struct rtmsg` (linux/rtnetlink.h), and where its prefix length lies. */
const RTMSG = 12
const DST_LEN = 1
const RTA_DST = 1
const RTA_GATEWAY = 5
const RTA_PRIORITY = 6

/** A route like others. */
export class Stencil {
  readonly sample: Request
  readonly #bytes: Buffer
  readonly #dst: number
  readonly #priority: number
  /** 0 where the sample has no gateway. */
  readonly #gateway: number

  /** @param sample has a prefix of full length, a metric, and for routes that have one a gateway of the same family */
  constructor(sample: Request) {
    const { bytes } = sample
    this.sample = sample
    this.#bytes = bytes
    this.#dst = offsetOf(bytes, RTA_DST)
    this.#priority = offsetOf(bytes, RTA_PRIORITY)
    this.#gateway = offsetOf(bytes, RTA_GATEWAY)
  }

  get length(): number {
    return this.#bytes.length
  }

  /** Writes a message like the sample, of the same family. The addresses are known to be right. */
  write(target: Buffer, at: number, prefix: string, metric: number, gateway: string): void {
    target.set(this.#bytes, at)
    target[at + NLMSG_HDRLEN + DST_LEN] = writePrefix(target, at + this.#dst, prefix)
    writeU32(target, at + this.#priority, metric)
    if (this.#gateway > 0) writeAddress(target, at + this.#gateway, gateway)
  }

  /** As {@link write}, of a single address of IPv4 and a gateway of IPv4 as words. The sample is of a single address. */
  writeHost(target: Buffer, at: number, host: number, metric: number, gateway: number): void {
    target.set(this.#bytes, at)
    writeQuad(target, at + this.#dst, host)
    writeU32(target, at + this.#priority, metric)
    writeQuad(target, at + this.#gateway, gateway)
  }
}

/** One of the messages. */
export class Stencilled extends Request {
  readonly #stencil: Stencil
  readonly #prefix: string
  readonly #metric: number
  readonly #gateway: string

  /** @param gateway '' where the sample has none */
  constructor(stencil: Stencil, prefix: string, metric: number, gateway: string) {
    const { operation, type, flags } = stencil.sample
    super(operation, type, flags, undefined, undefined, false)
    this.#stencil = stencil
    this.#prefix = prefix
    this.#metric = metric
    this.#gateway = gateway
  }

  override get length(): number {
    return this.#stencil.length
  }

  override write(target: Buffer, at: number): void {
    this.#stencil.write(target, at, this.#prefix, this.#metric, this.#gateway)
  }

  override get value(): Readonly<Record<string, unknown>> {
    const gateway = this.#gateway === '' ? {} : { gateway: this.#gateway }
    return { ...this.#stencil.sample.value, dst: this.#prefix, priority: this.#metric, ...gateway }
  }
}

/** Where the payload of an attribute of a route starts; 0 if there is none. */
function offsetOf(bytes: Buffer, wanted: number): number {
  for (let at = NLMSG_HDRLEN + RTMSG; at < bytes.length; at += (readU16(bytes, at) + 3) & ~3)
    if (readU16(bytes, at + 2) === wanted) return at + 4
  return 0
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
