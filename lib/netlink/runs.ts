import { align, type Frame, frameAt } from '../wire/frame.js'
import { Fifo } from './fifo.js'

/** Messages of one datagram, one behind the other. */
interface Run {
  readonly bytes: Buffer
  start: number
  end: number
}

/** Messages that wait, first in, first out. Where they lie is kept, not each: a dump has a million. */
export class Runs {
  readonly #runs = new Fifo<Run>()
  /** The last run, while it may become longer. */
  #last: Run | undefined
  #length = 0
  #bytes = 0

  /** How many messages there are. */
  get length(): number {
    return this.#length
  }

  /** How many bytes they have. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds one at the end. */
  push({ bytes, start, end }: Frame): void {
    const last = this.#last
    if (last !== undefined && last.bytes === bytes && align(last.end) === start) last.end = end
    else {
      this.#last = { bytes, start, end }
      this.#runs.push(this.#last)
    }
    this.#length++
    this.#bytes += end - start
  }

  /** Takes the first. */
  shift(): Frame | undefined {
    const run = this.#runs.peek()
    if (run === undefined) return undefined
    const frame = frameAt(run.bytes, run.start)
    run.start = align(frame.end)
    if (run.start >= run.end) {
      this.#runs.shift()
      if (run === this.#last) this.#last = undefined
    }
    this.#length--
    this.#bytes -= frame.end - frame.start
    return frame
  }

  /** Forgets all. */
  clear(): void {
    this.#runs.clear()
    this.#last = undefined
    this.#length = this.#bytes = 0
  }
}
