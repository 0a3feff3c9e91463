import { DecodeError, EncodeError } from '../errors.js'
import { inside, isObject } from './codec.js'
import { NLM_F } from './flags.js'
import {
  align,
  type Frame,
  frames,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  type Span,
  writeHeader,
  writeSeq,
} from './frame.js'
import { readU32, writeU32 } from './host.js'
import { attributeName, attributePath, inspectFrame } from './inspect.js'
import type { MessageKind, Operation } from './message.js'
import type { Message, Protocol } from './protocol.js'
import { Request } from './request.js'
import { unknownProperty } from './suggest.js'

/** What the sender of an encoded message fills in. */
export interface Envelope {
  /** nlmsg_seq, 0 by default. */
  readonly seq?: number
  /** nlmsg_pid, the sender's port id, 0 by default. */
  readonly pid?: number
}

const CONTROL: Readonly<Record<number, string>> = {
  [NLMSG_NOOP]: 'NLMSG_NOOP',
  [NLMSG_ERROR]: 'NLMSG_ERROR',
  [NLMSG_DONE]: 'NLMSG_DONE',
  [NLMSG_OVERRUN]: 'NLMSG_OVERRUN',
}

/** All the messages of a protocol, by their numbers and names. */
export class Registry implements Protocol {
  // biome-ignore lint/suspicious/noExplicitAny: any kind of message
  readonly #kinds: (MessageKind<any, any> | undefined)[] = []
  readonly #numbers = new Map<string, number>()

  readonly nothing: Readonly<Record<string, string>>
  readonly unmarked: readonly string[]

  /** @param dumps what is special about some */
  // biome-ignore lint/suspicious/noExplicitAny: any kind of message
  constructor(kinds: readonly MessageKind<any, any>[], dumps: Pick<Protocol, 'nothing' | 'unmarked'> = {}) {
    this.nothing = dumps.nothing ?? {}
    this.unmarked = dumps.unmarked ?? []
    for (const kind of kinds) {
      kind.operations.forEach((_, i) => {
        this.#kinds[kind.base + i] = kind
        this.#numbers.set(kind.operation(kind.base + i), kind.base + i)
      })
    }
    for (const [type, name] of Object.entries(CONTROL)) this.#numbers.set(name, Number(type))
  }

  /** The kind of object that a message number is about. */
  kind(type: number): MessageKind | undefined {
    return this.#kinds[type]
  }

  operation(type: number): string {
    return this.#kinds[type]?.operation(type) ?? CONTROL[type] ?? `message ${type}`
  }

  /** The messages of a datagram. Throws DecodeError. */
  decode(bytes: Uint8Array): Message[] {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const malformed = (offset: number): never => {
      throw new DecodeError('', `no message of a possible length at byte ${offset}`)
    }
    return Array.from(frames(buffer, malformed), (frame) => this.decodeFrame(frame))
  }

  decodeFrame(frame: Frame): Message {
    const { type, seq, pid } = frame
    const named = this.#kinds[type] !== undefined || CONTROL[type] !== undefined
    return {
      type: named ? this.operation(type) : type,
      flags: NLM_F[this.#role(type)].names(frame.flags),
      seq,
      pid,
      value: this.decodeValue(frame),
    }
  }

  decodeValue(span: Span): Record<string, unknown> {
    const { bytes, start, end, type } = span
    const kind = this.#kinds[type]
    if (kind !== undefined) return kind.decode(span)
    const body = start + NLMSG_HDRLEN
    if (type === NLMSG_ERROR && end - body >= 4) {
      return { error: readU32(bytes, body) | 0, data: Buffer.from(bytes.subarray(body + 4, end)) }
    }
    return { data: Buffer.from(bytes.subarray(body, end)) }
  }

  /** A request or a decoded message in bytes. Throws EncodeError. */
  encode(message: Request | Omit<Message, 'seq' | 'pid'>, { seq = 0, pid = 0 }: Envelope = {}): Buffer {
    const bytes = message instanceof Request ? Buffer.from(message.bytes) : this.#encode(message)
    writeSeq(bytes, 0, whole('seq', seq, 0, 0xffffffff))
    writeU32(bytes, 12, whole('pid', pid, 0, 0xffffffff))
    return bytes
  }

  #encode(message: Omit<Message, 'seq' | 'pid'>): Buffer {
    if (!isObject(message)) throw new EncodeError('', message, 'a request or a message')
    const { type: name, flags: names, value } = message
    const type = typeof name === 'number' ? whole('type', name, 0, 0xffff) : this.#numbers.get(name)
    if (type === undefined) throw new EncodeError('type', name, 'the name or number of a message')
    const flags = inside('flags', () => NLM_F[this.#role(type)].number(names))
    return this.#kinds[type]?.encode(type, flags, value) ?? encodeRaw(type, flags, value)
  }

  attributePath(message: Buffer, offset: number): string | undefined {
    return attributePath(this, message, offset)
  }

  attributeName(message: Buffer, nest: number | undefined, type: number): string | undefined {
    return attributeName(this, message, nest, type)
  }

  inspect(bytes: Buffer): string {
    let text = ''
    for (const frame of frames(bytes, (offset) => {
      text += `no message of a possible length at byte ${offset}: ${bytes.toString('hex', offset, offset + 16)}\n`
    })) {
      text += inspectFrame(this, frame)
    }
    return text
  }

  #role(type: number): Operation | 'error' {
    const kind = this.#kinds[type]
    if (kind !== undefined) return kind.does(type)
    return type === NLMSG_ERROR ? 'error' : 'get'
  }
}

/** A message of which only the header is known: `value` is what decoding such a one gives. */
function encodeRaw(type: number, flags: number, value: Readonly<Record<string, unknown>>): Buffer {
  if (!isObject(value)) throw new EncodeError('value', value, 'an object')
  const { error, data = Buffer.alloc(0), ...rest } = value
  for (const key in rest) if (rest[key] !== undefined) throw unknownProperty(key, rest[key], ['error', 'data'])
  if (!(data instanceof Uint8Array)) throw new EncodeError('data', data, 'bytes')
  const start = NLMSG_HDRLEN + (error === undefined ? 0 : 4)
  const bytes = Buffer.alloc(align(start + data.length))
  writeHeader(bytes, 0, start + data.length, type, flags, 0, 0)
  if (error !== undefined) writeU32(bytes, NLMSG_HDRLEN, whole('error', error, -0x80000000, 0x7fffffff))
  bytes.set(data, start)
  return bytes
}

function whole(path: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new EncodeError(path, value, `a whole number from ${min} to ${max}`)
}
