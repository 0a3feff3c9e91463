import { readFileSync } from 'node:fs'

/** The peers of the benchmark, the same for every contender: `nbma-bench.c` has the same numbers. */

export const PROTOCOL = 78

const dotted = (n) => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`
const hex = (n) => n.toString(16).padStart(2, '0')

/** What is behind peer `i`: 12.0.0.0/32 and up. */
export const destination = (i) => dotted(0x0c000000 + i)
/** Its underlay address: 10.64.0.0 and up. */
export const endpoint = (i) => dotted(0x0a400000 + i)
/** Its MAC. */
export const mac = (i) => `02:00:${hex(i >>> 24)}:${hex((i >>> 16) & 255)}:${hex((i >>> 8) & 255)}:${hex(i & 255)}`

/** Events that are made before they are read: no receive buffer of any contender overruns. */
export const EVENTS_A_ROUND = 2000

/** Requests before those that are measured where it is about one at a time: what is compiled while it runs is by then. */
export const WARM_UP = 10_000

/** Runs one contender's job and prints what the harness reads. */
export async function report(job) {
  const { ms, ...rest } = await job()
  const peak = process.resourceUsage().maxRSS
  console.log(JSON.stringify({ ms, cpu, peak, ...rest }))
}

let cpu = 0

/**
 * How long an action takes, in milliseconds, and what it returns. What preparing left behind is not the action's; a
 * warm one is left as it is, because collecting everything takes compiled code too.
 */
export async function timed(action, { warm = false } = {}) {
  if (!warm) globalThis.gc()
  const before = onProcessor()
  const start = performance.now()
  const result = await action()
  const ms = performance.now() - start
  cpu += onProcessor() - before
  return [ms, result]
}

/** Processor time of this thread in milliseconds: its helpers collect garbage and compile on other processors. */
const onProcessor = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6
