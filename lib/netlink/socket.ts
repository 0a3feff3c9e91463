import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import debug from 'debug'
import { ClosedError, UnsupportedError } from '../errors.js'
import { align, NLMSG_ERROR, NLMSG_HDRLEN } from '../wire/frame.js'
import { readU16, readU32 } from '../wire/host.js'
import { type Descriptor, dispose, openDescriptor, type SocketNamespace } from './descriptor.js'
import { DumpSocket } from './dump-socket.js'
import type { SystemError } from './libc.js'
import { close, isLoss, recvfrom, send, sendAside } from './libc.js'
import { hold, type RawNetlinkSocket, release } from './raw.js'
import { dropsOf, joinGroup } from './sockopt.js'
import type { DumpTransport, Receiver, Transport } from './transport.js'
import { uncaught } from './uncaught.js'

const log = debug('nbma:socket')

/** Parameters of the whole host, which are not to be seen in a namespace that was made. */
const OF_THE_HOST = /^net\/(ipv[46]\/neigh\/default\/gc_|core\/fb_tunnels_only_for_init_net$)/

/** What {@link NetlinkSocket.open} takes. */
export interface SocketOptions {
  /** Where to open it; the process's own network namespace by default. */
  readonly namespace?: SocketNamespace | undefined
  /** NETLINK_ROUTE (0) by default, NETLINK_GENERIC (16), … netlink(7) */
  readonly protocol?: number | undefined
  /**
   * `request` (the default): reads what the kernel has queued when a send returns, which is everything it has to say
   * to a request. Holds nothing of the event loop: an idle one does not keep the process alive.
   * `monitor`: also hears what comes unasked, so it can join groups; keeps the process alive until it is closed.
   */
  readonly role?: 'request' | 'monitor' | undefined
  /**
   * SO_RCVBUF in bytes, of which the kernel makes twice as much; beyond net.core.rmem_max with CAP_NET_ADMIN.
   * Default: 1 MiB for requests, 4 MiB for monitors. Raised to what a dump needs, 64 KiB.
   */
  readonly receiveBuffer?: number | undefined
  /** SO_SNDBUF in bytes, of which the kernel makes twice as much. Default: the system's. */
  readonly sendBuffer?: number | undefined
  /** Multicast groups to join (RTNLGRP_*), for monitors. */
  readonly groups?: readonly number[] | undefined
}

/** Room for the refusals of a batch's largest datagram. */
const REQUEST_RECEIVE_BUFFER = 1 << 20
const MONITOR_RECEIVE_BUFFER = 4 << 20

/**
 * How much is read or handed on before other work of the process gets its turn: 256 KiB, where a datagram counts as
 * 1 KiB at least. About two milliseconds of acknowledgements.
 */
const SLICE = 256 << 10
const cost = (length: number): number => Math.max(length, 1 << 10)

/** Datagrams of several messages and more bytes are sent on another thread: the kernel is busy with them for long. */
const LARGE = 4 << 10

/** The kernel fills dump datagrams up to the size of our reads, at most 32 KiB; single messages can be larger. */
const scratch = Buffer.allocUnsafeSlow(256 << 10)
const sender = Buffer.alloc(12)

function copyOf(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  bytes.set(new Uint8Array(scratch.buffer, 0, length))
  return bytes
}

const DONE = Promise.resolve()

/** Whether `scratch` holds the kernel's answer to the one message that was sent. */
const isAnswer = (length: number, sent: Buffer): boolean =>
  length >= NLMSG_HDRLEN &&
  readU16(scratch, 4) === NLMSG_ERROR &&
  readU32(scratch, 8) === readU32(sent, 8) &&
  readU32(sender, 4) === 0 &&
  align(readU32(sent, 0)) >= sent.length

/**
 * A netlink socket: carries datagrams to the kernel and back. netlink(7)
 *
 * The kernel executes a request inside send(2) and has queued its answers when that returns, so they are read at once,
 * without waiting for the event loop; the receiver gets them from a microtask, and from `setImmediate` when it has had
 * much in one turn. It is never called from within `send`, nor from a native callback. What it throws reaches
 * `uncaughtException`; the socket goes on.
 *
 * A datagram of several messages and more than 4 KiB is sent on a thread of libuv's pool, and what is sent after it
 * waits for that.
 *
 * In a worker thread, close monitors before `worker.terminate()`: with one open, or in the instant in which a socket is
 * being opened (streamed dumps have their own), it ends the whole process. A request socket that is open only loses its
 * descriptor to the process.
 * @example
 * const socket = NetlinkSocket.open()
 * socket.start({ receive: datagram => console.log(datagram), fail: console.error })
 * await socket.send(request.bytes)
 */
