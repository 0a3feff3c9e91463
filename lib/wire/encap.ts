import { EncodeError } from '../errors.js'
import { type AnyCodec, type Codec, type Context, refuse } from './codec.js'
import { readU16, writeU16 } from './host.js'
import type { AttributesIn, AttributesOut, Rows, Table } from './table.js'

/** The tables of a lightweight tunnel, by name: `{ ip: [2, LWTUNNEL_IP] }`. */
export type EncapVariants = Readonly<Record<string, readonly [number, Table<Rows>]>>

type RowsOf<T> = T extends Table<infer R> ? R : never
/** What reading an encap gives: `type` says which attributes the rest is of. */
export type EncapOut<V extends EncapVariants> =
  | { [K in keyof V]: { type: K } & AttributesOut<RowsOf<V[K][1]>> }[keyof V]
  | { type: number; data: Buffer }
/** What writing one takes. */
export type EncapIn<V extends EncapVariants> =
  | { [K in keyof V]: { readonly type: K } & AttributesIn<RowsOf<V[K][1]>> }[keyof V]
  | { readonly type: number; readonly data: Uint8Array }

/**
 * Lightweight tunnel encapsulation (linux/lwtunnel.h): one property, two attributes. The number of the type goes into
 * attribute `companion` (RTA_ENCAP_TYPE, NHA_ENCAP_TYPE). Types without a table keep their bytes: `{ type, data }`.
 */
export function encap<V extends EncapVariants>(
  companion: { type: number; name: string },
  variants: V,
): Codec<EncapOut<V>, EncapIn<V>> {
  const names = Object.keys(variants)
  const expects = `one of ${names.join(', ')}, or a number with data`
  const numberOf = (value: EncapIn<V>): number => {
    const { type } = value
    if (typeof type === 'number') return type
    if (typeof type !== 'string' || !Object.hasOwn(variants, type)) throw new EncodeError('type', type, expects)
    return variants[type]![0]
  }
  const chosen = (b: Buffer, context: Context): { number: number; name?: string; table?: Table<Rows> } | undefined => {
    const at = context.companion
    if (at === undefined || at.end - at.start !== 2) return undefined
    const number = readU16(b, at.start)
    const name = names.find((one) => variants[one]![0] === number)
    return name === undefined ? { number } : { number, name, table: variants[name]![1] }
  }
  const codec: AnyCodec = {
    expects: 'an object with a type',
    nested: true,
    companion: {
      ...companion,
      write(w, value) {
        if (typeof value !== 'object' || value === null) refuse(value, 'an object with a type')
        writeU16(w.bytes, w.take(2), numberOf(value))
      },
    },
    write(w, value, context) {
      if (typeof value.type === 'number') {
        if (!(value.data instanceof Uint8Array)) throw new EncodeError('data', value.data, 'bytes')
        w.bytes.set(value.data, w.take(value.data.length))
      } else variants[value.type]![1].writeProperties(w, value, context, 'type')
    },
    read(b, start, end, context) {
      const found = chosen(b, context)
      if (found === undefined) return undefined
      if (found.table === undefined) return { type: found.number, data: Buffer.from(b.subarray(start, end)) }
      return found.table.readAttributes({ type: found.name }, b, start, end, context)
    },
    areas: (b, start, end, context) => chosen(b, context)?.table?.areas(b, start, end, context) ?? [],
  }
  return codec
}
