/**
 * IPv4 addresses and prefixes as 32-bit words, for what a hundred thousand peers pass through.
 * @module
 */

/** What {@link readQuad} has read last. */
export const quad = {
  /** The address in network byte order, as a signed 32-bit number. */
  word: 0,
  /** Prefix length, 32 where there was none; -1 where it is not one. */
  length: 32,
  /** There was no length. */
  bare: true,
}

/**
 * Reads `192.0.2.1` or `192.0.2.0/24` into {@link quad}.
 * @returns false if the address is none. Only decimal numbers without leading zeros will do, as in inet_pton(3).
 */
export function readQuad(text: string): boolean {
  let word = 0
  let byte = 0
  let digits = 0
  let dots = 0
  let i = 0
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 46) {
      if (digits === 0 || ++dots > 3) return false
      word = (word << 8) | byte
      byte = digits = 0
    } else if (c === 47) break
    else {
      const digit = c - 48
      if (digit < 0 || digit > 9 || (digits > 0 && byte === 0)) return false
      byte = byte * 10 + digit
      digits++
      if (byte > 255) return false
    }
  }
  if (dots !== 3 || digits === 0) return false
  quad.word = (word << 8) | byte
  quad.bare = i === text.length
  quad.length = quad.bare ? 32 : readLength(text, i + 1)
  return true
}

function readLength(text: string, start: number): number {
  const tens = text.charCodeAt(start) - 48
  if (!(tens >= 0 && tens <= 9)) return -1
  if (text.length === start + 1) return tens
  const ones = text.charCodeAt(start + 1) - 48
  const length = tens * 10 + ones
  return text.length === start + 2 && tens > 0 && ones >= 0 && ones <= 9 && length <= 32 ? length : -1
}

/** The bits of a word that a prefix of this length leaves to hosts. */
export const hostBits = (word: number, length: number): number => (length === 32 ? 0 : word & (0xffffffff >>> length))

/** A word as text. */
export const formatQuad = (word: number): string =>
  `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`

/** Writes a word in network byte order. */
export function writeQuad(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word >>> 24
  bytes[offset + 1] = word >>> 16
  bytes[offset + 2] = word >>> 8
  bytes[offset + 3] = word
}
