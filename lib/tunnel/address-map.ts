import { quad, readQuad } from './quad.js'

/**
 * A map whose keys are addresses, or else prefixes, in their one spelling. Those of one IPv4 address are kept as numbers,
 * which are found in half the time of texts.
 */
export class AddressMap<T> {
  readonly #hosts = new Map<number, T>()
  readonly #others = new Map<string, T>()

  get size(): number {
    return this.#hosts.size + this.#others.size
  }

  get(address: string): T | undefined {
    return readQuad(address) && quad.length === 32 ? this.#hosts.get(quad.word) : this.#others.get(address)
  }

  has(address: string): boolean {
    return this.get(address) !== undefined
  }

  set(address: string, value: T): void {
    if (readQuad(address) && quad.length === 32) this.#hosts.set(quad.word, value)
    else this.#others.set(address, value)
  }

  /** Sets a value where there is none. Returns the one that is there. */
  add(address: string, value: T): T | undefined {
    return this.addRead(readQuad(address) && quad.length === 32, address, value)
  }

  /** As {@link get}, of an address that `quad` holds where it is one of IPv4. */
  getRead(isQuad: boolean, address: string): T | undefined {
    return isQuad ? this.#hosts.get(quad.word) : this.#others.get(address)
  }

  /** As {@link add}, of an address that `quad` holds where it is one of IPv4. */
  addRead(isQuad: boolean, address: string, value: T): T | undefined {
    if (isQuad) {
      const there = this.#hosts.get(quad.word)
      if (there === undefined) this.#hosts.set(quad.word, value)
      return there
    }
    const there = this.#others.get(address)
    if (there === undefined) this.#others.set(address, value)
    return there
  }

  delete(address: string): void {
    if (readQuad(address) && quad.length === 32) this.#hosts.delete(quad.word)
    else this.#others.delete(address)
  }

  *values(): Generator<T, void> {
    yield* this.#hosts.values()
    yield* this.#others.values()
  }

  /** A map of its own with the same. */
  copy(): AddressMap<T> {
    const copy = new AddressMap<T>()
    for (const [word, value] of this.#hosts) copy.#hosts.set(word, value)
    for (const [address, value] of this.#others) copy.#others.set(address, value)
    return copy
  }
}
