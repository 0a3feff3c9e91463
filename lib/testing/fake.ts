import { constants } from 'node:os'
import type { DumpTransport, Receiver, Transport } from '../netlink/transport.js'
import {
  align,
  type Frame,
  frames,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
  NLMSG_NOOP,
  writeHeader,
} from '../wire/frame.js'
import { hostIsLittle, readU16, writeU16, writeU32 } from '../wire/host.js'

/**
 * A kernel that says what a test wants it to say.
 * @module
 */

/** What the kernel charges the receive buffer for the smallest reply. */
const REPLY_COST = 832
const NLA_HDRLEN = 4

/** What a kernel answers to one message: datagrams, one or several or none. */
export type Script = (message: Frame, fake: FakeTransport) => Buffer | readonly Buffer[] | undefined

/** Options of {@link FakeTransport}. */
export interface FakeOptions {
  /** What to answer; `undefined` from it means no answer. Default: an ACK where one is asked for. */
  readonly script?: Script
  /** Default 4242. */
  readonly portId?: number
  /** SO_RCVBUF in bytes, default 212,992: 256 replies fit, those after them are lost and counted in `drops()`. */
  readonly receiveBuffer?: number
  /** SO_SNDBUF in bytes, default 212,992; larger datagrams are EMSGSIZE. */
  readonly sendBuffer?: number
  /** Milliseconds from a message to its answer, default 0: the next turn of the event loop. Order is kept. */
  readonly delay?: number
}

/**
 * A {@link Transport} without a kernel. Like the real one it answers in order, runs all of a datagram when it is sent,
 * and loses what the receive buffer has no room for.
 * @example
 * const fake = new FakeTransport({ script: (message) => refuse(message, 'EEXIST', { message: 'No, thank you' }) })
 */
export class FakeTransport implements Transport, DumpTransport {
  readonly portId: number
  readonly receiveBuffer: number
  readonly sendBuffer: number
  /** Milliseconds from a message to its answer. */
  delay: number
  /** What to answer. */
  script: Script
  /** Whether NLMSG_NOOP, which a connection sends to learn what was lost, is acknowledged without asking the script. */
  barriers = true
  /** Copies of the datagrams that were sent, by its dumps too. */
  readonly sent: Buffer[] = []
  /** What was opened for dumps: fakes that answer by the script of this one, with port ids that follow. */
  readonly dumps: FakeTransport[] = []
  /** The multicast groups that were joined. */
  readonly groups: number[] = []
  closed = false
  /** As a socket of a dump: it is not to be read. What is queued waits. */
  paused = false
  /** If set, send() rejects with it and nothing is executed. */
  sendError: Error | undefined
  /** If set, check() throws it. */
  gone: Error | undefined
  /** Parameters of its namespace, by their paths under /proc/sys. */
  readonly sysctls: Record<string, string | number> = {}
  /** Whose dump this is. */
  #origin: FakeTransport = this
  #receiver: Receiver | undefined
  #drops = 0
  #queue: { datagram: Buffer; at: number; cost: number }[] = []
  #charged = 0
  #timer: NodeJS.Immediate | NodeJS.Timeout | undefined

  constructor(options: FakeOptions = {}) {
    this.portId = options.portId ?? 4242
    this.receiveBuffer = options.receiveBuffer ?? 212_992
    this.sendBuffer = options.sendBuffer ?? 212_992
    this.delay = options.delay ?? 0
    this.script = options.script ?? obey
  }

