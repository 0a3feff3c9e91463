import type { InOf, OutOf } from '../wire/codec.js'
import { BRIDGE } from './bridge.js'
import { GENEVE } from './geneve.js'
import { ERSPAN, GRE_TUNNEL, GRETAP, IP6ERSPAN, IP6GRE, IP6GRETAP } from './gre.js'
import { IP6TNL, IPIP, SIT_TUNNEL } from './iptun.js'
import { DUMMY, IFB, MACVLAN, VETH, VLAN, VRF } from './lan.js'
import { VTI, VTI6 } from './vti.js'
import { VXLAN } from './vxlan.js'

/**
 * Kinds of device (IFLA_INFO_KIND) and the tables of their data (IFLA_INFO_DATA). A kind's table has the attributes
 * that the kind's driver reads, with the address family that it reads them in.
 */
export const KINDS = {
  /** IPv4 over IPv4. */
  ipip: IPIP,
  /** IPv6 over IPv4. */
  sit: SIT_TUNNEL,
  /** IPv6 or IPv4 over IPv6. */
  ip6tnl: IP6TNL,
  /** IP over GRE over IPv4. */
  gre: GRE_TUNNEL,
  /** Ethernet over GRE over IPv4. */
  gretap: GRETAP,
  /** Mirrored Ethernet over GRE over IPv4. */
  erspan: ERSPAN,
  /** IP over GRE over IPv6. */
  ip6gre: IP6GRE,
  /** Ethernet over GRE over IPv6. */
  ip6gretap: IP6GRETAP,
  /** Mirrored Ethernet over GRE over IPv6. */
  ip6erspan: IP6ERSPAN,
  /** IPsec over IPv4. */
  vti: VTI,
  /** IPsec over IPv6. */
  vti6: VTI6,
  /** Ethernet over UDP. */
  vxlan: VXLAN,
  /** Ethernet over UDP, with options. */
  geneve: GENEVE,
  /** Bridge. */
  bridge: BRIDGE,
  /** Pair of Ethernet devices. */
  veth: VETH,
  /** VLAN of another device. */
  vlan: VLAN,
  /** Another device's second MAC address. */
  macvlan: MACVLAN,
  /** Routing domain. */
  vrf: VRF,
  /** Device that drops what is sent. */
  dummy: DUMMY,
  /** Device for traffic control of received packets. */
  ifb: IFB,
} as const

/** A kind whose data is known. */
export type Kind = keyof typeof KINDS
/** The data of a kind as the kernel tells it. */
export type KindData<K extends Kind> = OutOf<(typeof KINDS)[K]>
/** The data of a kind as a builder takes it. */
export type KindInput<K extends Kind> = InOf<(typeof KINDS)[K]>
