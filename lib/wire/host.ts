import { endianness } from 'node:os'

/**
 * Host byte order, chosen once: netlink headers and most attributes are in it.
 * @module
 */
const little = endianness() === 'LE'

/** True on little-endian machines. */
export const hostIsLittle = little

export const readU16 = little
  ? (b: Uint8Array, o: number): number => b[o]! | (b[o + 1]! << 8)
  : (b: Uint8Array, o: number): number => (b[o]! << 8) | b[o + 1]!

export const readU32 = little
  ? (b: Uint8Array, o: number): number => (b[o]! | (b[o + 1]! << 8) | (b[o + 2]! << 16) | (b[o + 3]! << 24)) >>> 0
  : (b: Uint8Array, o: number): number => ((b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!) >>> 0

export const writeU16 = little
  ? (b: Uint8Array, o: number, v: number): void => {
      b[o] = v
      b[o + 1] = v >>> 8
    }
  : (b: Uint8Array, o: number, v: number): void => {
      b[o] = v >>> 8
      b[o + 1] = v
    }

export const writeU32 = little
  ? (b: Uint8Array, o: number, v: number): void => {
      b[o] = v
      b[o + 1] = v >>> 8
      b[o + 2] = v >>> 16
      b[o + 3] = v >>> 24
    }
  : (b: Uint8Array, o: number, v: number): void => {
      b[o] = v >>> 24
      b[o + 1] = v >>> 16
      b[o + 2] = v >>> 8
      b[o + 3] = v
    }
