import { Buffer } from 'node:buffer'
import type { BodyIn, BodyOut } from './body.js'
import type { AnyCodec, Context } from './codec.js'
import { align, NLMSG_HDRLEN } from './frame.js'
import { readU16 } from './host.js'
import type { MessageKind } from './message.js'
import { Request } from './request.js'
import { Shapes } from './shapes.js'
import type { Fields } from './struct.js'
import type { Rows, Slot } from './table.js'
import { Writer } from './writer.js'

/**
 * Many messages of one shape. The one encoder encodes a sample, and a template notes where in its bytes addresses and
 * numbers stand. A further message that has the same properties in the same order, and the same values in all but
 * those, is a copy of the bytes and a few writes by the same codecs, which check as ever. What does not fit, or is
 * refused, goes to the encoder.
 * @module
 */

/** One property of the sample. */
interface Step {
  readonly key: string
  /** Writes it anew; undefined where further messages must have what the sample has. */
  readonly codec: AnyCodec | undefined
  /** Where its bytes lie. */
  readonly start: number
  readonly end: number
  /** Some values need no attribute. */
  readonly skips: boolean
  /** What the sample has, as a copy. */
  readonly fixed: unknown
}

/** What one builder has templates of: a kind of message, its flags, and what completes its values. */
export class Templates<H extends Fields, R extends Rows, V extends BodyIn<H, R>> {
  readonly kind: MessageKind<H, R>
  readonly type: number
  readonly flags: number
  readonly complete: (value: V) => V
  readonly #operation: string
  readonly #shapes = new Shapes<Template>()

  /** Those of a builder, the same each time. */
  static of<H extends Fields, R extends Rows, V extends BodyIn<H, R>>(
    kind: MessageKind<H, R>,
    type: number,
    flags: number,
    complete: (value: V) => V,
  ): Templates<H, R, V> {
    for (const one of templates) {
      if (one.kind === kind && one.type === type && one.flags === flags && one.complete === complete) return one
    }
    const made = new Templates(kind, type, flags, complete)
    templates.push(made)
    return made
  }

  private constructor(kind: MessageKind<H, R>, type: number, flags: number, complete: (value: V) => V) {
    this.kind = kind
    this.type = type
    this.flags = flags
    this.complete = complete
    this.#operation = kind.operation(type)
  }

