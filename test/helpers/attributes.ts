import { align } from '../../lib/wire/frame.js'
import { readU16 } from '../../lib/wire/host.js'

/**
 * Attributes as bytes, read without the library's tables: what the tables are checked against.
 * @module
 */

const NLA_TYPE_MASK = 0x3fff
const NLA_F_NESTED = 0x8000

/** One attribute of a message. */
export interface RawAttribute {
  /** nla_type without its flag bits. */
  readonly type: number
  /** NLA_F_NESTED is set. */
  readonly nested: boolean
  readonly payload: Buffer
}

/** The attributes between `start` and `end`, in order. Throws where they do not fit. */
export function attributes(bytes: Buffer, start = 0, end = bytes.length): RawAttribute[] {
  const list: RawAttribute[] = []
  for (let at = start; at < end; ) {
    const length = end - at >= 4 ? readU16(bytes, at) : 0
    if (length < 4 || at + length > end) throw new Error(`an attribute of ${length} bytes where ${end - at} are left`)
    const type = readU16(bytes, at + 2)
    list.push({
      type: type & NLA_TYPE_MASK,
      nested: (type & NLA_F_NESTED) !== 0,
      payload: bytes.subarray(at + 4, at + length),
    })
    at += align(length)
  }
  return list
}

/** The payload of the first attribute along a path of types: `find(bytes, [18, 2])` is IFLA_LINKINFO, IFLA_INFO_DATA. */
export function find(bytes: Buffer, path: readonly number[]): Buffer | undefined {
  let payload: Buffer | undefined = bytes
  for (const type of path) {
    payload = payload && attributes(payload).find((one) => one.type === type)?.payload
  }
  return payload
}

/** The attributes as sorted text, `4:0000002a`: equal for messages that differ in order and NLA_F_NESTED alone. */
export const attributeSet = (bytes: Buffer): string[] =>
  attributes(bytes)
    .map(({ type, payload }) => `${type}:${payload.toString('hex')}`)
    .sort()
