import { Buffer } from 'node:buffer'
import { writeU16 } from '../wire/host.js'
import { close, connect, natives } from './libc.js'
import { createPlain, createWatched, type Handle, portOf } from './raw.js'
import { receiveBufferOf, sendBufferOf, setBehaviour, setReceiveBuffer, setSendBuffer } from './sockopt.js'

/** The namespace that a socket is opened in. */
export interface SocketNamespace {
  /** Runs a function inside it. */
  run<T>(fn: () => T): T
  /** Throws NamespaceGoneError when its name is gone or means another one. */
  check(): void
}

/** What {@link openDescriptor} takes. */
export interface DescriptorOptions {
  /** Where to open it; the process's own network namespace by default. */
  readonly namespace?: SocketNamespace | undefined
  /** NETLINK_ROUTE (0) by default. */
  readonly protocol?: number | undefined
  /** Whether the event loop shall watch it. */
  readonly watched?: boolean | undefined
  /** SO_RCVBUF in bytes; 64 KiB by default and at least. */
  readonly receiveBuffer?: number | undefined
  /** SO_SNDBUF in bytes; the system's by default. */
  readonly sendBuffer?: number | undefined
}

/** An open netlink socket, bound and connected to the kernel. */
export interface Descriptor extends Handle {
  readonly portId: number
  /** As the kernel counts, which is twice what was asked for. */
  readonly receiveBuffer: number
  readonly sendBuffer: number
}

const AF_NETLINK = 16

/** A dump's datagram of 32 KiB must fit beside a half-full queue, or the dump stops for good. */
const LEAST_RECEIVE_BUFFER = 64 << 10

/** `struct sockaddr_nl` of the kernel: port 0. */
const KERNEL = Buffer.alloc(12)
writeU16(KERNEL, 0, AF_NETLINK)

/**
 * Opens a netlink socket. netlink(7)
 * @throws {UnsupportedError} where netlink or what reaches it is missing
 * @throws {NamespaceGoneError} when the namespace's name is gone
 */
export function openDescriptor(options: DescriptorOptions): Descriptor {
  const { namespace, protocol = 0 } = options
  const create = options.watched ? createWatched : createPlain
  natives()
  namespace?.check()
  const handle = namespace ? namespace.run(() => create(protocol)) : create(protocol)
  const { fd } = handle
  try {
    setBehaviour(fd)
    setReceiveBuffer(fd, Math.max(options.receiveBuffer ?? 0, LEAST_RECEIVE_BUFFER))
    if (options.sendBuffer !== undefined) setSendBuffer(fd, options.sendBuffer)
    connect(fd, KERNEL)
    return { ...handle, portId: portOf(fd)!, receiveBuffer: receiveBufferOf(fd), sendBuffer: sendBufferOf(fd) }
  } catch (error) {
    dispose(handle)
    throw error
  }
}

/** Closes what was opened and never used. */
export function dispose({ fd, raw }: Handle): void {
  if (raw) raw.close()
  else close(fd)
}
