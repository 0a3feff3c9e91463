import { neighbour } from '../rtnl/neighbour.js'
import { nexthop } from '../rtnl/nexthop.js'
import { route } from '../rtnl/route.js'
import type { NeighbourInput } from '../schema/neighbour.js'
import type { NexthopInput } from '../schema/nexthop.js'
import type { Route, RouteInput } from '../schema/route.js'
import type { Request } from '../wire/request.js'
import { FLOOD, type NeighbourEntry } from './carriage.js'
import type { Family } from './kinds.js'
import type { Hop } from './peer.js'
import type { Scheme } from './scheme.js'
import { Stencil, Stencilled } from './stencil.js'

/**
 * The messages that an overlay sends. Every one of them names the overlay's protocol, device and table as far as the
 * kernel compares them, so that nothing of anybody else's can be meant.
 * @module
 */

/** A nexthop of a multipath route or group. */
export interface Weighted<T> {
  readonly to: T
  readonly weight: number
}

/** Where a route leads: one hop, several, or a nexthop object. */
export type Destination =
  | { readonly hop: Hop }
  | { readonly hops: readonly Weighted<Hop>[] }
  | { readonly nhId: number }

const ONLINK = ['onlink'] as const
const SAMPLES: Readonly<Record<Family, string>> = { inet: '192.0.2.1/32', inet6: '2001:db8::1/128' }

/** Family of a prefix or address. */
export const familyOfPrefix = (prefix: string): Family => (prefix.includes(':') ? 'inet6' : 'inet')

function gatewayFields(gateway: string | undefined, family: Family): Pick<RouteInput, 'gateway' | 'via'> {
  if (gateway === undefined) return {}
  if (family === 'inet' && gateway.includes(':')) return { via: { family: 'inet6', address: gateway } }
  return { gateway }
}

/** Makes the messages of one overlay. */
export class Messages {
  readonly #scheme: Scheme
  readonly #oif: number
  readonly #stencils: Record<Family, { add?: Stencil; replace?: Stencil; delete?: Stencil }> = { inet: {}, inet6: {} }

  constructor(scheme: Scheme) {
    this.#scheme = scheme
    this.#oif = scheme.device.index
  }

