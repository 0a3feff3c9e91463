import { DecodeError, EncodeError } from '../errors.js'
import type { Writer } from './writer.js'

/**
 * What a codec may know of the message around it. One context serves a whole message; `owner`, `companion` and
 * `header` follow the nest that is being worked on.
 */
export interface Context {
  /** AF_* of the message, 0 where it has none: addresses take their length from it. */
  family: number
  /** Offset of the fixed header of the body that is being worked on. */
  header: number
  /** The value whose attributes are being written or read: siblings are looked up here. */
  owner: Record<string, unknown>
  /** Where the attribute that selects this one's shape lies (IFLA_INFO_KIND for IFLA_INFO_DATA), when reading. */
  companion: { start: number; end: number } | undefined
  /** True for requests that read (RTM_GET*): what they leave out says nothing. */
  partial: boolean
}

/** What those who walk a message need of a table of attributes. */
export interface AttributeTable {
  /** The property that an attribute number is, and its row. */
  find(type: number): { readonly key: string; readonly row: { readonly codec: AnyCodec } } | undefined
  /** The kernel's name of an attribute number. */
  nameOf(type: number): string
}

/** What they need of a fixed header. */
export interface HeaderStruct {
  /** The kernel's name, `rtmsg`. */
  readonly name: string
  /** All fields, hidden ones too. */
  readAll(bytes: Buffer, start: number, end: number, context: Context): Record<string, unknown>
}

/** Part of a payload that is itself attributes, for those who walk a message. */
export interface Area {
  /** '', or `[1]` in a list. */
  readonly label: string
  readonly table: AttributeTable
  /** The fixed header before the attributes. */
  readonly header?: { readonly struct: HeaderStruct; readonly start: number }
  /** Where the attributes lie. */
  readonly start: number
  readonly end: number
}

/**
 * How one kind of payload stands in bytes.
 * @typeParam Out what reading gives
 * @typeParam In what writing takes: `Out`, and often more
 */
export interface Codec<Out, In = Out> {
  /** What is accepted, in words that complete "… is not": `a whole number from 0 to 255`. */
  readonly expects: string
  /** Bytes, where the payload has one size. */
  readonly size?: number
  /** Writes the same whatever else the value has, but for the family: templates may write it anew. */
  readonly free?: true
  /** Carries NLA_F_NESTED. */
  readonly nested?: boolean
  /** Appends the payload. */
  write(w: Writer, value: In, context: Context): void
  /** Reads the payload between `start` and `end`; undefined if it cannot tell: it stays an unknown attribute then. */
  read(bytes: Buffer, start: number, end: number, context: Context): Out | undefined
  /** Reads a payload that may hold several items of an attribute that may occur several times. */
  readMany?(bytes: Buffer, start: number, end: number, context: Context): Out[]
  /** True where the value needs no attribute: it went into the header, or says nothing. */
  skip?(value: In, w: Writer, context: Context): boolean
  /** What the value is where the message has no such attribute. */
  absent?(bytes: Buffer, context: Context): Out | undefined
  /** The AF_* that a value implies for its message. */
  family?(value: In): number | undefined
  /** Another attribute that says how to read this one, and is written with it where `write` is given. */
  readonly companion?: { readonly type: number; readonly name?: string; write?(w: Writer, value: In): void }
  /** What a list has items of, for those who walk the tables. */
  readonly item?: AnyCodec
  /** What the payload can be, by the name of the case, for those who walk the tables. */
  readonly variants?: Readonly<Record<string, AnyCodec>>
  /** The attributes within. */
  areas?(bytes: Buffer, start: number, end: number, context: Context): Area[]
}

/** A codec whose payload has one size: it can stand in a struct. */
export interface Fixed<Out, In = Out> extends Codec<Out, In> {
  readonly size: number
  read(bytes: Buffer, start: number, end: number, context: Context): Out
}

// biome-ignore lint/suspicious/noExplicitAny: the bound of "any codec at all", contravariant in one parameter
export type AnyCodec = Codec<any, any>
export type OutOf<C> = C extends Codec<infer Out, infer _In> ? Out : never
export type InOf<C> = C extends Codec<infer _Out, infer In> ? In : never

/** Refuses a value. */
export function refuse(value: unknown, expected: string): never {
  throw new EncodeError('', value, expected)
}

/** True for what has properties: a list, a Map or bytes would be taken for an empty object, or for one with numbers. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !(Symbol.iterator in value)

/** Calls `write`; what it refuses is refused at `path`: a property, or `[1]`. */
export function inside<T>(path: string, write: () => T): T {
  try {
    return write()
  } catch (error) {
    throw error instanceof EncodeError ? error.within(path) : error
  }
}

/** Calls `write` for every item of a list, holes too; what it refuses is refused at its index. */
export function each<T>(list: readonly T[], write: (item: T, index: number) => void): void {
  for (let i = 0; i < list.length; i++) inside(`[${i}]`, () => write(list[i]!, i))
}

/** Refuses bytes. */
export function malformed(reason: string): never {
  throw new DecodeError('', reason)
}

/** Checks that a payload has the one length that it can have. */
export function expectLength(start: number, end: number, length: number): void {
  if (end - start !== length) malformed(`${end - start} bytes where ${length} were expected`)
}
