import { NbmaError } from '../errors.js'
import { type Range, within } from './metric.js'

/**
 * Ids of nexthop objects. A new one gets the first free id from its hash on, so that ids are the same wherever the same
 * peers come in the same order.
 * @module
 */

/** Every so many ids belong to one device. */
const STRIDE = 32
/** A range that is smaller is not parted. */
const WIDE = 65_536

/**
 * The ids of a device: objects for forwarding entries do not name one, and while nothing leads to them yet their ids
 * alone say whose they are.
 */
export class Stripe {
  readonly #range: Range
  readonly #index: number
  readonly #stride: number

  /** @param index index of the device */
  constructor(range: Range, index: number) {
    this.#range = range
    this.#stride = range.width < WIDE ? 1 : STRIDE
    this.#index = index % this.#stride
  }

  has(id: number): boolean {
    const { base, width } = this.#range
    return id >= base && id < base + width && (id - base) % this.#stride === this.#index
  }

  /** Where to begin. */
  near(hash: number): number {
    const { base, width } = this.#range
    const row = Math.floor(within({ base: 0, width: Math.floor(width / this.#stride) }, hash))
    return base + row * this.#stride + this.#index
  }

  /** The one after it. */
  after(id: number): number {
    const { base, width } = this.#range
    const next = id + this.#stride
    return next < base + width ? next : base + this.#index
  }

  /** How many there are at most. */
  get size(): number {
    return Math.ceil(this.#range.width / this.#stride)
  }
}

/** The ids of one change. */
export class Ids {
  readonly #range: Range
  readonly #taken: Set<number>

  /** @param taken ids that are in use, by whomever */
  constructor(range: Range, taken: Iterable<number>) {
    this.#range = range
    this.#taken = new Set(taken)
  }

  /** One of a device's; any other where it has none left. */
  takeOf(stripe: Stripe, hash: number): number {
    let id = stripe.near(hash)
    for (let tries = 0; this.#taken.has(id); tries++) {
      if (tries === stripe.size) return this.take(hash)
      id = stripe.after(id)
    }
    this.#taken.add(id)
    return id
  }

  /** @throws {NbmaError} if none is left */
  take(hash: number): number {
    const { base, width } = this.#range
    let id = within(this.#range, hash)
    for (let tries = 0; this.#taken.has(id); tries++) {
      if (tries === width)
        throw new NbmaError('NBMA_IDS', `all ${width} ids from ${base} on are taken: nexthopIds needs a wider range`)
      id = id + 1 < base + width ? id + 1 : base
    }
    this.#taken.add(id)
    return id
  }
}
