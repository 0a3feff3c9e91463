import { type Codec, type Fixed, refuse } from './codec.js'
import { readU32, writeU32 } from './host.js'
import { type BitsInput, type BitsOutput, bits, bool, type Names, u32 } from './scalars.js'

/**
 * Properties that live in the fixed header, whole or in part.
 * @module
 */

/** What a codec has that turns names into a number before it writes. */
interface Numbered<Out, In> extends Fixed<Out, In> {
  number(value: In): number
}

/**
 * A number (or set of bits) with a byte in the header and an attribute for what does not fit there, as RTA_TABLE widens
 * rtm_table: small values go into the header alone.
 */
export function widened<Out, In>(offset: number, codec: Numbered<Out, In>): Codec<Out, In> {
  return {
    expects: codec.expects,
    skip(value, w, context) {
      const number = codec.number(value)
      if (!Number.isInteger(number) || number < 0 || number > 0xff) return false
      w.bytes[context.header + offset] = number
      return true
    },
    write: (w, value, context) => codec.write(w, value, context),
    read: codec.read,
    absent(b, context) {
      const byte = b[context.header + offset]!
      if (byte === 0 && context.partial) return undefined
      const spread = Buffer.alloc(4)
      writeU32(spread, 0, byte)
      return codec.read(spread, 0, 4, context)
    },
  }
}

/** The two words of `struct ifinfomsg` that hold device flags: what they are, and which of them to change. */
export interface FlagWords {
  readonly flags: number
  readonly change: number
}

/**
 * Device flags as a set of names: what is named is switched on, unless `change` says what else to touch.
 * @param switches properties that are one of the flags each, and overrule it where they are off: a link that was read,
 * with `up: false`, still has `up` among its flags
 */
export function flagSet<N extends Names>(at: FlagWords, names: N, switches: Names): Codec<BitsOutput<N>, BitsInput<N>> {
  const codec = bits(u32, names)
  return {
    expects: codec.expects,
    write(w, value, context) {
      const number = codec.number(value)
      let on = number
      for (const key in switches) {
        const { [key]: item } = context.owner
        if (item === false || item === 0) on &= ~switches[key]!
      }
      or(w.bytes, context.header + at.flags, on)
      if (context.owner.change === undefined) or(w.bytes, context.header + at.change, number)
    },
    read: (b, header) => codec.names(readU32(b, header + at.flags)),
  }
}

/** Which flags a message changes. */
export function changeSet<N extends Names>(at: FlagWords, names: N): Codec<BitsOutput<N>, BitsInput<N>> {
  const codec = bits(u32, names)
  return {
    expects: codec.expects,
    write: (w, value, context) => or(w.bytes, context.header + at.change, codec.number(value)),
    read: (b, header) => codec.names(readU32(b, header + at.change)),
  }
}

/** One device flag as a switch: true sets it, false clears it. */
export function flagSwitch(at: FlagWords, bit: number): Codec<boolean, boolean | 0 | 1> {
  return {
    expects: bool.expects,
    write(w, value, context) {
      if (value !== true && value !== false && value !== 0 && value !== 1) refuse(value, this.expects)
      if (context.owner.change === undefined) or(w.bytes, context.header + at.change, bit)
      if (value) or(w.bytes, context.header + at.flags, bit)
    },
    read: (b, header) => (readU32(b, header + at.flags) & bit) !== 0,
  }
}

const or = (b: Uint8Array, offset: number, mask: number): void => writeU32(b, offset, (readU32(b, offset) | mask) >>> 0)
