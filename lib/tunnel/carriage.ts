import type { Family, Way } from './kinds.js'
import type { Member } from './member.js'
import { fmix32, hashAddress } from './metric.js'
import { canonicalAddress, canonicalBytes, type Encap, type Hop } from './peer.js'
import { isRefusal, type Scheme } from './scheme.js'

/**
 * How a peer becomes the nexthop of a route, and what else the kernel must know of it.
 * @module
 */

/** A gateway of IPv6 that stands for an IPv4 address: `::192.0.2.1`. */
const inIpv6 = (ipv4: string): string => `::${ipv4}`

/** The IPv4 address that a gateway stands for, or itself. */
export const outOfIpv6 = (gateway: string): string =>
  gateway.startsWith('::') && gateway.includes('.') && !gateway.startsWith('::ffff:') ? gateway.slice(2) : gateway

/** The link-local address that a device with this MAC gives itself (modified EUI-64, RFC 4291 appendix A). */
export function linkLocalOf(mac: string): string {
  const [a, b, c, d, e, f] = mac.split(':').map((byte) => Number.parseInt(byte, 16)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const group = (high: number, low: number): string => ((high << 8) | low).toString(16)
  return canonicalAddress(`fe80::${group(a ^ 2, b)}:${group(c, 0xff)}:${group(0xfe, d)}:${group(e, f)}`)!
}

/** A link-local address that stands for an endpoint of IPv6, which may not be a gateway itself. */
export function linkLocalFor(endpoint: string): string {
  const hash = hashAddress(canonicalBytes(endpoint)!)
  const [high, low] = [fmix32(hash ^ 1), fmix32(hash ^ 2)]
  const group = (word: number): string => `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`
  return canonicalAddress(`fe80::${group(high)}:${group(low)}`)!
}

/** A gateway that stands for an endpoint, whatever its MAC. */
const gatewayFor = (endpoint: string, family: Family, inner: Family): string =>
  family === 'inet6' ? linkLocalFor(endpoint) : inner === 'inet6' ? inIpv6(endpoint) : endpoint

/** Whether a gateway stands for an endpoint, and not for a MAC. */
export const standsFor = (gateway: string, endpoint: string): boolean =>
  outOfIpv6(gateway) === endpoint || (endpoint.includes(':') && gateway === linkLocalFor(endpoint))

/** The address that routes of a family name as gateway; undefined where the encap says all. */
export function gatewayOf(member: Member, inner: Family, way: Way): string | undefined {
  if (way.gateway === 'none') return undefined
  const { endpoint, family, gateway, mac } = member
  if (way.gateway === 'any') {
    if (gateway !== undefined && (inner === 'inet' || gateway.includes(':'))) return gateway
    if (way.shared && mac !== undefined) return gatewayFor(endpoint, family, inner)
    // IPv6 over Ethernet has an address for each MAC, and an endpoint of IPv6 is refused as gateway: it is elsewhere.
    if (way.lladdr === 'mac' && mac !== undefined && (inner === 'inet6' || family === 'inet6')) return linkLocalOf(mac)
  }
  return inner === 'inet6' && family === 'inet' ? inIpv6(endpoint) : endpoint
}

/** The nexthop of a peer's routes of a family. */
export function hopOf(scheme: Scheme, member: Member, inner: Family): Hop {
  const way = scheme.ways[inner]
  if (isRefusal(way)) return { gateway: member.endpoint, encap: undefined, text: member.endpoint }
  const gateway = gatewayOf(member, inner, way)
  if (way.carriage !== 'encap') return { gateway, encap: undefined, text: gateway! }
  const encap = encapOf(scheme, member)
  return { gateway, encap, text: hopText(gateway, encap) }
}

/** A peer's nexthop beside others: routes of IPv6 cannot have several that name a device alone. */
export function sharedHop(hop: Hop, { endpoint, family }: Member, inner: Family): Hop {
  if (inner === 'inet' || hop.gateway !== undefined) return hop
  const gateway = gatewayFor(endpoint, family, inner)
  return { ...hop, gateway, text: hopText(gateway, hop.encap) }
}

const GRE_LIKE = /gre|erspan/

function encapOf(scheme: Scheme, { endpoint, family }: Member): Encap {
  const { id, src, ttl, tos, opts } = scheme.encap
  const keyed = id !== undefined && GRE_LIKE.test(scheme.device.kind)
  const flags = scheme.encap.flags ?? (keyed ? ['key'] : undefined)
  const common = { id: id === undefined ? undefined : BigInt(id), dst: endpoint, src, flags, opts }
  const encap =
    family === 'inet' ? { type: 'ip', ...common, ttl, tos } : { type: 'ip6', ...common, hoplimit: ttl, tc: tos }
  return encap as Encap
}

/** An encap as told by the kernel or written by us, without what is 0 anyway. */
export function hopText(gateway: string | undefined, encap: object | undefined): string {
  if (encap === undefined) return gateway ?? ''
  const e = encap as Readonly<Record<string, unknown>>
  const src = e.src === '0.0.0.0' || e.src === '::' ? undefined : e.src
  // The kernel adds the flags that follow from the options.
  const flags = Array.isArray(e.flags)
    ? e.flags
        .filter((flag) => !OPTION_FLAG.test(flag))
        .sort()
        .join('+')
    : ''
  const opts = e.opts === undefined ? '' : canonicalText(e.opts)
  const fields = [e.type, e.dst, e.id || '', src ?? '', e.ttl || e.hoplimit || '', e.tos || e.tc || '', flags, opts]
  return `${gateway ?? ''}>${fields.join('|')}`
}

const OPTION_FLAG = /_opt$/

/** JSON with its properties in order, and without those that are 0 or undefined. */
function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return JSON.stringify(value)
  const fields = Object.entries(value).filter(([, field]) => field !== undefined && field !== 0)
  return `{${fields
    .map(([name, field]) => `${name}:${canonicalText(field)}`)
    .sort()
    .join()}}`
}

/** A permanent neighbour entry. */
export interface NeighbourEntry {
  readonly dst: string
  readonly lladdr: string
}

/** The neighbour entries that a peer's gateways need. */
export function neighboursOf(scheme: Scheme, member: Member): NeighbourEntry[] {
  const entries: NeighbourEntry[] = []
  for (const inner of ['inet', 'inet6'] as const) {
    const way = scheme.ways[inner]
    if (isRefusal(way) || way.lladdr === undefined) continue
    if (!member.carries(inner)) continue
    const dst = gatewayOf(member, inner, way)!
    const lladdr = way.lladdr === 'mac' ? member.mac : member.endpoint
    if (lladdr !== undefined && !entries.some((entry) => entry.dst === dst)) entries.push({ dst, lladdr })
  }
  return entries
}

/** A peer's forwarding entry that gets what is broadcast. */
export const FLOOD = '00:00:00:00:00:00'

/** Whether forwarding entries lead to nexthop objects. */
export const hasStations = (scheme: Scheme): boolean => scheme.objects && usesFdb(scheme)

/** Whether peers have forwarding entries. */
export const usesFdb = ({ ways }: Scheme): boolean =>
  [ways.inet, ways.inet6].some((way) => !isRefusal(way) && way.carriage === 'fdb')
