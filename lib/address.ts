/**
 * Text ↔ bytes for IPv4, IPv6 and link-layer addresses. Writers return false where the text is not such an address and
 * leave `bytes` unspecified then.
 * @module
 */

/** Decimal text of every byte: formatting addresses is on the dump path. */
const DECIMAL = Array.from({ length: 256 }, (_, n) => String(n))
/** Hexadecimal, without leading zeros and with. */
const SHORT = Array.from({ length: 256 }, (_, n) => n.toString(16))
const HEX = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'))

/** Dotted quad → 4 bytes. Only four decimal numbers without leading zeros will do, as in inet_pton(3). */
export function writeIpv4(text: string, bytes: Uint8Array, offset: number, end = text.length, start = 0): boolean {
  let byte = 0
  let digits = 0
  let at = 0
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i)
    if (c === 46) {
      if (digits === 0 || at === 3) return false
      bytes[offset + at++] = byte
      byte = 0
      digits = 0
    } else {
      const digit = c - 48
      if (digit < 0 || digit > 9 || (digits > 0 && byte === 0)) return false
      byte = byte * 10 + digit
      digits++
      if (byte > 255) return false
    }
  }
  if (at !== 3 || digits === 0) return false
  bytes[offset + 3] = byte
  return true
}

/** Recent first three bytes of addresses, and their text: those of a dump share them. */
const NETWORKS = 64
const networks = new Int32Array(NETWORKS).fill(-1)
const networkTexts = new Array<string>(NETWORKS).fill('')

/** The text of the first three bytes, with the dot after them. */
function networkOf(b: Uint8Array, o: number): string {
  const first = (b[o]! << 16) | (b[o + 1]! << 8) | b[o + 2]!
  const slot = (first ^ (first >> 13)) % NETWORKS
  if (networks[slot] !== first) {
    networks[slot] = first
    networkTexts[slot] = `${DECIMAL[b[o]!]}.${DECIMAL[b[o + 1]!]}.${DECIMAL[b[o + 2]!]}.`
  }
  return networkTexts[slot]!
}

/** 4 bytes → dotted quad. */
export const formatIpv4 = (b: Uint8Array, o: number): string => networkOf(b, o) + DECIMAL[b[o + 3]!]!

/** The last byte with the length behind it, `7/32`, by length. */
const tails: (readonly string[] | undefined)[] = []

/** 4 bytes and a length → `10.0.0.0/8`. */
export function formatPrefix4(b: Uint8Array, o: number, length: number): string {
  tails[length] ??= DECIMAL.map((byte) => `${byte}/${length}`)
  return networkOf(b, o) + tails[length]![b[o + 3]!]!
}

/** Any text form of RFC 4291 without zone → 16 bytes. */
export function writeIpv6(text: string, bytes: Uint8Array, offset: number): boolean {
  let at = 0
  /** Where "::" stands. */
  let gap = -1
  for (let i = 0; i < text.length; ) {
    if (text.charCodeAt(i) === COLON) {
      if (gap !== -1 || text.charCodeAt(i + 1) !== COLON) return false
      gap = at
      i += 2
      continue
    }
    const start = i
    let group = 0
    for (let digit = hexDigit(text, i); digit !== -1; digit = hexDigit(text, ++i)) group = (group << 4) | digit
    if (text.charCodeAt(i) === DOT) {
      if (at > 12 || !writeIpv4(text, bytes, offset + at, text.length, start)) return false
      at += 4
      break
    }
    if (i === start || i - start > 4 || at === 16) return false
    bytes[offset + at++] = group >>> 8
    bytes[offset + at++] = group
    if (i === text.length) break
    if (text.charCodeAt(i) !== COLON) return false
    if (text.charCodeAt(i + 1) !== COLON && ++i === text.length) return false
  }
  if (gap === -1) return at === 16
  if (at === 16) return false
  for (let from = at - 1, to = 15; to >= gap; from--, to--) bytes[offset + to] = from >= gap ? bytes[offset + from]! : 0
  return true
}

