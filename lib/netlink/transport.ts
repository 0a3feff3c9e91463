/**
 * What carries datagrams to the kernel and back. The real one is a netlink socket; tests give their own.
 * @module
 */
export interface Transport {
  /** Our netlink port id: replies to us carry it. */
  readonly portId: number
  /** SO_RCVBUF in bytes: how much the kernel may queue for us (each reply is charged 832 bytes or more). */
  readonly receiveBuffer: number
  /** SO_SNDBUF in bytes: a datagram must stay 32 bytes under it. */
  readonly sendBuffer: number
  /**
   * Sends one datagram to the kernel. The kernel has executed all of it when this resolves; it blocks while another
   * holds RTNL. The buffer must not be changed before that. Rejects with the system's error. Answers may be received
   * before the promise resolves, never from within the call.
   */
  send(datagram: Buffer): Promise<void>
  /**
   * Who gets what arrives. Called once. The receiver is called from a microtask or from `setImmediate`, never from
   * within one of these methods nor a native callback; what it throws is an uncaught exception, after which the next
   * datagram follows.
   */
  start(receiver: Receiver): void
  /** Datagrams that the kernel could not queue for us since the socket was opened. */
  drops(): number
  /** Joins a multicast group by its number (RTNLGRP_*). Throws UnsupportedError on a socket that only makes requests. */
  join(group: number): void
  /** Throws NamespaceGoneError if the namespace that the socket was opened in is no longer the one its name means. */
  check(): void
  /**
   * Reads a parameter of the namespace that the socket was opened in, by its path under /proc/sys:
   * `net/ipv4/ip_forward`. Undefined where it cannot be read.
   */
  sysctl?(path: string): string | undefined
  /** Another socket to the same kernel in the same namespace, for one dump. Throws what opening a socket throws. */
  openDump(): DumpTransport
  /** Closes the socket; nothing is received afterwards. Idempotent. */
  close(): void
}

/**
 * What carries one dump. The kernel fills the next part when one is read, so where nobody reads, it waits, and holds no
 * lock meanwhile.
 */
export interface DumpTransport extends Omit<Transport, 'join' | 'openDump' | 'sysctl'> {
  /** Reads no more. What was being read is still received. */
  pause(): void
  /** Reads on. */
  resume(): void
}

export interface Receiver {
  /** A datagram from the kernel (senders other than port 0 are dropped before this). */
  receive(datagram: Buffer): void
  /** The socket failed for good. */
  fail(error: Error): void
}
