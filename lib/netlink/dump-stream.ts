import type { Run } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import type { DumpChannel } from './channel.js'
import { Dump, type DumpOptions } from './dump.js'
import { Fifo } from './fifo.js'
import { Runs } from './runs.js'

/**
 * A stream that the kernel may mark as interrupted yields nothing before it has more bytes than this, or all of them:
 * until then it can be tried again unseen.
 */
const HOLD = 1_048_576

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void
  reject(error: unknown): void
}

/** Items that are handed out before the event loop may turn. */
const ITEMS_A_TURN = 1024

/** Options of {@link DumpStream}. */
export interface DumpStreamOptions extends DumpOptions {
  /** Opens a channel for it alone. */
  readonly open: () => DumpChannel
  /** Bytes that may wait for their reader. */
  readonly readAhead: number
}

/** Yields a dump as it comes, and lets the kernel wait for its reader. Nothing is sent before the first `next()`. */
export class DumpStream<T> extends Dump implements AsyncIterableIterator<T, undefined> {
  readonly #open: () => DumpChannel
  readonly #readAhead: number
  #channel: DumpChannel | undefined
  #hold = HOLD
  /** Parts that wait to be decoded. */
  readonly #queue = new Runs()
  /** Enough of them do. */
  #paused = false
  #started = false
  #yielded = false
  /** Nothing more will be queued. */
  #ended = false
  #error: unknown
  readonly #readers = new Fifo<Waiter<T>>()
  #turn = ITEMS_A_TURN

  constructor(request: Request, options: DumpStreamOptions) {
    super(request, options)
    this.#open = options.open
    this.#readAhead = options.readAhead
  }

  /** The next item; rejects once with what ended the dump. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#readers.length === 0 && this.#ready()) {
      try {
        return Promise.resolve({ done: false, value: this.#take() })
      } catch (error) {
        this.#close(error)
      }
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
      if (this.#started) this.#serve()
      else this.#start()
    })
  }

  /** Stops reading. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#started = true
    this.#close(undefined)
    this.unhook()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  override handleEvent(): void {
    this.#close(this.signal?.reason)
  }

  #start(): void {
    this.#started = true
    try {
      this.begin(() => {
        const channel = this.#open()
        this.#channel = channel
        if (channel.protocol.unmarked?.includes(this.request.operation)) this.#hold = 0
        return channel
      })
    } catch (error) {
      this.#close(error)
    }
  }

  protected accept(run: Run): void {
    this.#queue.push(run)
    if (!this.#paused && this.#queue.bytes >= this.#readAhead) {
      this.#paused = true
      this.#channel?.pause()
    }
    this.#serve()
  }

  protected forget(): boolean {
    if (this.#yielded) return false
    this.#queue.clear()
    return true
  }

  protected stop(): void {
    this.deaf = true
    this.#channel?.close()
    this.#channel = undefined
  }

  protected end(error?: unknown): void {
    if (error === undefined) this.#channel?.free()
    else this.#channel?.close()
    this.#channel = undefined
    this.#ended = true
    this.#error = error
    this.#serve()
  }

  /** Ends it here and now, whatever waits. */
  #close(error: unknown): void {
    this.stop()
    this.#queue.clear()
    this.end(error)
  }

  /** An item may be handed out now. */
  #ready(): boolean {
    if (this.#queue.bytes === 0 || this.#turn === 0) return false
    return this.#ended || this.#yielded || this.#paused || this.#queue.bytes > this.#hold
  }

  #take(): T {
    const frame = this.#queue.shift()!
    this.#yielded = true
    if (--this.#turn === 0) setImmediate(this.#nextTurn)
    if (this.#paused && this.#queue.bytes * 2 <= this.#readAhead) {
      this.#paused = false
      this.#channel?.resume()
    }
    return this.carrier.protocol.decodeValue(frame) as T
  }

  #serve(): void {
    for (let reader = this.#readers.peek(); reader; reader = this.#readers.peek()) {
      if (this.#ready()) {
        let value: T
        try {
          value = this.#take()
        } catch (error) {
          this.#close(error)
          return
        }
        reader.resolve({ done: false, value })
      } else if (this.#ended && this.#queue.bytes === 0) this.#finish(reader)
      else return
      this.#readers.shift()
    }
  }

  readonly #nextTurn = (): void => {
    this.#turn = ITEMS_A_TURN
    this.#serve()
  }

  #finish(reader: Waiter<T>): void {
    this.unhook()
    const error = this.#error
    this.#error = undefined
    if (error === undefined) reader.resolve({ done: true, value: undefined })
    else reader.reject(error)
  }
}
