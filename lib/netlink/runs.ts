import { align, type Run, type Span } from '../wire/frame.js'
import { readU32 } from '../wire/host.js'
import { Fifo } from './fifo.js'

/** Messages that wait, first in, first out. Runs are kept, not each message: a dump has a million. */
export class Runs {
  readonly #runs = new Fifo<Run>()
  /** Where the next message of the first run starts. */
  #next = 0
  #bytes = 0

  /** How many bytes there are, 0 where there is no message. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds those of a run at the end. */
  push(run: Run): void {
    if (this.#bytes === 0) this.#next = run.start
    this.#runs.push(run)
    this.#bytes += align(run.end) - run.start
  }

  /** Takes the first message. */
  shift(): Span | undefined {
    const run = this.#runs.peek()
    if (run === undefined) return undefined
    const start = this.#next
    const end = start + readU32(run.bytes, start)
    const next = align(end)
    this.#bytes -= next - start
    this.#next = next
    if (next >= run.end) {
      this.#runs.shift()
      this.#next = this.#runs.peek()?.start ?? 0
    }
    return { bytes: run.bytes, start, end, type: run.type }
  }

  /** Forgets all. */
  clear(): void {
    this.#runs.clear()
    this.#bytes = 0
  }
}
