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
/** The first type that is not netlink's own. */
export const NLMSG_MIN_TYPE = 16

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

/** Where a message lies inside a datagram, and what it is about: enough to read it. */
export interface Span {
  readonly bytes: Buffer
  /** Offset of the nlmsghdr. */
  readonly start: number
  /** Offset after the message's last byte, without padding. */
  readonly end: number
  readonly type: number
}

/** One message inside a datagram: where it lies, and its header's fields. */
export interface Frame extends Span {
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

/** Where the message at `start` ends; undefined where none can be. */
function endOf(bytes: Buffer, start: number): number | undefined {
  if (start + NLMSG_HDRLEN > bytes.length) return undefined
  const length = readU32(bytes, start)
  return length < NLMSG_HDRLEN || start + length > bytes.length ? undefined : start + length
}

/**
 * The messages of a datagram. Stops at the first header that cannot be: what was good before it is kept, and
 * `malformed` is called with the offset of what was not.
 */
export function* frames(bytes: Buffer, malformed?: (offset: number) => void): Generator<Frame, void> {
  for (let start = 0; start < bytes.length; ) {
    const end = endOf(bytes, start)
    if (end === undefined) return malformed?.(start)
    yield frameAt(bytes, start)
    start = align(end)
  }
}

/** One message, or several of a dump behind each other, whose headers differ in nothing but the length. */
export interface Run extends Frame {
  /** Offset after the last byte of the last. */
  readonly end: number
  /** How many there are. */
  readonly count: number
}

/** As {@link frames}, with the parts of a dump together: there are hundreds in a datagram. */
export function* runs(bytes: Buffer, malformed?: (offset: number) => void): Generator<Run, void> {
  for (let start = 0; start < bytes.length; ) {
    let end = endOf(bytes, start)
    if (end === undefined) return malformed?.(start)
    const first = frameAt(bytes, start)
    let count = 1
    if (first.flags & NLM_F_MULTI && first.type >= NLMSG_MIN_TYPE) {
      const kind = readU32(bytes, start + 4)
      for (let next = align(end); ; next = align(end), count++) {
        const after = endOf(bytes, next)
        if (after === undefined || readU32(bytes, next + 4) !== kind) break
        if (readU32(bytes, next + 8) !== first.seq || readU32(bytes, next + 12) !== first.pid) break
        end = after
      }
    }
    yield { bytes, start, end, type: first.type, flags: first.flags, seq: first.seq, pid: first.pid, count }
    start = align(end)
  }
}

/** Calls `visit` for each message of a run. */
export function eachOf(run: Run, visit: (frame: Frame) => void): void {
  for (let at = run.start; at < run.end; ) {
    const frame = frameAt(run.bytes, at)
    visit(frame)
    at = align(frame.end)
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
