import { NEIGHBOUR_MESSAGES, type Neighbour, type NeighbourInput } from '../schema/neighbour.js'
import { NLM_F_APPEND, NLM_F_BULK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { dump, read, withDefaults, write } from './builder.js'

/**
 * Neighbours, and with `family: 'bridge'` the entries of forwarding databases (ip-neighbour(8), bridge(8)). What is
 * made is permanent, and an FDB entry the device's own (`self`), unless it says otherwise.
 * @example
 * await rt.request(neighbour.add({ ifindex: gre1.index, dst: '192.168.122.12', lladdr: '192.168.122.12' }))
 * await rt.request(neighbour.append({ family: 'bridge', ifindex: vx.index, lladdr: '00:00:00:00:00:00', dst: '192.168.122.12' }))
 */
export const neighbour = {
  /** A new entry; EEXIST if there is one. */
  add: (value: NeighbourInput): Request<Neighbour> =>
    write(NEIGHBOUR_MESSAGES, 'new', NLM_F_CREATE | NLM_F_EXCL, fresh(value)),
  /** An entry, in place of the one that is there. */
  replace: (value: NeighbourInput): Request<Neighbour> =>
    write(NEIGHBOUR_MESSAGES, 'new', NLM_F_CREATE | NLM_F_REPLACE, fresh(value)),
  /** In place of an entry that is there; ENOENT if there is none. */
  change: (value: NeighbourInput): Request<Neighbour> => write(NEIGHBOUR_MESSAGES, 'new', NLM_F_REPLACE, fresh(value)),
  /** One more remote end of an FDB entry (vxlan). */
  append: (value: NeighbourInput): Request<Neighbour> =>
    write(NEIGHBOUR_MESSAGES, 'new', NLM_F_CREATE | NLM_F_APPEND, fresh(value)),
  /** Removes an entry; ENOENT if there is none. */
  delete: (value: NeighbourInput): Request<Neighbour> => write(NEIGHBOUR_MESSAGES, 'del', 0, dying(value)),
  /** Removes all FDB entries of a device that match, in one message. Linux 5.19 for bridges, 6.7 for vxlan. */
  flush: (value: NeighbourInput): Request<Neighbour> => write(NEIGHBOUR_MESSAGES, 'del', NLM_F_BULK, dying(value)),
  /** One entry: `dst` and `ifindex`, or for the FDB `lladdr` and `ifindex`. Linux 5.0. */
  get: (value: NeighbourInput): Request<Neighbour> => read(NEIGHBOUR_MESSAGES, value),
  /**
   * All entries. For neighbours the kernel itself filters by `viaIfindex` (NDA_IFINDEX) and `master`; for family
   * `bridge` by `ifindex` and `master`. An FDB dump may miss entries while others come and go, without saying so.
   */
  list: (value: NeighbourInput = {}): Request<Neighbour> => dump(NEIGHBOUR_MESSAGES, value),
}

function dying(value: NeighbourInput): NeighbourInput {
  const bridge = value.family === 'bridge' || value.family === 7
  return bridge ? withDefaults(value, { flags: ['self'] }) : value
}

const fresh = (value: NeighbourInput): NeighbourInput => withDefaults(dying(value), { state: ['permanent'] })
