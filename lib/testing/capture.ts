import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { NbmaError } from '../errors.js'
import type { Namespace } from '../netns/namespace.js'
import { Packet } from './packet.js'
import { missing } from './ping.js'

/** Options of {@link Host.capture}. */
export interface CaptureOptions {
  /** Device to listen on. Default `any`, which shows a packet once for each device that it passes. */
  readonly device?: string | undefined
  /** What to capture, in the language of pcap-filter(7): `proto 4`, `udp port 4789`. */
  readonly filter?: string | undefined
  /** Ends by itself after so many packets. */
  readonly count?: number | undefined
  /** Milliseconds to wait for packets, and for tcpdump to start, where a call does not say otherwise. Default 5000. */
  readonly timeout?: number | undefined
}

const PCAP_HEADER = 24
const RECORD_HEADER = 16

/**
 * Packets that tcpdump(8) sees in a namespace, as they come. It is listening when {@link Capture.start} resolves.
 * @example
 * await using capture = await host2.capture({ device: 'eth1', filter: 'proto 4' })
 * await host1.ping('12.1.1.1', { source: '11.1.1.1' })
 * const [request, reply] = await capture.wait(2)
 * assert.equal(request?.outer?.src, '192.168.122.11')
 * assert.equal(request?.inner?.src, '11.1.1.1')
 */
export class Capture implements AsyncDisposable {
  /** What was captured so far. */
  readonly packets: Packet[] = []
  readonly #ns: Namespace
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #timeout: number
  /** The whole pcap(5) file so far, in pieces, and what is not yet a whole record. */
  readonly #file: Buffer[] = []
  #rest = Buffer.alloc(0)
  #linkType: number | undefined
  #stderr = ''
  /** Called whenever something has come, or tcpdump has ended. */
  readonly #waiting = new Set<() => void>()
  #over = false
  #failure: unknown

