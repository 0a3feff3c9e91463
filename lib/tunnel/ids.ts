import { NbmaError } from '../errors.js'
import { type Range, within } from './metric.js'

/**
 * Ids of nexthop objects. A new one gets the first free id from its hash on, so that ids are the same wherever the same
 * peers come in the same order.
 * @module
 */

/** The ids of one change. */
export class Ids {
  readonly #range: Range
  readonly #taken: Set<number>

  /** @param taken ids that are in use, by whomever */
  constructor(range: Range, taken: Iterable<number>) {
    this.#range = range
    this.#taken = new Set(taken)
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
