import { SocketAddress } from 'node:net'
import fc from 'fast-check'
import { AF } from '../../lib/schema/constants.js'
import { Body } from '../../lib/wire/body.js'
import type { AnyCodec, Context } from '../../lib/wire/codec.js'
import { writeU16 } from '../../lib/wire/host.js'
import type { MessageKind } from '../../lib/wire/message.js'
import { Struct } from '../../lib/wire/struct.js'
import { type Row, Table, VIRTUAL } from '../../lib/wire/table.js'
import { Writer } from '../../lib/wire/writer.js'

/**
 * Random valid values for every codec of the tables, derived from what the codec says that it expects: a new row is
 * covered without a second list, and one of a new kind of codec fails loudly.
 *
 * Values are those that reading gives (canonical): names where there are any, addresses as inet_ntop(3) prints them.
 * @module
 */

type Arbitrary = fc.Arbitrary<unknown>
type Value = Record<string, unknown>

const octets = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes))

const ipv4 = octets(4).map((b) => b.join('.'))
const ipv6 = octets(16).map(
  (b) => new SocketAddress({ address: b.toString('hex').match(/.{4}/g)!.join(':'), family: 'ipv6' }).address,
)
const mac = octets(6).map((b) => b.toString('hex').match(/../g)!.join(':'))
const either = fc.oneof(ipv4, ipv6)

/** A prefix without host bits. */
const prefix = (bytes: number, text: (b: Buffer) => string): fc.Arbitrary<string> =>
  fc.tuple(octets(bytes), fc.integer({ min: 0, max: bytes * 8 })).map(([b, length]) => {
    for (let bit = length; bit < bytes * 8; bit++) b[bit >> 3]! &= ~(0x80 >> (bit & 7))
    return `${text(b)}/${length}`
  })
const prefix4 = prefix(4, (b) => b.join('.'))
const prefix6 = prefix(
  16,
  (b) => new SocketAddress({ address: b.toString('hex').match(/.{4}/g)!.join(':'), family: 'ipv6' }).address,
)

/** Text without what ends it or a device name cannot have, at most `max` bytes. */
const text = (max: number, min = 1): fc.Arbitrary<string> =>
  fc
    .string({ unit: fc.constantFrom(...'abcXYZ019._-+é→'), minLength: min, maxLength: Math.min(max, 40) })
    .filter((s) => Buffer.byteLength(s) <= max && s !== '.' && s !== '..')

/** By the family that the message has, for what takes its form from it. */
const byFamily = (
  family: string,
  inet: Arbitrary,
  inet6: Arbitrary,
  mpls: Arbitrary = fc.oneof(inet, inet6),
): Arbitrary =>
  family === 'inet' ? inet : family === 'inet6' ? inet6 : family === 'mpls' ? mpls : fc.oneof(inet, inet6)

const label = fc.integer({ min: 0, max: 0xfffff })

/** What the words of a codec without parts mean. */
const PATTERNS: readonly [RegExp, (match: RegExpExecArray, codec: AnyCodec, family: string) => Arbitrary][] = [
  [/ from 0 to 2\^64 - 1$/, () => fc.bigInt({ min: 0n, max: 0xffffffffffffffffn })],
  [/ or one of /, () => fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 0xffffffff }))],
  [/^a list of 1 to 16 labels /, () => fc.array(label, { minLength: 1, maxLength: 16 })],
  [/ from (-?\d+) to (-?\d+)$/, ([, min, max]) => fc.integer({ min: Number(min), max: Number(max) })],
  [/^true or false \(1 or 0\)$/, () => fc.boolean()],
  [/^true or false$/, () => fc.constant(true)],
  [/^one of (.+), or a number$/, ([, names], codec) => enumeration(codec, names!.split(', '))],
  [/^a list of (.+), or a number$/, ([, names], codec) => bits(codec, names!.split(', '))],
  [/^an IPv4 address other than 0\.0\.0\.0 /, () => ipv4.filter((address) => address !== '0.0.0.0')],
  [/^an IPv6 address other than :: /, () => ipv6.filter((address) => address !== '::')],
  [/^an IPv4 address$/, () => ipv4],
  [/^an IPv6 address$/, () => ipv6],
  [/^an IPv4 or IPv6 address$/, (_match, _codec, family) => byFamily(family, ipv4, ipv6)],
  [
    /^an IPv4 or IPv6 prefix( or 'default')?$/,
    ([, named], _codec, family) => {
      const some = byFamily(family, prefix4, prefix6, label.map(String))
      return named === undefined ? some : fc.oneof({ weight: 5, arbitrary: some }, fc.constant('default'))
    },
  ],
  [/^a MAC address$/, () => mac],
  [/^a link-layer address/, () => fc.oneof(mac, either)],
  [
    /^an object with family, address$/,
    () =>
      fc.oneof(
        fc.record({ family: fc.constant('inet'), address: ipv4 }),
        fc.record({ family: fc.constant('inet6'), address: ipv6 }),
      ),
  ],
  [/^a (?:text|device name) of 1 to (\d+) bytes/, ([, max]) => text(Number(max))],
  [/^a text of up to (\d+) bytes/, ([, max]) => text(Number(max), 0)],
  [
    /^a Buffer of up to (\d+) bytes/,
    ([, max]) => fc.uint8Array({ maxLength: Math.min(Number(max), 40) }).map((b) => Buffer.from(b)),
  ],
]

