import {
  formatIpv4,
  formatIpv6,
  formatLinkAddress,
  formatPrefix4,
  hasHostBits,
  LINK_ADDRESS_MAX,
  prefixLength,
  writeIpv4,
  writeIpv6,
  writeLinkAddress,
} from '../address.js'
import { EncodeError } from '../errors.js'
import { type Codec, expectLength, type Fixed, inside, isObject, malformed, refuse } from './codec.js'
import { readU16, writeU16 } from './host.js'
import { unknownProperty } from './suggest.js'
import type { Writer } from './writer.js'

/**
 * Addresses and prefixes, as text.
 * @module
 */

export const AF_UNSPEC = 0
export const AF_INET = 2
export const AF_INET6 = 10
const AF_MPLS = 28
/** Length of a label, which is what RTM_NEWROUTE has for the prefix length of one. */
const LABEL_BITS = 20

/** An IPv4 address, network byte order. */
export const ipv4: Fixed<string> = {
  expects: 'an IPv4 address',
  free: true,
  size: 4,
  write(w, value) {
    const at = w.take(4)
    if (typeof value !== 'string' || !writeIpv4(value, w.bytes, at)) refuse(value, this.expects)
  },
  read(b, start, end) {
    expectLength(start, end, 4)
    return formatIpv4(b, start)
  },
}

/** An IPv6 address. */
export const ipv6: Fixed<string> = {
  expects: 'an IPv6 address',
  free: true,
  size: 16,
  write(w, value) {
    const at = w.take(16)
    if (typeof value !== 'string' || !writeIpv6(value, w.bytes, at)) refuse(value, this.expects)
  },
  read(b, start, end) {
    expectLength(start, end, 16)
    return formatIpv6(b, start)
  },
}

const familyOf = (value: unknown): number | undefined =>
  typeof value !== 'string' ? undefined : value.includes(':') ? AF_INET6 : AF_INET

/** What an address of the message's family looks like. */
const expected = (family: number): string =>
  family === AF_INET ? ipv4.expects : family === AF_INET6 ? ipv6.expects : 'an IPv4 or IPv6 address'

/** Appends the address that the first `end` characters of `text` are, and returns its length in bytes. */
function writeAddress(w: Writer, text: string, end: number, family: number, expects = expected): number {
  const start = w.pos
  if (family !== AF_INET6) {
    w.take(4)
    if (writeIpv4(text, w.bytes, start, end)) return 4
    w.pos = start
  }
  w.take(16)
  const address = end === text.length ? text : text.slice(0, end)
  if (family === AF_INET || !writeIpv6(address, w.bytes, start)) refuse(text, expects(family))
  return 16
}

/** Undefined for what a family other than IP has for addresses. */
function formatAddress(b: Buffer, start: number, end: number, family: number): string | undefined {
  if (end - start === 4) return formatIpv4(b, start)
  if (end - start === 16) return formatIpv6(b, start)
  if (family !== AF_INET && family !== AF_INET6) return undefined
  return malformed(`${end - start} bytes where an address of 4 or 16 was expected`)
}

/** An address of the message's family, or of either where the message has none (or is about a bridge). */
export const ip: Codec<string> = {
  expects: 'an IPv4 or IPv6 address',
  free: true,
  family: familyOf,
  write(w, value, context) {
    if (typeof value !== 'string') refuse(value, expected(context.family))
    writeAddress(w, value, value.length, context.family)
  },
  read: (b, start, end, context) => formatAddress(b, start, end, context.family),
}

/** Where link-layer addresses are put before it is known how long they are. */
const link = Buffer.alloc(LINK_ADDRESS_MAX)

function writeLink(w: Writer, length: number): void {
  const start = w.take(length)
  const { bytes } = w
  for (let i = 0; i < length; i++) bytes[start + i] = link[i]!
}

/** A link-layer address: MAC, IPv4 (gre, ipip, sit), IPv6 (ip6gre, ip6tnl), or hexadecimal bytes. */
export const linkAddress: Codec<string> = {
  expects: 'a link-layer address: a MAC, IPv4 or IPv6 address',
  free: true,
  write(w, value) {
    const length = typeof value === 'string' ? writeLinkAddress(value, link) : 0
    if (length === 0) refuse(value, this.expects)
    writeLink(w, length)
  },
  // Devices without addresses have neighbours with empty ones.
  read: (b, start, end) => (start === end ? undefined : formatLinkAddress(b, start, end)),
}

/** A MAC address. */
export const mac: Fixed<string> = {
  expects: 'a MAC address',
  free: true,
  size: 6,
  write(w, value) {
    if (typeof value !== 'string' || writeLinkAddress(value, link) !== 6) refuse(value, this.expects)
    writeLink(w, 6)
  },
  read(b, start, end) {
    expectLength(start, end, 6)
    return formatLinkAddress(b, start, end)
  },
}

