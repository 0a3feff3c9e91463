import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { NbmaError } from '../errors.js'
import type { Namespace } from '../netns/namespace.js'
import { address } from '../rtnl/address.js'
import { link } from '../rtnl/link.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Link } from '../schema/link.js'
import type { Request } from '../wire/request.js'
import type { LabDevice } from './host.js'

/**
 * What is between the hosts of a lab: bridges in a namespace of their own, and veths from there.
 * @module
 */

/** A device of a host as the lab makes it. */
export interface Port {
  readonly host: string
  readonly ifname: string
  readonly addresses: readonly string[]
  readonly lan: string
  readonly mtu: number
  readonly mac: string | undefined
}

/** A namespace and the connection in it. */
export interface Site {
  readonly ns: Namespace
  readonly rt: Rtnetlink
}

const LOOPBACK = 'lo'
/** Milliseconds until links must have a carrier. */
const PATIENCE = 5000
const POLL = 2

/** Makes a bridge per LAN and joins each port to its own. */
export async function connect(wire: Site, hosts: ReadonlyMap<string, Site>, ports: readonly Port[]): Promise<void> {
  const cables = ports.filter(({ ifname }) => ifname !== LOOPBACK)
  const lans = [...new Set(cables.map(({ lan }) => lan))]
  // Nobody outside sees these names; a LAN may be called what a device may not.
  const bridgeOf = (lan: string): string => `lan${lans.indexOf(lan)}`
  const data = { mcastSnooping: false }
  await all(
    wire.rt,
    lans.map((lan) => link.add({ ifname: bridgeOf(lan), up: true, linkinfo: { kind: 'bridge', data } })),
  )
  const indexes = await indexesOf(wire.rt)
  const files = new Map(Array.from(hosts, ([name, { ns }]) => [name, openSync(ns.path, 'r')]))
  try {
    await all(
      wire.rt,
      cables.map(({ host, ifname, lan, mtu, mac }, i) => {
        const peer = { ifname, mtu, address: mac, netNsFd: files.get(host) }
        const master = indexes.get(bridgeOf(lan))?.index
        return link.add({ ifname: `port${i}`, mtu, master, up: true, linkinfo: { kind: 'veth', data: { peer } } })
      }),
    )
  } finally {
    for (const file of files.values()) closeSync(file)
  }
}

/** Brings the devices of a host up and gives them their addresses. */
export async function configure(rt: Rtnetlink, ports: readonly Port[]): Promise<Record<string, LabDevice>> {
  const links = await indexesOf(rt)
  const names = new Set([LOOPBACK, ...ports.map(({ ifname }) => ifname)])
  const devices: Record<string, LabDevice> = {}
  for (const ifname of names) {
    const { index, address: mac } = links.get(ifname) as Link
    devices[ifname] = { ifname, index, mac: ifname === LOOPBACK ? undefined : mac }
  }
  await all(rt, [
    ...Object.values(devices).map(({ index }) => link.change({ index, up: true })),
    ...ports.flatMap(({ ifname, addresses }) =>
      addresses.map((text) => {
        const flags = text.includes(':') ? (['nodad'] as const) : []
        return address.add({ index: devices[ifname]?.index, address: text, flags })
      }),
    ),
  ])
  return devices
}

/** Waits until every veth can carry packets: the kernel says so a moment after both ends are up. */
export async function carriers(rt: Rtnetlink): Promise<void> {
  const deadline = performance.now() + PATIENCE
  for (;;) {
    const links = await rt.list(link.list())
    const waiting = links.filter(({ linkinfo, operstate }) => {
      const { kind, slaveData } = linkinfo ?? {}
      const blocked = slaveData !== undefined && 'state' in slaveData && slaveData.state !== 'forwarding'
      return kind === 'veth' && (operstate !== 'up' || blocked)
    })
    if (waiting.length === 0) return
    if (performance.now() > deadline) {
      const names = waiting.map(({ ifname, operstate }) => `${ifname} ${operstate}`).join(', ')
      throw new NbmaError('NBMA_TIMEOUT', `links have no carrier after ${PATIENCE} ms: ${names}`)
    }
    await sleep(POLL)
  }
}

async function indexesOf(rt: Rtnetlink): Promise<Map<string, Link>> {
  return new Map((await rt.list(link.list())).map((device) => [device.ifname ?? '', device]))
}

/** All of it, or the first error. */
async function all(rt: Rtnetlink, requests: readonly Request[]): Promise<void> {
  const { failures } = await rt.batch(requests)
  if (failures[0]) throw failures[0].error
}