const context: Context = { family: 0, header: 0, owner: {}, companion: undefined, partial: false }

/** What a codec reads from a number's bytes, low bytes first where there are fewer. */
function readNumber(codec: AnyCodec, number: number): unknown {
  const w = new Writer(16)
  codec.write(w, number, context)
  return w.pos > 0 ? codec.read(w.bytes, 0, w.pos, context) : undefined
}

function enumeration(codec: AnyCodec, names: readonly string[]): Arbitrary {
  const max = 2 ** (8 * codec.size!) - 1
  const unnamed = fc.integer({ min: 0, max }).filter((number) => readNumber(codec, number) === number)
  // Of two names for one number the second is never read.
  const named = names.filter((name) => readNumber(codec, name as never) === name)
  return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...named) }, unnamed)
}

function bits(codec: AnyCodec, names: readonly string[]): Arbitrary {
  const { number, size = 4 } = codec as AnyCodec & { number?(value: unknown): number }
  const known = number === undefined ? 0xffffffff : number([...names])
  const rest = (~known & (2 ** (8 * size) - 1)) >>> 0
  return fc
    .tuple(fc.subarray([...names]), fc.option(fc.integer({ min: 0, max: 0xffffffff }), { freq: 4 }))
    .map(([some, extra]) => {
      const more = ((extra ?? 0) & rest) >>> 0
      return more === 0 ? some : [...some, more]
    })
}

/** One attribute, as the bytes of a nest that nobody knows. */
function nest(payload: Buffer): Buffer {
  const header = Buffer.alloc(4)
  writeU16(header, 0, 4 + payload.length)
  writeU16(header, 2, 1)
  return Buffer.concat([header, payload])
}

/** Random valid values of a codec, in a message of a family. Throws for a codec whose words are not known. */
export function arbitrary(codec: AnyCodec, family: string): Arbitrary {
  if (codec instanceof Table) return tableValue(codec as unknown as Table, family)
  if (codec instanceof Struct) return structValue(codec as unknown as Struct, family)
  if (codec.item !== undefined) return fc.array(arbitrary(codec.item, family), { minLength: 1, maxLength: 4 })
  for (const [pattern, make] of PATTERNS) {
    const match = pattern.exec(codec.expects)
    if (match !== null) return make(match, codec, family)
  }
  throw new Error(`no arbitrary for a codec that expects ${codec.expects}`)
}

function structValue(struct: Struct, family: string): fc.Arbitrary<Value> {
  const fields = struct.fields.map(({ key, codec }): [string, Arbitrary] => [key, arbitrary(codec, family)])
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] })
}

/** An attribute that `table` does not know, without NLA_F_NESTED: its payload is no nest. */
function unknown(table: Table): Arbitrary {
  const companions = new Set(Object.values(table.rows).map(({ codec }) => codec.companion?.type))
  const type = fc.integer({ min: 0, max: 0x7fff }).filter((one) => {
    return table.find(one) === undefined && !companions.has(one & 0x3fff)
  })
  return fc.record({ type, data: octets(3) })
}

