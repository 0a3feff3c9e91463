import { EncodeError, UnsupportedError } from '../errors.js'
import { RTPROT } from '../schema/constants.js'
import type { DeviceFacts, Family } from './kinds.js'
import { METRICS, NEXTHOP_IDS, type Range } from './metric.js'
import { canonicalAddress } from './peer.js'
import { type EncapInput, isRefusal, type Scheme, type Strategy, strategyOf, waysOf } from './scheme.js'
import type { Tunnel } from './tunnel.js'

/** What {@link Overlay.open} takes. */
export interface OverlayOptions {
  /** The device that all peers share: a tunnel, or a device by name, by index, or as a link that was read. */
  readonly device: Tunnel | string | number | { readonly index: number }
  /**
   * Protocol number (RTPROT_*, /etc/iproute2/rt_protos) by which the overlay knows its own: 5 to 255, or a name. Routes
   * that bear it on this device and table belong to the overlay, and so do neighbour entries and nexthop objects that
   * bear it on this device: two overlays on one device need two numbers. Forwarding entries of vxlan cannot bear one;
   * those with the flag `extern_learn` (bridge(8)) belong to the overlay, and of those that lead to nexthop groups the
   * ones whose group bears the number.
   */
  readonly protocol: number | keyof typeof RTPROT
  /** Routing table. Default 254 (main). */
  readonly table?: number | undefined
  /** Preferred source address of the routes, an address of this host; for both families a list of two. */
  readonly source?: string | readonly string[] | undefined
  /**
   * How peers are carried. Default `auto`: as the kind of the device needs it, see {@link Overlay.explain}. With
   * `nexthop` a peer moves with one message, and on a vxlan device with a VNI several peers may have one MAC: its
   * packets are spread over them by flow. Linux 5.3, vxlan 5.8.
   */
  readonly strategy?: Strategy | 'auto' | undefined
  /** Range of the metrics of the routes. Default 16,777,216 and 1,048,576. */
  readonly metric?: Partial<Range> | undefined
  /** Range of the ids of nexthop objects. Default 536,870,912 and 1,048,576. */
  readonly nexthopIds?: Partial<Range> | undefined
  /** Path MTU of the routes, in bytes. Default: the device's. */
  readonly mtu?: number | undefined
  /** TCP MSS that the routes advertise, in bytes. Default: what follows from the MTU. */
  readonly advmss?: number | undefined
  /** What the encap of each route has beside its destination, on external devices: `id` is the VNI or GRE key. */
  readonly encap?: EncapInput | undefined
  /** vxlan: each peer gets broadcast, multicast and unknown unicast frames. Default false. */
  readonly flood?: boolean | undefined
  /** Do it although it is known not to work, or to hurt. */
  readonly force?: boolean | undefined
}

const STRATEGIES: readonly (Strategy | 'auto')[] = ['auto', 'onlink', 'nexthop', 'neighbour', 'encap', 'fdb']

/** RTPROT_* that the kernel, and `ip route` without `proto`, give: 0 to 4. */
const RESERVED = 4

function protocolOf(value: unknown, force: boolean): number {
  const number = typeof value === 'string' ? (RTPROT as Readonly<Record<string, number>>)[value] : value
  const least = force ? 1 : RESERVED + 1
  if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > 255)
    throw new EncodeError(
      'protocol',
      value,
      `a number of your own from ${RESERVED + 1} to 255 (those below are the kernel's and the administrator's)`,
    )
  return number
}

function whole(path: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new EncodeError(path, value, `a whole number from ${least} to ${most}`)
  return value
}

function rangeOf(path: string, given: Partial<Range> | undefined, { base, width }: Range): Range {
  const from = whole(`${path}.base`, given?.base ?? base, 1, 0xfffffffe)
  return { base: from, width: whole(`${path}.width`, given?.width ?? width, 1, 0xffffffff - from) }
}

function sourcesOf(source: OverlayOptions['source']): Partial<Record<Family, string>> {
  const sources: Partial<Record<Family, string>> = {}
  const list = source === undefined ? [] : typeof source === 'string' ? [source] : source
  for (const one of list) {
    const text = typeof one === 'string' ? canonicalAddress(one) : undefined
    const family = text?.includes(':') ? 'inet6' : 'inet'
    if (text === undefined || sources[family] !== undefined)
      throw new EncodeError('source', one, 'an IPv4 or IPv6 address, or one of each')
    sources[family] = text
  }
  return sources
}

/**
 * An overlay's decisions.
 * @throws {EncodeError} on an option that cannot be
 * @throws {UnsupportedError} if the device cannot carry peers so
 */
export function schemeOf(device: DeviceFacts, options: OverlayOptions): Scheme {
  const { strategy = 'auto', table = 254, mtu, advmss, encap = {}, flood = false, force = false } = options
  if (!STRATEGIES.includes(strategy)) throw new EncodeError('strategy', strategy, `one of ${STRATEGIES.join(', ')}`)
  const ways = waysOf(device, strategy, force)
  const fdb = [ways.inet, ways.inet6].some((way) => !isRefusal(way) && way.carriage === 'fdb')
  if (flood && !fdb)
    throw new UnsupportedError(`flood: ${device.ifname} has no forwarding entries: only vxlan with a VNI has`)
  return {
    device,
    protocol: protocolOf(options.protocol, force),
    table: whole('table', table, 1, 0xffffffff),
    source: sourcesOf(options.source),
    strategy: strategy === 'auto' ? strategyOf(ways) : strategy,
    ways,
    objects: strategy === 'nexthop',
    gatewayNeeded: strategy === 'neighbour',
    metric: rangeOf('metric', options.metric, METRICS),
    nexthopIds: rangeOf('nexthopIds', options.nexthopIds, NEXTHOP_IDS),
    ...(mtu === undefined ? {} : { mtu: whole('mtu', mtu, 68, 65_535) }),
    ...(advmss === undefined ? {} : { advmss: whole('advmss', advmss, 1, 65_495) }),
    encap,
    flood,
    force,
  }
}
