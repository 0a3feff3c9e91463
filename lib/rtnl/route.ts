import { AF } from '../schema/constants.js'
import { ROUTE_MESSAGES, type Route, type RouteInput } from '../schema/route.js'
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { bulk, dump, read, withDefaults } from './builder.js'

/**
 * Routes (rtnetlink(7), ip-route(8)). What is left out is what `ip route` would send: table main (local for local and
 * broadcast routes), protocol boot, type unicast, and the scope that follows from type and gateway.
 * @example
 * await rt.request(route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12', oif: tunl0.index, flags: ['onlink'] }))
 */
export const route = {
  /** A new route; EEXIST if there is one to the prefix with this metric. */
  add: (value: RouteInput): Request<Route> => bulk(ROUTE_MESSAGES, 'new', NLM_F_CREATE | NLM_F_EXCL, value, fresh),
  /** A route, in place of the one to the prefix with this metric if there is one. */
  replace: (value: RouteInput): Request<Route> =>
    bulk(ROUTE_MESSAGES, 'new', NLM_F_CREATE | NLM_F_REPLACE, value, fresh),
  /** In place of the route to the prefix with this metric; ENOENT if there is none. */
  change: (value: RouteInput): Request<Route> => bulk(ROUTE_MESSAGES, 'new', NLM_F_REPLACE, value, fresh),
  /** A route after those to the prefix that there are: for IPv6 one more nexthop of it. */
  append: (value: RouteInput): Request<Route> => bulk(ROUTE_MESSAGES, 'new', NLM_F_CREATE | NLM_F_APPEND, value, fresh),
  /** A route before those to the prefix with this metric (IPv4). */
  prepend: (value: RouteInput): Request<Route> => bulk(ROUTE_MESSAGES, 'new', NLM_F_CREATE, value, fresh),
  /** Removes the first route that has all that is given; ESRCH if there is none. */
  delete: (value: RouteInput): Request<Route> => bulk(ROUTE_MESSAGES, 'del', 0, value, dying),
  /** The route that a packet to `dst` would take; with flag `fib_match` the route in the table that says so. */
  get: (value: RouteInput): Request<Route> => read(ROUTE_MESSAGES, value, asking),
  /**
   * All routes. The kernel itself filters by `family`, `table`, `protocol`, `type` and `oif` (Linux 4.20); other
   * properties are refused by it. A table that was never used has none.
   */
  list: (value: RouteInput = {}): Request<Route> => dump(ROUTE_MESSAGES, value),
}

const LOCAL_TYPES: ReadonlySet<unknown> = new Set(['local', 'broadcast', 'anycast', 'nat', 2, 3, 4, 10])
const HOST_TYPES: ReadonlySet<unknown> = new Set(['local', 'nat', 2, 10])
const LINK_TYPES: ReadonlySet<unknown> = new Set(['broadcast', 'multicast', 'anycast', 3, 4, 5])

function scopeOf(value: RouteInput): 'host' | 'link' | 'universe' {
  const { type = 'unicast' } = value
  // Only IPv4 has scopes: for MPLS the kernel refuses others, for IPv6 it does not look.
  if (!isIpv4(value)) return 'universe'
  if (HOST_TYPES.has(type)) return 'host'
  if (LINK_TYPES.has(type)) return 'link'
  const direct =
    value.gateway === undefined &&
    value.via === undefined &&
    value.multipath === undefined &&
    value.nhId === undefined &&
    (type === 'unicast' || type === 1 || type === 'unspec' || type === 0)
  return direct ? 'link' : 'universe'
}

const familyOf = (value: RouteInput): RouteInput['family'] =>
  value.family ?? (ROUTE_MESSAGES.body.familyOf(value) === undefined ? 'inet' : undefined)

const isIpv4 = (value: RouteInput): boolean => {
  const { family = ROUTE_MESSAGES.body.familyOf(value) ?? AF.inet } = value
  return family === 'inet' || family === AF.inet
}

const isMpls = ({ family }: RouteInput): boolean => family === 'mpls' || family === AF.mpls

function fresh(value: RouteInput): RouteInput {
  return withDefaults(value, {
    family: familyOf(value),
    table: LOCAL_TYPES.has(value.type) ? 255 : 254,
    protocol: 'boot',
    scope: scopeOf(value),
    type: 'unicast',
  })
}

function dying(value: RouteInput): RouteInput {
  const scoped = !isIpv4(value) || HOST_TYPES.has(value.type) || LINK_TYPES.has(value.type)
  return withDefaults(value, {
    family: familyOf(value),
    table: LOCAL_TYPES.has(value.type) ? 255 : 254,
    // Nowhere stands for any scope.
    scope: scoped ? scopeOf(value) : 'nowhere',
    // Unspecified stands for any type, but not for MPLS.
    type: isMpls(value) ? 'unicast' : 'unspec',
  })
}

/** Without the flag the kernel says main whatever table an IPv4 route is in; for others it refuses the flag. */
const asking = (value: RouteInput): RouteInput =>
  isIpv4(value) ? withDefaults(value, { family: familyOf(value), flags: ['lookup_table'] }) : value
