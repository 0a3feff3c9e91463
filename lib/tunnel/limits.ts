import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import { MOST_OBJECTS } from './converge.js'
import type { Add } from './finding.js'
import type { Family } from './kinds.js'
import { isRefusal, type Scheme } from './scheme.js'
import type { Snapshot } from './snapshot.js'

/**
 * How much of something the kernel can bear, against what the peers take.
 * @module
 */

const WORDS: Readonly<Record<Family, 'ipv4' | 'ipv6'>> = { inet: 'ipv4', inet6: 'ipv6' }

/** A parameter of the namespace; undefined where it cannot be read. */
export function numberOf(rt: Rtnetlink, path: string): number | undefined {
  const text = rt.sysctl(path)
  return text === undefined ? undefined : Number(text)
}

/** @param direct peers that no router is in front of, about, by the family of their endpoints */
export function checkLimits(
  rt: Rtnetlink,
  scheme: Scheme,
  snapshot: Snapshot,
  direct: Readonly<Record<Family, number>>,
  add: Add,
): void {
  const { device } = scheme
  const { nexthops } = snapshot
  if (nexthops.size > MOST_OBJECTS)
    add(
      'nexthop-objects',
      'warning',
      `${nexthops.size} nexthop objects: when ${device.ifname} goes down the kernel holds its lock for seconds to minutes; strategy onlink does not have that`,
    )
  for (const family of ['inet', 'inet6'] as const)
    checkTable(rt, family, direct[family], inside(scheme, snapshot, family), add)
}

/** Entries of a family that packets make on the device itself, one for each gateway. Permanent ones are not counted. */
function inside({ ways }: Scheme, { peers }: Snapshot, table: Family): number {
  let count = 0
  for (const inner of ['inet', 'inet6'] as const) {
    const way = ways[inner]
    if (isRefusal(way) || way.lladdr !== undefined || way.carriage !== 'onlink') continue
    for (const { endpoint } of peers.values()) {
      const family = inner === 'inet6' || endpoint.includes(':') ? 'inet6' : 'inet'
      if (endpoint !== '' && family === table) count++
    }
  }
  return count
}

function checkTable(rt: Rtnetlink, family: Family, outside: number, inside: number, add: Add): void {
  const name = WORDS[family]
  const [soft, most] = [2, 3].map((n) => numberOf(rt, `net/${name}/neigh/default/gc_thresh${n}`))
  if (soft === undefined || most === undefined) return
  const all = outside + inside
  const limits = `net.${name}.neigh.default.gc_thresh2 and gc_thresh3, ${soft} and ${most}, for all of the host`
  const raise = `set them to ${2 * all} and ${4 * all} in the first namespace of the host`
  if (outside > most)
    add(
      'neighbour-table',
      'warning',
      `about ${outside} peers are on networks of this host, with a neighbour entry each, but the ${name} table holds ${most}: packets to some of them are dropped (${limits}); ${raise}`,
    )
  else if (all > most)
    add(
      'neighbour-table',
      'note',
      `${all} neighbour entries for the peers, but the ${name} table holds ${most}: those of active peers are made again and again (${limits}); ${raise}`,
    )
  else if (all > soft)
    add(
      'neighbour-table',
      'note',
      `${all} neighbour entries for the peers: over ${soft} the kernel takes away those of the ${name} table that were not used for 5 seconds (${limits}); ${raise}`,
    )
}
