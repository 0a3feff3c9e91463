import { NbmaError, unprinted } from '../errors.js'
import type { Request } from '../wire/request.js'
import type { ForeignRoute } from './routes.js'

/** Something about a peer that could not be done. */
export interface PeerFailure {
  /** The peer's endpoint, '' where it is about none. */
  readonly endpoint: string
  /** The prefix, where it is about one. */
  readonly prefix?: string
  /** A KernelError, or a NbmaError with code EEXIST where somebody else's entry stands in the way. */
  readonly error: Error
  /** The message that was refused. */
  readonly request?: Request
}

/** What a change came to. Peers with a failure count nowhere else. */
export interface SyncResult {
  /** Peers of which there was nothing before. */
  readonly added: number
  /** Peers of which nothing is left. */
  readonly removed: number
  /** Peers that were there and got at least one message. */
  readonly changed: number
  /** Peers that are as they were. */
  readonly unchanged: number
  /** What the kernel refused, or what stands in the way; a peer may be there several times. */
  readonly failures: readonly PeerFailure[]
  /** Other people's routes to prefixes of the change, which were left alone. */
  readonly foreign: readonly ForeignRoute[]
  /** How many messages were sent. */
  readonly messages: number
  /** Of a dry run, the messages that would be sent, in order. */
  readonly requests?: readonly Request[]
}

/** Some peers could not be added, removed or updated; the others were. */
export class PeersError extends NbmaError {
  /** Not printed with the error. */
  declare readonly result: SyncResult

  constructor(result: SyncResult) {
    const [first] = result.failures
    const more = result.failures.length > 1 ? ` (and ${result.failures.length - 1} more)` : ''
    super('NBMA_PEERS', `${first!.endpoint}: ${first!.error.message}${more}`, { cause: first!.error })
    unprinted(this, 'result', result)
  }
}

/**
 * The result of a change that the caller expects to succeed.
 * @throws the one error that there is, or {PeersError}
 */
export function checked(result: SyncResult): SyncResult {
  const { failures } = result
  if (failures.length === 0) return result
  throw failures.length === 1 ? failures[0]!.error : new PeersError(result)
}
