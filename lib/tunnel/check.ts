import { KernelError } from '../errors.js'
import { address } from '../rtnl/address.js'
import { route } from '../rtnl/route.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Address } from '../schema/address.js'
import type { Link } from '../schema/link.js'
import type { Route } from '../schema/route.js'
import { factsOf, findLink } from './device.js'
import type { Add, Finding } from './finding.js'
import { type DeviceFacts, type Family, kindRow } from './kinds.js'
import { checkLimits, numberOf } from './limits.js'
import { checkRivals } from './rivals.js'
import type { Scheme } from './scheme.js'
import { readSnapshot, type Snapshot } from './snapshot.js'
import { underlayOf } from './underlay.js'

export type { Finding } from './finding.js'

/** Underlay routes that are looked up: peers differ little in them. */
const SAMPLES = 64
/** Findings of one sort that are told one by one. */
const MOST = 20
/** Where devconf of IFLA_INET_CONF keeps these (IPV4_DEVCONF_*, linux/ip.h). */
const FORWARDING = 0
const RP_FILTER = 7
/** Where those of IFLA_INET6_CONF keep it (DEVCONF_FORWARDING, linux/ipv6.h). */
const FORWARDING6 = 0

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
  const own = await checkAddresses(rt, scheme, snapshot, add)
  const direct = await checkUnderlay(rt, scheme, now, snapshot, add)
  checkDevice(rt, found, now, own, snapshot, add)
  checkLimits(rt, scheme, snapshot, direct, add)
  checkForeign(snapshot, add)
  await checkRivals(rt, now, add)
  return findings
}

/** Returns the addresses of the host. */
async function checkAddresses(rt: Rtnetlink, scheme: Scheme, { peers }: Snapshot, add: Add): Promise<Address[]> {
  const all = await rt.list(address.list())
  const own = new Set(all.map(({ local, address: prefix }) => local ?? prefix?.replace(/\/.*/, '')))
  if (![...own].some((one) => one !== undefined && !one.includes(':')))
    add(
      'no-addresses',
      'error',
      'there is no IPv4 address here at all, and until there is the kernel takes every gateway for invalid: bring up lo',
    )
  for (const source of Object.values(scheme.source))
    if (!own.has(source))
      add('source-missing', 'error', `the source address ${source} is on no device: the kernel refuses routes with it`)
  const taken = underlayOf(all)
  for (const { endpoint, gateway } of peers.values()) {
    const why = taken.get(endpoint)
    if (endpoint !== '' && why !== undefined)
      add(
        'endpoint-local',
        'error',
        `the endpoint ${endpoint} is no other host by now (${why}): its packets do not leave for it; remove the peer or the address`,
        endpoint,
      )
    const whyNot = gateway === undefined ? undefined : taken.get(gateway)
    if (whyNot !== undefined)
      add(
        'gateway-local',
        'error',
        `the gateway ${gateway} of ${endpoint} is no other host by now (${whyNot}): give the peer another one, or remove the address`,
        endpoint,
      )
  }
  return all
}

/** Endpoints to look up: those that peers claim to be behind themselves or others, and some of the rest. */
function sampleOf({ peers, routes }: Snapshot): { suspects: string[]; sample: string[] } {
  const endpoints = [...peers.keys()].filter((one) => one !== '')
  const suspects = endpoints.filter((one) => routes.has(`${one}/${one.includes(':') ? 128 : 32}`)).slice(0, SAMPLES)
  const step = Math.max(1, Math.floor(endpoints.length / SAMPLES))
  return { suspects, sample: endpoints.filter((one, i) => i % step === 0 && !suspects.includes(one)) }
}