  /** A request by a template; undefined if none fits. Its value is put together only when someone looks at it. */
  request(value: V): Request<BodyOut<H, R>> | undefined {
    const shapes = this.#shapes.all
    for (let i = 0; i < shapes.length; i++) {
      const template = shapes[i]!
      const values = new Array<unknown>(template.length)
      const bytes = template.stamp(value, values)
      if (bytes === undefined) continue
      this.#shapes.hit()
      const whole = (): object => Object.freeze(this.complete(template.value(values) as V))
      const request = new Request<BodyOut<H, R>>(this.#operation, this.type, this.flags, whole, bytes)
      return Object.freeze(request) as typeof request
    }
    return undefined
  }

  /** Forgets all shapes. */
  clear(): void {
    this.#shapes.clear()
  }

  /** None did fit; the encoder made these bytes of the value. */
  learn(value: V, bytes: Buffer): void {
    if (!this.#shapes.miss()) return
    const template = Template.of(this.kind, value, bytes)
    if (template !== undefined) this.#shapes.add(template)
  }
}

/** Those of every builder that was used. */
// biome-ignore lint/suspicious/noExplicitAny: of any kind of message
export const templates: Templates<any, any, any>[] = []

/** The bytes of a sample, and how to make another message of them. */
export class Template {
  readonly #steps: readonly Step[]
  readonly #bytes: Buffer
  readonly #context: Context

  private constructor(steps: readonly Step[], bytes: Buffer, family: number) {
    this.#steps = steps
    this.#bytes = Buffer.from(bytes)
    this.#context = { family, header: NLMSG_HDRLEN, owner: NOTHING, companion: undefined, partial: false }
  }

  /** How many properties its values have. */
  get length(): number {
    return this.#steps.length
  }

  /** The template of a value whose message is `bytes`; undefined where it has something that cannot be compared. */
  static of<H extends Fields, R extends Rows>(
    kind: MessageKind<H, R>,
    value: object,
    bytes: Buffer,
  ): Template | undefined {
    const given = value as Readonly<Record<string, unknown>>
    const attributes = payloads(bytes, NLMSG_HDRLEN + align(kind.body.header.size))
    const steps: Step[] = []
    for (const key in given) {
      const item = given[key]
      const property = kind.body.property(key)
      const place = property && placeOf(property, attributes)
      if (place !== undefined && isScalar(item)) {
        const { codec } = property!
        steps.push({ key, codec, ...place, skips: codec.skip !== undefined, fixed: undefined })
      } else {
        if (!isComparable(item)) return undefined
        steps.push({ key, codec: undefined, start: 0, end: 0, skips: false, fixed: copy(item) })
      }
    }
    return new Template(steps, bytes, kind.familyIn(bytes, NLMSG_HDRLEN, bytes.length))
  }

  /**
   * The bytes of another value's message, and its properties' values in `values`; undefined if it does not fit, or
   * something in it is refused: the encoder says what.
   */
  stamp(value: object, values: unknown[]): Buffer | undefined {
    const given = value as Readonly<Record<string, unknown>>
    const steps = this.#steps
    const context = this.#context
    const bytes = Buffer.allocUnsafe(this.#bytes.length)
    bytes.set(this.#bytes)
    writer.bytes = bytes
    let i = 0
    try {
      for (const key in given) {
        const step = steps[i]
        if (step === undefined || step.key !== key) return undefined
        const item = given[key]
        const { codec } = step
        if (codec === undefined) {
          if (item !== step.fixed && !same(item, step.fixed)) return undefined
        } else {
          if (step.skips && codec.skip!(item, writer, context)) return undefined
          writer.pos = step.start
          codec.write(writer, item, context)
          if (writer.pos !== step.end) return undefined
        }
        values[i++] = item
      }
    } catch {
      return undefined
    }
    return i === steps.length ? bytes : undefined
  }

  /** The value that {@link stamp} was given, as a new object. */
  value(values: readonly unknown[]): Record<string, unknown> {
    const out: Record<string, unknown> = {}
    this.#steps.forEach(({ key }, i) => {
      out[key] = values[i]
    })
    return out
  }
}

const NOTHING = {}
const writer = new Writer(0)

interface Place {
  readonly start: number
  readonly end: number
}

/** Where the bytes of a property lie that may be written anew. */
function placeOf({ codec, row, offset }: Slot, attributes: ReadonlyMap<number, Place | undefined>): Place | undefined {
  if (!codec.free) return undefined
  if (row !== undefined) return attributes.get(row.type)
  const start = NLMSG_HDRLEN + offset
  return { start, end: start + codec.size! }
}

/** Where the payloads of a message's attributes lie, by number. What occurs twice is left out. */
function payloads(bytes: Buffer, from: number): Map<number, Place | undefined> {
  const found = new Map<number, Place | undefined>()
  for (let at = from; at + 4 <= bytes.length; ) {
    const length = readU16(bytes, at)
    const type = readU16(bytes, at + 2) & 0x3fff
    found.set(type, found.has(type) ? undefined : { start: at + 4, end: at + length })
    at += align(length)
  }
  return found
}

const isScalar = (item: unknown): boolean =>
  typeof item === 'string' || typeof item === 'number' || typeof item === 'bigint'

/** Scalars, and lists and plain objects of such. */
function isComparable(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return typeof item !== 'function' && typeof item !== 'symbol'
  if (Array.isArray(item)) return item.every(isComparable)
  return Object.getPrototypeOf(item) === Object.prototype && Object.values(item).every(isComparable)
}

function copy(item: unknown): unknown {
  if (Array.isArray(item)) return item.map(copy)
  if (typeof item !== 'object' || item === null) return item
  return Object.fromEntries(Object.entries(item).map(([key, one]) => [key, copy(one)]))
}

/** Whether a value is the same as one that {@link isComparable} was true of. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < b.length; i++) if (!same(a[i], b[i])) return false
    return true
  }
  const [left, right] = [Object.entries(a), Object.entries(b)]
  if (left.length !== right.length || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  return left.every(([key, item], i) => key === right[i]![0] && same(item, right[i]![1]))
}
