import { DecodeError, EncodeError } from '../errors.js'
import { type AnyCodec, type Area, type Codec, type Context, each, isObject, malformed, refuse } from './codec.js'
import { align } from './frame.js'
import { readU16, writeU16 } from './host.js'
import type { Field } from './struct.js'
import { unknownProperty } from './suggest.js'
import type { Writer } from './writer.js'

/**
 * Tables of attributes (struct nlattr, linux/netlink.h). A row says which number, and how its payload stands in bytes;
 * encoder, decoder, TypeScript type and inspection follow from it.
 * @module
 */

const NLA_HDRLEN = 4
const NLA_F_NESTED = 0x8000
const NLA_TYPE_MASK = 0x3fff

/** An attribute that no row knows, kept as it came: `type` is the raw nla_type with its flag bits. */
export interface UnknownAttribute {
  readonly type: number
  readonly data: Buffer
}

/** One attribute. */
export interface Row<Out, In = Out> {
  /** nla_type; {@link VIRTUAL} where the value lives in the header alone. */
  readonly type: number
  readonly codec: Codec<Out, In>
  /** The kernel's name without the table's prefix, where it does not follow from the property's. */
  readonly name?: string
  /** May occur several times: the value is a list. */
  readonly repeated?: true
}

/** The type of rows that have no attribute of their own: their codec writes into the header, and reads from it. */
export const VIRTUAL = -1

/** A row: number and codec. */
export const attr = <Out, In>(type: number, codec: Codec<Out, In>, name?: string): Row<Out, In> =>
  name === undefined ? { type, codec } : { type, codec, name }

/** A row whose attribute may occur several times. */
export const attrs = <Out, In>(type: number, codec: Codec<Out, In>): Row<Out[], readonly In[]> => ({
  type,
  codec: codec as AnyCodec,
  repeated: true,
})

// biome-ignore lint/suspicious/noExplicitAny: any row at all
export type Rows = Readonly<Record<string, Row<any, any>>>
type RowOut<R> = R extends Row<infer Out, infer _In> ? Out : never
type RowIn<R> = R extends Row<infer _Out, infer In> ? In : never
/** What reading a table gives: every attribute is optional. */
export type AttributesOut<R extends Rows> = { -readonly [K in keyof R]?: RowOut<R[K]> } & {
  /** Attributes that no row knows, as they came. */
  unknown?: UnknownAttribute[]
}
/** What writing one takes. */
export type AttributesIn<R extends Rows> = { readonly [K in keyof R]?: RowIn<R[K]> | undefined } & {
  /** Attributes to send as they are. */
  readonly unknown?: readonly { readonly type: number; readonly data: Uint8Array }[] | undefined
}

/** A property of the value: an attribute, or a field of the fixed header. */
export interface Slot {
  readonly key: string
  readonly codec: AnyCodec
  readonly row?: Row<unknown>
  readonly offset: number
}

/** An attribute's raw nla_type, and where its payload lies. */
interface Place {
  readonly type: number
  readonly start: number
  readonly end: number
}

export class Table<R extends Rows = Rows> implements Codec<AttributesOut<R>, AttributesIn<R>> {
  readonly expects = 'an object'
  readonly nested: boolean = true
  /** What the kernel's names of these attributes begin with, `IFLA_GRE_`. */
  readonly prefix: string
  readonly rows: R
  protected readonly slots = new Map<string, Slot>()
  readonly #byType: (Slot | undefined)[] = []
  readonly #companions = new Set<number>()
  /** Properties that mean something where their attribute is not there. */
  readonly absentees: readonly Slot[]

  constructor(prefix: string, rows: R, fields: readonly Field[] = []) {
    this.prefix = prefix
    this.rows = rows
    for (const field of fields) this.slots.set(field.key, field)
    for (const [key, row] of Object.entries(rows)) {
      const slot = { key, codec: row.codec as AnyCodec, row, offset: -1 }
      this.slots.set(key, slot)
      if (row.type !== VIRTUAL) this.#byType[row.type] = slot
      if (row.codec.companion) this.#companions.add(row.codec.companion.type)
    }
    this.absentees = [...this.slots.values()].filter(
      ({ codec, row }) => row?.type === VIRTUAL || codec.absent !== undefined,
    )
  }

