import { createRequire } from 'node:module'
import { getSystemErrorMap } from 'node:util'
import { UnsupportedError } from '../errors.js'

/**
 * The C library's functions that Node has no door to, called through koffi. Each throws what Node's own calls throw:
 * an Error with `code`, `errno` (negative) and `syscall`. Nothing is loaded before the first call.
 * @module
 */

/** What a failed system call throws. */
export interface SystemError extends Error {
  /** `EPERM`. */
  readonly code: string
  /** Negative, as Node has it: -1 for EPERM. */
  readonly errno: number
  /** `setns`. */
  readonly syscall: string
}

const PROTOTYPES = {
  close: 'int close(int fd)',
  connect: 'int connect(int fd, const void *address, uint length)',
  fcntl: 'int fcntl(int fd, int command, ...)',
  flock: 'int flock(int fd, int operation)',
  getsockname: 'int getsockname(int fd, void *address, void *length)',
  getsockopt: 'int getsockopt(int fd, int level, int option, void *value, void *length)',
  mount: 'int mount(const char *source, const char *target, const char *type, ulong flags, const void *data)',
  recvfrom: 'intptr_t recvfrom(int fd, void *bytes, size_t length, int flags, void *address, void *addressLength)',
  send: 'intptr_t send(int fd, const void *bytes, size_t length, int flags)',
  setns: 'int setns(int fd, int type)',
  setsockopt: 'int setsockopt(int fd, int level, int option, const void *value, uint length)',
  umount2: 'int umount2(const char *target, int flags)',
  unshare: 'int unshare(int flags)',
} as const

type Name = keyof typeof PROTOTYPES
type Native = ((...args: unknown[]) => number) & { async(...args: unknown[]): void }
type Natives = Record<Name, Native> & { errno(): number }

interface Koffi {
  load(path: null): { func(prototype: string): Native }
  errno(): number
}

let loaded: Natives | undefined

/** The process's own symbols: whichever C library it runs on, glibc or musl. */
function load(): Natives {
  if (process.platform !== 'linux')
    throw new UnsupportedError(`netlink exists on Linux only, not on ${process.platform}`)
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi
    const library = koffi.load(null)
    const functions = Object.entries(PROTOTYPES).map(([name, prototype]) => [name, library.func(prototype)])
    return { ...Object.fromEntries(functions), errno: koffi.errno }
  } catch (cause) {
    const { message: why } = cause as Error
    throw new UnsupportedError(
      `the package koffi, which calls the C library, cannot be loaded on ${process.arch} with Node ${process.version}: ${why}`,
      { cause },
    )
  }
}

/**
 * Loads the C library's functions, which every other function here does by itself.
 * @throws {UnsupportedError} where that is not possible
 */
export function natives(): Natives {
  loaded ??= load()
  return loaded
}

function failure(syscall: Name, errno: number): SystemError {
  /* c8 ignore next -- Node knows every errno of Linux, so far */
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, 'unknown error']
  return Object.assign(new Error(`${code}: ${text}, ${syscall}`), { code, errno: -errno, syscall })
}

function call(name: Name, ...args: unknown[]): number {
  const { [name]: native, errno } = natives()
  const result = native(...args)
  if (result < 0) throw failure(name, errno())
  return result
}

const EAGAIN = 11
const F_DUPFD_CLOEXEC = 1030
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40

/** Closes a descriptor. close(2) */
export const close = (fd: number): void => void call('close', fd)

/** Another descriptor of the same file, closed on exec. fcntl(2), F_DUPFD_CLOEXEC */
export const duplicate = (fd: number): number => call('fcntl', fd, F_DUPFD_CLOEXEC, 'int', 0)

/** Takes (LOCK_EX, 2) a lock on an open file and waits for it; closing the file releases it. flock(2) */
export const flock = (fd: number, operation: number): void => void call('flock', fd, operation)

/** Fixes the peer of a socket to a `struct sockaddr`. connect(2) */
export const connect = (fd: number, address: Buffer): void => void call('connect', fd, address, address.length)

/** Reads the local address of a socket into `address`; false where `fd` is no socket. getsockname(2) */
export function getsockname(fd: number, address: Buffer): boolean {
  return natives().getsockname(fd, address, new Uint32Array([address.length])) === 0
}

