import { endpointsOf, type Step, type Wrong } from './step.js'

/**
 * What is not as it should be, in words.
 * @module
 */

/** Something of a peer is missing, is not what it should be (`different`), or should not be there (`surplus`). */
export interface Drift {
  readonly event: Wrong
  /** The peer; '' for what belongs to none, such as a nexthop group. */
  readonly endpoint: string
  /** What of it: its route, nexthop object, neighbour entry or forwarding entry. */
  readonly object: 'route' | 'nexthop' | 'neighbour' | 'forward'
  readonly prefix?: string
  /** By what, in words, as far as the kernel has told. */
  readonly cause: string
}

const OBJECTS: Readonly<Record<string, Drift['object']>> = {
  ROUTE: 'route',
  NEXTHOP: 'nexthop',
  NEIGH: 'neighbour',
}

/** What the kernel has told since it was last read. */
export interface Told {
  readonly up: boolean
  readonly wentDown: boolean
  readonly nexthop: boolean
  readonly deleted: ReadonlySet<string>
}

/** What a message that would put something right says about it. */
export function driftOf(step: Step, told: Told): Drift[] {
  const { wrong, prefix, request } = step
  const object =
    request.value.family === 'bridge' ? 'forward' : OBJECTS[request.operation.replace(/^RTM_(NEW|DEL)/, '')]!
  const about = {
    event: wrong,
    object,
    ...(prefix === undefined ? {} : { prefix }),
    cause: causeOf(wrong, prefix, told),
  }
  return endpointsOf(step).map((endpoint) => ({ ...about, endpoint }))
}

function causeOf(wrong: Wrong, prefix: string | undefined, { up, wentDown, nexthop, deleted }: Told): string {
  if (wrong === 'surplus') return 'somebody else made it with the protocol number of the overlay'
  if (wrong === 'different') return 'somebody else changed it'
  if (prefix !== undefined && deleted.has(prefix)) return 'somebody else deleted it'
  if (!up) return 'the device is down'
  if (wentDown) return 'the device was down'
  return nexthop ? 'its nexthop object was deleted' : 'the kernel has not said'
}

/** Two of the same key are about the same. */
export const keyOf = ({ event, endpoint, object, prefix }: Drift): string => `${event} ${object} ${endpoint} ${prefix}`