/** Returns how many peers no router is in front of, about. */
async function checkUnderlay(
  rt: Rtnetlink,
  { device }: Scheme,
  now: DeviceFacts,
  snapshot: Snapshot,
  add: Add,
): Promise<Record<Family, number>> {
  const row = kindRow(now.kind)
  const devices = new Map<number, Link | undefined>()
  const looked = { inet: 0, inet6: 0 }
  const direct = { inet: 0, inet6: 0 }
  const { suspects, sample } = sampleOf(snapshot)
  for (const endpoint of [...suspects, ...sample]) {
    const family = endpoint.includes(':') ? 'inet6' : 'inet'
    looked[family]++
    const way = await wayTo(rt, endpoint)
    if (way === undefined) {
      add('no-underlay-route', 'error', `no route leads to the endpoint ${endpoint}`, endpoint)
      continue
    }
    if (way.oif === undefined || way.type === 'local') continue
    if (way.oif === device.index && row !== undefined)
      add(
        'underlay-loop',
        'error',
        `packets to the endpoint ${endpoint} go into ${now.ifname} itself: a prefix of some peer holds it, and no more specific route leads there`,
        endpoint,
      )
    else {
      if ((way.gateway ?? way.via) === undefined) direct[family]++
      if (!devices.has(way.oif)) devices.set(way.oif, await findLink(rt, way.oif))
      const narrow = way.metrics?.mtu
      if (row !== undefined && narrow && narrow < (devices.get(way.oif)?.mtu ?? 0))
        checkMtu(now, narrow, `the way to ${endpoint}`, row.overhead(now), add, endpoint)
    }
  }
  for (const [index, under] of devices)
    if (row !== undefined && under?.mtu)
      checkMtu(now, under.mtu, under.ifname ?? `device ${index}`, row.overhead(now), add)
  if (devices.size > 0 && now.data.pmtudisc === false && row !== undefined)
    add(
      'pmtu',
      'note',
      `${now.ifname} does not set the outer don't-fragment bit (nopmtudisc): large packets are fragmented on the way instead of being told to be smaller`,
    )
  const ends = [...snapshot.peers.keys()]
  const whole = (family: Family): number => {
    const count = ends.filter((one) => one !== '' && one.includes(':') === (family === 'inet6')).length
    return looked[family] === 0 ? 0 : Math.round((count * direct[family]) / looked[family])
  }
  return { inet: whole('inet'), inet6: whole('inet6') }
}

function checkMtu(now: DeviceFacts, mtu: number, what: string, overhead: number, add: Add, endpoint?: string): void {
  const most = mtu - overhead
  if (now.mtu <= most) return
  add(
    'mtu',
    'warning',
    `${now.ifname} has MTU ${now.mtu}, but ${what} (${mtu}) leaves ${most} after ${overhead} bytes overhead: larger packets are fragmented or dropped; set the MTU to ${most}`,
    endpoint,
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

function checkDevice(
  rt: Rtnetlink,
  found: Link,
  { ifname, index }: DeviceFacts,
  own: readonly Address[],
  { routes }: Snapshot,
  add: Add,
): void {
  const conf = found.afSpec?.inet?.conf
  // The kernel takes the larger one.
  const filter = Math.max(conf?.[RP_FILTER] ?? 0, numberOf(rt, 'net/ipv4/conf/all/rp_filter') ?? 0)
  if (filter === 1)
    add(
      'rp-filter',
      'note',
      `${ifname} has rp_filter 1 (strict, net.ipv4.conf.${ifname} or all): packets of a peer whose route back is another are dropped; 2 (loose) takes them, and 0 if both have it`,
    )
  else if (filter === 2 && !own.some((one) => one.index === index && one.family === 'inet'))
    add(
      'rp-filter',
      'note',
      `${ifname} has rp_filter 2 (loose) and no IPv4 address: packets of a peer whose route back is through another device are dropped; any address on ${ifname}, a /32 too, mends it`,
    )
  const prefixes = [...routes.keys()]
  const families = [
    {
      words: 'IPv4',
      value: conf?.[FORWARDING],
      carried: prefixes.some((one) => !one.includes(':')),
      name: 'net.ipv4.ip_forward',
    },
    {
      words: 'IPv6',
      value: found.afSpec?.inet6?.conf?.[FORWARDING6],
      carried: prefixes.some((one) => one.includes(':')),
      name: 'net.ipv6.conf.all.forwarding',
    },
  ]
  for (const { words, value, carried, name } of families)
    if (value === 0 && carried)
      add(
        'forwarding',
        'note',
        `${ifname} does not forward ${words}: peers reach the addresses of this host, but not what is behind it; set ${name} to 1 where they shall`,
      )
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
