import { EncodeError } from '../errors.js'
import { type AnyCodec, type Codec, type Context, isObject, refuse } from './codec.js'
import { readU16, writeU16 } from './host.js'
import { unknownProperty } from './suggest.js'
import type { AttributesIn, AttributesOut, Rows, Table } from './table.js'
import type { Writer } from './writer.js'

/** The tables of a lightweight tunnel, by name: `{ ip: [2, LWTUNNEL_IP] }`. */
export type EncapVariants = Readonly<Record<string, readonly [number, Table<Rows>]>>

type RowsOf<T> = T extends Table<infer R> ? R : never
/** What reading an encap gives: `type` says which attributes the rest is of. */
export type EncapOut<V extends EncapVariants> =
  | { [K in keyof V]: { type: K } & AttributesOut<RowsOf<V[K][1]>> }[keyof V]
  | { type: number; data: Buffer }
/** What writing one takes. */
export type EncapIn<V extends EncapVariants> =
  | { [K in keyof V]: { readonly type: K | V[K][0] } & AttributesIn<RowsOf<V[K][1]>> }[keyof V]
  | { readonly type: number; readonly data: Uint8Array }

/**
 * Lightweight tunnel encapsulation (linux/lwtunnel.h): one property, two attributes. The number of the type goes into
 * attribute `companion` (RTA_ENCAP_TYPE, NHA_ENCAP_TYPE). Types without a table keep their bytes: `{ type, data }`.
 */
export function encap<V extends EncapVariants>(
  companion: { type: number; name: string },
  variants: V,
): Codec<EncapOut<V>, EncapIn<V>> {
  const kinds = Object.entries(variants).map(([name, [number, table]]) => ({ name, number, table }))
  const expects = `one of ${kinds.map(({ name }) => name).join(', ')}, or a number with data`
  const known = (type: unknown) => kinds.find(({ name, number }) => name === type || number === type)
  const chosen = (b: Buffer, context: Context): { number: number; name?: string; table?: Table<Rows> } | undefined => {
    const at = context.companion
    if (at === undefined || at.end - at.start !== 2) return undefined
    const number = readU16(b, at.start)
    return known(number) ?? { number }
  }
  const codec: AnyCodec = {
    expects: 'an object with a type',
    nested: true,
    variants: Object.fromEntries(kinds.map(({ name, table }) => [name, table])),
    companion: {
      ...companion,
      write(w, value) {
        if (!isObject(value)) refuse(value, 'an object with a type')
        const number = known(value.type)?.number ?? value.type
        if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 0xffff) {
          throw new EncodeError('type', value.type, expects)
        }
        const at = w.take(2)
        writeU16(w.bytes, at, number)
      },
    },
    write(w, value, context) {
      const kind = typeof value.type === 'number' && value.data !== undefined ? undefined : known(value.type)
      if (kind === undefined) writeRaw(w, value)
      else kind.table.writeProperties(w, value, context, 'type')
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

/** `{ type, data }`: the bytes of a type that is not known, or that the caller knows better. */
function writeRaw(w: Writer, { type, data, ...rest }: Readonly<Record<string, unknown>>): void {
  for (const key in rest) if (rest[key] !== undefined) throw unknownProperty(key, rest[key], ['type', 'data'])
  if (!(data instanceof Uint8Array)) throw new EncodeError('data', data, `bytes, which encap type ${type} needs`)
  w.append(data)
}
