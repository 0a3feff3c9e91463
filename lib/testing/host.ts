import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { UnsupportedError } from '../errors.js'
import type { ExecOptions, Finished, Namespace } from '../netns/namespace.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import { Capture, type CaptureOptions } from './capture.js'
import { type PingOptions, type PingResult, ping } from './ping.js'

/** A device of a {@link Host}. */
export interface LabDevice {
  readonly ifname: string
  /** What routes and other messages call it by: `oif`, `index`, `ifindex`. */
  readonly index: number
  /** Its MAC; undefined for `lo`. */
  readonly mac?: string | undefined
}

/**
 * A host of a {@link Lab}: a network namespace with its devices.
 * @example
 * const { host1 } = lab.hosts
 * await host1.rt.request(route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12', oif: host1.devices.eth1.index }))
 * const { received } = await host1.ping('12.1.1.1', { source: '11.1.1.1', count: 3 })
 * const { stdout } = await host1.exec('ip', ['route'])
 */
export class Host<D extends string = string> {
  /** What the lab calls it. */
  readonly name: string
  /** Its namespace; `host.ns.name` is for `ip netns exec`. */
  readonly ns: Namespace
  /** A connection to the kernel inside it. */
  readonly rt: Rtnetlink
  /** The devices that the lab made, and `lo`. */
  readonly devices: Readonly<Record<D | 'lo', LabDevice>>

  constructor(name: string, ns: Namespace, rt: Rtnetlink, devices: Readonly<Record<D | 'lo', LabDevice>>) {
    this.name = name
    this.ns = ns
    this.rt = rt
    this.devices = devices
  }

  /**
   * Runs a command inside and collects what it writes.
   * @throws {CommandError} if it fails, unless `check` is false
   */
  exec(command: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<Finished> {
    return this.ns.exec(command, args, options)
  }

  /** Starts a process inside, as `child_process.spawn` does elsewhere. The lab ends it when it is disposed. */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    return this.ns.spawn(command, args, options)
  }

  /**
   * Runs ping(8), IPv4 or IPv6. That nothing answers, or that there is no route, is a result and not an error.
   * @example
   * const { received, rtts } = await host1.ping('12.1.1.1', { source: '11.1.1.1', count: 3, interval: 20 })
   * @throws {UnsupportedError} where iputils is not installed; {@link CommandError} where ping cannot do what was asked
   */
  ping(target: string, options: PingOptions = {}): Promise<PingResult> {
    return ping(this.ns, target, options)
  }

  /**
   * Starts tcpdump(8); it is listening when this resolves.
   * @example
   * await using capture = await host1.capture({ device: 'eth1', filter: 'proto 4' })
   * await host1.ping('12.1.1.1')
   * for (const packet of await capture.wait(2)) console.log(`${packet}`)
   */
  capture(options: CaptureOptions = {}): Promise<Capture> {
    return Capture.start(this.ns, options)
  }

  /**
   * Reads a parameter of the namespace, or sets it. sysctl(8)
   * @example
   * host.sysctl('net.ipv4.ip_forward', 1)
   * @throws {UnsupportedError} where /proc/sys cannot be written, as in many containers
   */
  sysctl(name: string, value?: string | number): string {
    return sysctl(this.ns, name, value)
  }
}

/** Reads or sets a parameter of a namespace. */
export function sysctl(ns: Namespace, name: string, value?: string | number): string {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`
  return ns.run(() => {
    try {
      if (value !== undefined) writeFileSync(path, `${value}`)
      return readFileSync(path, 'utf8').trim()
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EROFS') throw cause
      throw new UnsupportedError(`${name} cannot be set: /proc/sys is mounted read-only here`, { cause })
    }
  })
}
