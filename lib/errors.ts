/** What every error of this package has: a message for a person and a stable `code` for a program. */
export class NbmaError extends Error {
  /** Stable name of the case: an errno name for {@link KernelError}, `NBMA_…` for the others. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  override get name(): string {
    return this.constructor.name
  }
}

/**
 * A value that cannot be put into bytes. Thrown before anything is sent.
 * @example
 * try {
 *   route.add({ dst: '10.0.0.1/8' })
 * } catch (error) {
 *   if (error instanceof EncodeError) console.log(error.path, error.expected)
 * }
 */
export class EncodeError extends NbmaError {
  /** Where in the request: `linkinfo.data.ttl`, `multipath[1].gateway`. */
  readonly path: string
  /** The value that was refused. */
  readonly value: unknown
  /** What would have been accepted, in words. */
  readonly expected: string

  constructor(path: string, value: unknown, expected: string, options?: ErrorOptions) {
    const what = expected.startsWith(KNOWN_PROPERTY) ? path : `${path === '' ? '' : `${path}: `}${show(value)}`
    super('NBMA_ENCODE', `${what} is not ${expected}`, options)
    this.path = path
    this.value = value
    this.expected = expected
  }

  /** The same error seen from one level further out. */
  within(parent: string): EncodeError {
    return new EncodeError(join(parent, this.path), this.value, this.expected, { cause: this.cause })
  }
}

/** What is expected of a name that no table has: then the name is the matter, not its value. */
export const KNOWN_PROPERTY = 'a known property'

/** Bytes that are not what they should be: cut short, or a length that cannot be. */
export class DecodeError extends NbmaError {
  /** The attribute that was being read, `linkinfo.data`, or '' for the message itself. */
  readonly path: string
  /** What is wrong with the bytes. */
  readonly reason: string

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super('NBMA_DECODE', `${path === '' ? '' : `${path}: `}${reason}`, options)
    this.path = path
    this.reason = reason
  }

  /** The same error seen from one level further out. */
  within(parent: string): DecodeError {
    return new DecodeError(join(parent, this.path), this.reason)
  }
}

/** What the kernel added to its answer (NLMSGERR_ATTR_*, netlink(7)). */
export interface Extack {
  /** The kernel's own words. */
  readonly message?: string
  /** The attribute it meant, as a path: `linkinfo.data.id`. */
  readonly attribute?: string
  /** Where that attribute starts, in bytes from the start of the request's nlmsghdr. */
  readonly offset?: number
  /** An attribute that the request should have had, as a path. */
  readonly missing?: string
  /** The range or length that the kernel's policy allows, in words. */
  readonly allowed?: string
}

/** What a {@link KernelError} needs to know of the request it is about. */
export interface FailedRequest {
  /** `RTM_NEWROUTE`. */
  readonly operation: string
  /** What it was about: `12.1.1.1/32`. */
  readonly subject: string
}

/** The kernel refused a request; it was not applied. */
export class KernelError<R extends FailedRequest = FailedRequest> extends NbmaError {
  /** Positive errno, 17 for EEXIST. */
  readonly errno: number
  /** `RTM_NEWROUTE`. */
  readonly operation: string
  /** What the kernel said beyond the number. */
  readonly extack?: Extack
  /** The request that failed. */
  readonly request: R

  constructor(
    request: R,
    failure: { code: string; errno: number; message: string; extack?: Extack },
    options?: ErrorOptions,
  ) {
    super(failure.code, failure.message, options)
    this.errno = failure.errno
    this.operation = request.operation
    this.request = request
    if (failure.extack) this.extack = failure.extack
  }
}

/** A request was sent and no answer came in time, or its wait was aborted: it may or may not have been applied. */
export class OutcomeUnknownError extends NbmaError {
  constructor(message: string, options?: ErrorOptions) {
    super('NBMA_OUTCOME_UNKNOWN', message, options)
  }
}

/** Replies were lost because the receive buffer overran: what was in flight may or may not have been applied. */
export class OverrunError extends NbmaError {
  constructor(message: string, options?: ErrorOptions) {
    super('NBMA_OVERRUN', message, options)
  }
}

/** A dump changed under the reader's hands each time it was tried (NLM_F_DUMP_INTR): its items may be incomplete. */
export class DumpInterruptedError<T = unknown> extends NbmaError {
  /** What the last try read, where the call collects (`list`); a stream has yielded them already. */
  declare readonly items: readonly T[]

  constructor(message: string, items: readonly T[] = [], options?: ErrorOptions) {
    super('NBMA_DUMP_INTERRUPTED', message, options)
    unprinted(this, 'items', items)
  }
}

/** Gives an error a property that is not printed with it, because it may be a thousand lines. */
export function unprinted(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value })
}

/** The connection, namespace or overlay was closed. */
export class ClosedError extends NbmaError {
  constructor(message: string, options?: ErrorOptions) {
    super('NBMA_CLOSED', message, options)
  }
}

/** The kernel, the machine or this combination cannot do what was asked; the message says why and what could. */
export class UnsupportedError extends NbmaError {
  constructor(message: string, options?: ErrorOptions) {
    super('NBMA_UNSUPPORTED', message, options)
  }
}

/** The network namespace that a socket lives in has lost its name, or the name means another namespace now. */
export class NamespaceGoneError extends NbmaError {
  constructor(message: string, options?: ErrorOptions) {
    super('NBMA_NAMESPACE_GONE', message, options)
  }
}

const join = (parent: string, path: string): string =>
  path === '' ? parent : path.startsWith('[') ? parent + path : `${parent}.${path}`

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return `a list of ${value.length}`
    if (value instanceof Uint8Array) return 'bytes'
    const kind = Object.prototype.toString.call(value).slice('[object '.length, -1)
    return kind === 'Object' ? 'an object' : `a ${kind}`
  }
  return String(value)
}