function tableValue(table: Table, family: string): fc.Arbitrary<Value> {
  const rows = Object.entries(table.rows) as [string, Row<unknown>][]
  const plain: Record<string, Arbitrary> = {}
  /** Objects that are merged into the value: properties that depend on each other. */
  const together: fc.Arbitrary<Value>[] = []
  for (const [key, { type, codec, repeated }] of rows) {
    const { companion, variants } = codec
    if (type === VIRTUAL) continue
    if (variants === undefined) {
      const one = arbitrary(codec, family)
      plain[key] = repeated ? fc.array(one, { minLength: 1, maxLength: 3 }) : one
    } else if (companion === undefined) {
      const variant = variants[family] ?? variants.unspec
      if (variant !== undefined) plain[key] = arbitrary(variant, family)
    } else if (companion.write === undefined) {
      const sibling = table.find(companion.type)!.key
      delete plain[sibling]
      const known = Object.entries(variants).map(([name, variant]) =>
        fc.record({ [sibling]: fc.constant(name), [key]: arbitrary(variant, family) }, { requiredKeys: [sibling] }),
      )
      const other = octets(5).map((data) => ({ [sibling]: 'another', unknown: [{ type, data }] }))
      together.push(fc.oneof(...(known as fc.Arbitrary<Value>[]), other, fc.constant({})))
    } else {
      const known = Object.entries(variants).map(([name, variant]) =>
        arbitrary(variant, family).map((value) => ({ type: name, ...(value as Value) })),
      )
      const other = fc.record({ type: fc.integer({ min: 100, max: 0xffff }), data: octets(4).map(nest) })
      plain[key] = fc.oneof(...(known as Arbitrary[]), other)
    }
  }
  const fields = table instanceof Body ? fieldValues(table as unknown as Body, family) : fc.constant({})
  const attributes = fc.record(plain, { requiredKeys: [] })
  const extra = fc.option(fc.array(unknown(table), { minLength: 1, maxLength: 2 }), { freq: 5, nil: undefined })
  return fc
    .tuple(fields, attributes, extra, virtual(rows), ...together)
    .map(([header, some, more, flags, ...groups]) => {
      const value: Value = { ...header, ...some, ...flags }
      if (more !== undefined) value.unknown = more
      for (const { unknown: others = [], ...group } of groups as Value[]) {
        Object.assign(value, group)
        const list = [...((value.unknown as unknown[] | undefined) ?? []), ...(others as unknown[])]
        if (list.length > 0) value.unknown = list
      }
      return value
    })
}

/** The fixed header; the family of a message is given. */
function fieldValues(body: Body, family: string): fc.Arbitrary<Value> {
  const { family: own, ...rest } = Object.fromEntries(
    body.header.fields.map(({ key, codec }): [string, Arbitrary] => [key, arbitrary(codec, family)]),
  )
  const fields = fc.record(rest, { requiredKeys: [] })
  return own === undefined ? fields : fields.map((value) => ({ family, ...value }))
}

/** Properties of the header alone: sets of flags, and switches that are one of them each. */
function virtual(rows: readonly [string, Row<unknown>][]): fc.Arbitrary<Value> {
  const own = rows.filter(([, { type }]) => type === VIRTUAL)
  const sets = own.filter(([, { codec }]) => codec.expects.startsWith('a list'))
  const switches = own.filter(([, { codec }]) => codec.expects.startsWith('true'))
  const record = fc.record(
    Object.fromEntries(sets.map(([key, { codec }]): [string, Arbitrary] => [key, arbitrary(codec, 'unspec')])),
    { requiredKeys: [] },
  )
  return fc.tuple(record, fc.boolean()).map(([value, given]) => {
    const flags = value.flags as unknown[] | undefined
    const out: Value = { ...value }
    if (given) for (const [key] of switches) out[key] = flags?.includes(key) ?? true
    return out
  })
}

/** Random valid values of a kind of message, with their family. */
export function messageValue(kind: MessageKind): fc.Arbitrary<Value> {
  const hasFamily = kind.body.header.fields.some(({ key }) => key === 'family')
  const families = hasFamily ? Object.keys(AF) : ['unspec']
  return fc.constantFrom(...families).chain((family) => tableValue(kind.body as unknown as Table, family))
}

/** Every codec of a table and of what is within, each once, with its path. Throws where tables contain each other. */
export function* codecs(
  root: AnyCodec,
  path = '',
  above: readonly AnyCodec[] = [],
): Generator<[string, AnyCodec, number]> {
  if (above.includes(root)) throw new Error(`${path} contains itself`)
  yield [path, root, above.length]
  const inner: [string, AnyCodec][] = []
  if (root instanceof Table) {
    for (const [key, row] of Object.entries(root.rows)) inner.push([key, (row as Row<unknown>).codec])
  }
  if (root instanceof Body) for (const { key, codec } of root.header.fields) inner.push([key, codec])
  if (root instanceof Struct) for (const { key, codec } of root.fields) inner.push([key, codec])
  if (root.item !== undefined) inner.push(['[]', root.item])
  for (const [name, variant] of Object.entries(root.variants ?? {})) inner.push([`<${name}>`, variant])
  for (const [key, codec] of inner) yield* codecs(codec, path === '' ? key : `${path}.${key}`, [...above, root])
}
