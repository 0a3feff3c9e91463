import { NbmaError } from '../errors.js'
import type { Area, Context } from './codec.js'
import { flagNames, NLM_F } from './flags.js'
import { align, type Frame, NLMSG_HDRLEN } from './frame.js'
import { readU16, readU32 } from './host.js'
import type { MessageKind, Operation } from './message.js'
import type { Table } from './table.js'

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
  readonly table: Table
  readonly type: number
  /** Offset of the nlattr, its payload, and the end of the payload. */
  readonly at: number
  readonly start: number
  readonly end: number
  readonly areas: Area[]
  /** What a codec may know, as it was for this attribute. */
  readonly context: Context
}

/** The attributes of an area, in order; what cannot be an attribute ends it. */
function attributes(b: Buffer, area: Area, outer: Context): Attribute[] {
  const out: Attribute[] = []
  const raw: { type: number; at: number; end: number }[] = []
  for (let at = area.start; area.end - at >= 4; ) {
    const length = readU16(b, at)
    if (length < 4 || at + length > area.end) break
    raw.push({ type: readU16(b, at + 2), at, end: at + length })
    at += align(length)
  }
  for (const { type, at, end } of raw) {
    const codec = area.table.find(type)?.row.codec
    const partner = codec?.companion && raw.find((one) => (one.type & 0x3fff) === codec.companion!.type)
    const context = { ...outer, companion: partner && { start: partner.at + 4, end: partner.end } }
    let areas: Area[] = []
    try {
      areas = codec?.areas?.(b, at + 4, end, context) ?? []
    } catch {
      // Malformed inside: it is shown as bytes.
    }
    out.push({ table: area.table, type, at, start: at + 4, end, areas, context })
  }
  return out
}

function open(kinds: Kinds, b: Buffer): { area: Area; context: Context } | undefined {
  const kind = b.length >= NLMSG_HDRLEN ? kinds.kind(readU16(b, 4)) : undefined
  if (kind === undefined) return undefined
  const end = Math.min(readU32(b, 0), b.length)
  const context: Context = {
    family: b[NLMSG_HDRLEN] ?? 0,
    header: NLMSG_HDRLEN,
    owner: {},
    companion: undefined,
    partial: true,
  }
  return { area: kind.body.areas(b, NLMSG_HDRLEN, end, context)[0]!, context }
}

const keyOf = (one: Attribute): string => one.table.find(one.type)?.key ?? one.table.nameOf(one.type)
const labelled = (path: string, label: string): string => path + label
const joined = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

/** The innermost attribute that starts at or around `offset`, as a path. */
export function attributePath(kinds: Kinds, b: Buffer, offset: number): string | undefined {
  const top = open(kinds, b)
  if (top === undefined) return undefined
  const search = (area: Area, path: string): string | undefined => {
    for (const one of attributes(b, area, top.context)) {
      if (offset < one.at || offset >= one.end) continue
      const here = joined(path, keyOf(one))
      if (offset < one.start) return here
      for (const inner of one.areas) {
        if (offset < inner.start && inner.label !== '') continue
        const found = offset < inner.end ? search(inner, labelled(here, inner.label)) : undefined
        if (found !== undefined) return found
      }
      return here
    }
    return undefined
  }
  return search(top.area, '')
}

/** The path of attribute number `type` in the nest whose nlattr starts at `nest`, or in the message itself. */
export function attributeName(kinds: Kinds, b: Buffer, nest: number | undefined, type: number): string | undefined {
  const top = open(kinds, b)
  if (top === undefined) return undefined
  const nameIn = (table: Table, path: string): string => joined(path, table.find(type)?.key ?? table.nameOf(type))
  if (nest === undefined) return nameIn(top.area.table, '')
  const search = (area: Area, path: string): string | undefined => {
    for (const one of attributes(b, area, top.context)) {
      const here = joined(path, keyOf(one))
      if (one.at === nest) return one.areas[0] ? nameIn(one.areas[0].table, labelled(here, one.areas[0].label)) : here
      for (const inner of one.areas) {
        const found = search(inner, labelled(here, inner.label))
        if (found !== undefined) return found
      }
    }
    return undefined
  }
  return search(top.area, '')
}

/** A message as text, one line a header or attribute, nests indented. */
export function inspectFrame(kinds: Kinds, { bytes, start, end, type, flags, seq, pid }: Frame): string {
  const kind = kinds.kind(type)
  const role = kind === undefined ? 'error' : (['new', 'del', 'get', 'set'] as Operation[])[type - kind.base]!
  const lines = [
    `${kinds.operation(type)} flags=${flagNames(flags, NLM_F[role]).join('|') || '0'} seq=${seq} pid=${pid} length=${end - start}`,
  ]
  const b = bytes.subarray(start, end)
  const top = open(kinds, b)
  if (top === undefined || kind === undefined) {
    if (b.length > NLMSG_HDRLEN) lines.push(`  ${b.toString('hex', NLMSG_HDRLEN)}`)
    return `${lines.join('\n')}\n`
  }
  lines.push(`  ${kind.body.header.name} ${attempt(() => show(kind.body.header.read(b, NLMSG_HDRLEN, b.length, top.context)))}`)
  const walk = (area: Area, indent: string): void => {
    for (const one of attributes(b, area, top.context)) {
      const name = `${indent}${one.table.nameOf(one.type)}`
      if (one.areas.length === 0) {
        lines.push(`${name} ${valueText(b, one)}`)
        continue
      }
      for (const inner of one.areas) {
        lines.push(name + inner.label)
        walk(inner, `${indent}  `)
      }
    }
  }
  walk(top.area, '  ')
  return `${lines.join('\n')}\n`
}

function valueText(b: Buffer, { table, type, start, end, context }: Attribute): string {
  const codec = table.find(type)?.row.codec
  const hex = `0x${b.toString('hex', start, end)}`
  if (codec === undefined) return hex
  return attempt(() => {
    const value = codec.read(b, start, end, context)
    return value === undefined ? hex : show(value)
  })
}

function attempt(read: () => string): string {
  try {
    return read()
  } catch (error) {
    return `(${error instanceof NbmaError ? error.message : String(error)})`
  }
}

function show(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`
  return Object.entries(value)
    .map(([key, item]) => `${key}=${show(item)}`)
    .join(' ')
}
