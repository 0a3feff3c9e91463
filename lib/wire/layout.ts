import type { Body } from './body.js'
import type { AnyCodec, Context } from './codec.js'
import { align } from './frame.js'
import { readU16, readU32 } from './host.js'
import type { Fields } from './struct.js'
import type { Rows } from './table.js'

/**
 * Many messages of one layout, as dumps have them: the same attributes with the same lengths in the same order. What
 * is known of one is where each value lies. What is in the next as it was in the last need not be read again.
 * @module
 */

/** An attribute of the layout. */
interface Step {
  readonly key: string
  readonly codec: AnyCodec
  /** Where its header lies, from the start of the body. */
  readonly at: number
  /** Where its payload ends. */
  readonly end: number
  /** Its header: length and number. */
  readonly head: number
  /** What its four bytes were; more or fewer are read each time. */
  last: number
  /** How often in a row it was another. */
  changes: number
}

const NLA_HDRLEN = 4
/** What changes so often in a row is no longer compared. */
const RESTLESS = 8

type Value = Record<string, unknown>

const isList = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item !== 'object')

export class Layout {
  readonly #body: Body<Fields, Rows>
  /** nlmsg_type. */
  readonly #type: number
  readonly #length: number
  readonly #steps: readonly Step[]
  /** Attributes that are mostly as they were. */
  readonly #steady: Step[]
  /** Those that are not, and those that are objects: these belong to who gets them. */
  readonly #varying: Step[]
  /** Properties that are lists of numbers and names: each message has its own. */
  readonly #lists: readonly string[]
  /** The last message's header, in words of four bytes. */
  readonly #header: number[]
  /** The last message's value, but for what varies. Copied: built anew it would take three times as long. */
  readonly #value: Value
  /** It is not whole. */
  #broken = true

  private constructor(type: number, body: Body<Fields, Rows>, length: number, steps: readonly Step[], value: Value) {
    this.#type = type
    this.#body = body
    this.#length = length
    this.#steps = steps
    const isOwn = ({ key }: Step): boolean => typeof value[key] === 'object' && !isList(value[key])
    this.#steady = steps.filter((step) => !isOwn(step))
    this.#varying = steps.filter(isOwn)
    this.#lists = Object.keys(value).filter((key) => isList(value[key]))
    this.#header = new Array<number>(align(body.header.size) / 4).fill(0)
    this.#value = { ...value }
  }

  /**
   * The layout of a message that reads as `value`; undefined where it has what depends on more than its own bytes and
   * the header: lists of one attribute, attributes that others choose, and such as nobody knows.
   */
  static of(
    type: number,
    body: Body<Fields, Rows>,
    b: Buffer,
    start: number,
    end: number,
    value: Readonly<Value>,
  ): Layout | undefined {
    const { header } = body
    if (end - start < align(header.size) || value.unknown !== undefined) return undefined
    const steps = new Map<string, Step>()
    for (let at = start + align(header.size); end - at >= NLA_HDRLEN; ) {
      const length = readU16(b, at)
      const found = body.find(readU16(b, at + 2))
      if (found === undefined || found.row.repeated || found.row.codec.companion || steps.has(found.key))
        return undefined
      const { key, row } = found
      const place = { at: at - start, end: at + length - start }
      steps.set(key, { key, codec: row.codec, ...place, head: readU32(b, at), last: 0, changes: 0 })
      at += align(length)
    }
    for (const { key } of body.absentees) if (!steps.has(key) && typeof value[key] === 'object') return undefined
    return new Layout(type, body, end - start, [...steps.values()], value)
  }

  /** The body of a message between `start` and `end`; undefined where it has another layout, or cannot be read. */
  read(type: number, b: Buffer, start: number, end: number, context: Context): Value | undefined {
    if (end - start !== this.#length || type !== this.#type) return undefined
    for (const step of this.#steps) if (readU32(b, start + step.at) !== step.head) return undefined
    context.header = start
    try {
      if (!this.#update(b, start, context)) return undefined
      const out = { ...this.#value }
      for (const { key, codec, at, end: stop } of this.#varying) {
        const item: unknown = codec.read(b, start + at + NLA_HDRLEN, start + stop, context)
        if (item === undefined) return undefined
        out[key] = item
      }
      for (const key of this.#lists) out[key] = (out[key] as unknown[]).slice()
      return out
    } catch {
      return undefined
    }
  }

  /** Brings the value up to this message. False if it has other properties. */
  #update(b: Buffer, start: number, context: Context): boolean {
    const value = this.#value
    const steady = this.#steady
    const all = this.#newHeader(b, start) || this.#broken
    this.#broken = true
    if (all) {
      for (const { key, codec, offset } of this.#body.header.fields) {
        value[key] = codec.read(b, start + offset, start + offset + codec.size, context)
      }
    }
    for (let i = 0; i < steady.length; i++) {
      const step = steady[i]!
      const payload = start + step.at + NLA_HDRLEN
      const stop = start + step.end
      const bytes = stop - payload === 4 ? readU32(b, payload) : -1
      if (bytes === step.last && !all) {
        step.changes = 0
        continue
      }
      step.last = bytes < 0 ? -2 : bytes
      const item: unknown = step.codec.read(b, payload, stop, context)
      if (item === undefined) return false
      value[step.key] = item
      if (++step.changes < RESTLESS || this.#lists.includes(step.key)) continue
      steady.splice(i--, 1)
      this.#varying.push(step)
    }
    if (all && !this.#readAbsent(b, context)) return false
    this.#broken = false
    return true
  }

  #newHeader(b: Buffer, start: number): boolean {
    const header = this.#header
    let changed = false
    for (let i = 0; i < header.length; i++) {
      const word = readU32(b, start + 4 * i)
      if (word === header[i]) continue
      header[i] = word
      changed = true
    }
    return changed
  }

  /** What attributes that are not there say. */
  #readAbsent(b: Buffer, context: Context): boolean {
    for (const slot of this.#body.absentees) {
      const { key } = slot
      if (this.#steps.some((step) => step.key === key)) continue
      const item = this.#body.readAbsent(slot, b, context.header + this.#length, context)
      if ((item === undefined) !== (this.#value[key] === undefined)) return false
      if (item !== undefined) this.#value[key] = item
    }
    return true
  }
}
