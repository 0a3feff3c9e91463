import { EncodeError } from '../errors.js'
import type { SystemError } from './libc.js'
import { getsockopt, setsockopt } from './libc.js'

/**
 * The socket options that netlink needs: socket(7), netlink(7).
 * @module
 */
const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const SO_MEMINFO = 55
const SK_MEMINFO_VARS = 9
const SK_MEMINFO_DROPS = 8
const SOL_NETLINK = 270
const NETLINK_ADD_MEMBERSHIP = 1
const NETLINK_NO_ENOBUFS = 5
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12

const numberOf = (fd: number, option: number): number => getsockopt(fd, SOL_SOCKET, option)[0]!

/** SO_RCVBUF in bytes, as the kernel counts. */
export const receiveBufferOf = (fd: number): number => numberOf(fd, SO_RCVBUF)

/** SO_SNDBUF in bytes, as the kernel counts. */
export const sendBufferOf = (fd: number): number => numberOf(fd, SO_SNDBUF)

/** Sets SO_RCVBUF, of which the kernel makes twice as much; over net.core.rmem_max if we may, else up to it. */
export const setReceiveBuffer = (fd: number, size: number): void =>
  resize(fd, 'receiveBuffer', size, SO_RCVBUF, SO_RCVBUFFORCE)

/** Sets SO_SNDBUF, of which the kernel makes twice as much; over net.core.wmem_max if we may, else up to it. */
export const setSendBuffer = (fd: number, size: number): void =>
  resize(fd, 'sendBuffer', size, SO_SNDBUF, SO_SNDBUFFORCE)

function resize(fd: number, name: string, size: number, option: number, force: number): void {
  if (!Number.isInteger(size) || size < 0 || size > 2 ** 30) throw new EncodeError(name, size, 'a number of bytes')
  try {
    setsockopt(fd, SOL_SOCKET, force, size)
    /* c8 ignore next 4 -- tested in a process without CAP_NET_ADMIN, which does not count */
  } catch (error) {
    if ((error as SystemError).code !== 'EPERM') throw error
    setsockopt(fd, SOL_SOCKET, option, size)
  }
}

/**
 * Answers that are short and explain errors (4.3, 4.12), requests checked strictly (4.20), and no error on an overrun:
 * it would be a poll error, which ends the process.
 */
export function setBehaviour(fd: number): void {
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK, NETLINK_NO_ENOBUFS])
    optional(() => setsockopt(fd, SOL_NETLINK, option, 1))
}

/** Joins a multicast group (RTNLGRP_*). */
export const joinGroup = (fd: number, group: number): void => setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)

/** Datagrams that found no room; 0 on kernels before 4.12, which do not tell. */
export const dropsOf = (fd: number): number =>
  /* c8 ignore next */
  optional(() => getsockopt(fd, SOL_SOCKET, SO_MEMINFO, SK_MEMINFO_VARS)[SK_MEMINFO_DROPS]) ?? 0

/** What older kernels may lack. */
function optional<T>(fn: () => T): T | undefined {
  try {
    return fn()
    /* c8 ignore next 4 -- on kernels before 4.20 */
  } catch (error) {
    if ((error as SystemError).code !== 'ENOPROTOOPT') throw error
    return undefined
  }
}
