import type { Nexthop } from '../../lib/schema/nexthop.js'
import type { Route } from '../../lib/schema/route.js'
import { encap } from './encap.js'
import { nexthop } from './nexthop.js'
import {
  hex,
  type NameOf,
  padded,
  realms,
  routeFlags,
  scope,
  told,
  unlessZero,
  wholeSeconds,
  withoutFullLength,
} from './text.js'

/** A route as `ip -s -d -j route` prints it: print_route() of ip/iproute.c of iproute2 6.1.0. */

const TABLES: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' }

type Metrics = NonNullable<Route['metrics']>

function metrics(values: Metrics) {
  const { lock = [], features, rtt, rttvar, hoplimit, ccAlgo } = values
  const number = (name: (typeof lock)[number] & string, value: number | undefined, divisor = 1) =>
    value === undefined ? (lock.includes(name) ? 0 : undefined) : Math.trunc(value / divisor)
  return {
    mtu: number('mtu', values.mtu),
    window: number('window', values.window),
    rtt: number('rtt', rtt, 8),
    rttvar: number('rttvar', rttvar, 4),
    ssthresh: number('ssthresh', values.ssthresh),
    cwnd: number('cwnd', values.cwnd),
    advmss: number('advmss', values.advmss),
    reordering: number('reordering', values.reordering),
    hoplimit: hoplimit === 0xffffffff ? undefined : number('hoplimit', hoplimit),
    initcwnd: number('initcwnd', values.initcwnd),
    ecn: features?.includes('ecn') ? null : undefined,
    rto_min: number('rto_min', values.rtoMin),
    initrwnd: number('initrwnd', values.initrwnd),
    quickack: number('quickack', values.quickack),
    congestion: ccAlgo,
    fastopen_no_cookie: number('fastopen_no_cookie', values.fastopenNoCookie),
  }
}

const via = ({ family, address }: NonNullable<Route['via']>) => ({ family, host: address })

const labels = (stack: readonly number[]): string => stack.join('/')

const hop = (one: NonNullable<Route['multipath']>[number], family: Route['family'], nameOf: NameOf) => ({
  ...encap(one.encap),
  to: told(one.newdst, labels),
  gateway: one.gateway,
  via: told(one.via, via),
  flow: told(one.flow, realms),
  dev: nameOf(one.oif),
  weight: family === 'mpls' ? undefined : one.weight,
  flags: routeFlags(one.flags),
})

function cacheinfo({ expires, error, clntref, used, lastuse, id, ts, tsage }: NonNullable<Route['cacheinfo']>) {
  return {
    expires: unlessZero(expires, wholeSeconds),
    error: unlessZero(error, Number),
    users: unlessZero(clntref, Number),
    used: unlessZero(used, Number),
    age: unlessZero(lastuse, wholeSeconds),
    ipid: unlessZero(id, (n) => padded(n, 4)),
    ...((ts || tsage) && { ts: hex(ts), tsage }),
  }
}

/**
 * `ip -s -d -j route`, one route. The program prints the `dst` of an encap into the same object as that of the route:
 * {@link distinguish} makes the route's one `destination`.
 */
export const route = (one: Route, nameOf: NameOf, nexthops: ReadonlyMap<number, Nexthop>) => ({
  type: one.type,
  [one.encap === undefined ? 'dst' : 'destination']: told(one.dst, withoutFullLength),
  ...encap(one.encap),
  from: told(one.src, withoutFullLength),
  nhid: one.nhId,
  to: told(one.newdst, labels),
  // Where the route has none, that of the encap stands.
  ...(one.tos !== 0 && { tos: padded(one.tos, 2) }),
  gateway: one.gateway,
  via: told(one.via, via),
  dev: told(one.oif, nameOf),
  table: unlessZero(one.table, (table) => TABLES[table] ?? String(table)),
  protocol: String(one.protocol),
  scope: scope(one.scope),
  prefsrc: one.prefsrc,
  metric: one.priority,
  flags: routeFlags(one.flags),
  flow: told(one.flow, realms),
  ...(one.cacheinfo && cacheinfo(one.cacheinfo)),
  metrics: told(one.metrics, (values) => [metrics(values)]),
  iif: told(one.iif, nameOf),
  pref: one.pref,
  'ttl-propogate': one.ttlPropagate,
  nh_info: told(one.nhId, (id) => told(nexthops.get(id), (object) => nexthop(object, nameOf))),
  nexthops: told(one.multipath, (hops) => hops.map((each) => hop(each, one.family, nameOf))),
})

/** Tells the two properties `dst` of a route with an encap apart, which JSON.parse() cannot. */
export const distinguish = (json: string): string => json.replace(/"dst"(?=:"[^"]*"[^{}]*"encap":)/g, '"destination"')
