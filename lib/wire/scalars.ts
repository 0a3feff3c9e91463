import { type Codec, each, expectLength, type Fixed, malformed, refuse } from './codec.js'
import { hostIsLittle, readU16, readU32, writeU16, writeU32 } from './host.js'
import type { Writer } from './writer.js'

/**
 * Numbers, names for numbers, strings and bytes.
 * @module
 */

type Put = (b: Buffer, o: number, v: number) => void
type Get = (b: Buffer, o: number) => number

function integer(size: number, min: number, max: number, put: Put, get: Get): Fixed<number> {
  const expects = `a whole number from ${min} to ${max}`
  return {
    expects,
    size,
    free: true,
    write(w, value) {
      if (!Number.isInteger(value) || value < min || value > max) refuse(value, expects)
      const at = w.take(size)
      put(w.bytes, at, value)
    },
    read(b, start, end) {
      expectLength(start, end, size)
      return get(b, start)
    },
  }
}

const putByte: Put = (b, o, v) => {
  b[o] = v
}

/** One byte. */
export const u8 = integer(1, 0, 0xff, putByte, (b, o) => b[o]!)
/** Two bytes, host byte order. */
export const u16 = integer(2, 0, 0xffff, writeU16, readU16)
/** Four bytes, host byte order. */
export const u32 = integer(4, 0, 0xffffffff, writeU32, readU32)
/** Four bytes, signed, host byte order. */
export const s32 = integer(4, -0x80000000, 0x7fffffff, writeU32, (b, o) => readU32(b, o) | 0)
/** Two bytes, network byte order. */
export const be16 = integer(
  2,
  0,
  0xffff,
  (b, o, v) => b.writeUInt16BE(v, o),
  (b, o) => b.readUInt16BE(o),
)
/** Four bytes, network byte order. */
export const be32 = integer(
  4,
  0,
  0xffffffff,
  (b, o, v) => b.writeUInt32BE(v, o),
  (b, o) => b.readUInt32BE(o),
)
/** Two bytes, little end first on every machine. */
export const le16 = integer(
  2,
  0,
  0xffff,
  (b, o, v) => b.writeUInt16LE(v, o),
  (b, o) => b.readUInt16LE(o),
)

function wide(bigEndian: boolean): Fixed<bigint, bigint | number> {
  const expects = 'a whole number from 0 to 2^64 - 1'
  return {
    expects,
    size: 8,
    free: true,
    write(w, value) {
      if (typeof value === 'number' ? !Number.isSafeInteger(value) : typeof value !== 'bigint') refuse(value, expects)
      const big = BigInt(value)
      if (big < 0n || big > 0xffffffffffffffffn) refuse(value, expects)
      const at = w.take(8)
      if (bigEndian) w.bytes.writeBigUInt64BE(big, at)
      else w.bytes.writeBigUInt64LE(big, at)
    },
    read(b, start, end) {
      expectLength(start, end, 8)
      return bigEndian ? b.readBigUInt64BE(start) : b.readBigUInt64LE(start)
    },
  }
}

/** Eight bytes, host byte order, as bigint. */
export const u64 = wide(!hostIsLittle)
/** Eight bytes, network byte order, as bigint. */
export const be64 = wide(true)

/** A number within narrower bounds, `range(u32, 0, 0xffffff, 'a VNI')`. What the kernel sends is not judged. */
export function range(codec: Fixed<number>, min: number, max: number, what = 'a whole number'): Fixed<number> {
  const expects = `${what} from ${min} to ${max}`
  return {
    ...codec,
    expects,
    write(w, value, context) {
      if (!Number.isInteger(value) || value < min || value > max) refuse(value, expects)
      codec.write(w, value, context)
    },
  }
}

/** A value whose bytes must not all be 0, in words that complete "… is not". What the kernel sends is not judged. */
export function nonzero<Out, In>(codec: Fixed<Out, In>, expects: string): Fixed<Out, In> {
  return {
    ...codec,
    expects,
    write(w, value, context) {
      const start = w.pos
      codec.write(w, value, context)
      if (w.bytes.subarray(start, w.pos).every((byte) => byte === 0)) refuse(value, expects)
    },
  }
}

