import { DumpInterruptedError, KernelError } from '../errors.js'
import { neighbour } from '../rtnl/neighbour.js'
import { nexthop } from '../rtnl/nexthop.js'
import { route } from '../rtnl/route.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import { RTPROT } from '../schema/constants.js'
import type { Neighbour } from '../schema/neighbour.js'
import type { Nexthop } from '../schema/nexthop.js'
import type { Route } from '../schema/route.js'
import type { Request } from '../wire/request.js'
import { FLOOD, hopText, outOfIpv6, standsFor } from './carriage.js'
import { Stripe } from './ids.js'
import type { DeviceFacts, Family } from './kinds.js'
import { groupText, multipathText, type PresentHop, type PresentNexthop, PresentPeer, PresentRoute } from './present.js'
import type { Scheme } from './scheme.js'
import { type Share, Stations } from './stations.js'

/**
 * What the kernel has of an overlay: the only place where its state is kept.
 * @module
 */

/** Whether a link-layer address is a MAC, not an underlay address. */
const isMac = (lladdr: string): boolean => lladdr.length === 17 && lladdr[2] === ':' && lladdr[14] === ':'

/** How the kernel's dumps name a protocol. */
export const protocolName = (number: number): string | number =>
  Object.entries(RTPROT).find(([, value]) => value === number)?.[0] ?? number

/** What the reader of the kernel already knows. */
export interface Expectation {
  /** Keep other people's routes to this prefix. */
  interests(prefix: string): boolean
  /** The route is just as it should be, and need not be kept. */
  settles(prefix: string, metric: number, content: string): boolean
  /** Whether a route to one peer matters; all do where this is left out. */
  concerns?(prefix: string, endpoint: string): boolean
}

const NOTHING: Expectation = { interests: () => false, settles: () => false }

/** All that is ours, and what is in its way. */
export class Snapshot {
  /** By prefix; more than one only while something changes, or after a crash. */
  readonly routes = new Map<string, PresentRoute | PresentRoute[]>()
  /** Other people's routes to prefixes of interest. */
  readonly foreign = new Map<string, Route[]>()
  /** Link-layer addresses of our neighbour entries. */
  readonly neighbours = new Map<string, string>()
  /** Those of other people's permanent ones on our device. */
  readonly foreignNeighbours = new Map<string, string>()
  /** MAC → underlay address of our forwarding entries. */
  readonly forwards = new Map<string, string>()
  /** MAC → underlay addresses of other people's. */
  readonly foreignForwards = new Map<string, string[]>()
  /** Underlay addresses of our entries for what is broadcast. */
  readonly floods = new Set<string>()
  /** MACs behind nexthop objects. */
  readonly stations: Stations
  readonly nexthops = new Map<number, PresentNexthop>()
  /** All ids in use, by whomever. */
  readonly takenIds = new Set<number>()
  /** All peers by endpoint. */
  readonly peers = new Map<string, PresentPeer>()
  readonly #scheme: Scheme
  readonly #protocol: string | number
  readonly #expectation: Expectation

