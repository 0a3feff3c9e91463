import type { Body, BodyIn, BodyOut } from './body.js'
import { type Context, isObject, refuse } from './codec.js'
import { NLMSG_HDRLEN, type Span, writeHeader } from './frame.js'
import { Layout } from './layout.js'
import { Shapes } from './shapes.js'
import type { Field, Fields } from './struct.js'
import type { Rows } from './table.js'
import { Writer } from './writer.js'

/** What a message does; `command` where its own header says so (generic netlink). */
export type Operation = 'new' | 'del' | 'get' | 'set' | 'command'
/** The four messages of an rtnetlink object, in the order of their numbers. */
const OPERATIONS: readonly Operation[] = ['new', 'del', 'get', 'set']

/**
 * One kind of object and its messages. Of rtnetlink RTM_NEWx is `base`, RTM_DELx, RTM_GETx and RTM_SETx follow
 * (linux/rtnetlink.h); of generic netlink there is one.
 */
export class MessageKind<H extends Fields = Fields, R extends Rows = Rows> {
  /** The kernel's name of the object, `ROUTE`. */
  readonly name: string
  readonly base: number
  readonly body: Body<H, R>
  /** What the messages do, in the order of their numbers. */
  readonly operations: readonly Operation[]
  readonly #names: readonly string[]
  /** Of messages that were read. */
  readonly layouts = new Shapes<Layout>()
  readonly #familyField: Field | undefined

  constructor(name: string, base: number, body: Body<H, R>, operations = OPERATIONS) {
    this.name = name
    this.base = base
    this.body = body
    this.operations = operations
    this.#names = operations.map((one) => (one === 'command' ? name : `RTM_${one.toUpperCase()}${name}`))
    this.#familyField = body.header.fields.find((one) => one.key === 'family')
  }

  /** nlmsg_type of an operation. */
  type(operation: Operation): number {
    return this.base + this.operations.indexOf(operation)
  }

  /** `RTM_NEWROUTE`. */
  operation(type: number): string {
    return this.#names[type - this.base]!
  }

  /** What the message with this number does. */
  does(type: number): Operation {
    return this.operations[type - this.base]!
  }

  /** A whole message, sequence number and port id 0. Throws EncodeError. */
  encode(type: number, flags: number, value: BodyIn<H, R>): Buffer {
    if (!isObject(value)) refuse(value, this.body.expects)
    const w = scratch
    w.pos = 0
    w.take(NLMSG_HDRLEN)
    context.header = 0
    context.owner = NOTHING
    context.companion = undefined
    context.family = this.#family(value)
    this.body.write(w, value, context)
    if (this.#familyField !== undefined) w.bytes[NLMSG_HDRLEN + this.#familyField.offset] = context.family
    writeHeader(w.bytes, 0, w.pos, type, flags, 0, 0)
    return w.finish()
  }

  /** The body of a message. Throws DecodeError. */
  decode({ bytes, start, end, type }: Span): BodyOut<H, R> {
    context.family = this.familyIn(bytes, start + NLMSG_HDRLEN, end)
    context.companion = undefined
    context.partial = this.does(type) === 'get'
    const from = start + NLMSG_HDRLEN
    for (const layout of this.layouts.all) {
      const value = layout.read(type, bytes, from, end, context)
      if (value === undefined) continue
      this.layouts.hit()
      return value as BodyOut<H, R>
    }
    const value = this.body.read(bytes, from, end, context)
    if (this.layouts.miss()) {
      const layout = Layout.of(type, this.body as unknown as Body, bytes, from, end, value)
      if (layout !== undefined) this.layouts.add(layout)
    }
    return value
  }

  /** The AF_* of a message whose own header starts at `start`, 0 where it has none. */
  familyIn(bytes: Uint8Array, start: number, end: number): number {
    const at = this.#familyField === undefined ? end : start + this.#familyField.offset
    return at < end ? bytes[at]! : 0
  }

  #family(value: object): number {
    const given = (value as { family?: unknown }).family
    if (given === undefined || this.#familyField === undefined) return this.body.familyOf(value) ?? 0
    familyScratch.pos = 0
    // A bad name is refused, with its path, when the field itself is written.
    try {
      this.#familyField.codec.write(familyScratch, given, context)
    } catch {
      return 0
    }
    return familyScratch.bytes[0]!
  }
}

/** The messages of one kind of object of rtnetlink. */
export const message = <H extends Fields, R extends Rows>(
  name: string,
  base: number,
  body: Body<H, R>,
): MessageKind<H, R> => new MessageKind(name, base, body)

// Encoding and decoding are synchronous and never re-entered, so one of each serves all.
const scratch = new Writer(65_536)
const familyScratch = new Writer(16)
const NOTHING = {}
const context: Context = { family: 0, header: 0, owner: NOTHING, companion: undefined, partial: false }
