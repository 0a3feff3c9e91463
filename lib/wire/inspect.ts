import type { Area, AttributeTable, Context } from './codec.js'
import { NLM_F } from './flags.js'
import { align, type Frame, NLMSG_HDRLEN } from './frame.js'
import { readU16, readU32 } from './host.js'
import type { MessageKind } from './message.js'

/**
 * Walking a message's attributes: as text for people, and from an offset to the path of the attribute there.
 * @module
 */

/** Where the kinds of messages come from. */
interface Kinds {
  kind(type: number): MessageKind | undefined
  operation(type: number): string
}

/** One attribute as it lies in the bytes. */
interface Attribute {
  readonly table: AttributeTable
  readonly type: number
  /** Offset of the nlattr, its payload, and the end of the payload. */
  readonly at: number
  readonly start: number
  readonly end: number
  readonly areas: Area[]
  /** What a codec may know, as it was for this attribute. */
  readonly context: Context
}

/** The attributes of an area, in order, and where what cannot be an attribute begins. */
function attributes(b: Buffer, area: Area, outer: Context): { list: Attribute[]; rest: number } {
  const raw: { type: number; at: number; end: number }[] = []
  const byNumber = new Map<number, { start: number; end: number }>()
  let at = area.start
  while (area.end - at >= 4) {
    const length = readU16(b, at)
    if (length < 4 || at + length > area.end) break
    const type = readU16(b, at + 2)
    raw.push({ type, at, end: at + length })
    byNumber.set(type & 0x3fff, { start: at + 4, end: at + length })
    at += align(length)
  }
  const header = area.header?.start ?? outer.header
  const list = raw.map(({ type, at, end }) => {
    const codec = area.table.find(type)?.row.codec
    const companion = codec?.companion && byNumber.get(codec.companion.type)
    const context = { ...outer, header, companion }
    let areas: Area[] = []
    try {
      areas = codec?.areas?.(b, at + 4, end, context) ?? []
    } catch {
      // Malformed inside: it is shown as bytes.
    }
    return { table: area.table, type, at, start: at + 4, end, areas, context }
  })
  return { list, rest: at }
}

function open(kind: MessageKind, b: Buffer): { area: Area; context: Context } {
  const end = Math.min(readU32(b, 0), b.length)
  const context: Context = {
    family: kind.familyIn(b, NLMSG_HDRLEN, end),
    header: NLMSG_HDRLEN,
    owner: {},
    companion: undefined,
    partial: true,
  }
  return { area: kind.body.areas(b, NLMSG_HDRLEN, end, context)[0]!, context }
}

const kindOf = (kinds: Kinds, b: Buffer): MessageKind | undefined =>
  b.length >= NLMSG_HDRLEN ? kinds.kind(readU16(b, 4)) : undefined

const joined = (path: string, table: AttributeTable, type: number): string => {
  const key = table.find(type)?.key ?? table.nameOf(type)
  return path === '' ? key : `${path}.${key}`
}

/** The innermost attribute that starts at or around `offset`, as a path. */
export function attributePath(kinds: Kinds, b: Buffer, offset: number): string | undefined {
  const kind = kindOf(kinds, b)
  if (kind === undefined) return undefined
  const { area: top, context } = open(kind, b)
  const search = (area: Area, path: string): string | undefined => {
    const one = attributes(b, area, context).list.find(({ at, end }) => at <= offset && offset < end)
    if (one === undefined) return undefined
    const here = joined(path, area.table, one.type)
    const inner = one.areas.find(({ start, end }) => start <= offset && offset < end)
    return (inner && search(inner, here + inner.label)) ?? here
  }
  return search(top, '')
}

/** The path of attribute number `type` in the nest whose nlattr starts at `nest`, or in the message itself. */
export function attributeName(kinds: Kinds, b: Buffer, nest: number | undefined, type: number): string | undefined {
  const kind = kindOf(kinds, b)
  if (kind === undefined) return undefined
  const { area: top, context } = open(kind, b)
  if (nest === undefined) return joined('', top.table, type)
  const search = (area: Area, path: string): string | undefined => {
    const one = attributes(b, area, context).list.find(({ at, end }) => at <= nest && nest < end)
    if (one === undefined) return undefined
    const here = joined(path, area.table, one.type)
    const [first] = one.areas
    if (one.at === nest) return first ? joined(here + first.label, first.table, type) : here
    const inner = one.areas.find(({ start, end }) => start <= nest && nest < end)
    return inner && search(inner, here + inner.label)
  }
  return search(top, '')
}

/** A message as text, one line a header or attribute, nests indented. */
export function inspectFrame(kinds: Kinds, { bytes, start, end, type, flags, seq, pid }: Frame): string {
  const kind = kinds.kind(type)
  const names = NLM_F[kind?.does(type) ?? 'error'].names(flags).join('|') || '0'
  const lines = [`${kinds.operation(type)} flags=${names} seq=${seq} pid=${pid} length=${end - start}`]
  const b = bytes.subarray(start, end)
  const walk = (area: Area, context: Context, indent: string): void => {
    const { table, header } = area
    if (header !== undefined) {
      const fields = attempt(() => show(header.struct.readAll(b, header.start, area.end, context)))
      lines.push(`${indent}${header.struct.name} ${fields}`)
    }
    const { list, rest } = attributes(b, area, context)
    for (const one of list) {
      const name = `${indent}${table.nameOf(one.type)}`
      if (one.areas.length === 0) lines.push(`${name} ${valueText(b, one)}`)
      for (const inner of one.areas) {
        lines.push(name + inner.label)
        walk(inner, one.context, `${indent}  `)
      }
    }
    if (area.end - rest >= 4) lines.push(`${indent}(not an attribute: 0x${b.toString('hex', rest, area.end)})`)
  }
  if (kind !== undefined) {
    const { area, context } = open(kind, b)
    walk(area, context, '  ')
  } else if (b.length > NLMSG_HDRLEN) lines.push(`  0x${b.toString('hex', NLMSG_HDRLEN)}`)
  return `${lines.join('\n')}\n`
}

function valueText(b: Buffer, { table, type, start, end, context }: Attribute): string {
  const codec = table.find(type)?.row.codec
  const hex = `0x${b.toString('hex', start, end)}`
  return attempt(() => {
    const value: unknown = codec?.read(b, start, end, context)
    return value === undefined ? hex : show(value)
  })
}

function attempt(read: () => string): string {
  try {
    return read()
  } catch (error) {
    return `(${(error as Error).message})`
  }
}

function show(value: unknown): string {
  if (typeof value !== 'object') return String(value)
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`
  return Object.entries(value as object)
    .map(([key, item]) => `${key}=${show(item)}`)
    .join(' ')
}
