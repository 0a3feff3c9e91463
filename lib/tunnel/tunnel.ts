import { KernelError, NbmaError, UnsupportedError } from '../errors.js'
import { link } from '../rtnl/link.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { KindData } from '../schema/kinds.js'
import type { Link, LinkInput, LinkinfoInput } from '../schema/link.js'
import { ETHERNET_MTU, explainCreation, findFallback, mtuOfAddress, NO_MAC, noSuchKind, randomMac } from './creation.js'
import { changedData, creationData, type DataOptions, untouched } from './data.js'
import { factsOf, findLink, getLink, refreshLink } from './device.js'
import { type DeviceFacts, type FallbackKind, kindRow, TUNNEL_KINDS, type TunnelKind } from './kinds.js'

/** What {@link Tunnel.create} takes: the kind's own attributes too, by their names (`ttl`, `pmtudisc`, `port`, …). */
export type TunnelOptions<K extends TunnelKind = TunnelKind> = DataOptions<K> & {
  readonly kind: K
  /** Name of the device, 1 to 15 bytes. */
  readonly ifname: string
  /** Largest inner packet, in bytes. Default: what the device with the local address leaves. */
  readonly mtu?: number | undefined
  /** MAC address of a kind that carries Ethernet. Default: a random one. */
  readonly address?: string | undefined
  /** Bring it up. Default true. */
  readonly up?: boolean | undefined
}

/** What {@link Tunnel.set} takes. What is not named stays as it is. */
export type TunnelChanges<K extends TunnelKind = TunnelKind> = DataOptions<K> & {
  /** A new name. Older kernels want the device down for it. */
  readonly ifname?: string | undefined
  /** Largest inner packet, in bytes. */
  readonly mtu?: number | undefined
  readonly address?: string | undefined
  readonly up?: boolean | undefined
}

/**
 * A tunnel device. ip-link(8)
 * @example
 * const tunl0 = await Tunnel.fallback(rt, 'ipip')
 * await using mgre = await Tunnel.create(rt, { kind: 'gre', ifname: 'mgre0', local: '192.168.122.11', key: 5 })
 */
export class Tunnel<K extends TunnelKind = TunnelKind> implements AsyncDisposable {
  readonly #rt: Rtnetlink
  readonly #created: boolean
  #link: Link
  #facts: DeviceFacts
  #deleted = false

  private constructor(rt: Rtnetlink, found: Link, created = false) {
    this.#rt = rt
    this.#link = found
    this.#facts = factsOf(found)
    this.#created = created
  }

  /**
   * The device that a kind's module makes by itself in each namespace: tunl0, gre0, sit0, … It makes the kernel load
   * the module if need be, and brings the device up. Where net.core.fb_tunnels_only_for_init_net keeps fallback
   * devices out of this namespace, a device like it with its name is made.
   * @throws {UnsupportedError} if the kernel does not have the kind
   * @throws {KernelError} EPERM without CAP_NET_ADMIN
   */
  static async fallback<K extends FallbackKind>(rt: Rtnetlink, kind: K): Promise<Tunnel<K>> {
    const ifname: string = TUNNEL_KINDS[kind].fallback
    let found = await findFallback(rt, kind, ifname)
    if (found === undefined) {
      // Asking for any device of the kind makes the kernel load the module, which makes the fallback device: then the
      // name is taken (EEXIST) when the kernel comes back to what it was asked.
      try {
        await rt.request(link.add({ ifname, linkinfo: { kind } as LinkinfoInput }))
      } catch (error) {
        if (!(error instanceof KernelError)) throw error
        if (error.code === 'EOPNOTSUPP') throw noSuchKind(kind, error)
        if (error.code !== 'EEXIST') throw error
      }
      found = await findFallback(rt, kind, ifname)
    }
    if (found === undefined)
      throw new NbmaError('ENODEV', `the fallback device of kind ${kind} (${ifname}) is not there`)
    if (!found.up) {
      // gretap0 and erspan0 are made without a MAC, and cannot be brought up so.
      const address = found.address === NO_MAC ? randomMac() : undefined
      await rt.request(link.change({ index: found.index, up: true, address }))
      found = await getLink(rt, found.index)
    }
    return new Tunnel<K>(rt, found)
  }

