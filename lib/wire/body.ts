import { DecodeError } from '../errors.js'
import { type AnyCodec, type Area, type Codec, type Context, each, malformed, refuse } from './codec.js'
import { align } from './frame.js'
import { readU16, writeU16 } from './host.js'
import { text } from './scalars.js'
import type { Fields, Struct, StructIn, StructOut } from './struct.js'
import { type AttributesIn, type AttributesOut, type Rows, Table } from './table.js'
import type { Writer } from './writer.js'

/** What reading a fixed header and its attributes gives: one flat object. */
export type BodyOut<H extends Fields, R extends Rows> = StructOut<H> & AttributesOut<R>
/** What writing takes. */
export type BodyIn<H extends Fields, R extends Rows> = StructIn<H> & AttributesIn<R>

/** A fixed header followed by attributes: a message without its nlmsghdr, or a nest that looks like one. */
export class Body<H extends Fields = Fields, R extends Rows = Rows>
  extends Table<R>
  implements Codec<BodyOut<H, R>, BodyIn<H, R>>
{
  readonly header: Struct<H>
  override readonly nested: boolean = false

  constructor(prefix: string, header: Struct<H>, rows: R) {
    super(prefix, rows, header.fields)
    this.header = header
  }

  override write(w: Writer, value: BodyIn<H, R>, context: Context): void {
    const outer = context.header
    context.header = w.take(align(this.header.size))
    this.writeProperties(w, value, context, undefined, context.header)
    context.header = outer
  }

  override read(b: Buffer, start: number, end: number, context: Context): BodyOut<H, R> {
    const outer = context.header
    context.header = start
    const out: Record<string, unknown> = this.header.read(b, start, end, context)
    this.readAttributes(out, b, start + align(this.header.size), end, context)
    context.header = outer
    return out as BodyOut<H, R>
  }

  override areas(_b: Buffer, start: number, end: number, _context: Context): Area[] {
    const header = { struct: this.header, start }
    return [{ label: '', table: this, header, start: start + align(this.header.size), end }]
  }

  /** The AF_* that the value's addresses imply, by the first property that implies one. */
  familyOf(value: object): number | undefined {
    const given = value as Readonly<Record<string, unknown>>
    for (const key in given) {
      const item = given[key]
      const family = item === undefined ? undefined : this.slots.get(key)?.codec.family?.(item)
      if (family !== undefined) return family
    }
    return undefined
  }
}

/** What a body reads as. */
export type ValueOf<B> = B extends Body<infer H, infer R> ? BodyOut<H, R> : never
/** What a body can be written from. */
export type InputOf<B> = B extends Body<infer H, infer R> ? BodyIn<H, R> : never

/** A header and attributes. */
export const body = <H extends Fields, R extends Rows>(prefix: string, header: Struct<H>, rows: R): Body<H, R> =>
  new Body(prefix, header, rows)

/**
 * Bodies behind each other whose header starts with its length as u16, as `struct rtnexthop` does.
 */
export function sequence<H extends Fields, R extends Rows>(
  item: Body<H, R>,
): Codec<BodyOut<H, R>[], readonly BodyIn<H, R>[]> {
  const walk = (b: Buffer, start: number, end: number, visit: (at: number, stop: number, i: number) => void): void => {
    let i = 0
    for (let at = start; at < end; i++) {
      const length = end - at >= item.header.size ? readU16(b, at) : 0
      if (length < item.header.size || at + length > end)
        malformed(`an item of ${length} bytes where ${end - at} are left`)
      visit(at, at + length, i)
      at += align(length)
    }
  }
  return {
    expects: 'a list of objects',
    item,
    family: (value) => {
      if (!Array.isArray(value)) return undefined
      for (const one of value) {
        const family = typeof one === 'object' && one !== null ? item.familyOf(one) : undefined
        if (family !== undefined) return family
      }
      return undefined
    },
    write(w, value, context) {
      if (!Array.isArray(value) || value.length === 0) refuse(value, 'a list of at least one object')
      each(value as readonly BodyIn<H, R>[], (one) => {
        const start = w.pos
        item.write(w, one, context)
        if (w.pos - start > 0xffff) refuse(one, 'an item of at most 65,535 bytes')
        writeU16(w.bytes, start, w.pos - start)
      })
    },
    read(b, start, end, context) {
      const out: BodyOut<H, R>[] = []
      walk(b, start, end, (at, stop, i) => {
        try {
          out.push(item.read(b, at, stop, context))
        } catch (error) {
          throw error instanceof DecodeError ? error.within(`[${i}]`) : error
        }
      })
      return out
    },
    areas(b, start, end, context) {
      const areas: Area[] = []
      walk(b, start, end, (at, stop, i) => {
        for (const area of item.areas(b, at, stop, context)) areas.push({ ...area, label: `[${i}]` })
      })
      return areas
    },
  }
}

/** Tables by the text of a sibling. */
export type Variants = Readonly<Record<string, AnyCodec>>

/**
 * A payload whose table is chosen by a sibling property that is an attribute of its own, as `data` by `kind`
 * (IFLA_INFO_KIND). Payloads of kinds without a table stay unknown attributes.
 */
export function select(sibling: string, type: number, variants: Variants): AnyCodec {
  const chosen = (b: Buffer, context: Context): AnyCodec | undefined => {
    if (context.companion === undefined) return undefined
    const { start, end } = context.companion
    const kind = text(b, start, end)
    return Object.hasOwn(variants, kind) ? variants[kind] : undefined
  }
  return {
    expects: 'an object',
    nested: true,
    companion: { type },
    variants,
    write(w, value, context) {
      const kind = context.owner[sibling]
      if (typeof kind !== 'string') refuse(value, `possible without '${sibling}', which says what it holds`)
      const codec = Object.hasOwn(variants, kind) ? variants[kind] : undefined
      if (codec === undefined) {
        refuse(value, `known for kind '${kind}' (known are ${Object.keys(variants).join(', ')}; others take 'unknown')`)
      }
      codec.write(w, value, context)
    },
    read: (b, start, end, context) => chosen(b, context)?.read(b, start, end, context),
    areas: (b, start, end, context) => chosen(b, context)?.areas?.(b, start, end, context) ?? [],
  }
}
