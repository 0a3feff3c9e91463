import type { Request } from '../wire/request.js'
import type { Series } from '../wire/series.js'
import { Member, type Members } from './member.js'
import { type Range, within } from './metric.js'
import { type Stencil, Stencilled } from './stencil.js'
import { about, type Step } from './step.js'

/** Routes to the one prefix of each of many peers, where there is none, whose gateway is the peer's endpoint. */
export class NewRoutes implements Series {
  readonly #stencil: Stencil
  readonly #metric: Range
  readonly #members: Members
  /** Where the peers stand. */
  readonly #positions: readonly number[]

  /** @param stencil of a route of the family of both prefixes and endpoints */
  constructor(stencil: Stencil, metric: Range, members: Members, positions: readonly number[]) {
    this.#stencil = stencil
    this.#metric = metric
    this.#members = members
    this.#positions = positions
  }

  get count(): number {
    return this.#positions.length
  }

  get size(): number {
    return this.#stencil.length
  }

  write(target: Buffer, at: number, from: number, to: number): void {
    const stencil = this.#stencil
    for (let number = from, next = at; number < to; number++, next += stencil.length) {
      const member = this.#member(number)
      const metric = within(this.#metric, member.hash)
      if (member.family === 'inet') stencil.writeVia(target, next, member.prefix, metric, member.word)
      else stencil.write(target, next, member.prefix, metric, member.endpoint)
    }
  }

  request(number: number): Request {
    const member = this.#member(number)
    return new Stencilled(this.#stencil, member.prefix, within(this.#metric, member.hash), member.endpoint)
  }

  /** All, one by one. */
  *steps(): Generator<Step, void> {
    for (let number = 0; number < this.count; number++) yield this.step(number)
  }

  /** One of them, and the peer that it is about. */
  step(number: number): Step {
    const member = this.#member(number)
    return about(this.request(number), 'missing', member, member.prefix)
  }

  #member(number: number): Member {
    return new Member(this.#members, this.#positions[number]!)
  }
}
