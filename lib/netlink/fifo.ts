/** What was read is let go of in lots of this many. */
const LOT = 1024

/** First in, first out, each in constant time: an array's own shift() moves all the rest. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  /** How many are in it. */
  get length(): number {
    return this.#items.length - this.#head
  }

  /** Adds one at the end. */
  push(item: T): void {
    this.#items.push(item)
  }

  /** The first, left where it is. */
  peek(): T | undefined {
    return this.#items[this.#head]
  }

  /** The one that stands somewhere, the first being 0. */
  at(index: number): T {
    return this.#items[this.#head + index]!
  }

  /** Takes the first. */
  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (this.length === 0) return undefined
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head >= LOT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** Forgets all. */
  clear(): void {
    this.#items = []
    this.#head = 0
  }

  /** From the first to the last. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i] as T
  }
}