  /**
   * Makes a tunnel device without a remote, which any number of peers can share, and brings it up. Disposing of it
   * deletes it. Unless told otherwise: ipip, sit and ip6tnl carry all they can (`proto: 'ip'`); path MTU discovery is
   * on; vxlan uses UDP port 4789 and does not learn; geneve is external; ip6 kinds have hop limit 64 and encapsulation
   * limit 4; erspan has version 1.
   * @throws {KernelError} EEXIST if the name is taken, or another device is the same to the kernel; the message says which
   * @throws {UnsupportedError} if the kernel does not have the kind
   * @throws {EncodeError} on a value that cannot be
   */
  static async create<const K extends TunnelKind>(rt: Rtnetlink, options: TunnelOptions<K>): Promise<Tunnel<K>> {
    const { kind, ifname, mtu, address: mac, up = true, ...rest } = options
    if (kindRow(kind) === undefined)
      throw new UnsupportedError(`${kind} is not a kind of tunnel; there are ${Object.keys(TUNNEL_KINDS).join(', ')}`)
    const data = creationData(kind, rest as unknown as DataOptions<K>)
    // As one message: a device that cannot be brought up is not left behind.
    const wanted = { ifname, mtu, address: mac, ...(up ? { up } : {}), linkinfo: { kind, data } as LinkinfoInput }
    try {
      await rt.request(link.add(wanted))
    } catch (error) {
      throw await explainCreation(rt, error, wanted)
    }
    const tunnel = new Tunnel<K>(rt, await getLink(rt, ifname), true)
    if (mtu === undefined) await tunnel.#fit()
    return tunnel
  }

  /** Makes the MTU leave room for the overhead, where the kernel has not done so because it knows no underlay device. */
  async #fit(): Promise<void> {
    const { index, local, kind } = this.#facts
    const under = local === undefined ? undefined : await mtuOfAddress(this.#rt, local)
    const assumed = kind === 'vxlan' || kind === 'geneve' ? ETHERNET_MTU : undefined
    const most = under ?? assumed
    if (most === undefined || this.mtu + this.overhead <= most) return
    await this.#rt.request(link.change({ index, mtu: most - this.overhead }))
    await this.refresh()
  }

  /**
   * A tunnel device that is there, by name or index.
   * @throws {NbmaError} ENODEV if there is none
   * @throws {UnsupportedError} if it is no tunnel
   */
  static async open(rt: Rtnetlink, which: string | number): Promise<Tunnel> {
    const found = await getLink(rt, which)
    const kind = found.linkinfo?.kind
    if (kind === undefined || kindRow(kind) === undefined)
      throw new UnsupportedError(
        `${found.ifname} is ${kind === undefined ? 'no tunnel' : `of kind ${kind}: no tunnel`}`,
      )
    return new Tunnel(rt, found)
  }

  /** Name of the device. */
  get ifname(): string {
    return this.#facts.ifname
  }

  /** Index of the device. */
  get index(): number {
    return this.#facts.index
  }

  /** Its kind. */
  get kind(): K {
    return this.#facts.kind as K
  }

  /** Whether the kind's module made it: it cannot be deleted or changed. */
  get fallback(): boolean {
    return this.#facts.fallback
  }

  /** Whether each route's encap says where its packets go. */
  get external(): boolean {
    return this.#facts.external
  }

  /** Own underlay address, where it has one. */
  get local(): string | undefined {
    return this.#facts.local
  }

  /** GRE key, mark of a vti, VNI of vxlan and geneve. */
  get key(): number | undefined {
    return this.#facts.key
  }

  /** Largest inner packet, in bytes. */
  get mtu(): number {
    return this.#facts.mtu
  }

  /** Link-layer address: a MAC where the kind carries Ethernet. */
  get address(): string | undefined {
    return this.#facts.address
  }

  /** Administratively up, when it was last read. */
  get up(): boolean {
    return this.#facts.up
  }