  write(w: Writer, value: AttributesIn<R>, context: Context): void {
    this.writeProperties(w, value, context)
  }

  read(b: Buffer, start: number, end: number, context: Context): AttributesOut<R> {
    return this.readAttributes({}, b, start, end, context) as AttributesOut<R>
  }

  areas(_b: Buffer, start: number, end: number, _context: Context): Area[] {
    return [{ label: '', table: this, start, end }]
  }

  /** The row of an attribute number, and the property it is. */
  find(type: number): { readonly key: string; readonly row: Row<unknown> } | undefined {
    const slot = this.#byType[type & NLA_TYPE_MASK]
    return slot?.row && { key: slot.key, row: slot.row }
  }

  /** The attribute or header field that a property is. */
  property(key: string): Slot | undefined {
    return this.slots.get(key)
  }

  /** The kernel's name of an attribute, `IFLA_GRE_ENCAP_SPORT`. */
  nameOf(type: number): string {
    const found = this.find(type)
    if (found) return this.prefix + (found.row.name ?? snake(found.key))
    for (const { row } of this.slots.values()) {
      const companion = row?.codec.companion
      if (companion?.type === (type & NLA_TYPE_MASK) && companion.name) return companion.name
    }
    return `${this.prefix}${type & NLA_TYPE_MASK}`
  }

  /** Writes the properties of `value` but `except`. `header` is where the fields of the fixed header go. */
  writeProperties(w: Writer, value: object, context: Context, except?: string, header = -1): void {
    if (!isObject(value)) refuse(value, this.expects)
    const outer = context.owner
    const given: Record<string, unknown> = value
    context.owner = given
    let path = ''
    try {
      for (const key in given) {
        const item = given[key]
        if (item === undefined || key === except) continue
        path = ''
        const slot = this.slots.get(key)
        if (slot === undefined && key !== 'unknown') throw unknownProperty(key, item, this.slots.keys())
        path = key
        if (slot === undefined) writeUnknown(w, item)
        else if (slot.row === undefined) writeField(w, slot, item, context, header)
        else if (slot.row.repeated) writeRepeated(w, slot.row, item, context)
        else writeAttribute(w, slot.row, item, context)
      }
    } catch (error) {
      throw error instanceof EncodeError && path !== '' ? error.within(path) : error
    }
    context.owner = outer
  }