/** Sets a socket option that is an int. setsockopt(2) */
export function setsockopt(fd: number, level: number, option: number, value: number): void {
  call('setsockopt', fd, level, option, new Int32Array([value]), 4)
}

/** Reads a socket option that is `count` 32-bit numbers, or fewer on older kernels. getsockopt(2) */
export function getsockopt(fd: number, level: number, option: number, count = 1): Uint32Array {
  const value = new Uint32Array(count)
  const length = new Uint32Array([value.byteLength])
  call('getsockopt', fd, level, option, value, length)
  return value.subarray(0, length[0]! / 4)
}

/** Sends one datagram to the socket's peer. send(2) */
export function send(fd: number, datagram: Uint8Array): number {
  const { send: native, errno } = natives()
  const length = native(fd, datagram, datagram.length, 0)
  if (length < 0) throw failure('send', errno())
  return length
}

/**
 * As {@link send}, on a thread of libuv's pool (UV_THREADPOOL_SIZE): this one goes on meanwhile, and must leave the
 * bytes alone. send(2)
 */
export function sendAside(fd: number, datagram: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    natives().send.async(fd, datagram, datagram.length, 0, (error: Error | null, length: number) => {
      try {
        /* c8 ignore next -- it could not be called: out of memory */
        if (error) throw error
        // Why is known to the other thread only. The kernel has done nothing, and will tell us too.
        if (length < 0) send(fd, datagram)
        resolve()
      } catch (why) {
        reject(why)
      }
    })
  })
}

/** Whether recvfrom(2) says that the kernel had no room for an answer, or for a dump's next part. */
/* c8 ignore next -- it is switched off, or cannot be provoked */
export const isLoss = (error: SystemError): boolean => error.code === 'ENOBUFS' || error.code === 'ENOMEM'

const addressLength = new Uint32Array(1)

/**
 * Reads one datagram and its sender's `struct sockaddr`, without waiting. Returns the datagram's length, which is more
 * than `bytes.length` where it was cut, or -1 if none is there. recvfrom(2), MSG_DONTWAIT | MSG_TRUNC
 */
export function recvfrom(fd: number, bytes: Buffer, address: Buffer): number {
  const { recvfrom: native, errno } = natives()
  addressLength[0] = address.length
  const length = native(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_TRUNC, address, addressLength)
  if (length < 0) {
    const code = errno()
    /* c8 ignore next -- what else there is (ENOBUFS, ENOMEM) is switched off or cannot be provoked */
    if (code !== EAGAIN) throw failure('recvfrom', code)
  }
  return length
}

/** Where {@link recvfromAside} puts what it has read. */
export interface Received {
  readonly bytes: Buffer
  /** Room for the sender's `struct sockaddr`. */
  readonly address: Buffer
  /** Room for its length. */
  readonly addressLength: Uint32Array
}

/**
 * As {@link recvfrom}, on a thread of libuv's pool: a dump's next part is made within it, for which the kernel may
 * need a lock. The buffers belong to that thread until it has ended.
 */
export function recvfromAside(fd: number, into: Received): Promise<number> {
  return new Promise((resolve, reject) => {
    const { bytes, address, addressLength } = into
    addressLength[0] = address.length
    const done = (error: Error | null, length: number): void => {
      try {
        /* c8 ignore next -- it could not be called: out of memory */
        if (error) throw error
        // Why is known to the other thread only, and to who asks again. `into` must live until here.
        resolve(length < 0 ? recvfrom(fd, into.bytes, into.address) : length)
        /* c8 ignore next 3 */
      } catch (why) {
        reject(why)
      }
    }
    natives().recvfrom.async(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_TRUNC, address, addressLength, done)
  })
}

/** Moves the calling thread into the namespace that `fd` stands for. setns(2) */
export const setns = (fd: number, type: number): void => void call('setns', fd, type)

/** Gives the calling thread namespaces of its own (CLONE_NEW*). unshare(2) */
export const unshare = (flags: number): void => void call('unshare', flags)

/** Mounts `source` on `target`. mount(2) */
export function mount(source: string, target: string, type: string, flags: number): void {
  call('mount', source, target, type, flags, null)
}

/** Unmounts `target`. umount2(2) */
export const umount2 = (target: string, flags: number): void => void call('umount2', target, flags)
