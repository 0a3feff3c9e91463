import { NETNS_MESSAGES, type Netns, type NetnsInput } from '../schema/netns.js'
import type { Request } from '../wire/request.js'
import { dump, read, withDefaults, write } from './builder.js'

/**
 * Ids by which this namespace knows others: links name them as `linkNetnsid` (ip-netns(8) "set"). Linux 4.0.
 * @example
 * await rt.request(netnsId.add({ pid: child.pid, nsid: 5 }))
 */
export const netnsId = {
  /** Gives the namespace of `pid` or `fd` the id `nsid`, or with -1 a free one; EEXIST if it has one. */
  add: (value: NetnsInput): Request<Netns> => write(NETNS_MESSAGES, 'new', 0, value, fresh),
  /** The id of the namespace of `pid` or `fd`; -1 if it has none. */
  get: (value: NetnsInput): Request<Netns> => read(NETNS_MESSAGES, value),
  /** All ids. */
  list: (value: NetnsInput = {}): Request<Netns> => dump(NETNS_MESSAGES, value),
}

const fresh = (value: NetnsInput): NetnsInput => withDefaults(value, { nsid: -1 })
