import type { Link } from '../../lib/schema/link.js'
import type { Reasons } from './agree.js'
import * as lan from './lan.js'
import { flagsIn, type NameOf, told, unlessZero, whenSet } from './text.js'
import * as tunnels from './tunnels.js'

/** A device as `ip -d -j link` prints it: print_linkinfo() of ip/ipaddress.c of iproute2 6.1.0. */

/** What has to be known of other devices. */
export interface Devices {
  readonly nameOf: NameOf
  readonly isUp: (index: number) => boolean
}

/** The devices of a dump. */
export function devicesIn(links: readonly Link[]): Devices {
  const byIndex = new Map(links.map((link) => [link.index, link]))
  return {
    nameOf: (index) => byIndex.get(index)?.ifname ?? `if${index}`,
    isUp: (index) => byIndex.get(index)?.up ?? false,
  }
}

const namedFlags = flagsIn(
  Object.fromEntries(
    'loopback broadcast pointopoint multicast noarp allmulti promisc master slave debug dynamic automedia portsel notrailers up lower_up dormant echo'
      .split(' ')
      .map((name) => [name, name.toUpperCase()]),
  ),
)

export function flags({ flags = [], link, linkNetnsid }: Link, { isUp }: Devices): string[] {
  const noCarrier = flags.includes('up') && !flags.includes('running')
  const lowerIsDown = link !== undefined && link !== 0 && linkNetnsid === undefined && !isUp(link)
  return [...(noCarrier ? ['NO-CARRIER'] : []), ...namedFlags(flags), ...(lowerIsDown ? ['M-DOWN'] : [])]
}

/** `link` by name, by number where it is in another namespace, null where there is none. */
export function lower({ link, linkNetnsid }: Link, { nameOf }: Devices) {
  if (link === undefined) return {}
  if (link === 0) return { link: null }
  return linkNetnsid === undefined ? { link: nameOf(link) } : { link_index: link }
}

/** Names of ARPHRD_*: lib/ll_types.c. */
const LINK_TYPES: Readonly<Record<string, string>> = { tunnel: 'ipip', ipgre: 'gre', ip6gre: 'gre6' }

/** ll_addr_n2a(): only devices with IP addresses have theirs written as such. */
const lladdr = (text: string, { type }: Link): string =>
  /^[\d.]+$/.test(text) && !['tunnel', 'sit', 'ipgre'].includes(String(type))
    ? text
        .split('.')
        .map((byte) => Number(byte).toString(16).padStart(2, '0'))
        .join(':')
    : text

/** Kinds whose data the program does not print. */
const MUTE = new Set(['veth', 'ifb', 'dummy'])

function infoData(linkinfo: NonNullable<Link['linkinfo']>, nameOf: NameOf): object | undefined {
  const { kind, data = {} } = linkinfo as { kind: string; data?: object }
  if (MUTE.has(kind)) return undefined
  if (/^ip6(gre|gretap|erspan)$/.test(kind)) return tunnels.ip6gre(data, nameOf)
  if (/^(gre|gretap|erspan)$/.test(kind)) return tunnels.gre(data, nameOf)
  switch (kind) {
    case 'ipip':
      return tunnels.ipip(data, nameOf)
    case 'sit':
      return tunnels.sit(data, nameOf)
    case 'ip6tnl':
      return tunnels.ip6tnl(data, nameOf)
    case 'vti':
    case 'vti6':
      return tunnels.vti(data, nameOf)
    case 'vxlan':
      return tunnels.vxlan(data, nameOf)
    case 'geneve':
      return tunnels.geneve(data)
    case 'bridge':
      return lan.bridge(data)
    case 'vlan':
      return lan.vlan(data)
    case 'macvlan':
      return lan.macvlan(data)
    case 'vrf':
      return lan.vrf(data)
    default:
      throw new Error(`how is kind ${kind} shown?`)
  }
}

const linkinfo = (info: NonNullable<Link['linkinfo']>, nameOf: NameOf) => ({
  info_kind: info.kind,
  info_data: told(info.kind, () => infoData(info, nameOf)),
  info_slave_kind: info.slaveKind,
  // That of a VRF's devices is unknown to the tables.
  info_slave_data: told(info.slaveKind, () => (info.slaveData ? lan.port(info.slaveData, nameOf) : {})),
})

/** print_stats64() with two -s. */
function stats({ stats64, carrierChanges }: Link) {
  if (stats64 === undefined) return undefined
  const n = Object.fromEntries(Object.entries(stats64).map(([key, value]) => [key, Number(value)])) as Readonly<
    Record<keyof typeof stats64, number>
  >
  return {
    rx: {
      bytes: n.rxBytes,
      packets: n.rxPackets,
      errors: n.rxErrors,
      dropped: n.rxDropped,
      over_errors: n.rxOverErrors,
      multicast: n.multicast,
      compressed: unlessZero(n.rxCompressed, Number),
      length_errors: n.rxLengthErrors,
      crc_errors: n.rxCrcErrors,
      frame_errors: n.rxFrameErrors,
      fifo_errors: n.rxFifoErrors,
      missed_errors: n.rxMissedErrors,
      nohandler: unlessZero(n.rxNohandler, Number),
      otherhost: unlessZero(n.rxOtherhostDropped, Number),
    },
    tx: {
      bytes: n.txBytes,
      packets: n.txPackets,
      errors: n.txErrors,
      dropped: n.txDropped,
      carrier_errors: n.txCarrierErrors,
      collisions: n.collisions,
      compressed: unlessZero(n.txCompressed, Number),
      aborted_errors: n.txAbortedErrors,
      fifo_errors: n.txFifoErrors,
      window_errors: n.txWindowErrors,
      heartbeat_errors: n.txHeartbeatErrors,
      carrier_changes: carrierChanges,
    },
  }
}

