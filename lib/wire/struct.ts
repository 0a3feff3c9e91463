import structFu from 'struct-fu'
import { type Context, type Fixed, type InOf, inside, isObject, malformed, type OutOf, refuse } from './codec.js'
import { bytes } from './scalars.js'
import { unknownProperty } from './suggest.js'
import type { Writer } from './writer.js'

/**
 * C structs of fixed size: the headers behind nlmsghdr, and the few attributes that are structs. `struct-fu` lays them
 * out; codecs read and write the fields.
 * @module
 */

/** A field that is not part of the value: padding, or a length that another property carries. */
export type Hidden<C extends Fixed<never>> = C & { readonly hidden: true }

/** Keeps a field out of the value. */
// biome-ignore lint/suspicious/noExplicitAny: any codec of one size
export const hidden = <C extends Fixed<any, any>>(codec: C): C & { readonly hidden: true } => ({
  ...codec,
  hidden: true,
})

/** Padding of `size` bytes. */
export const pad = (size: number): Fixed<Buffer, Uint8Array> & { readonly hidden: true; readonly padding: true } => ({
  ...(bytes(size) as Fixed<Buffer, Uint8Array>),
  size,
  hidden: true,
  padding: true,
})

// biome-ignore lint/suspicious/noExplicitAny: any codec of one size
export type Fields = Readonly<Record<string, Fixed<any, any>>>
type Visible<F extends Fields> = { [K in keyof F as F[K] extends { hidden: true } ? never : K]: F[K] }
/** What reading a struct gives. */
export type StructOut<F extends Fields> = { -readonly [K in keyof Visible<F>]: OutOf<Visible<F>[K]> }
/** What writing one takes; what is left out is 0. */
export type StructIn<F extends Fields> = { readonly [K in keyof Visible<F>]?: InOf<Visible<F>[K]> | undefined }

/** One field and where it lies. */
export interface Field {
  readonly key: string
  // biome-ignore lint/suspicious/noExplicitAny: any codec of one size
  readonly codec: Fixed<any, any>
  readonly offset: number
}

export class Struct<F extends Fields = Fields> implements Fixed<StructOut<F>, StructIn<F>> {
  /** The kernel's name, `rtmsg`. */
  readonly name: string
  readonly expects: string
  readonly size: number
  /** The fields that are part of the value. */
  readonly fields: readonly Field[]
  readonly #all: readonly Field[]
  readonly #offsets: Readonly<Record<string, { readonly offset: number }>>
  readonly #growing: boolean

  constructor(name: string, fields: F, growing = false) {
    const layout = structFu.struct(Object.entries(fields).map(([key, codec]) => structFu.byte(key, codec.size)))
    this.name = name
    this.size = layout.size
    this.#offsets = layout.fields
    this.#growing = growing
    this.#all = Object.entries(fields)
      .filter(([, codec]) => !('padding' in codec))
      .map(([key, codec]) => ({ key, codec, offset: this.offset(key) }))
    this.fields = this.#all.filter(({ codec }) => !('hidden' in codec))
    this.expects = `an object with ${this.fields.map((field) => field.key).join(', ')}`
  }

  /** Where a field starts. */
  offset(key: keyof F & string): number {
    return this.#offsets[key]!.offset
  }

  write(w: Writer, value: StructIn<F>, context: Context): void {
    if (!isObject(value)) refuse(value, this.expects)
    const start = w.take(this.size)
    for (const key in value) {
      const item: unknown = value[key]
      if (item === undefined) continue
      const field = this.fields.find((one) => one.key === key)
      if (field === undefined)
        throw unknownProperty(
          key,
          item,
          this.fields.map((one) => one.key),
        )
      w.pos = start + field.offset
      inside(key, () => field.codec.write(w, item, context))
    }
    w.pos = start + this.size
  }

  read(b: Buffer, start: number, end: number, context: Context): StructOut<F> {
    return this.#read(this.fields, b, start, end, context) as StructOut<F>
  }

  /** All fields but padding, those too that are part of other properties. */
  readAll(b: Buffer, start: number, end: number, context: Context): Record<string, unknown> {
    return this.#read(this.#all, b, start, end, context)
  }

  #read(fields: readonly Field[], b: Buffer, start: number, end: number, context: Context): Record<string, unknown> {
    // A newer kernel may have made the struct longer; an older one may know only its beginning.
    if (end - start < this.size && !this.#growing) {
      malformed(`${end - start} bytes where struct ${this.name} of ${this.size} was expected`)
    }
    const out: Record<string, unknown> = {}
    for (const { key, codec, offset } of fields) {
      const at = start + offset
      if (at + codec.size <= end) out[key] = codec.read(b, at, at + codec.size, context)
    }
    return out
  }
}

/** A C struct from its fields in order; `growing` ones may be cut short by an older kernel. */
export const struct = <F extends Fields>(name: string, fields: F, options?: { growing?: boolean }): Struct<F> =>
  new Struct(name, fields, options?.growing)
