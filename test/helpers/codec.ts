import type { AnyCodec, Context } from '../../lib/wire/codec.js'
import { Writer } from '../../lib/wire/writer.js'

/**
 * One codec on its own: value to hexadecimal and back.
 * @module
 */

/** What a codec may know: nothing, unless the test says so. */
export const context = (given: Partial<Context> = {}): Context => ({
  family: 0,
  header: 0,
  owner: {},
  companion: undefined,
  partial: false,
  ...given,
})

/** What `codec` writes for `value`. */
export function put(codec: AnyCodec, value: unknown, given?: Partial<Context>): string {
  const w = new Writer(1)
  codec.write(w, value, context(given))
  return w.finish().toString('hex')
}

/** What `codec` reads from bytes; there are others around them, which must not matter. */
export function get(codec: AnyCodec, hex: string, given?: Partial<Context>): unknown {
  const bytes = Buffer.from(`ff${hex}ff`, 'hex')
  return codec.read(bytes, 1, bytes.length - 1, context(given))
}