  async send(datagram: Buffer): Promise<void> {
    if (this.closed) throw systemError('EBADF', 'send')
    const { sendError } = this.#origin
    if (sendError) throw sendError
    if (datagram.length > this.sendBuffer - 32) throw systemError('EMSGSIZE', 'send')
    const copy = Buffer.from(datagram)
    this.sent.push(copy)
    if (this.#origin !== this) this.#origin.sent.push(copy)
    for (const frame of frames(copy)) {
      const script = frame.type === NLMSG_NOOP && this.barriers ? obey : this.script
      const answer = script({ ...frame, pid: this.portId }, this)
      for (const reply of answer === undefined ? [] : Buffer.isBuffer(answer) ? [answer] : answer) this.queue(reply)
    }
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver
  }

  drops(): number {
    return this.#drops
  }

  join(group: number): void {
    this.groups.push(group)
  }

  sysctl(path: string): string | undefined {
    const value = this.sysctls[path]
    return value === undefined ? undefined : `${value}`
  }

  check(): void {
    if (this.#origin.gone) throw this.#origin.gone
  }

  openDump(): FakeTransport {
    this.check()
    const { receiveBuffer, sendBuffer, delay, dumps } = this
    const portId = this.portId + dumps.length + 1
    const script: Script = (message, fake) => this.script(message, fake)
    const dump = new FakeTransport({ script, portId, receiveBuffer, sendBuffer, delay })
    dump.#origin = this
    dumps.push(dump)
    return dump
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.#wake()
  }

  close(): void {
    this.closed = true
    this.#queue = []
  }

  /** Puts a datagram into the receive buffer, behind what waits there; loses it if there is no room. */
  queue(datagram: Buffer): void {
    // The kernel fills a dump's next part only when there is room.
    const cost = datagram.length >= 8 && readU16(datagram, 6) & NLM_F_MULTI ? 0 : Math.max(REPLY_COST, datagram.length)
    if (this.#charged + cost > this.receiveBuffer) {
      this.drop()
      return
    }
    this.#charged += cost
    this.#queue.push({ datagram, at: performance.now() + this.delay, cost })
    this.#wake()
  }

  /** Counts a datagram as lost. */
  drop(count = 1): void {
    this.#drops += count
  }

  /** Hands a datagram over at once, unless it is closed. */
  deliver(datagram: Buffer): void {
    if (!this.closed) this.#receiver?.receive(datagram)
  }

  /** Breaks the socket for good. */
  fail(error: Error): void {
    this.#receiver?.fail(error)
  }

  #wake(): void {
    const first = this.#queue[0]
    if (this.#timer || !first || this.paused) return
    const wait = first.at - performance.now()
    this.#timer = wait > 0 ? setTimeout(this.#drain, wait) : setImmediate(this.#drain)
  }

  readonly #drain = (): void => {
    this.#timer = undefined
    const now = performance.now()
    while (!this.paused && this.#queue.length > 0 && this.#queue[0]!.at <= now) {
      const { datagram, cost } = this.#queue.shift()!
      this.#charged -= cost
      this.deliver(datagram)
    }
    this.#wake()
  }
}

/** Acknowledges what asks for it. */
export const obey: Script = (message) => (message.flags & NLM_F_ACK ? ack(message) : undefined)

/** What the kernel adds to an answer (NLMSGERR_ATTR_*). */
export interface FakeExtack {
  /** Words; on an acknowledgement a warning. */
  readonly message?: string
  /** Bytes from the start of the request to the attribute that is meant. */
  readonly offset?: number
  /** Number of an attribute that is missing. */
  readonly missType?: number
  /** Where the nest starts that it is missing from. */
  readonly missNest?: number
  /** Attributes of NLMSGERR_ATTR_POLICY (NL_POLICY_TYPE_ATTR_*), by number: a number is 32 bits, a bigint 64. */
  readonly policy?: Readonly<Record<number, number | bigint>>
  /** The whole request comes back, as without NETLINK_CAP_ACK. */
  readonly echo?: boolean
}

/** An acknowledgement of a message, with a warning if `extack` has words. */
export const ack = (message: Frame, extack: FakeExtack = {}): Buffer => error(message, 0, extack)

/** A refusal of a message, by errno or its name. */
export const refuse = (message: Frame, code: string | number, extack: FakeExtack = {}): Buffer =>
  error(message, -errnoOf(code), extack)

/** A reply to a get, or a part of a dump: one message of `type` with this body (what follows the nlmsghdr). */
export const reply = (message: Frame, type: number, body: Uint8Array, flags = 0): Buffer =>
  build(message, type, flags, body)

/** The end of a dump, by default a good one. `interrupted` marks it with NLM_F_DUMP_INTR. */
export function done(
  message: Frame,
  options: FakeExtack & { readonly code?: string | number; readonly interrupted?: boolean } = {},
): Buffer {
  const { code, interrupted, ...extack } = options
  const tlvs = attributes(extack)
  const flags = NLM_F_MULTI | (tlvs.length > 0 ? NLM_F_ACK_TLVS : 0) | (interrupted ? NLM_F_DUMP_INTR : 0)
  return build(message, NLMSG_DONE, flags, Buffer.concat([u32(code === undefined ? 0 : -errnoOf(code)), tlvs]))
}

/**
 * A whole dump: a datagram for each list of bodies, then NLMSG_DONE.
 * @param options.interrupted number of the datagram that is marked with NLM_F_DUMP_INTR
 */
export function dump(
  message: Frame,
  type: number,
  datagrams: readonly (readonly Uint8Array[])[],
  options: { readonly interrupted?: number } = {},
): Buffer[] {
  const parts = datagrams.map((bodies, at) => {
    const flags = NLM_F_MULTI | (options.interrupted === at ? NLM_F_DUMP_INTR : 0)
    return Buffer.concat(bodies.map((body) => build(message, type, flags, body)))
  })
  return [...parts, done(message)]
}

/** One attribute in bytes. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(align(NLA_HDRLEN + value.length))
  writeU16(bytes, 0, NLA_HDRLEN + value.length)
  writeU16(bytes, 2, type)
  bytes.set(value, NLA_HDRLEN)
  return bytes
}

function error(message: Frame, errno: number, extack: FakeExtack): Buffer {
  const tlvs = attributes(extack)
  const whole = errno !== 0 && extack.echo === true
  const original = message.bytes.subarray(message.start, whole ? message.end : message.start + NLMSG_HDRLEN)
  const echo = Buffer.alloc(align(original.length))
  echo.set(original)
  const flags = (whole ? 0 : NLM_F_CAPPED) | (tlvs.length > 0 ? NLM_F_ACK_TLVS : 0)
  return build(message, NLMSG_ERROR, flags, Buffer.concat([u32(errno), echo, tlvs]))
}

/** NLMSGERR_ATTR_* (linux/netlink.h). */
function attributes({ message, offset, missType, missNest, policy }: FakeExtack): Buffer {
  const limits = Object.entries(policy ?? {}).map(([type, value]) =>
    attribute(Number(type), typeof value === 'bigint' ? u64(value) : u32(value)),
  )
  return Buffer.concat([
    ...(message === undefined ? [] : [attribute(1, Buffer.from(`${message}\0`))]),
    ...(offset === undefined ? [] : [attribute(2, u32(offset))]),
    ...(policy === undefined ? [] : [attribute(4, Buffer.concat(limits))]),
    ...(missType === undefined ? [] : [attribute(5, u32(missType))]),
    ...(missNest === undefined ? [] : [attribute(6, u32(missNest))]),
  ])
}

function build(message: Frame, type: number, flags: number, body: Uint8Array): Buffer {
  const length = NLMSG_HDRLEN + body.length
  const bytes = Buffer.alloc(align(length))
  writeHeader(bytes, 0, length, type, flags, message.seq, message.pid)
  bytes.set(body, NLMSG_HDRLEN)
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  writeU32(bytes, 0, value >>> 0)
  return bytes
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(0, BigInt.asIntN(64, value), hostIsLittle)
  return bytes
}

function errnoOf(code: string | number): number {
  const errno = typeof code === 'number' ? code : (constants.errno as Record<string, number | undefined>)[code]
  if (errno === undefined) throw new RangeError(`${code} is not an errno`)
  return errno
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: -errnoOf(code), syscall })
}
