import { Buffer } from 'node:buffer'

/** Bytes being written: a buffer that grows, and where the next byte goes. */
export class Writer {
  bytes: Buffer
  pos = 0

  constructor(size = 4096) {
    this.bytes = Buffer.alloc(size)
  }

  /** Appends bytes as they are. */
  append(bytes: Uint8Array): void {
    const start = this.take(bytes.length)
    this.bytes.set(bytes, start)
  }

  /**
   * Makes room for `length` more bytes, zeroed, and returns the offset where they start; `pos` moves behind them.
   * `bytes` may be another buffer afterwards: take first, then look at it.
   */
  take(length: number): number {
    const start = this.pos
    const end = start + length
    if (end > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(end, this.bytes.length * 2))
      this.bytes.copy(larger, 0, 0, start)
      this.bytes = larger
    }
    // Few bytes at a time: a loop is faster than fill().
    const { bytes } = this
    for (let at = start; at < end; at++) bytes[at] = 0
    this.pos = end
    return start
  }

  /** A copy of what was written. */
  finish(): Buffer {
    const copy = Buffer.allocUnsafe(this.pos)
    copy.set(this.bytes.subarray(0, this.pos))
    return copy
  }
}