  /** Reads attributes into `out`. */
  readAttributes(
    out: Record<string, unknown>,
    b: Buffer,
    start: number,
    end: number,
    context: Context,
  ): Record<string, unknown> {
    const outer = context.owner
    context.owner = out
    const companions = this.#companions.size > 0 ? new Map<number, Place>() : undefined
    let deferred: (Place & { slot: Slot })[] | undefined
    for (let at = start; end - at >= NLA_HDRLEN; ) {
      const length = readU16(b, at)
      const type = readU16(b, at + 2)
      const stop = at + length
      if (length < NLA_HDRLEN || stop > end) malformed(`an attribute of ${length} bytes where ${end - at} are left`)
      const number = type & NLA_TYPE_MASK
      const slot = this.#byType[number]
      const payload = at + NLA_HDRLEN
      if (companions !== undefined && this.#companions.has(number)) {
        companions.set(number, { type, start: payload, end: stop })
      }
      if (slot === undefined) {
        if (companions === undefined || !this.#companions.has(number)) keepUnknown(out, type, b, payload, stop)
      } else if (slot.codec.companion !== undefined) {
        deferred ??= []
        deferred.push({ slot, type, start: payload, end: stop })
      } else {
        readAttribute(out, slot, type, b, payload, stop, context)
      }
      at += align(length)
    }
    if (companions !== undefined) {
      const used = new Set<number>()
      for (const { slot, type, start: payload, end: stop } of deferred ?? []) {
        const partner = slot.codec.companion!.type
        context.companion = companions.get(partner)
        if (readAttribute(out, slot, type, b, payload, stop, context)) used.add(partner)
      }
      for (const [number, { type, start: payload, end: stop }] of companions) {
        if (this.#byType[number] === undefined && !used.has(number)) keepUnknown(out, type, b, payload, stop)
      }
    }
    for (const slot of this.absentees) {
      if (out[slot.key] === undefined) {
        const value = this.readAbsent(slot, b, end, context)
        if (value !== undefined) out[slot.key] = value
      }
    }
    context.owner = outer
    return out
  }

  /** What one of the {@link absentees} is where its attribute is not there. */
  readAbsent({ codec }: Slot, b: Buffer, end: number, context: Context): unknown {
    return codec.absent ? codec.absent(b, context) : codec.read(b, context.header, end, context)
  }
}

/** A table of attributes: `table('IFLA_GRE_', { link: attr(1, u32), … })`. */
export const table = <R extends Rows>(prefix: string, rows: R): Table<R> => new Table(prefix, rows)

function writeField(w: Writer, slot: Slot, value: unknown, context: Context, header: number): void {
  const end = w.pos
  w.pos = header + slot.offset
  slot.codec.write(w, value, context)
  w.pos = end
}

function writeAttribute(w: Writer, row: Row<unknown>, value: unknown, context: Context): void {
  const { codec } = row
  if (row.type === VIRTUAL) {
    codec.write(w, value, context)
    return
  }
  if (codec.skip?.(value, w, context)) return
  const { companion } = codec
  if (companion?.write) {
    const at = openAttribute(w)
    companion.write(w, value)
    closeAttribute(w, at, companion.type)
  }
  const at = openAttribute(w)
  codec.write(w, value, context)
  closeAttribute(w, at, codec.nested ? row.type | NLA_F_NESTED : row.type, value)
}

function writeRepeated(w: Writer, row: Row<unknown>, list: unknown, context: Context): void {
  if (!Array.isArray(list)) refuse(list, 'a list')
  each(list as readonly unknown[], (one) => writeAttribute(w, row, one, context))
}

function writeUnknown(w: Writer, list: unknown): void {
  if (!Array.isArray(list)) refuse(list, 'a list of { type, data }')
  each(list as readonly UnknownAttribute[], (one) => {
    if (!Number.isInteger(one?.type) || one.type < 0 || one.type > 0xffff || !(one.data instanceof Uint8Array)) {
      refuse(one, 'an attribute { type, data }')
    }
    const at = openAttribute(w)
    w.append(one.data)
    closeAttribute(w, at, one.type, one)
  })
}

const openAttribute = (w: Writer): number => w.take(NLA_HDRLEN)

function closeAttribute(w: Writer, at: number, type: number, value?: unknown): void {
  const length = w.pos - at
  if (length > 0xffff) refuse(value, 'an attribute of at most 65,535 bytes')
  writeU16(w.bytes, at, length)
  writeU16(w.bytes, at + 2, type)
  w.take(align(length) - length)
}

/** @returns false if the codec could not tell what it is, and it stays an unknown attribute */
function readAttribute(
  out: Record<string, unknown>,
  slot: Slot,
  type: number,
  b: Buffer,
  start: number,
  end: number,
  context: Context,
): boolean {
  let value: unknown
  try {
    value = slot.codec.readMany?.(b, start, end, context) ?? slot.codec.read(b, start, end, context)
  } catch (error) {
    throw error instanceof DecodeError ? error.within(slot.key) : error
  }
  if (value === undefined) keepUnknown(out, type, b, start, end)
  else if (slot.row!.repeated) {
    const items = slot.codec.readMany === undefined ? [value] : (value as unknown[])
    const list = out[slot.key] as unknown[] | undefined
    if (list === undefined) out[slot.key] = items
    else list.push(...items)
  } else out[slot.key] = value
  return value !== undefined
}

function keepUnknown(out: Record<string, unknown>, type: number, b: Buffer, start: number, end: number): void {
  const one: UnknownAttribute = { type, data: Buffer.from(b.subarray(start, end)) }
  const list = out.unknown as UnknownAttribute[] | undefined
  if (list === undefined) out.unknown = [one]
  else list.push(one)
}

/** `encapSport` → `ENCAP_SPORT`. */
export const snake = (key: string): string => key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()
