import { fmix32 } from './metric.js'
import { quad, readQuad } from './quad.js'

/**
 * A map whose keys are addresses, or else prefixes, in their one spelling; each has a position, from 0 on, in the order
 * in which they came. Those of one IPv4 address are found by number, in open addressing: memory that is touched for the
 * first time costs as much as what is done with it, and this takes 10 bytes a key beside the value where a Map takes 70.
 */
export class AddressMap<T> {
  /** By position. What stands behind the last is not there yet. */
  readonly values: T[]
  /** Single addresses of IPv4 as words, by position. */
  #words: Int32Array
  /** One more than the position of what has this place; 0 where it is free. */
  #places: Int32Array
  readonly #others = new Map<string, number>()
  #size = 0

  /** @param expected how many there will be, about */
  constructor(expected = 0) {
    let places = 16
    while (room(places) < expected) places *= 2
    // Filled, although it is 0: one page after the other comes at a third of the price of each when it is needed.
    this.#places = new Int32Array(places).fill(0)
    this.#words = new Int32Array(room(places))
    this.values = new Array<T>(expected)
  }

  get size(): number {
    return this.#size
  }

  /** Where an address stands; -1 where it is not. */
  find(address: string): number {
    return isHost(address) ? this.findHost(quad.word) : (this.#others.get(address) ?? -1)
  }

  /** As {@link find}, of a single address of IPv4 as a word. */
  findHost(word: number): number {
    return this.#places[this.#placeOf(word)]! - 1
  }

  get(address: string): T | undefined {
    return this.values[this.find(address)]
  }

  has(address: string): boolean {
    return this.find(address) >= 0
  }

  /** Adds an address that is not there yet. Returns where it stands if it is, else -1. */
  add(address: string, value: T): number {
    if (isHost(address)) return this.addHost(quad.word, value)
    const there = this.#others.get(address)
    if (there !== undefined) return there
    this.#makeRoom()
    this.#others.set(address, this.#append(0, value))
    return -1
  }

  /** As {@link add}, of a single address of IPv4 as a word. */
  addHost(word: number, value: T): number {
    this.#makeRoom()
    const place = this.#placeOf(word)
    const there = this.#places[place]!
    if (there !== 0) return there - 1
    this.#places[place] = this.#append(word, value) + 1
    return -1
  }

  /** Adds an address, or gives it another value. */
  set(address: string, value: T): void {
    const there = this.add(address, value)
    if (there >= 0) this.values[there] = value
  }

  /** The single address of IPv4 that stands somewhere, as a word. */
  wordAt(position: number): number {
    return this.#words[position]!
  }

  #append(word: number, value: T): number {
    this.#words[this.#size] = word
    this.values[this.#size] = value
    return this.#size++
  }

  /** Where a word is, or would be. */
  #placeOf(word: number): number {
    const places = this.#places
    const mask = places.length - 1
    for (let place = fmix32(word) & mask; ; place = (place + 1) & mask) {
      const there = places[place]!
      if (there === 0 || this.#words[there - 1] === word) return place
    }
  }

  /** For one more. What has a place has another one then. */
  #makeRoom(): void {
    if (this.#size < this.#words.length) return
    const before = this.#places
    const words = new Int32Array(room(2 * before.length))
    words.set(this.#words)
    this.#words = words
    this.#places = new Int32Array(2 * before.length)
    for (const there of before) if (there !== 0) this.#places[this.#placeOf(words[there - 1]!)] = there
  }
}

/** How many so many places have room for. */
const room = (places: number): number => Math.floor(places * 0.8)

/** Reads a single address of IPv4 into `quad`. */
const isHost = (address: string): boolean => readQuad(address) && quad.length === 32
