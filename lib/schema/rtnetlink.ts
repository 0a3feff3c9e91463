import { Registry } from '../wire/registry.js'
import { ADDRESS_MESSAGES } from './address.js'
import { LINK_MESSAGES, LINKPROP_MESSAGES } from './link.js'
import { NEIGHBOUR_MESSAGES } from './neighbour.js'
import { NETNS_MESSAGES } from './netns.js'
import { NEXTHOP_MESSAGES, NEXTHOPBUCKET_MESSAGES } from './nexthop.js'
import { ROUTE_MESSAGES } from './route.js'
import { RULE_MESSAGES } from './rule.js'

/** All rtnetlink messages that this package knows. */
export const rtnetlink = new Registry(
  [
    LINK_MESSAGES,
    LINKPROP_MESSAGES,
    ADDRESS_MESSAGES,
    ROUTE_MESSAGES,
    NEIGHBOUR_MESSAGES,
    RULE_MESSAGES,
    NETNS_MESSAGES,
    NEXTHOP_MESSAGES,
    NEXTHOPBUCKET_MESSAGES,
  ],
  {
    // A table that no route was ever put into does not exist yet.
    nothing: { RTM_GETROUTE: 'ENOENT' },
    unmarked: ['RTM_GETROUTE', 'RTM_GETNEIGH'],
  },
)
