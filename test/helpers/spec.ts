import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { linkAddress, mac } from '../../lib/wire/addresses.js'
import type { AnyCodec } from '../../lib/wire/codec.js'
import { flag, type Names, uint } from '../../lib/wire/scalars.js'
import type { Struct } from '../../lib/wire/struct.js'
import { type Table, VIRTUAL } from '../../lib/wire/table.js'
import { context, put } from './codec.js'

/**
 * The kernel's own description of rtnetlink (Documentation/netlink/specs), where it lies beside the project.
 * @module
 */

const FOLDER = resolve('../shared/specs')

interface Attribute {
  readonly name: string
  readonly type?: string
  readonly value?: number
  readonly struct?: string
  readonly 'byte-order'?: string
  readonly 'display-hint'?: string
}
interface AttributeSet {
  readonly name: string
  readonly 'name-prefix'?: string
  readonly 'subset-of'?: string
  readonly attributes: readonly Attribute[]
}
interface Message {
  readonly value?: number
}
/** What we look at of a specification. */
export interface Spec {
  readonly definitions: readonly {
    readonly name: string
    readonly type: string
    readonly members?: readonly { readonly name: string; readonly type: string; readonly len?: number }[]
    readonly entries?: readonly (string | { readonly name: string })[]
  }[]
  readonly 'attribute-sets': readonly AttributeSet[]
  readonly operations: {
    readonly list: readonly {
      readonly name: string
      readonly do?: { readonly request?: Message }
      readonly dump?: { readonly request?: Message }
    }[]
  }
  readonly 'mcast-groups'?: { readonly list: readonly { readonly name: string; readonly value: number }[] }
}

/** A specification, `rt-route`, or why there is none. */
export function readSpec(name: string): Spec | string {
  const path = `${FOLDER}/${name}.yaml`
  return existsSync(path) ? (parse(readFileSync(path, 'utf8')) as Spec) : `not compared: ${path} is not there`
}

/** What a table is compared with, and where it may differ. */
export interface Comparison {
  /** The sets of the specification and the tables that stand for them. */
  readonly sets: Readonly<Record<string, readonly Table[]>>
  /** Attributes (`set name`) that have no row, and why. */
  readonly leftOut: Readonly<Record<string, string>>
  /** Attributes whose payload is not as the specification says: what it says, what we do, and why. */
  readonly deviations: Readonly<Record<string, readonly [spec: string, ours: string, reason: string]>>
  /** Names that the specification does not give in full. */
  readonly names?: Readonly<Record<string, string>>
  /** Rows that the specification does not have yet, and since when the kernel does. */
  readonly newer?: Readonly<Record<string, string>>
}

/** Compares numbers, names and payloads; each difference must be listed, and each listed one must still be there. */
export function compareAttributes(t: Test, spec: Spec, given: Comparison): void {
  const { sets, leftOut, deviations, names = {}, newer = {} } = given
  const used = new Set<string>()
  for (const [set, tables] of Object.entries(sets)) {
    const { prefix, attributes } = numbered(set, spec)
    for (const attribute of attributes) {
      if (attribute.type === 'pad' || attribute.type === 'unused' || attribute.value === 0) continue
      const id = `${set} ${attribute.name}`
      const rows = tables.flatMap((table) => table.find(attribute.value) ?? [])
      if (rows.length === 0) {
        t.ok(id in leftOut, `${id} has a row, or a reason to have none: ${leftOut[id]}`)
        used.add(id)
        continue
      }
      const name = `${prefix}${attribute.name}`.replaceAll('-', '_').toUpperCase()
      const ours = new Set(rows.map(({ row }) => shape(row.codec as AnyCodec)))
      const says = specified(attribute, spec)
      const deviation = deviations[id]
      t.equal(tables.find((one) => one.find(attribute.value))?.nameOf(attribute.value), names[name] ?? name, id)
      if (deviation === undefined) t.same([...ours], [says], id)
      else {
        used.add(id)
        t.same([says, ...ours], deviation.slice(0, 2), `${id}: ${deviation[2]}`)
      }
    }
    for (const table of tables) {
      for (const row of Object.values(table.rows) as { type: number }[]) {
        if (row.type === VIRTUAL || attributes.some((one) => one.value === row.type)) continue
        t.ok(table.nameOf(row.type) in newer, `${table.nameOf(row.type)} is newer than the specification`)
      }
    }
  }
  for (const id of [...Object.keys(leftOut), ...Object.keys(deviations)]) t.ok(used.has(id), `${id} still differs`)
}

