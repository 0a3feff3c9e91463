import type { Request } from '../wire/request.js'
import type { Series } from '../wire/series.js'
import type { Claim, Member } from './member.js'
import { type Range, within } from './metric.js'
import type { PresentRoute } from './present.js'
import { type Stencil, Stencilled } from './stencil.js'
import type { Step } from './step.js'

/** Messages that are handed on together. */
export type Portion = readonly (Step | RouteSeries)[]

/** Routes that are added or removed together: their messages differ in prefix, metric and gateway. */
export abstract class RouteSeries implements Series {
  protected readonly stencil: Stencil

  constructor(stencil: Stencil) {
    this.stencil = stencil
  }

  abstract readonly count: number

  get size(): number {
    return this.stencil.length
  }

  abstract write(target: Buffer, at: number, from: number, to: number): void
  abstract request(number: number): Request
  /** One of them, and the peers that it is about. */
  abstract step(number: number): Step

  /** All, one by one. */
  *steps(): Generator<Step, void> {
    for (let number = 0; number < this.count; number++) yield this.step(number)
  }
}

/** Routes where there is none, each to one peer whose endpoint is the gateway. */
export class NewRoutes extends RouteSeries {
  readonly #metric: Range
  readonly #claims: readonly Claim[]

  /**
   * @param stencil of a route of the family of both prefixes and endpoints
   * @param claims of one peer each
   */
  constructor(stencil: Stencil, metric: Range, claims: readonly Claim[]) {
    super(stencil)
    this.#metric = metric
    this.#claims = claims
  }

  get count(): number {
    return this.#claims.length
  }

  write(target: Buffer, at: number, from: number, to: number): void {
    const { stencil } = this
    for (let number = from, next = at; number < to; number++, next += stencil.length) {
      const claim = this.#claims[number]!
      const member = claim.who as Member
      const metric = within(this.#metric, member.hash)
      if (claim === member && member.host !== 0) stencil.writeHost(target, next, member.host, metric, member.word)
      else stencil.write(target, next, claim.prefix, metric, member.endpoint)
    }
  }

  request(number: number): Request {
    const { prefix, who } = this.#claims[number]!
    const { hash, endpoint } = who as Member
    return new Stencilled(this.stencil, prefix, within(this.#metric, hash), endpoint)
  }

  step(number: number): Step {
    const { prefix, who } = this.#claims[number]!
    return { request: this.request(number), wrong: 'missing', who: who as Member, prefix }
  }
}

/** A route of ours and its prefix. */
export interface OldRoute {
  readonly prefix: string
  readonly route: PresentRoute
}

/** Routes that go, none of which leads to a nexthop object. */
export class OldRoutes extends RouteSeries {
  readonly #routes: readonly OldRoute[]

  /** @param stencil of the removal of a route of the prefixes' family */
  constructor(stencil: Stencil, routes: readonly OldRoute[]) {
    super(stencil)
    this.#routes = routes
  }

  get count(): number {
    return this.#routes.length
  }

  write(target: Buffer, at: number, from: number, to: number): void {
    for (let number = from, next = at; number < to; number++, next += this.size) {
      const { prefix, route } = this.#routes[number]!
      this.stencil.write(target, next, prefix, route.metric, '')
    }
  }

  request(number: number): Request {
    const { prefix, route } = this.#routes[number]!
    return new Stencilled(this.stencil, prefix, route.metric, '')
  }

  step(number: number): Step {
    const { prefix, route } = this.#routes[number]!
    return { request: this.request(number), wrong: 'surplus', who: route.peers, prefix }
  }
}
