import { ClosedError, NbmaError, OutcomeUnknownError, OverrunError } from '../errors.js'

/**
 * How an exchange with the kernel ended, and the error that says so when it was not with an answer.
 * @module
 */

/** What makes a result incomplete although the kernel has said its last word. */
export type Flaw = 'interrupted' | 'malformed' | 'overrun'

/** The kernel has answered: what it did not refuse was applied, unless the exchange has a {@link Flaw}. */
export interface Answered {
  readonly how: 'answered'
  /** What it said beside an acknowledgement. */
  readonly warning?: string
}

/** The kernel has not answered. */
export interface Unanswered {
  readonly how: 'unanswered'
  /** `lost`: the answer fell out of the receive buffer; `failed`: the datagram could not be sent. */
  readonly why: 'lost' | 'timeout' | 'aborted' | 'closed' | 'failed'
  /** Whether the kernel has seen it: if so, it may have been applied. */
  readonly sent: boolean
  /** The abort reason, or the system's error. */
  readonly cause?: unknown
}

export type Outcome = Answered | Unanswered

/** What an error needs to know of what was waited for. */
export interface Waited {
  /** `RTM_NEWROUTE 12.1.1.1/32`. */
  readonly what: string
  /** It changes nothing: no answer leaves no doubt. */
  readonly read: boolean
  /** Milliseconds. */
  readonly timeout: number
}

/**
 * Why there is no answer, and whether it may have been applied all the same.
 * @returns an abort's own reason, which may be anything, where nothing was changed; an NbmaError otherwise
 */
export function unanswered(outcome: Unanswered, { what, read, timeout }: Waited): unknown {
  const { why, cause } = outcome
  const options = cause === undefined ? undefined : { cause }
  const doubt = outcome.sent && !read
  const unknown = 'outcome unknown: it may or may not have been applied'
  if (why === 'closed') {
    const state = doubt ? `before the answer was read, ${unknown}` : outcome.sent ? 'before all was read' : 'not sent'
    return new ClosedError(`${what}: the connection was closed, ${state}`, options)
  }
  if (why === 'aborted')
    return doubt ? new OutcomeUnknownError(`${what}: aborted after it was sent, ${unknown}`, options) : cause
  if (why === 'lost')
    return new OverrunError(`${what}: the answer was lost (receive buffer overrun)${doubt ? `, ${unknown}` : ''}`)
  if (why === 'failed') {
    if (cause instanceof NbmaError) return cause
    const { code, message } = cause as NodeJS.ErrnoException
    return new NbmaError(code ?? 'NBMA_SEND', `${what}: not sent: ${message}`, options)
  }
  if (doubt) return new OutcomeUnknownError(`${what}: no answer within ${timeout} ms, ${unknown}`)
  return new NbmaError('NBMA_TIMEOUT', `${what}: ${outcome.sent ? 'no answer' : 'not sent'} within ${timeout} ms`)
}
