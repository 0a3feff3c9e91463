import { setImmediate as turn } from 'node:timers/promises'
import { KernelError } from '../errors.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Request } from '../wire/request.js'
import type { Diff } from './diff.js'
import { endpointsOf, type Step } from './step.js'

/**
 * Sends the messages of a difference and sorts what came back.
 * @module
 */

/** Messages that are made before they are sent. */
const LOT = 1024
/** Milliseconds of our own work before the event loop turns. */
const SLICE = 8

/** A message that was not applied. */
export interface Failure {
  /** The peer that it is about, '' where it is about none. */
  readonly endpoint: string
  readonly prefix?: string
  readonly error: Error
  readonly request: Request
}

/** What a caller hears on the way. */
export interface Progress {
  /** Prefixes that were looked at, of `total`. */
  readonly done: number
  readonly total: number
  /** Messages sent so far. */
  readonly sent: number
}

/** Options of {@link deliver}. */
export interface DeliverOptions {
  readonly signal?: AbortSignal | undefined
  /** Send nothing. */
  readonly dryRun?: boolean | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Prefixes that will be looked at, for `onProgress`. */
  readonly total: number
}

/** What became of the messages. */
export interface Delivery {
  sent: number
  readonly failures: Failure[]
  /** The kernel was not as it was read, or it is not known what it did: read it again. */
  doubtful: boolean
  /** The device is gone or down. */
  deviceLost: KernelError | undefined
  /** The messages themselves, of a dry run. */
  readonly requests: Request[]
}

/** Sends what a difference comes to, as far as the kernel lets it. */
export async function deliver(rt: Rtnetlink, diff: Diff, options: DeliverOptions): Promise<Delivery> {
  const { signal, dryRun, onProgress, total } = options
  const delivery: Delivery = { sent: 0, failures: [], doubtful: false, deviceLost: undefined, requests: [] }
  let lot: Step[] = []
  let began = performance.now()
  const flush = async (): Promise<void> => {
    const full = lot
    lot = []
    if (dryRun) for (const { request } of full) delivery.requests.push(request)
    else if (full.length > 0) await send(rt, full, delivery, signal)
    onProgress?.({ done: diff.done, total, sent: delivery.sent })
  }
  for (const step of diff.steps()) {
    if (step !== undefined) {
      if (lot.push(step) < LOT) continue
    } else if (performance.now() - began < SLICE) continue
    signal?.throwIfAborted()
    await flush()
    if (delivery.deviceLost !== undefined) return delivery
    if (performance.now() - began > SLICE) await turn()
    began = performance.now()
  }
  await flush()
  return delivery
}

async function send(rt: Rtnetlink, lot: Step[], delivery: Delivery, signal: AbortSignal | undefined): Promise<void> {
  const requests = lot.map(({ request }) => request)
  const { sent, failures, unknown } = await rt.batch(requests, { signal })
  delivery.sent += sent
  if (unknown.length > 0) delivery.doubtful = true
  for (const { index, request, error } of failures) {
    const verdict = judge(request, error)
    if (verdict === 'fine') continue
    if (verdict === 'doubtful') delivery.doubtful = true
    if (verdict === 'device') delivery.deviceLost = error as KernelError
    const step = lot[index]!
    const about = step.prefix === undefined ? {} : { prefix: step.prefix }
    for (const endpoint of endpointsOf(step)) delivery.failures.push({ endpoint, error, request, ...about })
  }
}

/** What a refusal means: somebody else was faster, the device is no longer there, or it is one. */
function judge(request: Request, error: Error): 'fine' | 'doubtful' | 'device' | 'failed' {
  if (!(error instanceof KernelError)) return 'failed'
  const deletes = request.operation.startsWith('RTM_DEL')
  if (deletes && (error.code === 'ESRCH' || error.code === 'ENOENT')) return 'fine'
  if (error.code === 'EEXIST' || error.code === 'ESRCH' || error.code === 'ENOENT') return 'doubtful'
  if (error.code === 'EINVAL' && request.value.nhId !== undefined) return 'doubtful'
  return error.code === 'ENETDOWN' || error.code === 'ENODEV' ? 'device' : 'failed'
}