  private constructor(ns: Namespace, options: CaptureOptions) {
    const { device = 'any', filter, count, timeout = 5000 } = options
    const limit = count === undefined ? [] : ['-c', `${count}`]
    const args = ['-i', device, '-n', '--immediate-mode', '-U', ...limit, '-w', '-', ...(filter ? [filter] : [])]
    this.#ns = ns
    this.#timeout = timeout
    this.#child = ns.spawn('tcpdump', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.on('error', (error) => {
      this.#failure = missing(error, 'tcpdump', 'tcpdump')
    })
    this.#child.stdout?.on('data', (bytes: Buffer) => this.#receive(bytes))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#wake()
    })
    this.#ended = once(this.#child, 'close').catch(() => {})
    void this.#ended.then(() => {
      this.#over = true
      this.#wake()
    })
  }

  /**
   * Starts to capture in a namespace; what passes after it has resolved is seen.
   * @throws {NbmaError} with tcpdump's words where it does not start; {@link UnsupportedError} where there is none
   */
  static async start(ns: Namespace, options: CaptureOptions = {}): Promise<Capture> {
    const capture = new Capture(ns, options)
    try {
      await capture.#until(() => /listening on .*\n/.test(capture.#stderr), capture.#timeout, 'tcpdump to listen')
      return capture
    } catch (error) {
      await capture[Symbol.asyncDispose]()
      throw error
    }
  }

  /**
   * Resolves with the packets as soon as there are `count`.
   * @throws {NbmaError} NBMA_TIMEOUT where they do not come, with those that came in the message
   */
  async wait(count = 1, options: { readonly timeout?: number | undefined } = {}): Promise<Packet[]> {
    const what = count === 1 ? 'a packet' : `${count} packets`
    await this.#until(() => this.packets.length >= count, options.timeout ?? this.#timeout, what)
    return this.packets.slice()
  }

  /** Resolves with the packets when all that passed before the call are among them: that none came can be believed. */
  async flush(): Promise<Packet[]> {
    for (let last = -1, now = await this.#written(); last !== now; now = await this.#written()) {
      await this.#until(() => this.packets.length >= now || this.#over)
      last = now
    }
    return this.packets.slice()
  }

  /** Ends the capture; resolves with all packets that passed before the call. */
  async stop(): Promise<Packet[]> {
    await this.flush()
    await this[Symbol.asyncDispose]()
    return this.packets.slice()
  }

  /**
   * The packets as lines of tcpdump's own: `IP 192.168.122.11 > 192.168.122.12: IP 11.1.1.1 > 12.1.1.1: ICMP echo …`
   * @param flags further options of tcpdump(8): `['-v', '-e']`
   */
  async text(flags: readonly string[] = []): Promise<string[]> {
    const args = ['-n', '-t', ...flags, '-r', '-']
    const { stdout } = await this.#ns.exec('tcpdump', args, { input: Buffer.concat(this.#file) })
    return stdout.split('\n').filter((line) => line !== '')
  }

  /** Writes what was captured so far as a pcap(5) file, for tcpdump and Wireshark. */
  save(path: string): void {
    writeFileSync(path, Buffer.concat(this.#file))
  }

  /** Ends tcpdump. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /**
   * How many packets tcpdump has written, asked when it sleeps: then it has read all that there was, unless it waits
   * for us to read what it wrote. (The number "received by filter" is no help: it counts some from before the filter.)
   */
  async #written(): Promise<number> {
    while (!this.#over && !asleep(this.#child.pid)) await sleep(1)
    const from = this.#stderr.length
    this.#child.kill('SIGUSR1')
    const number = (): string | undefined => /(\d+) packets? captured/.exec(this.#stderr.slice(from))?.[1]
    await this.#until(() => this.#over || number() !== undefined)
    return Number(number() ?? this.packets.length)
  }

  #receive(bytes: Buffer): void {
    this.#file.push(bytes)
    this.#rest = Buffer.concat([this.#rest, bytes])
    if (this.#linkType === undefined) {
      if (this.#rest.length < PCAP_HEADER) return
      this.#linkType = this.#word(20) & 0xffff
      this.#rest = this.#rest.subarray(PCAP_HEADER)
    }
    while (this.#rest.length >= RECORD_HEADER && this.#rest.length >= RECORD_HEADER + this.#word(8)) {
      const end = RECORD_HEADER + this.#word(8)
      const time = this.#word(0) * 1000 + this.#word(4) / 1000
      this.packets.push(new Packet(this.#rest.subarray(RECORD_HEADER, end), this.#linkType, time))
      this.#rest = this.#rest.subarray(end)
    }
    this.#wake()
  }

  /** tcpdump writes in the byte order of the machine. */
  #word(offset: number): number {
    return new Uint32Array(Uint8Array.from(this.#rest.subarray(offset, offset + 4)).buffer)[0] ?? 0
  }

  #wake(): void {
    for (const look of this.#waiting) look()
  }

  #until(done: () => boolean, timeout = this.#timeout, what = 'tcpdump'): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        settle()
      }
      const look = (): void => {
        if (done()) finish(resolve)
        else if (this.#over)
          finish(() => reject(this.#failure ?? this.#error('NBMA_CAPTURE', `tcpdump ended before ${what}`)))
      }
      const late = (): void => finish(() => reject(this.#error('NBMA_TIMEOUT', `waited ${timeout} ms for ${what}`)))
      const timer = setTimeout(late, timeout)
      this.#waiting.add(look)
      look()
    })
  }

  #error(code: string, message: string): NbmaError {
    const seen = this.packets.map((packet) => `\n  ${packet}`).join('')
    const came = `${this.packets.length} came${seen}`
    return new NbmaError(
      code,
      `${message}; ${this.packets.length > 0 || code === 'NBMA_TIMEOUT' ? came : this.#stderr.trim()}`,
    )
  }
}

function asleep(pid: number | undefined): boolean {
  try {
    return / S /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').slice(0, 40))
  } catch {
    // It has ended; its streams will say so.
    return false
  }
}
