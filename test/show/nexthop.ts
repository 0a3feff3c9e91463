import type { Nexthop } from '../../lib/schema/nexthop.js'
import { encap } from './encap.js'
import { type NameOf, nullWhen, routeFlags, scope, seconds, told } from './text.js'

/** Nexthop objects: ip/ipnexthop.c of iproute2 6.1.0. */

/** The program knows of one byte of the weight, and prints none for 1. */
const weight = (n: number): number | undefined => ((n - 1) & 0xff ? ((n - 1) & 0xff) + 1 : undefined)

/** `ip -d -j nexthop`, one object. */
export const nexthop = (one: Nexthop, nameOf: NameOf) => ({
  id: one.id,
  group: told(one.group, (members) => members.map(({ id, weight: n }) => ({ id, weight: weight(n) }))),
  type: one.groupType === 'res' ? 'resilient' : undefined,
  resilient_args: told(one.resGroup, ({ buckets, idleTimer = 0, unbalancedTimer = 0, unbalancedTime = 0n }) => ({
    buckets,
    idle_timer: seconds(idleTimer),
    unbalanced_timer: seconds(unbalancedTimer),
    unbalanced_time: seconds(unbalancedTime),
  })),
  ...encap(one.encap),
  gateway: one.gateway,
  dev: told(one.oif, nameOf),
  scope: scope(one.scope),
  blackhole: nullWhen(one.blackhole),
  protocol: String(one.protocol),
  flags: routeFlags(one.flags),
  fdb: nullWhen(one.fdb),
})

/** `ip -j nexthop bucket`, one bucket. */
export const bucket = (one: Nexthop) => ({
  id: one.id,
  bucket: told(one.resBucket, ({ index, idleTime, nhId }) => ({
    index,
    idle_time: told(idleTime, seconds),
    nhid: nhId,
  })),
  flags: routeFlags(one.flags),
})