/** A number that stands on the wire less `offset`: weights are sent as weight - 1. */
export function plus(codec: Fixed<number>, offset: number, max: number): Fixed<number> {
  const expects = `a whole number from ${offset} to ${max}`
  return {
    expects,
    size: codec.size,
    write(w, value, context) {
      if (!Number.isInteger(value) || value < offset || value > max) refuse(value, expects)
      codec.write(w, value - offset, context)
    },
    read: (b, start, end, context) => codec.read(b, start, end, context) + offset,
  }
}

/** A u8 that the kernel reads as a switch. */
export const bool: Fixed<boolean, boolean | 0 | 1> = {
  expects: 'true or false (1 or 0)',
  size: 1,
  write(w, value) {
    if (value !== true && value !== false && value !== 0 && value !== 1) refuse(value, this.expects)
    const at = w.take(1)
    w.bytes[at] = value ? 1 : 0
  },
  read(b, start, end) {
    expectLength(start, end, 1)
    return b[start] !== 0
  },
}

/** An attribute without payload, whose presence is the value. `false` leaves it out. */
export const flag: Codec<boolean> = {
  expects: 'true or false',
  skip(value) {
    if (typeof value !== 'boolean') refuse(value, this.expects)
    return !value
  },
  write() {},
  // vxlan's ttlInherit is sent as a flag and told as a byte.
  read: (b, start, end) => end === start || b[start] !== 0,
}

/** Names for numbers, kernel spelling in lower case without the common prefix. */
export type Names = Readonly<Record<string, number>>

/** One of a set of names, or a number. */
export function enumeration<N extends Names>(
  codec: Fixed<number>,
  names: N,
): Fixed<(keyof N & string) | number, (keyof N & string) | number> {
  type Name = (keyof N & string) | number
  const expects = `one of ${Object.keys(names).join(', ')}, or a number`
  const numbers = new Map<string, number>(Object.entries(names))
  const byNumber = new Map<number, keyof N & string>()
  for (const [name, number] of numbers) if (!byNumber.has(number)) byNumber.set(number, name)
  return {
    expects,
    size: codec.size,
    write(w, value: Name, context) {
      const number = typeof value === 'number' ? value : numbers.get(value)
      if (number === undefined) refuse(value, expects)
      codec.write(w, number, context)
    },
    read(b, start, end, context): Name {
      const number = codec.read(b, start, end, context)
      return byNumber.get(number) ?? number
    },
  }
}

/** A number that may be given by name, and is read as a number. */
export function named<N extends Names>(
  codec: Fixed<number>,
  names: N,
): Fixed<number, number | (keyof N & string)> & { number(value: number | (keyof N & string)): number } {
  const expects = `${codec.expects}, or one of ${Object.keys(names).join(', ')}`
  const numbers = new Map<string, number>(Object.entries(names))
  const number = (value: number | string): number => {
    if (typeof value === 'number') return value
    return numbers.get(value) ?? refuse(value, expects)
  }
  return {
    expects,
    size: codec.size,
    number,
    write: (w, value, context) => codec.write(w, number(value), context),
    read: codec.read,
  }
}

/** An unsigned number of 4 or 8 bytes, as the kernel finds it fits (NL_ATTR_TYPE_UINT, Linux 6.7). */
export const uint: Codec<bigint, bigint | number> = {
  expects: 'a whole number from 0 to 2^64 - 1',
  write: u64.write,
  read: (b, start, end, context) =>
    end - start === 4 ? BigInt(u32.read(b, start, end, context)) : u64.read(b, start, end, context),
}

/** What a set of bits may be given as: `['onlink']`, `['onlink', 0x100]`, or one number. */
export type BitsInput<N extends Names> = number | readonly ((keyof N & string) | number)[]

/** What a set of bits is told as: names, and what has none as one number at the end. */
export type BitsOutput<N extends Names> = ((keyof N & string) | number)[]

