/** Messages in a form in which two can be compared: their attributes named, nest by nest, in any order. */
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import type { AnyCodec, Area, Context } from '../../lib/wire/codec.js'
import { NLM_F } from '../../lib/wire/flags.js'
import { align, NLMSG_HDRLEN } from '../../lib/wire/frame.js'
import type { Row, Table } from '../../lib/wire/table.js'

const NLA_HDRLEN = 4
const NLA_TYPE_MASK = 0x3fff

/** An attribute, without the flags of its type. */
export interface Attribute {
  readonly type: number
  readonly payload: Buffer
}

/** A message taken apart. */
export interface Parts {
  readonly type: number
  readonly flags: number
  readonly header: Buffer
  readonly attributes: readonly Attribute[]
}

/** The attributes in `bytes`. Throws if they are not whole. */
export function parse(bytes: Buffer): Attribute[] {
  const out: Attribute[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.length - at >= NLA_HDRLEN ? bytes.readUInt16LE(at) : 0
    if (length < NLA_HDRLEN || at + length > bytes.length) throw new Error(`no attribute at ${at} of ${hex(bytes)}`)
    const type = bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK
    out.push({ type, payload: bytes.subarray(at + NLA_HDRLEN, at + length) })
    at += align(length)
  }
  return out
}

/** The bytes of attributes. */
export const serialise = (attributes: readonly Attribute[]): Buffer =>
  Buffer.concat(
    attributes.map(({ type, payload }) => {
      const bytes = Buffer.alloc(align(NLA_HDRLEN + payload.length))
      bytes.writeUInt16LE(NLA_HDRLEN + payload.length, 0)
      bytes.writeUInt16LE(type, 2)
      payload.copy(bytes, NLA_HDRLEN)
      return bytes
    }),
  )

/** Takes a message apart. Throws if its kind is not known. */
export function partsOf(message: Buffer): Parts {
  const type = message.readUInt16LE(4)
  const kind = rtnetlink.kind(type)
  if (kind === undefined) throw new Error(`${rtnetlink.operation(type)} is not known`)
  const start = NLMSG_HDRLEN + align(kind.body.header.size)
  return {
    type,
    flags: message.readUInt16LE(6),
    header: message.subarray(NLMSG_HDRLEN, start),
    attributes: parse(message.subarray(start, message.readUInt32LE(0))),
  }
}

/** A message as text. */
export interface Tree {
  readonly message: string
  readonly header: string
  /** `IFLA_LINKINFO.IFLA_INFO_DATA.IFLA_GRE_TTL 40`, sorted. */
  readonly attributes: readonly string[]
}

/** A message as text that says all that the kernel reads of it. `visit` is told of every table and row that occurs. */
export function treeOf(
  { type, flags, header, attributes }: Parts,
  visit: (table: Table, row?: Row<unknown>) => void = () => {},
): Tree {
  const kind = rtnetlink.kind(type)!
  const role = (['new', 'del', 'get', 'set'] as const)[type - kind.base]!
  const lines: string[] = []
  // What codecs may know of the message around an attribute.
  const context: Context = { family: header[0]!, header: 0, owner: {}, companion: undefined, partial: true }

  const walk = (table: Table, within: readonly Attribute[], path: string): void => {
    visit(table)
    const seen = new Map<string, string[]>()
    const counts = new Map<number, number>()
    for (const one of within) {
      const row = table.find(one.type)?.row
      if (row) visit(table, row)
      let name = path + table.nameOf(one.type)
      if (row?.repeated) {
        const count = counts.get(one.type) ?? 0
        counts.set(one.type, count + 1)
        name += `[${count}]`
      }
      const outer = lines.length
      show(row?.codec, one, within, name)
      // Of an attribute that may occur once the kernel takes the last.
      seen.set(name, lines.splice(outer))
    }
    for (const some of seen.values()) lines.push(...some)
  }

  const show = (codec: AnyCodec | undefined, one: Attribute, siblings: readonly Attribute[], name: string): void => {
    // The attribute that says how to read this one goes behind it, where its codec is told to look.
    const companion = siblings.find((other) => other.type === codec?.companion?.type)?.payload
    const end = one.payload.length
    const bytes = companion ? Buffer.concat([one.payload, companion]) : one.payload
    const around = { ...context, companion: companion && { start: end, end: bytes.length } }
    const areas: Area[] = codec?.areas?.(bytes, 0, end, around) ?? []
    if (areas.length === 0) {
      lines.push(`${name} ${leaf(codec, bytes, end, around)}`.trimEnd())
      return
    }
    let before = 0
    for (const { label, table, start, end: stop } of areas) {
      // A nest may begin with a struct: struct rtnexthop, struct ifinfomsg.
      lines.push(`${name}${label} ${hex(bytes.subarray(before, start))}`.trimEnd())
      walk(table as Table, parse(bytes.subarray(start, stop)), `${name}${label}.`)
      before = align(stop)
    }
  }

  walk(kind.body, attributes, '')
  return {
    message: `${rtnetlink.operation(type)} ${NLM_F[role].names(flags).join('|')}`,
    header: `${kind.body.header.name} ${hex(header)}`,
    attributes: lines.sort(),
  }
}

/** A text, with or without a terminating NUL, as such; everything else in hex. */
function leaf(codec: AnyCodec | undefined, bytes: Buffer, end: number, context: Context): string {
  const payload = bytes.subarray(0, end)
  const text = payload.toString('utf8').replace(/\0+$/, '')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a text has none of
  const readable = end > 0 && codec !== undefined && codec.size === undefined && !/[\0-\x1f]/.test(text)
  return readable && codec.read(bytes, 0, end, context) === text ? `'${text}'` : hex(payload)
}

const hex = (bytes: Buffer): string => bytes.toString('hex')
