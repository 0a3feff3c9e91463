import { linkAddress } from '../wire/addresses.js'
import { changeSet, flagSet, flagSwitch } from '../wire/fields.js'
import { bits, bool, bytes, enumeration, ifname, range, s32, string, u8, u16, u32, u64, uint } from '../wire/scalars.js'
import { hidden, pad, struct } from '../wire/struct.js'
import { attr, attrs, table, VIRTUAL } from '../wire/table.js'
import { AF_SPEC, PROTINFO } from './af-spec.js'
import { AF } from './constants.js'
import {
  ARPHRD,
  IF_LINK_MODE,
  IF_OPER,
  IFF,
  IFLA_EVENT,
  RTEXT_FILTER,
  XDP_ATTACHED,
  XDP_FLAGS,
} from './link-constants.js'
import { STATS, STATS64 } from './stats.js'

/**
 * What every device has, whatever its kind: header and IFLA_* attributes (linux/if_link.h) but IFLA_LINKINFO.
 * @module
 */

/** `struct ifinfomsg`. */
export const IFINFOMSG = struct('ifinfomsg', {
  /** `unspec`; `bridge` in messages about a bridge's ports. */
  family: enumeration(u8, AF),
  pad: pad(1),
  /** What the device's addresses are (ARPHRD_*). Read-only. */
  type: enumeration(u16, ARPHRD),
  /** Index of the device. */
  index: range(s32, 0, 0x7fffffff, 'a device index'),
  flagsWord: hidden(u32),
  changeWord: hidden(u32),
})

const WORDS = { flags: IFINFOMSG.offset('flagsWord'), change: IFINFOMSG.offset('changeWord') }

/** `struct rtnl_link_ifmap`: where old hardware is. */
const IFMAP = struct(
  'rtnl_link_ifmap',
  { memStart: u64, memEnd: u64, baseAddr: u64, irq: u16, dma: u8, port: u8, pad: pad(4) },
  { growing: true },
)

const PROTO_DOWN_REASON = table('IFLA_PROTO_DOWN_REASON_', {
  /** Which bits to change. */
  mask: attr(1, u32),
  /** What to set them to. */
  value: attr(2, u32),
})

const XDP = table('IFLA_XDP_', {
  /** File descriptor of the program, -1 to detach. Write-only. */
  fd: attr(1, s32),
  /** Where a program runs. Read-only. */
  attached: attr(2, enumeration(u8, XDP_ATTACHED)),
  /** How to attach. */
  flags: attr(3, bits(u32, XDP_FLAGS)),
  /** Identifier of the program. Read-only. */
  progId: attr(4, u32),
  /** Identifier of the program in the driver. Read-only. */
  drvProgId: attr(5, u32),
  /** Identifier of the program above the driver. Read-only. */
  skbProgId: attr(6, u32),
  /** Identifier of the program in the hardware. Read-only. */
  hwProgId: attr(7, u32),
  /** Replace only this program. Write-only, Linux 5.7. */
  expectedFd: attr(8, s32),
})

/** IFLA_ALT_IFNAME, at most 127 bytes. */
const altIfname = string(127, 'a device name of 1 to 127 bytes')

const PROP_LIST = table('IFLA_', {
  /** The device's further names. */
  altIfname: attrs(53, altIfname),
})

const DEVLINK_PORT = table('DEVLINK_ATTR_', {
  /** Bus of the devlink instance. */
  busName: attr(1, string()),
  /** Device of the devlink instance. */
  devName: attr(2, string()),
  /** Its port. */
  portIndex: attr(3, u32),
})

const DPLL_PIN = table('DPLL_A_PIN_', {
  /** Identifier of the pin. */
  id: attr(1, u32),
})

