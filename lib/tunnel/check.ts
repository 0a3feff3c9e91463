import { KernelError } from '../errors.js'
import { address } from '../rtnl/address.js'
import { link } from '../rtnl/link.js'
import { route } from '../rtnl/route.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Link } from '../schema/link.js'
import type { Route } from '../schema/route.js'
import { MOST_OBJECTS } from './converge.js'
import { factsOf, findLink, isAny } from './device.js'
import { type DeviceFacts, type Family, kindRow } from './kinds.js'
import { isRefusal, type Scheme } from './scheme.js'
import { readSnapshot, type Snapshot } from './snapshot.js'

/** Something that keeps packets from peers, or may do so. */
export interface Finding {
  /** Stable name of the case. */
  readonly code:
    | 'device-gone'
    | 'device-down'
    | 'no-addresses'
    | 'source-missing'
    | 'endpoint-local'
    | 'no-underlay-route'
    | 'underlay-loop'
    | 'mtu'
    | 'pmtu'
    | 'rp-filter'
    | 'forwarding'
    | 'neighbour-table'
    | 'nexthop-objects'
    | 'foreign-route'
    | 'fallback-shared'
    | 'fallback-absent'
  /** `error`: packets are lost now; `warning`: some may be; `note`: worth knowing. */
  readonly severity: 'error' | 'warning' | 'note'
  /** What is the matter, and what to do about it. */
  readonly message: string
  /** The peer that it is about, where it is about one. */
  readonly endpoint?: string
}

/** Underlay routes that are looked up: peers differ little in them. */
const SAMPLES = 64
/** Findings of one sort that are told one by one. */
const MOST = 20
/** Where devconf of IFLA_INET_CONF keeps these (IPV4_DEVCONF_*, linux/ip.h). */
const FORWARDING = 0
const RP_FILTER = 7

type Add = (code: Finding['code'], severity: Finding['severity'], message: string, endpoint?: string) => void

/** Looks for what is known to go wrong. Changes nothing. */
export async function check(rt: Rtnetlink, scheme: Scheme): Promise<Finding[]> {
  const findings: Finding[] = []
  const add: Add = (code, severity, message, endpoint) =>
    findings.push({ code, severity, message, ...(endpoint === undefined ? {} : { endpoint }) })
  const { device } = scheme
  const found = await findLink(rt, device.index)
  if (found === undefined) {
    add('device-gone', 'error', `device ${device.ifname} (index ${device.index}) is gone: open the overlay anew`)
    return findings
  }
  const now = factsOf(found)
  if (!now.up)
    add(
      'device-down',
      'error',
      `${now.ifname} is down, and its routes and nexthop objects went with that: bring it up and sync`,
    )
  const snapshot = await readSnapshot(rt, scheme, { expectation: { interests: () => true, settles: () => false } })
  await checkAddresses(rt, scheme, snapshot, add)
  await checkUnderlay(rt, scheme, now, snapshot, add)
  checkDevice(found, now, add)
  checkLimits(rt, scheme, snapshot, add)
  checkForeign(snapshot, add)
  await checkFallback(rt, now, add)
  return findings
}

async function checkAddresses(rt: Rtnetlink, scheme: Scheme, { peers }: Snapshot, add: Add): Promise<void> {
  const own = new Set<string>()
  for (const { local, address: prefix } of await rt.list(address.list())) {
    const text = local ?? prefix?.replace(/\/.*/, '')
    if (text !== undefined) own.add(text)
  }
  if (![...own].some((one) => !one.includes(':')))
    add(
      'no-addresses',
      'error',
      'there is no IPv4 address here at all, and until there is the kernel takes every gateway for invalid: bring up lo',
    )
  for (const source of Object.values(scheme.source))
    if (!own.has(source))
      add('source-missing', 'error', `the source address ${source} is on no device: the kernel refuses routes with it`)
  for (const endpoint of peers.keys())
    if (own.has(endpoint))
      add('endpoint-local', 'error', `${endpoint} is an address of this host by now: its packets stay here`, endpoint)
}

async function checkUnderlay(
  rt: Rtnetlink,
  scheme: Scheme,
  now: DeviceFacts,
  { peers }: Snapshot,
  add: Add,
): Promise<void> {
  const endpoints = [...peers.keys()].filter((one) => one !== '')
  const step = Math.max(1, Math.floor(endpoints.length / SAMPLES))
  const devices = new Map<number, Link | undefined>()
  const row = kindRow(now.kind)
  for (let i = 0; i < endpoints.length; i += step) {
    const endpoint = endpoints[i]!
    const way = await wayTo(rt, endpoint)
    if (way === undefined) {
      add('no-underlay-route', 'error', `no route leads to the endpoint ${endpoint}`, endpoint)
      continue
    }
    if (way.oif === undefined) continue
    if (way.oif === scheme.device.index && row !== undefined)
      add(
        'underlay-loop',
        'error',
        `packets to the endpoint ${endpoint} go into ${now.ifname} itself: a prefix of some peer holds it, and no more specific route leads there`,
        endpoint,
      )
    else if (!devices.has(way.oif)) devices.set(way.oif, await findLink(rt, way.oif))
  }
  for (const under of devices.values()) {
    if (under === undefined || row === undefined || under.mtu === undefined) continue
    const most = under.mtu - row.overhead(now)
    if (now.mtu > most)
      add(
        'mtu',
        'warning',
        `${now.ifname} has MTU ${now.mtu}, but ${under.ifname} (${under.mtu}) leaves ${most} of ${row.overhead(now)} bytes overhead: larger packets are fragmented or dropped; set the MTU to ${most}`,
      )
  }
  if (devices.size > 0 && now.data.pmtudisc === false && row !== undefined)
    add(
      'pmtu',
      'note',
      `${now.ifname} does not set the outer don't-fragment bit (nopmtudisc): large packets are fragmented on the way instead of being told to be smaller`,
    )
}

