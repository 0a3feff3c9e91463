import { fail } from 'node:assert/strict'
import { DecodeError } from '../../lib/errors.js'
import { type Frame, frames, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, writeHeader } from '../../lib/wire/frame.js'
import { readU32, writeU32 } from '../../lib/wire/host.js'
import type { Protocol } from '../../lib/wire/protocol.js'
import { Request } from '../../lib/wire/request.js'
import type { Series } from '../../lib/wire/series.js'

/**
 * A protocol of one number a message, so that connections can be tested without rtnetlink's tables.
 * @module
 */
export const NEW = 24
export const GET = 26

export interface Toy extends Record<string, unknown> {
  n: number
}

/** The body of a message: one number. */
export function body(n: number): Buffer {
  const bytes = Buffer.alloc(4)
  writeU32(bytes, 0, n)
  return bytes
}

export function toy(operation: string, type: number, flags: number, value: object, payload: Buffer): Request<Toy> {
  const bytes = Buffer.alloc(16 + payload.length)
  writeHeader(bytes, 0, bytes.length, type, flags, 0, 0)
  bytes.set(payload, 16)
  return new Request<Toy>(operation, type, flags, value, bytes)
}

/** A change. */
export const add = (n: number): Request<Toy> =>
  toy('RTM_NEWROUTE', NEW, NLM_F_CREATE | NLM_F_EXCL, { dst: `10.0.0.${n}/32` }, body(n))

/** Changes that are written without being made one by one. */
export const series = (first: number, count: number): Series<Request<Toy>> => ({
  count,
  size: 20,
  write(target, at, from, to) {
    for (let number = from; number < to; number++) target.set(add(first + number).bytes, at + 20 * (number - from))
  },
  request: (number) => add(first + number),
})

/** The same changes in other portions: some one by one, the others in series. */
export function portions(requests: readonly Request<Toy>[], first: number, next: () => number) {
  const items: (Request<Toy> | Series<Request<Toy>>)[] = []
  for (let at = 0; at < requests.length; ) {
    const count = Math.min(requests.length - at, Math.floor(next() * 150))
    items.push(count < 20 ? requests[at]! : series(first + at, count))
    at += count < 20 ? 1 : count
  }
  return items
}

/** A read of one. */
export const get = (n: number): Request<Toy> => toy('RTM_GETROUTE', GET, 0, { dst: `10.0.0.${n}/32` }, body(n))

/** A read of all. */
export const all = (): Request<Toy> => toy('RTM_GETROUTE', GET, NLM_F_DUMP, {}, body(0))

export const protocol: Protocol = {
  decodeFrame: fail.bind(undefined, 'not needed'),
  decodeValue({ bytes, start, end }) {
    if (end - start < 20) throw new DecodeError('n', 'is cut short')
    return { n: readU32(bytes, start + 16) }
  },
  operation: () => 'RTM_NEWROUTE',
  attributePath: (_, offset) => (offset === 16 ? 'gateway' : undefined),
  attributeName: (_, nest, type) => (nest === undefined ? `attribute${type}` : `nest${nest}.attribute${type}`),
  inspect: (message) => `a message of ${message.length} bytes`,
}

/** The messages of a datagram as the kernel answers them: to our port. */
export const messages = (datagram: Buffer, pid: number): Frame[] =>
  [...frames(datagram)].map((frame) => ({ ...frame, pid }))

/** What a promise was rejected with. */
export const rejection = (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> =>
  promise.then(notRejected, (error) => error)

const notRejected = fail.bind(undefined, 'was not rejected')