  constructor(scheme: Scheme, expectation = NOTHING) {
    this.#scheme = scheme
    this.#expectation = expectation
    this.#protocol = protocolName(scheme.protocol)
    this.stations = new Stations(this.#protocol, new Stripe(scheme.nexthopIds, scheme.device.index))
  }

  /** Takes a forwarding entry. Neighbours and nexthops are told by them, so they come first. */
  addForward(entry: Neighbour): void {
    const { ifindex, lladdr, dst, nhId } = entry
    if (ifindex !== this.#scheme.device.index || lladdr === undefined) return
    const ours = entry.flags.includes('ext_learned') && entry.state.includes('permanent')
    if (nhId !== undefined) this.stations.addForward(lladdr, nhId, ours)
    if (dst === undefined) return
    if (!ours) {
      const list = this.foreignForwards.get(lladdr)
      if (list === undefined) this.foreignForwards.set(lladdr, [dst])
      else list.push(dst)
    } else if (lladdr === FLOOD) {
      this.floods.add(dst)
      this.peer(dst)
    } else {
      this.forwards.set(lladdr, dst)
      this.peer(dst).mac = lladdr
    }
  }

  /** Takes a neighbour entry. */
  addNeighbour(entry: Neighbour): void {
    const { ifindex, lladdr, dst, protocol } = entry
    if (ifindex !== this.#scheme.device.index || lladdr === undefined || dst === undefined) return
    if (!entry.state.includes('permanent') || (entry.family !== 'inet' && entry.family !== 'inet6')) return
    if (protocol !== this.#protocol) this.foreignNeighbours.set(dst, lladdr)
    else this.neighbours.set(dst, lladdr)
  }

  /** Takes a nexthop object. */
  addNexthop(found: Nexthop): void {
    const { id, group, oif } = found
    if (id === undefined) return
    this.takenIds.add(id)
    if (found.protocol !== this.#protocol || found.fdb) return
    if (group !== undefined) {
      const members = group.map((one) => ({ id: one.id, weight: one.weight }))
      this.nexthops.set(id, { id, text: groupText(members), endpoint: '', group: members })
    } else if (oif === this.#scheme.device.index) {
      const shares = this.#sharesOf(found.gateway)
      const endpoint = shares.length > 1 ? '' : this.#endpointOf(found.gateway, found.encap)
      this.nexthops.set(id, { id, text: `${found.family} ${hopText(found.gateway, found.encap)}`, endpoint, shares })
      if (shares.length < 2) this.peer(endpoint)
    }
  }

  /** Groups of our protocol whose members are not all ours belong to another overlay. Comes after the last nexthop. */
  dropStrangeGroups(): void {
    for (const { id, group } of this.nexthops.values())
      if (group?.some((one) => !this.nexthops.has(one.id))) this.nexthops.delete(id)
  }

  /** Takes a route of the overlay's table. */
  addRoute(found: Route, family: Family): void {
    const { table } = this.#scheme
    if (found.table !== table || found.family !== family) return
    const { dst } = found
    const prefix = dst === 'default' || dst === undefined ? (family === 'inet' ? '0.0.0.0/0' : '::/0') : dst
    if (found.protocol === this.#protocol && this.#addOwn(prefix, found)) return
    if (!this.#expectation.interests(prefix)) return
    const list = this.foreign.get(prefix)
    if (list === undefined) this.foreign.set(prefix, [found])
    else list.push(found)
  }

  /** False if the route is on another device. */
  #addOwn(prefix: string, found: Route): boolean {
    const { nhId, multipath } = found
    const { index } = this.#scheme.device
    if (nhId !== undefined) {
      const object = this.nexthops.get(nhId)
      if (object === undefined) return false
      const { priority = 0 } = found
      this.#keep(prefix, new PresentRoute(priority, `#${nhId}`, this.#isStale(found), this.#behind(object)))
      return true
    }
    if (multipath !== undefined) {
      if (!multipath.every(({ oif }) => oif === index)) return false
      this.#keepMultipath(prefix, found)
      return true
    }
    if (found.oif !== index) return false
    const gateway = found.gateway ?? found.via?.address
    const content = hopText(gateway, found.encap)
    const stale = this.#isStale(found)
    if (!stale && this.#expectation.settles(prefix, found.priority ?? 0, content)) return true
    const endpoint = this.#endpointOf(gateway, found.encap)
    if (this.#expectation.concerns?.(prefix, endpoint) === false) return true
    this.#keep(prefix, new PresentRoute(found.priority ?? 0, content, stale, this.peer(endpoint)))
    return true
  }

  #keepMultipath(prefix: string, found: Route): void {
    const hops = found.multipath!.map((hop) => {
      const gateway = hop.gateway ?? hop.via?.address
      const peer = this.peer(this.#endpointOf(gateway, hop.encap))
      return { text: hopText(gateway, hop.encap), weight: hop.weight, peer }
    })
    const to = hops.map(({ peer, weight }) => ({ peer, weight }))
    this.#keep(prefix, new PresentRoute(found.priority ?? 0, multipathText(hops), this.#isStale(found), to))
  }

  #isStale({ prefsrc, metrics, family, type }: Route): boolean {
    const { source, mtu, advmss } = this.#scheme
    return (
      prefsrc !== source[family as Family] || metrics?.mtu !== mtu || metrics?.advmss !== advmss || type !== 'unicast'
    )
  }

  #keep(prefix: string, route: PresentRoute): void {
    const before = this.routes.get(prefix)
    if (before === undefined) this.routes.set(prefix, route)
    else if (before instanceof PresentRoute) this.routes.set(prefix, [before, route])
    else before.push(route)
  }

  /** The peers of an object or group. */
  #behind({ endpoint, group, shares = [] }: PresentNexthop): PresentPeer | readonly PresentHop[] {
    if (shares.length > 1) return shares.map((share) => ({ peer: this.peer(share.endpoint), weight: share.weight }))
    if (group === undefined) return this.peer(endpoint)
    return group.flatMap(({ id, weight }): PresentHop[] => {
      const to = this.#behind(this.nexthops.get(id)!)
      return to instanceof PresentPeer ? [{ peer: to, weight }] : [...to]
    })
  }

  /** Several endpoints that share the MAC of a gateway. */
  #sharesOf(gateway: string | undefined): readonly Share[] {
    const lladdr = gateway === undefined ? undefined : this.neighbours.get(gateway)
    return lladdr === undefined ? [] : this.stations.sharing(lladdr, gateway!)
  }

  #endpointOf(gateway: string | undefined, encap: object | undefined): string {
    const dst = (encap as { dst?: unknown } | undefined)?.dst
    if (typeof dst === 'string') {
      if (gateway !== undefined) this.#knowGateway(dst, gateway)
      return dst
    }
    if (gateway === undefined) return ''
    const lladdr = this.neighbours.get(gateway)
    if (lladdr === undefined) return outOfIpv6(gateway)
    const endpoint = isMac(lladdr) ? (this.forwards.get(lladdr) ?? this.#sharesOf(gateway)[0]?.endpoint) : lladdr
    if (endpoint === undefined) return outOfIpv6(gateway)
    this.#knowGateway(endpoint, gateway)
    return endpoint
  }

  /** Keeps a gateway that does not follow from endpoint and MAC. */
  #knowGateway(endpoint: string, gateway: string): void {
    const lladdr = this.neighbours.get(gateway)
    const peer = this.peer(endpoint)
    if (lladdr !== undefined && isMac(lladdr)) peer.mac = lladdr
    if (!standsFor(gateway, endpoint) && !gateway.startsWith('fe80:')) peer.gateway = gateway
  }

  /** A peer by its endpoint; '' stands for one that cannot be told. */
  peer(endpoint: string): PresentPeer {
    let peer = this.peers.get(endpoint)
    if (peer === undefined) {
      peer = new PresentPeer(endpoint)
      this.peers.set(endpoint, peer)
    }
    return peer
  }

  /** Our routes to a prefix. */
  routesTo(prefix: string): readonly PresentRoute[] {
    const found = this.routes.get(prefix)
    return found === undefined ? [] : found instanceof PresentRoute ? [found] : found
  }

  /** Peers that have no routes are known by their neighbour entries. Comes after the last neighbour. */
  learnPeers(): void {
    for (const [dst, lladdr] of this.neighbours) {
      for (const { endpoint } of this.#sharesOf(dst)) this.#knowGateway(endpoint, dst)
      const endpoint = isMac(lladdr) ? this.forwards.get(lladdr) : lladdr
      if (endpoint !== undefined) this.#knowGateway(endpoint, dst)
    }
  }

  /** Peers that share MACs, or have them to themselves. */
  learnStations(): void {
    this.stations.settle()
    for (const mac of this.stations.entries.keys()) {
      for (const { endpoint, weight } of this.stations.behind(mac)) {
        const peer = this.peer(endpoint)
        peer.mac = mac
        peer.weight = weight
      }
    }
    for (const endpoint of this.stations.nexthops.values()) this.peer(endpoint)
  }
}

/** Reads all that an overlay has in the kernel. */
export async function readSnapshot(
  rt: Rtnetlink,
  scheme: Scheme,
  { signal, expectation }: { readonly signal?: AbortSignal | undefined; readonly expectation?: Expectation } = {},
): Promise<Snapshot> {
  const snapshot = new Snapshot(scheme, expectation)
  const { device, table } = scheme
  const all = <T>(request: Request<T>, take: (one: T) => void): Promise<void> => readAll(rt, request, take, signal)
  let objects: Nexthop[] | undefined
  if (device.kind === 'vxlan') {
    objects = []
    await all(neighbour.list({ family: 'bridge', ifindex: device.index }), (entry) => snapshot.addForward(entry))
    await readStations(snapshot, device, objects, all)
  }
  await all(neighbour.list({ viaIfindex: device.index }), (entry) => snapshot.addNeighbour(entry))
  snapshot.learnPeers()
  if (objects === undefined) await all(nexthop.list(), (found) => snapshot.addNexthop(found))
  else for (const found of objects) snapshot.addNexthop(found)
  snapshot.dropStrangeGroups()
  for (const family of ['inet', 'inet6'] as const)
    await all(route.list({ family, table }), (found) => snapshot.addRoute(found, family))
  return snapshot
}

/** Reads what forwarding entries lead to, and keeps the other nexthop objects for later. */
async function readStations(
  snapshot: Snapshot,
  device: DeviceFacts,
  objects: Nexthop[],
  all: <T>(request: Request<T>, take: (one: T) => void) => Promise<void>,
): Promise<void> {
  const { stations } = snapshot
  await all(nexthop.list(), (found) => {
    objects.push(found)
    if (found.fdb) stations.addNexthop(found)
  })
  if (stations.groups.size > 0)
    await all(neighbour.list({ family: 'bridge' }), (entry) => {
      if (entry.ifindex !== device.index) stations.addElsewhere(entry)
    })
  snapshot.learnStations()
}

/** What a kernel says that has no such objects, no such table, or no such device any more. */
const NONE: ReadonlySet<string> = new Set(['EOPNOTSUPP', 'ENOENT', 'ENODEV'])

/** Reads what there is of something, and does not let the event loop wait for it. */
async function readAll<T>(
  rt: Rtnetlink,
  request: Request<T>,
  take: (one: T) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    for await (const one of rt.dump(request, { signal })) take(one)
  } catch (error) {
    // What an interrupted dump lacks is found when it is in the way.
    if (error instanceof DumpInterruptedError) return
    if (!(error instanceof KernelError) || !NONE.has(error.code)) throw error
  }
}
