import { Buffer } from 'node:buffer'
import debug from 'debug'
import { ClosedError } from '../errors.js'
import { readU32 } from '../wire/host.js'
import { type Descriptor, openDescriptor, type SocketNamespace } from './descriptor.js'
import type { SystemError } from './libc.js'
import { close, isLoss, type Received, recvfrom, recvfromAside, send } from './libc.js'
import { dropsOf } from './sockopt.js'
import type { DumpTransport, Receiver } from './transport.js'
import { uncaught } from './uncaught.js'

const log = debug('nbma:socket')

/** The kernel fills a dump's datagrams up to the size of our reads, 32 KiB at most; a single message can be larger. */
const LARGEST = 256 << 10
/** Reads that are not worth another thread: a small dump, its end, and that nothing is left. */
const QUICK = 3

/**
 * A netlink socket for one dump. It reads on a thread of libuv's pool, where the kernel makes each part, while the part
 * before it is decoded here; and it reads only while it is not paused.
 */
export class DumpSocket implements DumpTransport {
  readonly portId: number
  readonly receiveBuffer: number
  readonly sendBuffer: number
  readonly #fd: number
  readonly #namespace: SocketNamespace | undefined
  readonly #read: Received = {
    bytes: Buffer.allocUnsafeSlow(LARGEST),
    address: Buffer.alloc(12),
    addressLength: new Uint32Array(1),
  }
  #receiver: Receiver | undefined
  /** Another thread is in recvfrom(2). */
  #reading = false
  #paused = false
  /** There may be more to read. */
  #more = false
  /** Something was sent since the reading began. */
  #asked = false
  /** Reads that are still done here. */
  #quick = 0
  #closed = false
  #overruns = 0

  private constructor(descriptor: Descriptor, namespace: SocketNamespace | undefined) {
    this.#fd = descriptor.fd
    this.#namespace = namespace
    this.portId = descriptor.portId
    this.receiveBuffer = descriptor.receiveBuffer
    this.sendBuffer = descriptor.sendBuffer
  }

  /** Opens one. Throws what {@link openDescriptor} throws. */
  static open(options: { namespace?: SocketNamespace | undefined; protocol?: number | undefined }): DumpSocket {
    const socket = new DumpSocket(openDescriptor(options), options.namespace)
    log('port %d: open for protocol %d, dump', socket.portId, options.protocol ?? 0)
    return socket
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver
  }

  async send(datagram: Buffer): Promise<void> {
    if (this.#closed) throw new ClosedError('the netlink socket is closed')
    send(this.#fd, datagram)
    this.#more = this.#asked = true
    this.#quick = QUICK
    this.#readOn()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#readOn()
  }

  drops(): number {
    return this.#overruns + (this.#closed ? 0 : dropsOf(this.#fd))
  }

  check(): void {
    this.#namespace?.check()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    log('port %d: closed', this.portId)
    // Another file could get the number of a descriptor that is still read from.
    if (!this.#reading) close(this.#fd)
  }

  #readOn(): void {
    if (this.#reading || this.#paused || !this.#more || this.#closed) return
    this.#reading = true
    this.#asked = false
    this.#receive().then(this.#came, this.#failed)
  }

  async #receive(): Promise<number> {
    if (this.#quick === 0) return recvfromAside(this.#fd, this.#read)
    this.#quick--
    return recvfrom(this.#fd, this.#read.bytes, this.#read.address)
  }

  readonly #came = (length: number): void => {
    this.#reading = false
    if (this.#closed) {
      close(this.#fd)
      return
    }
    this.#more = length >= 0 || this.#asked
    const datagram = Buffer.from(this.#read.bytes.subarray(0, Math.max(length, 0)))
    const fromKernel = readU32(this.#read.address, 4) === 0
    // The next part is made while this one is worked on.
    this.#readOn()
    /* c8 ignore next -- no message of any kernel so far */
    if (length > LARGEST) this.#overruns++
    else if (length >= 0 && fromKernel) this.#deliver(datagram)
  }

  /* c8 ignore next 10 -- overruns are no errors here (NETLINK_NO_ENOBUFS), and nobody else has the descriptor */
  readonly #failed = (error: SystemError): void => {
    if (this.#closed || isLoss(error)) {
      this.#came(LARGEST + 1)
      return
    }
    this.#reading = false
    this.close()
    this.#receiver?.fail(error)
  }

  #deliver(datagram: Buffer): void {
    try {
      this.#receiver?.receive(datagram)
    } catch (error) {
      uncaught(error)
    }
  }
}
