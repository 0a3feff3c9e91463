import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Scheme } from './scheme.js'

/**
 * Changes that wait for each other. Overlays with one protocol on one device are the same overlay, however often a
 * process has opened it: what one reads while another changes it would be out of date before it is used.
 * @module
 */

/** Runs changes one after the other. */
export class Lane {
  #tail: Promise<unknown> = Promise.resolve()

  run<T>(change: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(change, change)
    this.#tail = run.catch(() => {})
    return run
  }
}

const lanes = new WeakMap<Rtnetlink, Map<string, Lane>>()

/** The lane of all overlays of a connection that are the same. */
export function laneOf(rt: Rtnetlink, { device, protocol }: Scheme): Lane {
  let all = lanes.get(rt)
  if (all === undefined) {
    all = new Map()
    lanes.set(rt, all)
  }
  const key = `${device.index} ${protocol}`
  let lane = all.get(key)
  if (lane === undefined) {
    lane = new Lane()
    all.set(key, lane)
  }
  return lane
}
