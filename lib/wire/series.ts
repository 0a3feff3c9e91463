import type { Request } from './request.js'

/**
 * Many requests of one length that are written straight into datagrams, without being made one by one. Whoever writes
 * them answers for it that they can be sent: each is a whole message.
 * @typeParam R what one of them is by itself
 */
export interface Series<R extends Request = Request> {
  /** How many there are. */
  readonly count: number
  /** Bytes of each, a multiple of four. */
  readonly size: number
  /** Writes some of them behind each other, from number `from` (0 is the first) to before `to`. */
  write(target: Buffer, at: number, from: number, to: number): void
  /** One of them by itself, for what went wrong. */
  request(number: number): R
}

/** Whether something is many requests, and not one. */
export const isSeries = <R extends Request>(item: R | Series<R>): item is Series<R> => 'count' in item
