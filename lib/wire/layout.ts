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
}

/** Values that are objects belong to who gets them: each message has its own. */
interface Own {
  readonly key: string
  readonly codec: AnyCodec
  readonly start: number
  readonly end: number
  /** A list of numbers and names. */
  readonly list: boolean
}

const isList = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item !== 'object')

const NLA_HDRLEN = 4

export class Layout {
  readonly #body: Body<Fields, Rows>
  /** nlmsg_type. */
  readonly #type: number
  readonly #length: number
  readonly #steps: readonly Step[]
  readonly #own: readonly Own[]
  /** The last message's header, in words of four bytes. */
  readonly #header: number[]
  /** The last message's value. Copied: built anew it would take three times as long. */
  readonly #value: Record<string, unknown>
  /** The last message's value is not whole. */
  #broken = true

  private constructor(
    type: number,
    body: Body<Fields, Rows>,
    length: number,
    steps: Step[],
    own: Own[],
    value: object,
  ) {
    this.#type = type
    this.#body = body
    this.#length = length
    this.#steps = steps
    this.#own = own
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
    value: Readonly<Record<string, unknown>>,
  ): Layout | undefined {
    const steps: Step[] = []
    const own: Own[] = []
    const { header } = body
    if (end - start < align(header.size) || value.unknown !== undefined) return undefined
    for (const { key, codec, offset } of header.fields) {
      if (typeof value[key] === 'object')
        own.push({ key, codec, start: offset, end: offset + codec.size, list: isList(value[key]) })
    }
    const seen = new Set<string>()
    for (let at = start + align(header.size); end - at >= NLA_HDRLEN; ) {
      const length = readU16(b, at)
      const found = body.find(readU16(b, at + 2))
      if (found === undefined || found.row.repeated || found.row.codec.companion || seen.has(found.key))
        return undefined
      const { key, row } = found
      const place = { start: at + NLA_HDRLEN - start, end: at + length - start }
      seen.add(key)
      if (typeof value[key] === 'object') own.push({ key, codec: row.codec, ...place, list: isList(value[key]) })
      steps.push({ key, codec: row.codec, at: at - start, end: place.end, head: readU32(b, at), last: 0 })
      at += align(length)
    }
    for (const { key } of body.absentees) if (!seen.has(key) && typeof value[key] === 'object') return undefined
    return new Layout(type, body, end - start, steps, own, value)
  }

  /** The body of a message between `start` and `end`; undefined where it has another layout, or cannot be read. */
  read(type: number, b: Buffer, start: number, end: number, context: Context): Record<string, unknown> | undefined {
    if (end - start !== this.#length || type !== this.#type) return undefined
    for (const step of this.#steps) if (readU32(b, start + step.at) !== step.head) return undefined
    context.header = start
    try {
      if (!this.#update(b, start, context)) return undefined
      const out = { ...this.#value }
      for (const { key, codec, start: from, end: to, list } of this.#own) {
        out[key] = list ? (out[key] as unknown[]).slice() : codec.read(b, start + from, start + to, context)
      }
      return out
    } catch {
      this.#broken = true
      return undefined
    }
  }

  /** Brings the value up to this message. False if it has other properties. */
  #update(b: Buffer, start: number, context: Context): boolean {
    const value = this.#value
    const all = this.#newHeader(b, start) || this.#broken
    this.#broken = true
    if (all) {
      for (const { key, codec, offset } of this.#body.header.fields) {
        value[key] = codec.read(b, start + offset, start + offset + codec.size, context)
      }
    }
    for (const step of this.#steps) {
      const payload = start + step.at + NLA_HDRLEN
      const stop = start + step.end
      if (stop - payload === 4) {
        const bytes = readU32(b, payload)
        if (bytes === step.last && !all) continue
        step.last = bytes
      }
      const item: unknown = step.codec.read(b, payload, stop, context)
      if (item === undefined) return false
      value[step.key] = item
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