/** The route that packets to an address of the underlay take. */
async function wayTo(rt: Rtnetlink, endpoint: string): Promise<Route | undefined> {
  try {
    const [found] = await rt.get(route.get({ dst: endpoint }))
    return found
  } catch (error) {
    if (error instanceof KernelError && (error.code === 'ENETUNREACH' || error.code === 'EHOSTUNREACH'))
      return undefined
    throw error
  }
}

function checkDevice(found: Link, { ifname }: DeviceFacts, add: Add): void {
  const conf = found.afSpec?.inet?.conf
  if (conf?.[RP_FILTER] === 1)
    add(
      'rp-filter',
      'note',
      `${ifname} has rp_filter 1 (strict): packets of a peer whose route back is another are dropped; 2 (loose) or 0 takes them`,
    )
  if (conf?.[FORWARDING] === 0)
    add(
      'forwarding',
      'note',
      `${ifname} does not forward IPv4: peers reach the addresses of this host, but not what is behind it (net.ipv4.ip_forward)`,
    )
}

function checkLimits(rt: Rtnetlink, { device, ways }: Scheme, { peers, nexthops }: Snapshot, add: Add): void {
  if (nexthops.size > MOST_OBJECTS)
    add(
      'nexthop-objects',
      'warning',
      `${nexthops.size} nexthop objects: when ${device.ifname} goes down the kernel holds its lock for seconds to minutes; strategy onlink does not have that`,
    )
  const families: Readonly<Record<Family, string>> = { inet: 'ipv4', inet6: 'ipv6' }
  for (const family of ['inet', 'inet6'] as const) {
    const way = ways[family]
    // Permanent entries do not count against the threshold.
    if (isRefusal(way) || way.lladdr !== undefined || way.carriage === 'encap') continue
    const most = numberOf(rt, `net/${families[family]}/neigh/default/gc_thresh3`)
    if (most !== undefined && peers.size > most)
      add(
        'neighbour-table',
        'note',
        `${peers.size} peers, but the table of ${families[family]} neighbours holds ${most} (gc_thresh3, for all of the host): entries of active peers are made again and again; a larger number spares the kernel that`,
      )
  }
}

function checkForeign({ routes, foreign }: Snapshot, add: Add): void {
  let told = 0
  for (const [prefix, others] of foreign) {
    const own = routes.get(prefix)
    if (own === undefined) continue
    const metric = Math.min(...[own].flat().map((one) => one.metric))
    for (const other of others) {
      if (told++ >= MOST) return
      const first = (other.priority ?? 0) < metric
      add(
        'foreign-route',
        first ? 'warning' : 'note',
        `somebody else (protocol ${other.protocol}) has a route to ${prefix} with metric ${other.priority ?? 0}: it ${first ? 'goes before' : 'comes after'} ours (${metric})`,
      )
    }
  }
}

async function checkFallback(rt: Rtnetlink, now: DeviceFacts, add: Add): Promise<void> {
  const fallback = kindRow(now.kind)?.fallback
  if (fallback === undefined) return
  if (now.fallback) {
    add(
      'fallback-shared',
      'note',
      `${now.ifname} is the fallback device of ${now.kind}: whoever uses ${now.kind} here shares it, and it cannot be deleted or changed`,
    )
    return
  }
  const others = (await rt.list(link.list())).filter((one) => one.linkinfo?.kind === now.kind).map(factsOf)
  const other = others.find((one) => one.fallback)
  const only = numberOf(rt, 'net/core/fb_tunnels_only_for_init_net')
  if (other === undefined && only !== undefined && only > 0)
    add(
      'fallback-absent',
      'note',
      `there is no ${fallback} here (net.core.fb_tunnels_only_for_init_net is ${only}): packets from peers whose address, key or remote no device has are answered with an error instead of being taken`,
    )
  else if (other?.up && isAny(now.local ?? '0.0.0.0'))
    add(
      'fallback-shared',
      'note',
      `${other.ifname} is up as well: packets that do not fit ${now.ifname} (key, flags) come in there`,
    )
}

/** A parameter of the namespace; undefined where it cannot be read. */
function numberOf(rt: Rtnetlink, path: string): number | undefined {
  const text = rt.sysctl(path)
  return text === undefined ? undefined : Number(text)
}