/** A codec for a set of named bits. */
export interface Bits<N extends Names> extends Fixed<BitsOutput<N>, BitsInput<N>> {
  /** The bits of a value. Throws EncodeError. */
  number(value: BitsInput<N>): number
  /** The value of bits. */
  names(number: number): BitsOutput<N>
}

/** A set of named bits, one each. */
export function bits<N extends Names>(codec: Fixed<number>, names: N): Bits<N> {
  const expects = `a list of ${Object.keys(names).join(', ')}, or a number`
  const numbers = new Map<string, number>(Object.entries(names))
  const list = [...numbers] as [keyof N & string, number][]
  const max = 2 ** (8 * codec.size) - 1
  const bitsOf = (item: unknown): number => {
    const bit = typeof item === 'number' ? item : numbers.get(item as string)
    if (bit === undefined || !Number.isInteger(bit) || bit < 0 || bit > max) refuse(item, expects)
    return bit
  }
  const toNumber = (value: BitsInput<N>): number => {
    if (typeof value === 'number') return bitsOf(value)
    if (!Array.isArray(value)) refuse(value, expects)
    let sum = 0
    for (const item of value as readonly unknown[]) sum = (sum | bitsOf(item)) >>> 0
    return sum
  }
  const toNames = (number: number): BitsOutput<N> => {
    const set: BitsOutput<N> = []
    let rest = number
    if (rest === 0) return set
    for (const [name, bit] of list) {
      if ((rest & bit) !== 0) {
        set.push(name)
        rest = (rest & ~bit) >>> 0
      }
    }
    if (rest !== 0) set.push(rest)
    return set
  }
  return {
    expects,
    size: codec.size,
    number: toNumber,
    names: toNames,
    write: (w, value, context) => codec.write(w, toNumber(value), context),
    read: (b, start, end, context) => toNames(codec.read(b, start, end, context)),
  }
}

/** Text with a terminating NUL, at most `max` bytes of UTF-8 without it. */
export function string(max = 65_000, expects = `a text of 1 to ${max} bytes`, allowed = /^[^\0]+$/): Codec<string> {
  return {
    expects,
    write(w, value) {
      if (typeof value !== 'string' || !allowed.test(value)) refuse(value, expects)
      const length = Buffer.byteLength(value)
      if (length > max) refuse(value, expects)
      const start = w.take(length + 1)
      w.bytes.write(value, start, length)
    },
    read: text,
  }
}

/** Text up to the NUL, which not all senders write. */
export function text(b: Buffer, start: number, end: number): string {
  const nul = b.subarray(start, end).indexOf(0)
  return b.toString('utf8', start, nul === -1 ? end : start + nul)
}

/** A device name, as dev_valid_name() of net/core/dev.c has it. */
export const ifname = string(
  15,
  "a device name of 1 to 15 bytes without '/', ':' or spaces, and not '.' or '..'",
  /^(?!\.{1,2}$)[^\0/:\s]+$/,
)

/** Bytes as they are. */
export function bytes(max = 65_000, expects = `a Buffer of up to ${max} bytes`): Codec<Buffer, Uint8Array> {
  return {
    expects,
    write(w, value) {
      if (!(value instanceof Uint8Array) || value.length > max) refuse(value, expects)
      w.append(value)
    },
    read: (b, start, end) => Buffer.from(b.subarray(start, end)),
  }
}

/** Items of one fixed size behind each other. */
export function list<Out, In>(item: Fixed<Out, In>): Codec<Out[], readonly In[]> {
  return {
    expects: 'a list',
    item,
    write(w: Writer, value, context) {
      if (!Array.isArray(value)) refuse(value, this.expects)
      each(value as readonly In[], (one) => item.write(w, one, context))
    },
    read(b, start, end, context) {
      if ((end - start) % item.size !== 0) malformed(`${end - start} bytes in items of ${item.size}`)
      const out: Out[] = []
      for (let at = start; at < end; at += item.size) out.push(item.read(b, at, at + item.size, context))
      return out
    },
  }
}