/** The rows of a device. */
export const DEVICE_ROWS = {
  /** Flags that are set; in a request those to switch on. */
  flags: attr(VIRTUAL, flagSet(WORDS, IFF, { up: IFF.up })),
  /** Flags that the request or notification is about; without it those that `flags` and `up` name. */
  change: attr(VIRTUAL, changeSet(WORDS, IFF)),
  /** Administratively up: IFF_UP as a switch. */
  up: attr(VIRTUAL, flagSwitch(WORDS, IFF.up)),
  /** Link-layer address: a MAC; on gre, ipip, sit and vti the own underlay address. */
  address: attr(1, linkAddress),
  /** Link-layer broadcast address; on tunnels over IP the remote. */
  broadcast: attr(2, linkAddress),
  /** Name, 1 to 15 bytes. */
  ifname: attr(3, ifname),
  /** Largest packet, in bytes. */
  mtu: attr(4, u32),
  /** Index of the device below, of a veth its peer; 0 on tunnels that are bound to none. */
  link: attr(5, u32),
  /** Queueing discipline. Read-only. */
  qdisc: attr(6, string()),
  /** Counters of four bytes. Read-only. */
  stats: attr(7, STATS),
  /** Index of the bridge, bond or VRF that it belongs to; 0 takes it out. */
  master: attr(10, u32),
  /** In messages of family `bridge` the port, of family `inet6` the IPv6 state. */
  protinfo: attr(12, PROTINFO),
  /** Length of the send queue, in packets. */
  txqlen: attr(13, u32),
  /** Where old hardware is. */
  map: attr(14, IFMAP),
  /** Share of the receive work (NAPI). */
  weight: attr(15, u32),
  /** RFC 2863 operational state. */
  operstate: attr(16, enumeration(u8, IF_OPER)),
  /** Which state follows the carrier. */
  linkmode: attr(17, enumeration(u8, IF_LINK_MODE)),
  /** Moves the device into the namespace of this process. Write-only. */
  netNsPid: attr(19, u32),
  /** Description, up to 254 bytes; '' removes it. */
  ifalias: attr(20, string(254, 'a text of up to 254 bytes', /^[^\0]*$/)),
  /** How many virtual functions the hardware has. Read-only. */
  numVf: attr(21, u32),
  /** Counters of eight bytes. Read-only. */
  stats64: attr(23, STATS64),
  /** What address families add: `inet`, `inet6`; in messages of family `bridge` the port's VLANs. */
  afSpec: attr(26, AF_SPEC),
  /** Group of devices. */
  group: attr(27, u32),
  /** Moves the device into the namespace of this file descriptor. Write-only. */
  netNsFd: attr(28, u32),
  /** What else a dump should hold, or leave out. On requests that read. */
  extMask: attr(29, bits(u32, RTEXT_FILTER)),
  /** How many want it promiscuous. Read-only. */
  promiscuity: attr(30, u32),
  /** Number of send queues. When it is made. */
  numTxQueues: attr(31, u32),
  /** Number of receive queues. When it is made. */
  numRxQueues: attr(32, u32),
  /** The carrier is there. */
  carrier: attr(33, bool),
  /** Identifier of the physical port. Read-only. */
  physPortId: attr(34, bytes(32)),
  /** How often the carrier came or went. Read-only. */
  carrierChanges: attr(35, u32),
  /** Identifier of the switch that the port belongs to. Read-only. */
  physSwitchId: attr(36, bytes(32)),
  /** Namespace of the device in `link`, -1 where it has no identifier here. Linux 4.0. */
  linkNetnsid: attr(37, s32),
  /** Name of the physical port. Read-only. */
  physPortName: attr(38, string()),
  /** Held down by an error of the protocol. Linux 4.3. */
  protoDown: attr(39, bool),
  /** Most segments of a GSO packet. Linux 4.6. */
  gsoMaxSegs: attr(40, u32),
  /** Largest GSO packet, in bytes. Linux 4.6. */
  gsoMaxSize: attr(41, u32),
  /** Program that sees packets first. Linux 4.8. */
  xdp: attr(43, XDP),
  /** Why a notification was sent. Read-only, Linux 4.13. */
  event: attr(44, enumeration(u32, IFLA_EVENT)),
  /** Namespace that the device went to. In notifications, Linux 4.15. */
  newNetnsid: attr(45, s32),
  /** Namespace to look or work in instead of the socket's own (also IFLA_IF_NETNSID). Linux 4.15. */
  targetNetnsid: attr(46, s32),
  /** How often the carrier came. Read-only, Linux 4.16. */
  carrierUpCount: attr(47, u32),
  /** How often the carrier went. Read-only, Linux 4.16. */
  carrierDownCount: attr(48, u32),
  /** Index in the namespace it went to; in a request the index to take there. Linux 4.18. */
  newIfindex: attr(49, s32),
  /** Smallest MTU that it takes. Read-only, Linux 5.0. */
  minMtu: attr(50, u32),
  /** Largest MTU that it takes, 0 for no limit. Read-only, Linux 5.0. */
  maxMtu: attr(51, u32),
  /** Further names. Only `link.addProperties` and `link.deleteProperties` change them. Linux 5.5. */
  propList: attr(52, PROP_LIST),
  /** Asks for the device by one of its further names. Linux 5.5. */
  altIfname: attr(53, altIfname),
  /** Address that the hardware was made with. Read-only, Linux 5.6. */
  permAddress: attr(54, linkAddress),
  /** Who holds it down. Linux 5.9. */
  protoDownReason: attr(55, PROTO_DOWN_REASON),
  /** Device (of sysfs) that it is part of. Read-only, Linux 5.14. */
  parentDevName: attr(56, string()),
  /** Bus of that device. Read-only, Linux 5.14. */
  parentDevBusName: attr(57, string()),
  /** Largest GRO packet, in bytes. Linux 5.19. */
  groMaxSize: attr(58, u32),
  /** Largest TSO packet that the hardware takes, in bytes. Read-only, Linux 5.19. */
  tsoMaxSize: attr(59, u32),
  /** Most segments of a TSO packet that it takes. Read-only, Linux 5.19. */
  tsoMaxSegs: attr(60, u32),
  /** How many want all multicast. Read-only, Linux 6.0. */
  allmulti: attr(61, u32),
  /** Port of a devlink instance that it stands for. Read-only, Linux 6.2. */
  devlinkPort: attr(62, DEVLINK_PORT),
  /** Largest GSO packet over IPv4, in bytes. Linux 6.3. */
  gsoIpv4MaxSize: attr(63, u32),
  /** Largest GRO packet over IPv4, in bytes. Linux 6.3. */
  groIpv4MaxSize: attr(64, u32),
  /** Clock pin that it drives. Read-only, Linux 6.7. */
  dpllPin: attr(65, DPLL_PIN),
  /** How far ahead the hardware can pace packets, in nanoseconds. Read-only, Linux 6.13. */
  maxPacingOffloadHorizon: attr(66, uint),
  /** Can never leave its namespace. Read-only, Linux 6.15. */
  netnsImmutable: attr(67, bool),
  /** Bytes that it wants before a packet. Read-only, Linux 7.0. */
  headroom: attr(68, u16),
  /** Bytes that it wants after a packet. Read-only, Linux 7.0. */
  tailroom: attr(69, u16),
}