/** Compares the offsets, sizes and names of a struct's fields. `more` are those that the specification lacks. */
export function compareStruct(t: Test, spec: Spec, name: string, struct: Struct, prefix: string, more = 0): void {
  const { members = [] } = spec.definitions.find((one) => one.name === name) ?? {}
  t.ok(members.length > 0, `struct ${name} is specified`)
  let offset = 0
  for (const { name: member, type, len } of members) {
    const size = len ?? Number(type.slice(1)) / 8
    if (type !== 'pad') {
      const key = camel(member.startsWith(prefix) ? member.slice(prefix.length) : member)
      t.equal(struct.offset(key), offset, `${name}.${key}`)
      const read = struct.readAll(Buffer.alloc(struct.size, 0xff), 0, struct.size, context())[key]
      if (type.startsWith('s')) t.equal(read, -1, `${name}.${key} is signed`)
    }
    offset += size
  }
  t.equal(struct.size, offset + more, `sizeof(struct ${name})`)
}

/** Compares an enumeration or a set of flags, entry by entry. */
export function compareNames(t: Test, spec: Spec, name: string, names: Names): void {
  const { type, entries = [] } = spec.definitions.find((one) => one.name === name) ?? {}
  const expected = entries.map((entry, i): [string, number] => [
    (typeof entry === 'string' ? entry : entry.name).replaceAll('-', '_'),
    type === 'flags' ? 2 ** i : i,
  ])
  t.ok(expected.length > 0, `${name} is specified`)
  t.same(names, Object.fromEntries(expected), name)
}

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, c: string) => c.toUpperCase())

/** What a codec does with a small value, in the words of the specification. */
export function shape(codec: AnyCodec): string {
  if (codec.nested === true) return 'nest'
  if (codec === flag) return 'flag'
  if (codec === uint) return 'uint'
  if (codec === mac || codec === linkAddress) return 'mac'
  const written = (value: unknown): Buffer | undefined => {
    try {
      return Buffer.from(put(codec, value), 'hex')
    } catch {
      return undefined
    }
  }
  const one = written(1)
  if (one !== undefined) {
    const signed = one.length === 4 && codec.read(Buffer.alloc(4, 0xff), 0, 4, context()) === -1
    const big = one.length > 1 && one.at(-1) === 1
    return `${signed ? 's' : big ? 'be' : 'u'}${one.length * 8}`
  }
  if (codec.size !== undefined) return `${codec.size} bytes`
  return written('x')?.equals(Buffer.from('x\0')) ? 'string' : 'binary'
}

/** The same of an attribute of the specification. */
function specified(attribute: Attribute, spec: Spec): string {
  const { type = '', struct } = attribute
  if (type === 'sub-message') return 'nest'
  if (struct !== undefined) {
    const { members = [] } = spec.definitions.find((one) => one.name === struct) ?? {}
    const sizes = members.map((one) => one.len ?? Number(one.type.slice(1)) / 8)
    return `${sizes.reduce((sum, size) => sum + size, 0)} bytes`
  }
  const hint = attribute['display-hint']
  if (hint === 'mac') return 'mac'
  if (hint === 'ipv4') return '4 bytes'
  if (hint === 'ipv6') return '16 bytes'
  return attribute['byte-order'] === 'big-endian' ? type.replace('u', 'be') : type
}

/** The attributes of a set with their numbers; a subset takes over what it does not say. */
function numbered(name: string, spec: Spec): { prefix: string; attributes: (Attribute & { value: number })[] } {
  const set = spec['attribute-sets'].find((one) => one.name === name)!
  const parent = set['subset-of'] === undefined ? undefined : numbered(set['subset-of'], spec)
  let next = 1
  const list = set.attributes.map((one) => {
    const inherited = parent?.attributes.find((other) => other.name === one.name)
    const whole = one.type === undefined ? { ...inherited, ...one } : { value: inherited?.value, ...one }
    const value = whole.value ?? next
    next = value + 1
    return { ...whole, value }
  })
  return { prefix: parent?.prefix ?? set['name-prefix'] ?? '', attributes: list }
}