export class NetlinkSocket implements Transport {
  readonly portId: number
  readonly receiveBuffer: number
  readonly sendBuffer: number
  readonly #fd: number
  /** Only monitors keep it: its handle in the event loop is what wakes them. */
  readonly #raw: RawNetlinkSocket | undefined
  readonly #namespace: SocketNamespace | undefined
  readonly #protocol: number | undefined
  #receiver: Receiver | undefined
  #incoming: Buffer[] = []
  /** The next to hand on, in reverse. */
  #outgoing: Buffer[] = []
  /** The kernel may hold more than was read. */
  #more = false
  /** What may still be handed on in this turn of the event loop. */
  #budget = SLICE
  #microtask = false
  #immediate = false
  /** What another thread sends, until it has and its answers were read; never rejects. */
  #aside: Promise<void> | undefined
  #closed = false
  #ignored = 0
  #overruns = 0

  private constructor(descriptor: Descriptor, options: SocketOptions) {
    this.#fd = descriptor.fd
    this.#raw = descriptor.raw
    this.#namespace = options.namespace
    this.#protocol = options.protocol
    this.portId = descriptor.portId
    this.receiveBuffer = descriptor.receiveBuffer
    this.sendBuffer = descriptor.sendBuffer
  }

  /**
   * Opens a socket, bound to a port that the kernel chooses and connected to the kernel.
   * @throws {UnsupportedError} where netlink or what reaches it is missing
   * @throws {NamespaceGoneError} when the namespace's name is gone
   */
  static open(options: SocketOptions = {}): NetlinkSocket {
    const watched = options.role === 'monitor'
    const receiveBuffer = options.receiveBuffer ?? (watched ? MONITOR_RECEIVE_BUFFER : REQUEST_RECEIVE_BUFFER)
    const descriptor = openDescriptor({ ...options, receiveBuffer, watched })
    const socket = new NetlinkSocket(descriptor, options)
    const { raw } = descriptor
    try {
      for (const group of options.groups ?? []) socket.join(group)
    } catch (error) {
      dispose(descriptor)
      throw error
    }
    if (raw) socket.#listen(raw)
    log('port %d: open for protocol %d, %s', socket.portId, options.protocol ?? 0, options.role ?? 'request')
    return socket
  }