  /** Bytes that the tunnel puts before an inner IP packet; for vti without those of ESP. */
  get overhead(): number {
    return kindRow(this.kind)!.overhead(this.#facts)
  }

  /** The kind's attributes as the kernel tells them. */
  get data(): KindData<K> {
    return this.#facts.data as KindData<K>
  }

  /** All of the above, as one value. */
  get facts(): DeviceFacts {
    return this.#facts
  }

  /**
   * Reads the device anew.
   * @throws {NbmaError} ENODEV if it is gone
   */
  async refresh(): Promise<this> {
    this.#link = await refreshLink(this.#rt, this.#facts)
    this.#facts = factsOf(this.#link)
    return this
  }

  /**
   * Changes the device and keeps what is not named. The kernel itself takes attributes of a kind that are left out for
   * "back to the default", so all that the device has is read and sent again, what this package does not know included.
   * @throws {UnsupportedError} for fallback devices, and where the kind cannot be changed in this: some attributes the
   * kernel leaves as they are without a word (`proto` of ipip)
   */
  async set(changes: TunnelChanges<K>): Promise<this> {
    await this.refresh()
    const { ifname, mtu, address: mac, up, ...rest } = changes
    const { index, data, kind } = this.#facts
    const own = rest as unknown as DataOptions<K>
    const touchesKind = Object.values(own).some((value) => value !== undefined)
    // Changing a kind's attributes makes the kernel compute the MTU anew, unless it is told one.
    const keptMtu = touchesKind && kind !== 'geneve' && kind !== 'vxlan' ? this.mtu : undefined
    const wanted: LinkInput = {
      index,
      ifname,
      address: mac,
      up,
      mtu: mtu ?? keptMtu,
      ...(touchesKind ? { linkinfo: { kind, data: changedData(this.kind, { ...data }, own) } as LinkinfoInput } : {}),
    }
    try {
      await this.#rt.request(link.change(wanted))
    } catch (error) {
      if (!touchesKind || !(error instanceof KernelError) || !UNCHANGEABLE.has(error.code)) throw error
      await this.#restoreEncapsulation(own, data)
      if (this.fallback)
        throw new UnsupportedError(`${this.ifname} is a fallback device: the kernel does not let it be changed`, {
          cause: error,
        })
      if (this.external)
        throw new UnsupportedError(`${this.ifname} is external: the kernel does not let it be changed so`, {
          cause: error,
        })
      throw error
    }
    await this.refresh()
    const kept = untouched(kind, own, data, this.#facts.data)
    if (kept.length > 0)
      throw new UnsupportedError(`${this.ifname}: the kernel said yes, and kept ${kept.join(', ')} as it was`)
    return this
  }

  /**
   * Before the kernel refuses a change it may have changed the encapsulation in UDP: it gets the old one again, and
   * refuses again.
   */
  async #restoreEncapsulation(changes: object, data: DeviceFacts['data']): Promise<void> {
    if (!Object.keys(changes).some((key) => key.startsWith('encap') && key !== 'encapLimit')) return
    const linkinfo = {
      kind: this.kind,
      data: changedData(this.kind, { ...data }, {} as DataOptions<K>),
    } as LinkinfoInput
    try {
      await this.#rt.request(link.change({ index: this.index, linkinfo }))
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
    }
  }

  /**
   * Deletes the device.
   * @throws {UnsupportedError} for a fallback device, of which the kernel says that it was deleted and keeps it
   */
  async delete(): Promise<void> {
    const { index, ifname } = this.#facts
    if (this.#link.netnsImmutable === true && this.fallback) throw indelible(ifname)
    await this.#rt.request(link.delete({ index }))
    if (this.fallback && (await findLink(this.#rt, index)) !== undefined) throw indelible(ifname)
    this.#deleted = true
  }

  /** Deletes the device if {@link Tunnel.create} made it and it is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#created || this.#deleted) return
    try {
      await this.delete()
    } catch (error) {
      if (!(error instanceof KernelError && error.code === 'ENODEV')) throw error
    }
  }
}

/** What the kernel says when a device does not let itself be changed: an external one may be taken for the fallback. */
const UNCHANGEABLE: ReadonlySet<string> = new Set(['EINVAL', 'EOPNOTSUPP', 'EEXIST'])

const indelible = (ifname: string): UnsupportedError =>
  new UnsupportedError(`${ifname} is a fallback device: it goes only with its module or namespace; set it down instead`)
