import { NbmaError } from '../errors.js'
import { Connection, type ConnectionOptions, type WaitOptions } from '../netlink/connection.js'
import { monitor } from '../netlink/monitor.js'
import { NetlinkSocket } from '../netlink/socket.js'
import type { Transport } from '../netlink/transport.js'
import { type Place, placeOf } from '../netns/place.js'
import { RTNLGRP } from '../schema/constants.js'
import { rtnetlink } from '../schema/rtnetlink.js'
import type { MessageName, Objects } from './messages.js'

/** A multicast group of rtnetlink by name (`link`, `ipv4-route`) or number (RTNLGRP_*). */
export type Group = keyof typeof RTNLGRP | number

/** What a monitor yields: `message` follows from `event`. */
export type RtEvent =
  | { [K in keyof Objects]: { readonly event: MessageName<K>; readonly message: Objects[K] } }[keyof Objects]
  /** Announcements were lost: read the state anew. */
  | { readonly event: 'resync'; readonly message?: undefined }

/** What {@link Rtnetlink.open} takes. */
export interface RtnetlinkOptions extends ConnectionOptions {
  /**
   * Where to open the socket: a {@link Namespace}, or its name (`site-a`), its absolute path, or the number of a process
   * in it. The process's own network namespace by default. The process itself does not move.
   */
  readonly namespace?: Place | undefined
  /** SO_RCVBUF in bytes: how much the kernel may answer before we read. Default 1 MiB. */
  readonly receiveBuffer?: number | undefined
  /** Closes the connection when it is aborted. */
  readonly signal?: AbortSignal | undefined
}

/**
 * A connection to the kernel's routing configuration in one network namespace: rtnetlink(7). Reading needs no
 * privileges, changing needs CAP_NET_ADMIN in the namespace, and opening one in another namespace CAP_SYS_ADMIN.
 * @example
 * await using rt = await Rtnetlink.open()
 * const [tunl0] = await rt.get(link.get({ ifname: 'tunl0' }))
 * await rt.request(route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12', oif: tunl0.index, flags: ['onlink'] }))
 * for await (const r of rt.dump(route.list({ table: 254 }))) console.log(r.dst, r.gateway)
 */
export class Rtnetlink extends Connection {
  /** Where monitors are opened: the same namespace. */
  readonly #open: (groups: readonly number[]) => Transport
  readonly #transport: Transport

  private constructor(transport: Transport, options: RtnetlinkOptions, open: (groups: readonly number[]) => Transport) {
    super(transport, rtnetlink, options)
    this.#open = open
    this.#transport = transport
  }

  /**
   * Opens a netlink socket.
   * @throws {UnsupportedError} where there is no netlink, or koffi cannot be loaded
   * @throws {NbmaError} ENOENT if there is no such namespace
   * @throws {NamespaceGoneError} if the namespace's name means another one by now
   */
  static async open(options: RtnetlinkOptions = {}): Promise<Rtnetlink> {
    const { receiveBuffer, signal } = options
    signal?.throwIfAborted()
    const namespace = placeOf(options.namespace)
    const transport = NetlinkSocket.open({ namespace, receiveBuffer })
    const rt = new Rtnetlink(transport, options, (groups) => NetlinkSocket.open({ namespace, role: 'monitor', groups }))
    signal?.addEventListener('abort', () => rt.close(), { once: true })
    return rt
  }

  /**
   * A connection over a transport of the caller's, for tests without a kernel.
   * @param monitors makes the transport of a monitor; without it there are none
   */
  static over(transport: Transport, options: ConnectionOptions = {}, monitors?: () => Transport): Rtnetlink {
    return new Rtnetlink(transport, options, () => {
      if (monitors === undefined) throw new NbmaError('NBMA_UNSUPPORTED', 'this connection was made without monitors')
      return monitors()
    })
  }

  /**
   * Reads a parameter of the namespace, by its path under /proc/sys: `net/ipv4/ip_forward`. sysctl(8)
   * @returns undefined where there is none, or it cannot be read
   */
  sysctl(path: string): string | undefined {
    return this.#transport.sysctl?.(path)
  }

  /**
   * Changes as the kernel announces them, by its own socket, from the call on. `resync` means that announcements were
   * lost (or the reader was too slow): read the state anew, then go on.
   *
   * The kernel does not announce everything. When a link goes down, its onlink routes, nexthop objects and neighbours
   * vanish with only RTM_NEWLINK and RTM_DELNEIGH said; when a nexthop object is deleted, its routes vanish with only
   * RTM_DELNEXTHOP said; when an address is removed, routes through it vanish without a word.
   * @example
   * for await (const { event, message } of rt.monitor(['link', 'ipv4-route'], { signal })) console.log(event, message)
   */
  monitor(groups: readonly Group[], options: Pick<WaitOptions, 'signal'> = {}): AsyncIterableIterator<RtEvent> {
    const numbers = groups.map((group) => {
      const number = typeof group === 'number' ? group : RTNLGRP[group]
      if (!Number.isInteger(number) || number < 1) {
        throw new TypeError(
          `${String(group)} is not a group of rtnetlink; there are ${Object.keys(RTNLGRP).join(', ')}`,
        )
      }
      return number
    })
    return monitor(this.#open(numbers), rtnetlink, options) as AsyncIterableIterator<RtEvent>
  }
}