  #listen(raw: RawNetlinkSocket): void {
    hold(raw, () => this.close())
    // Native callbacks: whatever throws here ends the process, so they only queue.
    raw.on('message', (datagram, { port }) => {
      this.#accept(datagram, port)
      // A poll hands over few; the rest is read in bulk, or a burst of events would overrun us.
      this.#more = true
      this.#later()
    })
    raw.on('truncatedMessage', () => this.#overruns++)
    raw.on('error', (error) => setImmediate(() => this.#fail(error)))
  }

  send(datagram: Buffer): Promise<void> {
    // One after the other: the kernel answers in the order in which it was asked.
    if (this.#aside) return this.#aside.then(() => this.send(datagram))
    if (this.#closed) return Promise.reject(new ClosedError('the netlink socket is closed'))
    if (datagram.length > LARGE && readU32(datagram, 0) < datagram.length) return this.#sendAside(datagram)
    try {
      send(this.#fd, datagram)
      this.#read(datagram)
      this.#soon()
    } catch (error) {
      return Promise.reject(error)
    }
    return DONE
  }

  #sendAside(datagram: Buffer): Promise<void> {
    const sent = sendAside(this.#fd, datagram)
    const done = (): void => {
      this.#aside = undefined
      if (this.#closed) return
      this.#read()
      this.#soon()
    }
    this.#aside = sent.then(done, done)
    return sent
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver
    this.#later()
  }

  drops(): number {
    return this.#overruns + (this.#closed ? 0 : dropsOf(this.#fd))
  }

  join(group: number): void {
    if (this.#closed) throw new ClosedError('the netlink socket is closed')
    if (!this.#raw) throw new UnsupportedError('only a netlink socket of role monitor can join groups')
    joinGroup(this.#fd, group)
  }

  check(): void {
    this.#namespace?.check()
  }

  openDump(): DumpTransport {
    return DumpSocket.open({ namespace: this.#namespace, protocol: this.#protocol })
  }

  sysctl(path: string): string | undefined {
    // /proc/sys/net is that of the thread that opens it.
    const read = (): string => readFileSync(`/proc/sys/${path}`, 'utf8').trim()
    try {
      return this.#namespace === undefined || OF_THE_HOST.test(path) ? read() : this.#namespace.run(read)
    } catch {
      return undefined
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#incoming = []
    this.#outgoing = []
    log('port %d: closed, %d datagrams ignored', this.portId, this.#ignored)
    // Another file could get the number of a descriptor that is still sent through.
    if (this.#aside) this.#aside.then(this.#free)
    else this.#free()
  }

  readonly #free = (): void => {
    const raw = this.#raw
    // Never from within the native callback that may be calling us.
    if (raw) setImmediate(release, raw)
    else close(this.#fd)
  }

  /** Takes over what the kernel has queued, a slice at most: all of it, where it says no more than yes or no to `sent`. */
  #read(sent?: Buffer): void {
    const alone = !this.#more && !this.#raw
    this.#more = false
    for (let read = 0; read < SLICE; ) {
      const length = this.#receive()
      if (length < 0) return
      if (alone && read === 0 && sent !== undefined && isAnswer(length, sent)) return
      read += cost(length)
    }
    this.#more = true
  }

  #receive(): number {
    try {
      const length = recvfrom(this.#fd, scratch, sender)
      // What does not fit is lost, as if there had been no room.
      /* c8 ignore next -- no message of any kernel so far */
      if (length > scratch.length) this.#overruns++
      else if (length >= 0) this.#accept(copyOf(length), readU32(sender, 4))
      return length
      /* c8 ignore next 8 -- overruns are no errors here (NETLINK_NO_ENOBUFS), and nobody else has the descriptor */
    } catch (error) {
      if (isLoss(error as SystemError)) {
        this.#overruns++
        return 0
      }
      setImmediate(() => this.#fail(error as Error))
      return -1
    }
  }

  /** Whoever has CAP_NET_ADMIN may write to our port: only port 0 is the kernel. */
  #accept(datagram: Buffer, port: number): void {
    if (this.#closed) return
    if (port === 0) this.#incoming.push(datagram)
    else {
      this.#ignored++
      if (log.enabled) setImmediate(log, 'port %d: ignored a datagram from port %d', this.portId, port)
    }
  }

  #take(): Buffer | undefined {
    if (this.#outgoing.length === 0) {
      if (this.#incoming.length === 0 && this.#more) this.#read()
      this.#outgoing = this.#incoming.reverse()
      this.#incoming = []
    }
    return this.#outgoing.pop()
  }

  #deliver(): void {
    if (!this.#receiver) return
    try {
      while (this.#budget > 0 && !this.#closed) {
        const datagram = this.#take()
        if (!datagram) break
        this.#budget -= cost(datagram.length)
        this.#receiver.receive(datagram)
      }
    } finally {
      if (this.#budget < SLICE && !this.#closed) this.#later()
    }
  }

  /** Before anything else of this turn, as long as it had not much. */
  #soon(): void {
    if (this.#microtask || this.#budget <= 0) return
    this.#microtask = true
    // Less work than queueMicrotask(), which makes an AsyncResource each time.
    DONE.then(this.#deliverSoon)
  }

  readonly #deliverSoon = (): void => {
    this.#microtask = false
    try {
      this.#deliver()
    } catch (error) {
      uncaught(error)
    }
  }

  /** In the next turn of the event loop. */
  #later(): void {
    if (this.#immediate) return
    this.#immediate = true
    setImmediate(() => {
      this.#immediate = false
      this.#budget = SLICE
      this.#deliver()
    })
  }

  /* c8 ignore next 5 -- follows such an error */
  #fail(error: Error): void {
    if (this.#closed) return
    this.close()
    this.#receiver?.fail(error)
  }
}
