import { NTF_EXT } from '../schema/constants.js'
import { NEIGHBOUR_MESSAGES, type Neighbour, type NeighbourInput } from '../schema/neighbour.js'
import { NLM_F_APPEND, NLM_F_BULK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { bulk, dump, read, withDefaults } from './builder.js'

/**
 * Neighbours, and with `family: 'bridge'` the entries of forwarding databases (ip-neighbour(8), bridge(8)). What is
 * made is permanent (unless the kernel is to manage it), and an FDB entry the device's own (`self`), unless it says
 * otherwise.
 * @example
 * await rt.request(neighbour.add({ ifindex: gre1.index, dst: '192.168.122.12', lladdr: '192.168.122.12' }))
 * await rt.request(neighbour.append({ family: 'bridge', ifindex: vx.index, lladdr: '00:00:00:00:00:00', dst: '192.168.122.12' }))
 */
export const neighbour = {
  /** A new entry; EEXIST if there is one. */
  add: (value: NeighbourInput): Request<Neighbour> =>
    bulk(NEIGHBOUR_MESSAGES, 'new', NLM_F_CREATE | NLM_F_EXCL, value, fresh),
  /** An entry, in place of the one that is there. */
  replace: (value: NeighbourInput): Request<Neighbour> =>
    bulk(NEIGHBOUR_MESSAGES, 'new', NLM_F_CREATE | NLM_F_REPLACE, value, fresh),
  /** In place of an entry that is there; ENOENT if there is none. */
  change: (value: NeighbourInput): Request<Neighbour> => bulk(NEIGHBOUR_MESSAGES, 'new', NLM_F_REPLACE, value, fresh),
  /** One more remote end of an FDB entry (vxlan). */
  append: (value: NeighbourInput): Request<Neighbour> =>
    bulk(NEIGHBOUR_MESSAGES, 'new', NLM_F_CREATE | NLM_F_APPEND, value, fresh),
  /** Removes an entry; ENOENT if there is none. */
  delete: (value: NeighbourInput): Request<Neighbour> => bulk(NEIGHBOUR_MESSAGES, 'del', 0, value, dying),
  /** Removes all FDB entries of a device that match, in one message. Linux 5.19 for bridges, 6.7 for vxlan. */
  flush: (value: NeighbourInput): Request<Neighbour> => bulk(NEIGHBOUR_MESSAGES, 'del', NLM_F_BULK, value, dying),
  /** One entry: `dst` and `ifindex`, or for the FDB `lladdr` and `ifindex`. Linux 5.0. */
  get: (value: NeighbourInput): Request<Neighbour> => read(NEIGHBOUR_MESSAGES, value),
  /**
   * All entries. For neighbours the kernel itself filters by `viaIfindex` (NDA_IFINDEX) and `master`; for family
   * `bridge` by `ifindex` and `master`. An FDB dump may miss entries while others come and go, without saying so.
   */
  list: (value: NeighbourInput = {}): Request<Neighbour> => dump(NEIGHBOUR_MESSAGES, value),
}

const ofBridge = ({ family }: NeighbourInput): boolean => family === 'bridge' || family === 7

const dying = (value: NeighbourInput): NeighbourInput =>
  ofBridge(value) ? withDefaults(value, { flags: ['self'] }) : value

const isManaged = ({ flagsExt }: NeighbourInput): boolean =>
  [flagsExt].flat().some((one) => one === 'managed' || (typeof one === 'number' && (one & NTF_EXT.managed) !== 0))

function fresh(value: NeighbourInput): NeighbourInput {
  return withDefaults(dying(value), {
    // The kernel resolves a managed neighbour itself, and refuses a permanent one.
    state: isManaged(value) ? [] : ofBridge(value) ? ['noarp', 'permanent'] : ['permanent'],
  })
}
