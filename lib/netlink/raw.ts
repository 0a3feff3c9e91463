import { randomInt } from 'node:crypto'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { UnsupportedError } from '../errors.js'
import { readU16, readU32 } from '../wire/host.js'
import type { SystemError } from './libc.js'
import { duplicate, getsockname } from './libc.js'
import { sendBufferOf } from './sockopt.js'

/**
 * `RawNetlinkSocket` of npm `netlink`: makes and binds sockets, and wakes monitors.
 * @module
 */

/** The part of `RawNetlinkSocket` that is used (npm `netlink` 0.3.0, dist/raw.d.ts). */
export interface RawNetlinkSocket {
  on(event: 'message', listener: (datagram: Buffer, sender: { port: number }) => void): this
  on(event: 'truncatedMessage' | 'error', listener: (what: Error) => void): this
  address(): { port: number }
  getSendBufferSize(): number
  setSendBufferSize(size: number): void
  close(): void
}

const AF_NETLINK = 16

/** A netlink socket by its descriptor, and what watches it. */
export interface Handle {
  readonly fd: number
  readonly raw?: RawNetlinkSocket
}

/**
 * A socket bound to a port that the kernel chooses, watched by the event loop.
 * @throws {UnsupportedError} where the package has no binding, or the kernel no such protocol
 */
export function createWatched(protocol: number): Handle {
  const guess = nextDescriptor()
  const raw = create(protocol)
  try {
    return { fd: descriptorOf(raw, guess), raw }
    /* c8 ignore next 4 -- a socket that was just opened is found */
  } catch (error) {
    raw.close()
    throw error
  }
}

/**
 * The same without the watching. An open RawNetlinkSocket aborts the process on exit, on `worker.terminate()` and on a
 * poll error; this one is closed before the event loop sees it, and the socket lives on.
 */
export function createPlain(protocol: number): Handle {
  const guess = nextDescriptor()
  const raw = create(protocol)
  try {
    return { fd: duplicate(descriptorOf(raw, guess)) }
  } finally {
    raw.close()
  }
}

/** Sockets that are open on this thread: left open when it exits, they would abort the process. */
const held = new Map<RawNetlinkSocket, () => void>()

/** Closes a socket when the thread exits, and calls `closed`. */
export function hold(raw: RawNetlinkSocket, closed: () => void): void {
  if (held.size === 0) process.on('exit', releaseAll)
  held.set(raw, closed)
}

/** Closes a held socket now. */
export function release(raw: RawNetlinkSocket): void {
  if (!held.delete(raw)) return
  raw.close()
  if (held.size === 0) process.off('exit', releaseAll)
}

function releaseAll(): void {
  for (const [raw, closed] of held) {
    closed()
    release(raw)
  }
}

function create(protocol: number): RawNetlinkSocket {
  let module: { RawNetlinkSocket: new (protocol: number, options: { localPort: number }) => RawNetlinkSocket }
  try {
    // The package's root would load its message layers too, in 48 ms where this takes 8.
    module = createRequire(import.meta.url)('netlink/dist/raw.js')
  } catch (cause) {
    const { message: why } = cause as Error
    throw new UnsupportedError(`the package netlink has no binding for ${process.platform}-${process.arch}: ${why}`, {
      cause,
    })
  }
  try {
    return new module.RawNetlinkSocket(protocol, { localPort: 0 })
  } catch (cause) {
    if ((cause as SystemError).code !== 'EPROTONOSUPPORT') throw cause
    throw new UnsupportedError(`this kernel has no netlink protocol ${protocol}`, { cause })
  }
}

/** The descriptor that a new RawNetlinkSocket keeps to itself. */
function descriptorOf(raw: RawNetlinkSocket, guess: number): number {
  const { port } = raw.address()
  const size = raw.getSendBufferSize() / 2
  // A port is unique in one namespace only; the right one follows the send buffer that we set.
  const follows = (): ((fd: number) => boolean) => {
    raw.setSendBufferSize(randomInt(8 << 10, 64 << 10))
    const mark = raw.getSendBufferSize()
    return (fd) => portOf(fd) === port && sendBufferOf(fd) === mark
  }
  const first = follows()
  const found = first(guess) ? [guess] : readdirSync('/proc/self/fd').map(Number).filter(first)
  const fd = found.find(follows())
  raw.setSendBufferSize(size)
  if (fd === undefined) throw new UnsupportedError('the netlink socket is not to be found in /proc/self/fd')
  return fd
}

/** The lowest free descriptor, which the next file gets unless another thread is faster. */
function nextDescriptor(): number {
  const fd = openSync('/dev/null', 'r')
  closeSync(fd)
  return fd
}

const address = Buffer.alloc(12)

/** The port of a netlink socket; undefined where `fd` is something else. */
export const portOf = (fd: number): number | undefined =>
  getsockname(fd, address) && readU16(address, 0) === AF_NETLINK ? readU32(address, 4) : undefined
