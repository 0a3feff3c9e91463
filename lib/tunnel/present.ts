import type { Member } from './member.js'

/**
 * Peers, routes and nexthop objects as the kernel has them.
 * @module
 */

/** A peer as the kernel knows it. */
export class PresentPeer {
  readonly endpoint: string
  gateway: string | undefined = undefined
  mac: string | undefined = undefined
  /** Its share of a MAC that several have. */
  weight = 1
  /** The same peer where it is wanted. */
  member: Member | undefined = undefined

  constructor(endpoint: string) {
    this.endpoint = endpoint
  }
}

/** A peer as one nexthop of a route. */
export interface PresentHop {
  readonly peer: PresentPeer
  readonly weight: number
}

/** What is to become of a route. */
export type Verdict = 'unseen' | 'kept' | 'dropped'

/** One of our routes to a prefix. */
export class PresentRoute {
  readonly metric: number
  /** Where it leads, as text: `hopText`, several of them, or `#7` for nexthop object 7. */
  readonly content: string
  /** Source, MTU or type is not what it should be. */
  readonly stale: boolean
  /** The peer that it leads to, or several with their weights. */
  readonly to: PresentPeer | readonly PresentHop[]
  verdict: Verdict = 'unseen'

  constructor(metric: number, content: string, stale: boolean, to: PresentPeer | readonly PresentHop[]) {
    this.metric = metric
    this.content = content
    this.stale = stale
    this.to = to
  }

  /** Whether it leads to one of some peers. */
  leadsTo(endpoints: ReadonlySet<string>): boolean {
    return this.to instanceof PresentPeer
      ? endpoints.has(this.to.endpoint)
      : this.to.some(({ peer }) => endpoints.has(peer.endpoint))
  }

  /** The peers that it leads to. */
  get peers(): readonly PresentPeer[] {
    return this.to instanceof PresentPeer ? [this.to] : this.to.map(({ peer }) => peer)
  }

  /** The peers that it leads to, with their weights. */
  get hops(): readonly PresentHop[] {
    return this.to instanceof PresentPeer ? [{ peer: this.to, weight: 1 }] : this.to
  }
}

/** One of our nexthop objects. */
export interface PresentNexthop {
  readonly id: number
  /** Family and `hopText`, or for groups the ids and weights of their members. */
  readonly text: string
  /** Empty for groups, and where several share the MAC of the gateway. */
  readonly endpoint: string
  /** The endpoints behind the MAC of the gateway, where that has nexthop objects. */
  readonly shares?: readonly { readonly endpoint: string; readonly weight: number }[]
  readonly group?: readonly { readonly id: number; readonly weight: number }[]
}

/** A route as text and back needs the same order of hops. */
export const multipathText = (hops: readonly { readonly text: string; readonly weight: number }[]): string =>
  hops
    .map(({ text, weight }) => `${text}*${weight}`)
    .sort()
    .join(',')

/** A group as text. */
export const groupText = (members: readonly { readonly id: number; readonly weight: number }[]): string =>
  members
    .map(({ id, weight }) => `${id}*${weight}`)
    .sort()
    .join(',')
