/**
 * Numbers that follow from addresses alone, the same in every process and version. The kernel looks for a nexthop that
 * it can share by a hash of protocol, scope, source, metric and device, never of the gateway: peers whose routes have
 * different metrics do not slow each other down (net/ipv4/fib_semantics.c, fib_info_hashfn).
 *
 * The hash of an address is that of its 32-bit words in network byte order, one for IPv4, four for IPv6:
 * `h = 0; for each word: h = fmix32(h XOR word)`, where fmix32 is the last step of MurmurHash3. The hash of several
 * endpoints is that of their number, followed by their hashes in ascending order. A hash becomes a number of a range
 * as `base + floor(hash × width / 2^32)`.
 * @module
 */

/** Whole numbers from `base` to `base + width - 1`. */
export interface Range {
  readonly base: number
  readonly width: number
}

/**
 * Metrics of an overlay, unless it says otherwise: 16,777,216 to 17,825,791. Far above what people and daemons give
 * (0 to some ten thousand), so that a route of theirs to the same prefix goes first.
 */
export const METRICS: Range = { base: 0x1000000, width: 0x100000 }

/** Ids of nexthop objects, unless an overlay says otherwise: 536,870,912 to 537,919,487. */
export const NEXTHOP_IDS: Range = { base: 0x20000000, width: 0x100000 }

/** MurmurHash3's finaliser: each bit of the result depends on each bit of the word. */
export function fmix32(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Hash of 32-bit words. */
export const hashWords = (words: Iterable<number>): number => {
  let h = 0
  for (const word of words) h = fmix32(h ^ word)
  return h
}

/** Hash of an address of 4 or 16 bytes. */
export function hashAddress(bytes: Uint8Array): number {
  let h = 0
  for (let i = 0; i < bytes.length; i += 4)
    h = fmix32(h ^ ((bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!))
  return h
}

/** Hash of several endpoints, by their hashes, signed or not, in any order. */
export const hashSet = (hashes: readonly number[]): number =>
  hashWords([hashes.length, ...hashes.map((hash) => hash >>> 0).sort((a, b) => a - b)])

/** Where a hash, signed or not, stands in a range. */
export const within = ({ base, width }: Range, hash: number): number =>
  base + Math.floor(((hash >>> 0) * width) / 0x100000000)
