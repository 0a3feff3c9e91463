import { mac } from '../wire/addresses.js'
import { body } from '../wire/body.js'
import { be16, bits, enumeration, range, s32, u16, u32 } from '../wire/scalars.js'
import { struct } from '../wire/struct.js'
import { attr, attrs, table } from '../wire/table.js'
import { DEVICE_ROWS, IFINFOMSG } from './device.js'
import { ETH_P_VLAN, MACVLAN_FLAG, MACVLAN_MACADDR, MACVLAN_MODE, VLAN_FLAG } from './link-constants.js'

/**
 * Virtual devices beside tunnels: veth, vlan, macvlan, vrf, dummy, ifb (linux/veth.h, linux/if_link.h).
 * @module
 */

/** A pair of Ethernet devices: kind `veth`. */
export const VETH = table('VETH_INFO_', {
  /** The other end, as a link of its own without `linkinfo`. Write-only: the kernel tells it by `link`. */
  peer: attr(1, body('IFLA_', IFINFOMSG, DEVICE_ROWS)),
})

const QOS = table('IFLA_VLAN_QOS_', {
  /** Priorities and what becomes of them. */
  mapping: attrs(1, struct('ifla_vlan_qos_mapping', { from: u32, to: u32 })),
})

/** A VLAN of another device: kind `vlan`; the other device is in `link`. */
export const VLAN = table('IFLA_VLAN_', {
  /** VLAN id. */
  id: attr(1, range(u16, 0, 4095, 'a VLAN id')),
  /** Switches. */
  flags: attr(
    2,
    struct('ifla_vlan_flags', {
      /** Which are on. */
      flags: bits(u32, VLAN_FLAG),
      /** Which of them to change. */
      mask: bits(u32, VLAN_FLAG),
    }),
  ),
  /** From the packet's priority to the tag's. */
  egressQos: attr(3, QOS),
  /** From the tag's priority to the packet's. */
  ingressQos: attr(4, QOS),
  /** Ethertype of the tag, network byte order. Linux 3.10. */
  protocol: attr(5, enumeration(be16, ETH_P_VLAN)),
})

const MACADDR_DATA = table('IFLA_MACVLAN_', {
  /** Source addresses. */
  macaddr: attrs(4, mac),
})

/** Another device's second MAC address: kind `macvlan`; the other device is in `link`. */
export const MACVLAN = table('IFLA_MACVLAN_', {
  /** How macvlans of one device talk to each other. */
  mode: attr(1, enumeration(u32, MACVLAN_MODE)),
  /** Switches. */
  flags: attr(2, bits(u16, MACVLAN_FLAG)),
  /** Mode `source`: what to do with `macaddr` or `macaddrData`. Linux 3.18. */
  macaddrMode: attr(3, enumeration(u32, MACVLAN_MACADDR)),
  /** Mode `source`: one source address. Linux 3.18. */
  macaddr: attr(4, mac),
  /** Mode `source`: all source addresses. Linux 3.18. */
  macaddrData: attr(5, MACADDR_DATA),
  /** Mode `source`: how many source addresses there are. Read-only, Linux 3.18. */
  macaddrCount: attr(6, u32),
  /** Length of the queue for broadcasts. Linux 5.11. */
  bcQueueLen: attr(7, u32),
  /** Length that it has, the largest of all macvlans of the device. Read-only, Linux 5.11. */
  bcQueueLenUsed: attr(8, u32),
  /** How many macvlans a multicast group may have before it counts as broadcast. Linux 6.5. */
  bcCutoff: attr(9, s32),
})

/** A routing domain: kind `vrf`. */
export const VRF = table('IFLA_VRF_', {
  /** Its routing table. */
  table: attr(1, u32),
})

/** A device that drops what is sent: kind `dummy`, without attributes. */
export const DUMMY = table('IFLA_DUMMY_', {})

/** A device for traffic control of received packets: kind `ifb`, without attributes. */
export const IFB = table('IFLA_IFB_', {})
