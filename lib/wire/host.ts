import { endianness } from 'node:os'

/**
 * Host byte order, chosen once: netlink headers and most attributes are in it.
 * @module
 */

/** Reads and writes numbers in one byte order. */
export interface Order {
  readU16(b: Uint8Array, o: number): number
  readU32(b: Uint8Array, o: number): number
  writeU16(b: Uint8Array, o: number, v: number): void
  writeU32(b: Uint8Array, o: number, v: number): void
}

/** By what {@link endianness} calls them. */
export const ORDERS: Readonly<Record<'LE' | 'BE', Order>> = {
  LE: {
    readU16: (b, o) => b[o]! | (b[o + 1]! << 8),
    readU32: (b, o) => (b[o]! | (b[o + 1]! << 8) | (b[o + 2]! << 16) | (b[o + 3]! << 24)) >>> 0,
    writeU16(b, o, v) {
      b[o] = v
      b[o + 1] = v >>> 8
    },
    writeU32(b, o, v) {
      b[o] = v
      b[o + 1] = v >>> 8
      b[o + 2] = v >>> 16
      b[o + 3] = v >>> 24
    },
  },
  BE: {
    readU16: (b, o) => (b[o]! << 8) | b[o + 1]!,
    readU32: (b, o) => ((b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!) >>> 0,
    writeU16(b, o, v) {
      b[o] = v >>> 8
      b[o + 1] = v
    },
    writeU32(b, o, v) {
      b[o] = v >>> 24
      b[o + 1] = v >>> 16
      b[o + 2] = v >>> 8
      b[o + 3] = v
    },
  },
}

/** True on little-endian machines. */
export const hostIsLittle = endianness() === 'LE'

export const { readU16, readU32, writeU16, writeU32 } = ORDERS[endianness()]
