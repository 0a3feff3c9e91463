import { NEXTHOP_MESSAGES, NEXTHOPBUCKET_MESSAGES, type Nexthop, type NexthopInput } from '../schema/nexthop.js'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { bulk, dump, read, withDefaults } from './builder.js'

/**
 * Nexthop objects (ip-nexthop(8)). Linux 5.3.
 * @example
 * await rt.batch([
 *   nexthop.add({ id: 7, gateway: '192.168.122.13', oif: tunl0.index, flags: ['onlink'] }),
 *   route.add({ dst: '13.1.1.1/32', nhId: 7 }),
 * ])
 */
export const nexthop = {
  /** A new nexthop; EEXIST if the id is taken. */
  add: (value: NexthopInput): Request<Nexthop> =>
    bulk(NEXTHOP_MESSAGES, 'new', NLM_F_CREATE | NLM_F_EXCL, value, withFamily),
  /** A nexthop, in place of the one with this id: every route that uses it follows. */
  replace: (value: NexthopInput): Request<Nexthop> =>
    bulk(NEXTHOP_MESSAGES, 'new', NLM_F_CREATE | NLM_F_REPLACE, value, withFamily),
  /** In place of the nexthop with this id; ENOENT if there is none. */
  change: (value: NexthopInput): Request<Nexthop> => bulk(NEXTHOP_MESSAGES, 'new', NLM_F_REPLACE, value, withFamily),
  /**
   * Removes a nexthop, and with it, without a word, the routes that use it. Delete those first: the kernel looks
   * through all routes otherwise.
   */
  delete: (value: NexthopInput): Request<Nexthop> => bulk(NEXTHOP_MESSAGES, 'del', 0, value),
  /** One nexthop, by id. */
  get: (value: NexthopInput): Request<Nexthop> => read(NEXTHOP_MESSAGES, value),
  /** All nexthops. The kernel itself filters by `oif`, `master`, `groups` and `fdb`. */
  list: (value: NexthopInput = {}): Request<Nexthop> => dump(NEXTHOP_MESSAGES, value),
  /** One bucket of a resilient group, by `id` and `resBucket.index`. Linux 5.13. */
  getBucket: (value: NexthopInput): Request<Nexthop> => read(NEXTHOPBUCKET_MESSAGES, value),
  /** The buckets of resilient groups. The kernel itself filters by `id`, `oif` and `resBucket.nhId`. Linux 5.13. */
  listBuckets: (value: NexthopInput = {}): Request<Nexthop> => dump(NEXTHOPBUCKET_MESSAGES, value),
}

/** A nexthop with only a device or blackhole is for IPv4 unless it says otherwise; groups and FDB ones have no default. */
const withFamily = (value: NexthopInput): NexthopInput =>
  value.gateway !== undefined || value.group !== undefined ? value : withDefaults(value, { family: 'inet' })