/** The hexadecimal digit at `i`, -1 where there is none. */
function hexDigit(text: string, i: number): number {
  const c = text.charCodeAt(i)
  if (c >= 48 && c <= 57) return c - 48
  const lower = c | 0x20
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

const DOT = 46
const COLON = 58

/** 16 bytes → the text of inet_ntop(3): RFC 5952, with an IPv4 tail for `::ffff:192.0.2.1` and `::192.0.2.1`. */
export function formatIpv6(b: Uint8Array, o: number): string {
  let best = 0
  let bestLength = 1
  let run = 0
  const groups: number[] = []
  for (let i = 0; i < 8; i++) {
    const group = (b[o + 2 * i]! << 8) | b[o + 2 * i + 1]!
    groups.push(group)
    run = group === 0 ? run + 1 : 0
    if (run > bestLength) {
      bestLength = run
      best = i - run + 1
    }
  }
  if (best === 0 && bestLength === 5 && groups[5] === 0xffff) return `::ffff:${formatIpv4(b, o + 12)}`
  if (best === 0 && bestLength === 6) return `::${formatIpv4(b, o + 12)}`
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (bestLength > 1 && i === best) {
      text += '::'
      i += bestLength - 1
      continue
    }
    if (text !== '' && (bestLength === 1 || i !== best + bestLength)) text += ':'
    const group = groups[i]!
    text += group < 256 ? SHORT[group] : `${SHORT[group >> 8]}${HEX[group & 255]}`
  }
  return text
}

const HARDWARE = /^[0-9a-f]{2}(:[0-9a-f]{2}){0,31}$/i

/** `52:54:00:12:34:56` → 6 bytes. */
export function writeMac(text: string, bytes: Uint8Array, offset: number): boolean {
  return writeHex(text, bytes, offset, 1, 6) === 6
}

/**
 * Bytes in hexadecimal with colons between them, each of `digits` to two digits. Returns how many there are, 0 where the
 * text is something else or has more than `most`.
 */
function writeHex(text: string, bytes: Uint8Array, offset: number, digits: 1 | 2, most: number): number {
  let count = 0
  let seen = 0
  let byte = 0
  for (let i = 0; i <= text.length; i++) {
    if (i === text.length || text.charCodeAt(i) === COLON) {
      if (seen < digits || count === most) return 0
      bytes[offset + count++] = byte
      seen = byte = 0
    } else {
      const digit = hexDigit(text, i)
      if (digit === -1 || seen === 2) return 0
      byte = byte * 16 + digit
      seen++
    }
  }
  return count
}

/**
 * A link-layer address as the kernel prints them: a MAC, an IPv4 address (gre, ipip, sit), an IPv6 address (ip6gre,
 * ip6tnl), or bytes in hexadecimal for others (InfiniBand). Eight groups of two digits are eight bytes.
 */
export function parseLinkAddress(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(LINK_ADDRESS_MAX)
  const length = writeLinkAddress(text, bytes)
  return length === 0 ? undefined : bytes.subarray(0, length)
}

/** The longest that the kernel has (MAX_ADDR_LEN). */
export const LINK_ADDRESS_MAX = 32

/** The same to the start of `bytes`, which has room for the longest. Returns how many there are, 0 where it is none. */
export function writeLinkAddress(text: string, bytes: Uint8Array): number {
  const count = writeHex(text, bytes, 0, 2, LINK_ADDRESS_MAX)
  if (count > 0) return count
  if (writeIpv4(text, bytes, 0)) return 4
  if (writeMac(text, bytes, 0)) return 6
  return writeIpv6(text, bytes, 0) ? 16 : 0
}

/** The other way round, by length. An IPv6 address that looks like eight bytes comes out as sixteen. */
export function formatLinkAddress(b: Uint8Array, start: number, end: number): string {
  if (end - start === 4) return formatIpv4(b, start)
  const text = end - start === 16 ? formatIpv6(b, start) : ''
  if (text !== '' && !HARDWARE.test(text)) return text
  let out = start < end ? HEX[b[start]!]! : ''
  for (let i = start + 1; i < end; i++) out += `:${HEX[b[i]!]}`
  return out
}

/** The length after the slash of `10.0.0.0/8`, undefined without slash, NaN where it is not one. */
export function prefixLength(text: string, slash = text.indexOf('/')): number | undefined {
  if (slash === -1) return undefined
  const digits = text.length - slash - 1
  if (digits === 0 || digits > 3) return Number.NaN
  let length = 0
  for (let i = slash + 1; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9 || (length === 0 && i > slash + 1)) return Number.NaN
    length = length * 10 + digit
  }
  return length
}

/** True where a bit after the first `length` bits is set. */
export function hasHostBits(b: Uint8Array, offset: number, bytes: number, length: number): boolean {
  let at = length >> 3
  if (length & 7 && b[offset + at++]! & (0xff >> (length & 7))) return true
  for (; at < bytes; at++) if (b[offset + at] !== 0) return true
  return false
}
