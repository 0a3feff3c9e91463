import { UnsupportedError } from '../errors.js'
import { type DeviceFacts, type Family, kindRow, type Refusal, type Way } from './kinds.js'
import type { Range } from './metric.js'

/**
 * What an overlay has decided when it is opened: all that planning needs to know beside the peers.
 * @module
 */

/** How peers are carried. */
export type Strategy = 'onlink' | 'nexthop' | 'neighbour' | 'encap' | 'fdb'

/** What every encap has beside its destination; `ttl` and `tos` are hoplimit and tc over IPv6. */
export interface EncapInput {
  /** Tunnel key or VNI. */
  readonly id?: number | bigint | undefined
  /** Underlay source. */
  readonly src?: string | undefined
  readonly ttl?: number | undefined
  readonly tos?: number | undefined
  /** `key` sends the id (gre), `csum`, `seq`, `dont_fragment`. With an id on gre kinds `key` is the default. */
  readonly flags?: readonly string[] | undefined
  /** Options of the tunnel's own header: erspan needs them. Linux 5.5. */
  readonly opts?: object | undefined
}

/** An overlay's decisions. */
export interface Scheme {
  readonly device: DeviceFacts
  /** RTPROT_* of all that is ours, as a number. */
  readonly protocol: number
  readonly table: number
  /** Preferred source address of the routes, by family. */
  readonly source: Readonly<Partial<Record<Family, string>>>
  readonly strategy: Strategy
  readonly ways: Readonly<Record<Family, Way | Refusal>>
  /** Routes lead to nexthop objects. */
  readonly objects: boolean
  /** Peers must name the gateway: it is not their underlay address. */
  readonly gatewayNeeded: boolean
  readonly metric: Range
  readonly nexthopIds: Range
  readonly mtu?: number
  readonly advmss?: number
  /** What every encap has beside its destination. */
  readonly encap: EncapInput
  /** Each peer gets what is broadcast (vxlan). */
  readonly flood: boolean
  readonly force: boolean
}

export const isRefusal = (way: Way | Refusal): way is Refusal => 'refused' in way

const PLAIN: Way = {
  carriage: 'onlink',
  gateway: 'endpoint',
  why: 'it was asked for: the gateway of each route is the underlay address of the peer',
}

const STATIONS: Way = {
  carriage: 'fdb',
  gateway: 'any',
  lladdr: 'mac',
  shared: true,
  why: 'a forwarding entry leads from the MAC of a peer to a group of nexthop objects, one for each underlay address that the MAC is behind, a permanent neighbour entry from the gateway of the routes to that MAC; a peer without a MAC has its routes alone',
}

/** How a strategy carries packets of a family over a device. */
export function wayOf(device: DeviceFacts, strategy: Strategy | 'auto', inner: Family, force: boolean): Way | Refusal {
  const row = kindRow(device.kind)
  const { ifname, kind } = device
  const natural: Way | Refusal = row?.way(device, inner) ?? {
    refused: `${ifname} ${kind === '' ? 'is no tunnel' : `is of kind ${kind}, no tunnel`}: only a forced strategy carries peers over it`,
  }
  const refuse = (refused: string, way: Way): Way | Refusal => (force ? way : { refused })
  switch (strategy) {
    case 'auto':
      return natural
    case 'onlink':
    case 'nexthop':
      if (strategy === 'nexthop' && !isRefusal(natural) && natural.carriage === 'fdb') return STATIONS
      if (row === undefined || (kind === 'vxlan' && !device.external)) return PLAIN
      if (isRefusal(natural)) return refuse(natural.refused, PLAIN)
      if (strategy === 'nexthop' || natural.carriage === 'onlink') return natural
      return refuse(`${ifname} is external: a gateway alone does not tell it where to send`, PLAIN)
    case 'neighbour': {
      const lladdr = row?.layer === 3 ? 'endpoint' : 'mac'
      const way: Way = {
        carriage: 'onlink',
        gateway: 'any',
        lladdr,
        why: `it was asked for: the gateway of each route is an address of the peer inside, whose permanent neighbour entry has its ${lladdr === 'mac' ? 'MAC' : 'underlay address'}`,
      }
      if (kind === 'gre' && !isRefusal(natural) && natural.carriage === 'onlink') return way
      if (row === undefined || (kind === 'vxlan' && !device.external)) return way
      return refuse(`${ifname} does not look at neighbour entries for the outer destination`, way)
    }
    case 'encap': {
      const way: Way = {
        carriage: 'encap',
        ...(row?.layer === 2 ? { gateway: 'any', lladdr: 'mac' } : { gateway: 'none' }),
        why: 'it was asked for: the encap on each route says where its packets go',
      }
      if (!isRefusal(natural) && natural.carriage === 'encap') return natural
      if (kind === 'ipip' && !isRefusal(natural)) return way
      return refuse(`${ifname} is not external: it does not look at the encap of a route`, way)
    }
    case 'fdb':
      if (!isRefusal(natural) && natural.carriage === 'fdb') return natural
      return {
        refused: `${ifname} has no forwarding entries with underlay addresses: only a vxlan device with a VNI does`,
      }
  }
}

/**
 * Both families' ways.
 * @throws {UnsupportedError} if neither is carried
 */
export function waysOf(
  device: DeviceFacts,
  strategy: Strategy | 'auto',
  force: boolean,
): Record<Family, Way | Refusal> {
  const inet = wayOf(device, strategy, 'inet', force)
  const inet6 = wayOf(device, strategy, 'inet6', force)
  if (isRefusal(inet) && isRefusal(inet6))
    throw new UnsupportedError(inet.refused === inet6.refused ? inet.refused : `${inet.refused}; ${inet6.refused}`)
  return { inet, inet6 }
}

/** What `auto` comes to. */
export function strategyOf(ways: Readonly<Record<Family, Way | Refusal>>): Strategy {
  const way = isRefusal(ways.inet) ? (ways.inet6 as Way) : ways.inet
  return way.carriage
}