export interface PrefixOptions {
  /** Offset, within the message's fixed header, of the byte that holds the prefix length. */
  readonly length: number
  /** Host bits may be set (interface addresses). */
  readonly hostBits?: boolean
  /** `default` stands for the prefix of length 0: no attribute is sent for it, and none means it. */
  readonly default?: boolean
}

/**
 * A prefix, `10.0.0.0/8`, whose length lives in the message's fixed header. Without a length the whole address is
 * meant. Host bits are refused: the kernel refuses them for IPv4 and drops them for IPv6. Of family `mpls` it is one
 * label, `100`.
 */
export function prefix({ length, hostBits = false, default: named = false }: PrefixOptions): Codec<string> {
  const any = (family: number): string =>
    `${family === AF_INET ? 'an IPv4' : family === AF_INET6 ? 'an IPv6' : 'an IPv4 or IPv6'} prefix${named ? " or 'default'" : ''}`
  const isDefault = (value: unknown): boolean => named && value === 'default'
  return {
    expects: any(0),
    free: true,
    family: (value) => (isDefault(value) ? undefined : familyOf(value)),
    skip: isDefault,
    write(w, value, context) {
      if (context.family === AF_MPLS) {
        writeLabel(w, value)
        w.bytes[context.header + length] = LABEL_BITS
        return
      }
      if (typeof value !== 'string') refuse(value, any(context.family))
      const slash = value.indexOf('/')
      const start = w.pos
      const bytes = writeAddress(w, value, slash === -1 ? value.length : slash, context.family, any)
      const bits = slash === -1 ? bytes * 8 : prefixLength(value, slash)!
      if (!(bits <= bytes * 8)) refuse(value, `a prefix of length 0 to ${bytes * 8}`)
      if (!hostBits && hasHostBits(w.bytes, start, bytes, bits)) {
        refuse(value, `a prefix without host bits (${formatMasked(w.bytes, start, bytes, bits)})`)
      }
      w.bytes[context.header + length] = bits
    },
    read(b, start, end, context) {
      // `ip rule` says "from all" with an attribute of no bytes.
      if (start === end) return undefined
      if (context.family === AF_MPLS) return end - start === 4 ? String(b.readUInt32BE(start) >>> 12) : undefined
      const bits = b[context.header + length]!
      if (end - start === 4) return formatPrefix4(b, start, bits)
      const address = formatAddress(b, start, end, context.family)
      return address && `${address}/${bits}`
    },
    absent: (b, context) => (named && !context.partial && b[context.header + length] === 0 ? 'default' : undefined),
  }
}

/** An MPLS label as a destination: the bottom of a stack of one. */
function writeLabel(w: Writer, value: unknown): void {
  if (typeof value !== 'string' || !/^\d{1,7}$/.test(value) || Number(value) >= 1 << LABEL_BITS) {
    refuse(value, "a label from '0' to '1048575'")
  }
  const at = w.take(4)
  w.bytes.writeUInt32BE(((Number(value) << 12) | 0x100) >>> 0, at)
}

function formatMasked(b: Buffer, start: number, bytes: number, bits: number): string {
  const masked = Buffer.from(b.subarray(start, start + bytes))
  for (let bit = bits; bit < bytes * 8; bit++) masked[bit >> 3]! &= ~(0x80 >> (bit & 7))
  return `${bytes === 4 ? formatIpv4(masked, 0) : formatIpv6(masked, 0)}/${bits}`
}

/** A gateway of a family other than the route's. */
export interface Via {
  family: 'inet' | 'inet6'
  address: string
}
/** The family may be left out: the address tells. */
export interface ViaInput {
  readonly family?: 'inet' | 'inet6' | 2 | 10 | undefined
  readonly address: string
}

const VIA_FAMILIES: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ['inet', AF_INET],
  ['inet6', AF_INET6],
  [AF_INET, AF_INET],
  [AF_INET6, AF_INET6],
])

/** `struct rtvia`, `{ family: 'inet6', address: 'fe80::1' }`. */
export const via: Codec<Via, ViaInput> = {
  expects: 'an object with family, address',
  write(w, value, context) {
    if (!isObject(value)) refuse(value, this.expects)
    const { family: given, address, ...rest } = value
    for (const key in rest) if (rest[key] !== undefined) throw unknownProperty(key, rest[key], ['family', 'address'])
    const family = given === undefined ? (familyOf(address) ?? AF_UNSPEC) : VIA_FAMILIES.get(given)
    if (family === undefined) throw new EncodeError('family', given, "'inet' or 'inet6'")
    const at = w.take(2)
    writeU16(w.bytes, at, family)
    inside('address', () => ip.write(w, address as string, { ...context, family }))
  },
  read(b, start, end, context) {
    if (end - start < 2) malformed('too short for a family and an address')
    const family = readU16(b, start)
    if (family === AF_INET) return { family: 'inet', address: ipv4.read(b, start + 2, end, context) }
    if (family === AF_INET6) return { family: 'inet6', address: ipv6.read(b, start + 2, end, context) }
    return undefined
  },
}
