import { quad, readQuad } from './quad.js'

/**
 * A map whose keys are addresses in their one spelling. Those of IPv4 are kept as numbers, which are found in half the
 * time of texts.
 */
export class AddressMap<T> {
  readonly #ipv4 = new Map<number, T>()
  readonly #ipv6 = new Map<string, T>()

  get size(): number {
    return this.#ipv4.size + this.#ipv6.size
  }

  get(address: string): T | undefined {
    return readQuad(address) && quad.bare ? this.#ipv4.get(quad.word) : this.#ipv6.get(address)
  }

  has(address: string): boolean {
    return this.get(address) !== undefined
  }

  set(address: string, value: T): void {
    if (readQuad(address) && quad.bare) this.#ipv4.set(quad.word, value)
    else this.#ipv6.set(address, value)
  }

  /** As {@link get}, of an address that `quad` holds where it is one of IPv4. */
  getRead(isQuad: boolean, address: string): T | undefined {
    return isQuad ? this.#ipv4.get(quad.word) : this.#ipv6.get(address)
  }

  /** As {@link set}, of an address that `quad` holds where it is one of IPv4. */
  setRead(isQuad: boolean, address: string, value: T): void {
    if (isQuad) this.#ipv4.set(quad.word, value)
    else this.#ipv6.set(address, value)
  }

  delete(address: string): void {
    if (readQuad(address) && quad.bare) this.#ipv4.delete(quad.word)
    else this.#ipv6.delete(address)
  }

  *values(): Generator<T, void> {
    yield* this.#ipv4.values()
    yield* this.#ipv6.values()
  }

  /** A map of its own with the same. */
  copy(): AddressMap<T> {
    const copy = new AddressMap<T>()
    for (const [word, value] of this.#ipv4) copy.#ipv4.set(word, value)
    for (const [address, value] of this.#ipv6) copy.#ipv6.set(address, value)
    return copy
  }
}