const GEN_MODES: Readonly<Record<string, string>> = { stable_privacy: 'stable_secret' }

/** `ip -d -s -s -j link`, one device. */
export const link = (one: Link, devices: Devices) => ({
  ifindex: one.index,
  ...lower(one, devices),
  ifname: one.ifname,
  flags: flags(one, devices),
  mtu: one.mtu,
  qdisc: one.qdisc,
  master: told(one.master, devices.nameOf),
  operstate: told(one.operstate, (state) => String(state).toUpperCase()),
  linkmode: told(one.linkmode, (mode) => String(mode).toUpperCase()),
  group: told(one.group, (group) => (group === 0 ? 'default' : String(group))),
  txqlen: unlessZero(one.txqlen, Number),
  link_type: LINK_TYPES[String(one.type)] ?? one.type,
  address: told(one.address, (text) => lladdr(text, one)),
  broadcast: told(one.broadcast, (text) => lladdr(text, one)),
  link_pointtopoint: whenSet(one.broadcast !== undefined && one.flags?.includes('pointopoint')),
  permaddr: one.permAddress === one.address ? undefined : one.permAddress,
  link_netnsid: one.linkNetnsid,
  proto_down: whenSet(one.protoDown),
  proto_down_reason: unlessZero(one.protoDownReason?.value, (bits) =>
    Array.from({ length: 8 }, (_, i) => i)
      .filter((i) => bits & (1 << i))
      .map(String),
  ),
  promiscuity: one.promiscuity,
  allmulti: one.allmulti,
  min_mtu: one.minMtu,
  max_mtu: one.maxMtu,
  linkinfo: told(one.linkinfo, (info) => linkinfo(info, devices.nameOf)),
  inet6_addr_gen_mode: told(one.afSpec?.inet6?.addrGenMode, (mode) => GEN_MODES[mode] ?? mode),
  num_tx_queues: one.numTxQueues,
  num_rx_queues: one.numRxQueues,
  gso_max_size: one.gsoMaxSize,
  gso_max_segs: one.gsoMaxSegs,
  tso_max_size: one.tsoMaxSize,
  tso_max_segs: one.tsoMaxSegs,
  gro_max_size: one.groMaxSize,
  phys_port_name: one.physPortName,
  parentbus: one.parentDevBusName,
  parentdev: one.parentDevName,
  ifalias: one.ifalias,
  stats64: stats(one),
  altnames: one.propList?.altIfname,
})

const CLOCK = 'runs between two looks'
export const NEWER = 'this iproute2 does not know it'

/** Attributes of links that `ip -d -s -s -j link` does not print. */
export const SILENT: Reasons = {
  family: 'not printed',
  up: 'printed among the flags',
  change: 'what a notification is about; 0 in a dump',
  stats: 'the 64-bit ones are printed',
  map: 'not printed',
  carrier: 'printed as a flag',
  carrierUpCount: 'not printed',
  carrierDownCount: 'not printed',
  xdp: 'printed only where a program is attached',
  'afSpec.inet': 'not printed',
  'afSpec.inet6': 'only the mode is printed',
  gsoIpv4MaxSize: NEWER,
  groIpv4MaxSize: NEWER,
  maxPacingOffloadHorizon: NEWER,
  netnsImmutable: NEWER,
  headroom: NEWER,
  tailroom: NEWER,
  devlinkPort: NEWER,
  dpllPin: NEWER,
  'protoDownReason.mask': 'not printed',
  'linkinfo.data.multiBoolopt': 'only two of the options are printed',
  'linkinfo.data.rootId': 'its own id is printed instead',
  'linkinfo.data.mcastQuerierState': 'not printed',
  'linkinfo.data.fdbNLearned': NEWER,
  'linkinfo.data.fdbMaxLearned': NEWER,
  'linkinfo.data.stpMode': NEWER,
  'linkinfo.data.remcsumNopartial': 'not printed',
  'linkinfo.data.ttlInherit': 'printed as text only',
  'linkinfo.data.localbypass': NEWER,
  'linkinfo.data.labelPolicy': NEWER,
  'linkinfo.data.reservedBits': NEWER,
  'linkinfo.data.mcRoute': NEWER,
  'linkinfo.data.macaddrCount': 'printed in mode source',
  'linkinfo.data.flags.mask': 'which flags a message changes',
  'linkinfo.data.bcCutoff': NEWER,
  'linkinfo.slaveData.learningSync': 'not printed here',
  'linkinfo.slaveData.mrpRingOpen': 'not printed',
  'linkinfo.slaveData.mrpInOpen': 'not printed',
  'linkinfo.slaveData.mcastEhtHostsLimit': 'not printed',
  'linkinfo.slaveData.mcastEhtHostsCnt': 'not printed',
  'linkinfo.slaveData.mab': NEWER,
  'linkinfo.slaveData.mcastNGroups': NEWER,
  'linkinfo.slaveData.mcastMaxGroups': NEWER,
  'linkinfo.slaveData.neighVlanSuppress': NEWER,
  'linkinfo.slaveData.backupNhid': NEWER,
  'linkinfo.slaveData.neighForwardGrat': NEWER,
}

/** What it prints that is never the same twice. */
export const TIMERS: Reasons = {
  'linkinfo.info_data.gc_timer': CLOCK,
  'linkinfo.info_data.hello_timer': CLOCK,
  'linkinfo.info_data.topology_change_timer': CLOCK,
  'linkinfo.info_data.tcn_timer': CLOCK,
  'linkinfo.info_slave_data.hold_timer': CLOCK,
  'linkinfo.info_slave_data.message_age_timer': CLOCK,
  'linkinfo.info_slave_data.forward_delay_timer': CLOCK,
}
