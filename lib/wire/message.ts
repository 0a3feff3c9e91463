import type { Body, BodyIn, BodyOut } from './body.js'
import type { Context } from './codec.js'
import { type Frame, NLMSG_HDRLEN, writeHeader } from './frame.js'
import type { Fields } from './struct.js'
import type { Rows } from './table.js'
import { Writer } from './writer.js'

/** The four messages of an rtnetlink object, in the order of their numbers. */
export type Operation = 'new' | 'del' | 'get' | 'set'
const OPERATIONS: readonly Operation[] = ['new', 'del', 'get', 'set']

/**
 * One kind of rtnetlink object and its messages: RTM_NEWx is `base`, RTM_DELx, RTM_GETx and RTM_SETx follow
 * (linux/rtnetlink.h).
 */
export class MessageKind<H extends Fields = Fields, R extends Rows = Rows> {
  /** The kernel's name of the object, `ROUTE`. */
  readonly name: string
  readonly base: number
  readonly body: Body<H, R>

  constructor(name: string, base: number, body: Body<H, R>) {
    this.name = name
    this.base = base
    this.body = body
  }

  /** nlmsg_type of an operation. */
  type(operation: Operation): number {
    return this.base + OPERATIONS.indexOf(operation)
  }

  /** `RTM_NEWROUTE`. */
  operation(type: number): string {
    return `RTM_${OPERATIONS[type - this.base]!.toUpperCase()}${this.name}`
  }

  /** A whole message, sequence number and port id 0. Throws EncodeError. */
  encode(type: number, flags: number, value: BodyIn<H, R>): Buffer {
    const w = scratch
    w.pos = 0
    w.take(NLMSG_HDRLEN)
    context.header = 0
    context.companion = undefined
    context.family = this.#family(value)
    this.body.write(w, value, context)
    // Every rtnetlink header starts with the family.
    w.bytes[NLMSG_HDRLEN] = context.family
    writeHeader(w.bytes, 0, w.pos, type, flags, 0, 0)
    return w.finish()
  }

  /** The body of a message. Throws DecodeError. */
  decode({ bytes, start, end, type }: Frame): BodyOut<H, R> {
    context.family = start + NLMSG_HDRLEN < end ? bytes[start + NLMSG_HDRLEN]! : 0
    context.companion = undefined
    context.partial = type === this.base + OPERATIONS.indexOf('get')
    return this.body.read(bytes, start + NLMSG_HDRLEN, end, context)
  }

  #family(value: object): number {
    const given = (value as { family?: unknown }).family
    if (given === undefined) return this.body.familyOf(value) ?? 0
    const field = this.body.header.fields.find((one) => one.key === 'family')!
    familyScratch.pos = 0
    // A bad name is refused, with its path, when the field itself is written.
    try {
      field.codec.write(familyScratch, given, context)
    } catch {
      return 0
    }
    return familyScratch.bytes[0]!
  }
}

/** The messages of one kind of object. */
export const message = <H extends Fields, R extends Rows>(
  name: string,
  base: number,
  body: Body<H, R>,
): MessageKind<H, R> => new MessageKind(name, base, body)

// Encoding and decoding are synchronous and never re-entered, so one of each serves all.
const scratch = new Writer(65_536)
const familyScratch = new Writer(16)
const context: Context = { family: 0, header: 0, owner: {}, companion: undefined, partial: false }