  /** A route where there is none with this metric. */
  addRoute(prefix: string, metric: number, to: Destination): Request {
    return route.add(this.#route(prefix, metric, to))
  }

  /** A route in place of ours with this metric. */
  replaceRoute(prefix: string, metric: number, to: Destination): Request {
    return route.replace(this.#route(prefix, metric, to))
  }

  /** A route of ours: which one, prefix and metric say. */
  deleteRoute(prefix: string, metric: number, nhId?: number): Request {
    const { protocol, table } = this.#scheme
    const where = nhId === undefined ? { oif: this.#oif } : { nhId }
    return route.delete({ family: familyOfPrefix(prefix), dst: prefix, priority: metric, protocol, table, ...where })
  }

  /** A route to one hop, where there is none with this metric, or in place of ours. */
  singleRoute(prefix: string, metric: number, hop: Hop, replace: boolean): Request {
    const { gateway, encap } = hop
    const name = replace ? 'replace' : 'add'
    const family = familyOfPrefix(prefix)
    // One of a hundred thousand that differ in three places.
    if (encap === undefined && gateway !== undefined && familyOfPrefix(gateway) === family)
      return new Stencilled(this.stencil(name, family), prefix, metric, gateway)
    return route[name](this.#route(prefix, metric, { hop }))
  }

  #sample(name: 'add' | 'replace', family: Family): Request {
    const prefix = SAMPLES[family]
    const gateway = prefix.replace(/\/.*/, '')
    return route[name](this.#route(prefix, 1, { hop: { gateway, encap: undefined, text: '' } }))
  }

  /** A route of somebody else's. */
  deleteForeign({ family, dst, priority, protocol, table, nhId, oif, tos }: Route): Request {
    const where = nhId === undefined ? { oif } : { nhId }
    return route.delete({ family, dst: dst ?? 'default', priority, protocol, table, tos, ...where })
  }

  /** What all routes of a family have in common that lead to one gateway of the same family, or are removed. */
  stencil(name: 'add' | 'replace' | 'delete', family: Family): Stencil {
    const stencils = this.#stencils[family]
    stencils[name] ??= new Stencil(
      name === 'delete' ? this.deleteRoute(SAMPLES[family], 1) : this.#sample(name, family),
    )
    return stencils[name]
  }

  #route(dst: string, priority: number, to: Destination): RouteInput {
    const { protocol, table, source, mtu, advmss } = this.#scheme
    const family = familyOfPrefix(dst)
    const metrics = mtu === undefined && advmss === undefined ? undefined : { mtu, advmss }
    const common: RouteInput = { family, dst, priority, protocol, table, prefsrc: source[family], metrics }
    if ('nhId' in to) return { ...common, nhId: to.nhId }
    if ('hop' in to) return { ...common, ...this.#hop(to.hop, family) }
    return { ...common, multipath: to.hops.map(({ to: hop, weight }) => ({ ...this.#hop(hop, family), weight })) }
  }

  #hop(
    { gateway, encap }: Hop,
    family: Family,
  ): Pick<RouteInput, 'gateway' | 'via' | 'encap' | 'oif'> & {
    flags?: typeof ONLINK
  } {
    if (gateway === undefined) return { oif: this.#oif, encap }
    const flags = ONLINK
    return encap === undefined
      ? { ...gatewayFields(gateway, family), oif: this.#oif, flags }
      : { ...gatewayFields(gateway, family), oif: this.#oif, flags, encap }
  }

  /** A nexthop object. */
  addNexthop(id: number, hop: Hop, family: Family): Request {
    return nexthop.add(this.#nexthop(id, hop, family))
  }

  /** A nexthop object in place of ours: the routes follow. */
  replaceNexthop(id: number, hop: Hop, family: Family): Request {
    return nexthop.replace(this.#nexthop(id, hop, family))
  }

  #nexthop(id: number, { gateway, encap }: Hop, family: Family): NexthopInput {
    const { protocol } = this.#scheme
    const where = gateway === undefined ? {} : { gateway, flags: ONLINK }
    return { id, family: gateway?.includes(':') ? 'inet6' : family, protocol, oif: this.#oif, ...where, encap }
  }

  /** A group of nexthop objects. */
  addGroup(id: number, members: readonly Weighted<number>[]): Request {
    const { protocol } = this.#scheme
    return nexthop.add({ id, protocol, group: members.map(({ to, weight }) => ({ id: to, weight })) })
  }

  /** Removes a nexthop object or group, which no route may use any more. */
  deleteNexthop(id: number): Request {
    return nexthop.delete({ id })
  }

  /** A neighbour entry in place of whatever the kernel has found out by itself. */
  replaceNeighbour({ dst, lladdr }: NeighbourEntry): Request {
    return neighbour.replace(this.#neighbour({ dst, lladdr }))
  }

  /** Removes a neighbour entry. */
  deleteNeighbour(dst: string): Request {
    return neighbour.delete({ ifindex: this.#oif, dst })
  }

  #neighbour(entry: NeighbourInput): NeighbourInput {
    return { ifindex: this.#oif, protocol: this.#scheme.protocol, ...entry }
  }

  /** A forwarding entry where the MAC has none; one more of those that get what is broadcast. */
  addForward(mac: string, dst: string): Request {
    return mac === FLOOD ? neighbour.append(this.#forward(mac, dst)) : neighbour.add(this.#forward(mac, dst))
  }

  /** A forwarding entry in place of ours. */
  replaceForward(mac: string, dst: string): Request {
    return neighbour.replace(this.#forward(mac, dst))
  }

  /** Removes a forwarding entry. */
  deleteForward(mac: string, dst: string): Request {
    return neighbour.delete({ family: 'bridge', ifindex: this.#oif, lladdr: mac, dst })
  }

  #forward(lladdr: string, dst: string): NeighbourInput {
    return { family: 'bridge', ifindex: this.#oif, lladdr, dst, flags: ['self', 'ext_learned'], state: ['permanent'] }
  }
}
