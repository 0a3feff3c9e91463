/** As many shapes of messages as are likely to be mixed. */
const MOST = 4
/** Where none fits for long, every so many messages one is tried. */
const RESIGNED = 64

/** What was learnt from a few recent messages, each about those of one shape. */
export class Shapes<T> {
  /** What there is. */
  readonly all: T[] = []
  /** Messages since one fitted. */
  #misses = 0
  #oldest = 0

  /** One fitted. */
  hit(): void {
    this.#misses = 0
  }

  /** None did: is this message worth learning from? Learning takes longer than it saves where no two are alike. */
  miss(): boolean {
    return this.#misses++ < MOST || this.#misses % RESIGNED === 0
  }

  /** Adds one, in place of the oldest. */
  add(one: T): void {
    this.all[this.#oldest] = one
    this.#oldest = (this.#oldest + 1) % MOST
  }

  /** Forgets all. */
  clear(): void {
    this.all.length = 0
    this.#misses = this.#oldest = 0
  }
}
