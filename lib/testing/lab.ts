import { Namespace } from '../netns/namespace.js'
import { Rtnetlink } from '../rtnl/rtnetlink.js'
import { Host, sysctl } from './host.js'
import { endProcesses, ownName, sweep } from './leftovers.js'
import { carriers, configure, connect, type Port, type Site } from './wiring.js'

/** IPv6 without waiting: link-local addresses are valid at once, and routers are not asked for. */
const QUIET = { accept_dad: 0, router_solicitations: 0 }

/** A device: its address or addresses, or these and more. */
export type DeviceDescription =
  | string
  | readonly string[]
  | {
      /** IPv4 and IPv6, with the length of the network: `192.168.122.11/24`, `fd00::11/64`. */
      readonly addresses?: string | readonly string[] | undefined
      /** The LAN that it is on. Default: one named as the device. */
      readonly lan?: string | undefined
      /** Default: that of the lab. */
      readonly mtu?: number | undefined
      /** `52:54:00:00:00:11`. Default: the kernel's choice. */
      readonly mac?: string | undefined
    }

/** The devices of a host by name. `lo` is there and up in any case. */
export type HostDescription = Readonly<Record<string, DeviceDescription>>

/** What {@link Lab.create} makes. */
export interface LabDescription<H extends Readonly<Record<string, HostDescription>>> {
  /** The hosts by name. */
  readonly hosts: H
  /** MTU of all devices but `lo`. Default 1500. */
  readonly mtu?: number | undefined
}

/** The hosts of a lab, each with the devices that its description names. */
export type LabHosts<H extends Readonly<Record<string, HostDescription>>> = {
  readonly [K in keyof H]: Host<Extract<keyof H[K], string>>
}

/**
 * Hosts for a test: network namespaces with devices, addresses and LANs, made from a description and removed at the
 * end. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN. Without root, where the system allows user namespaces, the same
 * runs in namespaces of its own:
 *
 *     unshare --user --map-current-user --keep-caps --net --mount sh -c 'mount -t tmpfs tmpfs /run && exec npm test'
 *
 * Devices of one name are on one LAN, unless they say otherwise with `lan`. A LAN is a bridge in a namespace of its own,
 * so a host sees nothing but its devices. Addresses are valid and links have their carrier when `create` resolves.
 *
 * Namespaces carry the number of the process that owns them in their names (`ip netns list`). Those of processes that
 * were killed are removed by the next `create`.
 * @example
 * await using lab = await Lab.create({
 *   hosts: {
 *     host1: { eth1: '192.168.122.11/24', lo: '11.1.1.1/32' },
 *     host2: { eth1: ['192.168.122.12/24', 'fd00::12/64'], lo: '12.1.1.1/32' },
 *     host3: { eth1: { addresses: '192.168.122.13/24', mtu: 1400 }, eth2: '10.0.0.13/24' },
 *   },
 * })
 * const { host1, host2 } = lab.hosts
 * const tun = await Tunnel.fallback(host1.rt, 'ipip')
 */
export class Lab<H extends Readonly<Record<string, HostDescription>> = Readonly<Record<string, HostDescription>>>
  implements AsyncDisposable
{
  /** The hosts by name. */
  readonly hosts: LabHosts<H>
  readonly #sites: Site[]

  private constructor(hosts: LabHosts<H>, sites: Site[]) {
    this.hosts = hosts
    this.#sites = sites
  }

  /**
   * Makes the namespaces, links and addresses. Where it fails, nothing is left of them.
   * @throws {KernelError} where the kernel refuses something; NbmaError EPERM without CAP_SYS_ADMIN
   */
  static async create<const H extends Readonly<Record<string, HostDescription>>>(
    description: LabDescription<H>,
  ): Promise<Lab<H>> {
    const ports = portsOf(description)
    sweep()
    const sites: Site[] = []
    if (open.size === 0) process.on('exit', leave)
    open.add(sites)
    try {
      const wire = await site('lan', sites)
      const hosts = new Map<string, Site>()
      for (const name of Object.keys(description.hosts)) hosts.set(name, await site(name, sites))
      await connect(wire, hosts, ports)
      const made = await Promise.all(
        Array.from(hosts, async ([name, { ns, rt }]) => {
          const devices = await configure(
            rt,
            ports.filter((port) => port.host === name),
          )
          return [name, new Host(name, ns, rt, devices)] as const
        }),
      )
      await Promise.all(sites.map(({ rt }) => carriers(rt)))
      return new Lab(Object.fromEntries(made) as never, sites)
    } catch (error) {
      dispose(sites)
      throw error
    }
  }

  /** Removes the namespaces of labs whose process is dead, and ends what runs in them. Returns their names. */
  static sweep(): string[] {
    return sweep()
  }

  /** Ends every process in the namespaces (also those that others started there) and removes them. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    dispose(this.#sites)
  }
}

/** The labs that there are. */
const open = new Set<Site[]>()

/** process.exit() leaves nothing of them. */
const leave = (): void => {
  for (const sites of open) dispose(sites)
}

function dispose(sites: Site[]): void {
  if (!open.delete(sites)) return
  if (open.size === 0) process.off('exit', leave)
  endProcesses(sites.map(({ ns }) => ns))
  for (const { ns, rt } of sites) {
    rt.close()
    try {
      ns[Symbol.dispose]()
    } catch (error) {
      process.emitWarning(`network namespace ${ns.name} was not removed: ${error}`)
    }
  }
}

function portsOf({ hosts, mtu = 1500 }: LabDescription<Readonly<Record<string, HostDescription>>>): Port[] {
  return Object.entries(hosts).flatMap(([host, devices]) =>
    Object.entries(devices).map(([ifname, device]) => {
      const bare = typeof device === 'string' || Array.isArray(device)
      const full = (bare ? { addresses: device } : device) as Exclude<DeviceDescription, string | readonly string[]>
      const addresses = [full.addresses ?? []].flat()
      return { host, ifname, addresses, lan: full.lan ?? ifname, mtu: full.mtu ?? mtu, mac: full.mac }
    }),
  )
}

/** A namespace with a connection, noted for disposal before anything can fail. */
async function site(name: string, sites: Site[]): Promise<Site> {
  const ns = Namespace.create(ownName(name))
  try {
    const made = { ns, rt: await Rtnetlink.open({ namespace: ns }) }
    sites.push(made)
    for (const [key, value] of Object.entries(QUIET)) {
      try {
        sysctl(ns, `net.ipv6.conf.default.${key}`, value)
      } catch {
        // Without IPv6, or where /proc/sys is read-only, it goes as well.
      }
    }
    return made
  } catch (error) {
    ns[Symbol.dispose]()
    throw error
  }
}
