import { type AnyCodec, type Context, refuse } from './codec.js'
import type { Names } from './scalars.js'

/**
 * A payload whose table follows from the message's family, as IFLA_AF_SPEC's does. What a family without a table has
 * stays an unknown attribute.
 */
export function byFamily(
  families: Names,
  variants: Readonly<Record<string, AnyCodec>>,
  otherwise?: AnyCodec,
): AnyCodec {
  const names = Object.keys(variants)
  const byNumber = new Map(names.map((name) => [families[name], variants[name]]))
  const chosen = (context: Context): AnyCodec | undefined => byNumber.get(context.family) ?? otherwise
  return {
    expects: 'an object',
    nested: true,
    variants: otherwise === undefined ? variants : { ...variants, unspec: otherwise },
    write(w, value, context) {
      const codec = chosen(context)
      if (codec === undefined) refuse(value, `possible without a family of ${names.join(' or ')}`)
      codec.write(w, value, context)
    },
    read: (b, start, end, context) => chosen(context)?.read(b, start, end, context),
    areas: (b, start, end, context) => chosen(context)?.areas?.(b, start, end, context) ?? [],
  }
}
