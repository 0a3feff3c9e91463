import { readU16, readU32, writeU16, writeU32 } from './host.js'

/**
 * The envelope: one datagram holds any number of messages, each behind a `struct nlmsghdr`
 * (linux/netlink.h, netlink(7)).
 * @module
 */

/** Bytes of a `struct nlmsghdr`. */
export const NLMSG_HDRLEN = 16

export const NLMSG_NOOP = 1
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const NLMSG_OVERRUN = 4

export const NLM_F_REQUEST = 0x01
export const NLM_F_MULTI = 0x02
export const NLM_F_ACK = 0x04
export const NLM_F_DUMP_INTR = 0x10
export const NLM_F_DUMP_FILTERED = 0x20
/** On requests that read. */
export const NLM_F_ROOT = 0x100
export const NLM_F_MATCH = 0x200
export const NLM_F_DUMP = NLM_F_ROOT | NLM_F_MATCH
/** On requests that write. */
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
export const NLM_F_APPEND = 0x800
/** On deletions. */
export const NLM_F_NONREC = 0x100
export const NLM_F_BULK = 0x200
/** On acknowledgements. */
export const NLM_F_CAPPED = 0x100
export const NLM_F_ACK_TLVS = 0x200

/** Lengths of messages and attributes are rounded up to four bytes. */
export const align = (length: number): number => (length + 3) & ~3

/** One message inside a datagram: its header's fields, and where it lies in `bytes`. */
export interface Frame {
  readonly bytes: Buffer
  /** Offset of the nlmsghdr. */
  readonly start: number
  /** Offset after the message's last byte, without padding. */
  readonly end: number
  readonly type: number
  readonly flags: number
  readonly seq: number
  readonly pid: number
}

/** The message at `start`, which must be a whole one. */
export const frameAt = (bytes: Buffer, start: number): Frame => ({
  bytes,
  start,
  end: start + readU32(bytes, start),
  type: readU16(bytes, start + 4),
  flags: readU16(bytes, start + 6),
  seq: readU32(bytes, start + 8),
  pid: readU32(bytes, start + 12),
})

/**
 * The messages of a datagram. Stops at the first header that cannot be: what was good before it is kept, and
 * `malformed` is called with the offset of what was not.
 */
export function* frames(bytes: Buffer, malformed?: (offset: number) => void): Generator<Frame, void> {
  let start = 0
  while (start < bytes.length) {
    const length = start + NLMSG_HDRLEN <= bytes.length ? readU32(bytes, start) : 0
    if (length < NLMSG_HDRLEN || start + length > bytes.length) {
      malformed?.(start)
      return
    }
    yield frameAt(bytes, start)
    start += align(length)
  }
}

/** Writes a nlmsghdr at `offset`. */
export function writeHeader(
  bytes: Uint8Array,
  offset: number,
  length: number,
  type: number,
  flags: number,
  seq: number,
  pid: number,
): void {
  writeU32(bytes, offset, length)
  writeU16(bytes, offset + 4, type)
  writeU16(bytes, offset + 6, flags)
  writeU32(bytes, offset + 8, seq)
  writeU32(bytes, offset + 12, pid)
}

/** Gives an encoded message its sequence number. */
export const writeSeq = (bytes: Uint8Array, offset: number, seq: number): void => writeU32(bytes, offset + 8, seq)

/** Gives an encoded message other flags. */
export const writeFlags = (bytes: Uint8Array, offset: number, flags: number): void => writeU16(bytes, offset + 6, flags)
