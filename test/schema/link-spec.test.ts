import t from 'tap'
import { FAMILIES, INET, INET6 } from '../../lib/schema/af-spec.js'
import { BRIDGE, BRIDGE_PORT } from '../../lib/schema/bridge.js'
import { GENEVE } from '../../lib/schema/geneve.js'
import { ERSPAN, GRE_TUNNEL, GRETAP, IP6ERSPAN, IP6GRE, IP6GRETAP } from '../../lib/schema/gre.js'
import { IP6TNL, IPIP, SIT_TUNNEL } from '../../lib/schema/iptun.js'
import { VLAN, VRF } from '../../lib/schema/lan.js'
import { LINK, LINKINFO } from '../../lib/schema/link.js'
import { VTI, VTI6 } from '../../lib/schema/vti.js'
import type { Table } from '../../lib/wire/table.js'
import { type Comparison, compareAttributes, readSpec, type Spec } from '../helpers/spec.js'
import { NEWER } from './link-newer.js'

/** The sets of the specification and the tables that stand for them. */
const SETS: Readonly<Record<string, readonly Table[]>> = Object.fromEntries(
  Object.entries({
    'link-attrs': [LINK],
    'af-spec-attrs': [FAMILIES],
    'linkinfo-attrs': [LINKINFO],
    'linkinfo-bridge-attrs': [BRIDGE],
    'linkinfo-brport-attrs': [BRIDGE_PORT],
    'linkinfo-gre-attrs': [GRE_TUNNEL, GRETAP, ERSPAN],
    'linkinfo-gre6-attrs': [IP6GRE, IP6GRETAP, IP6ERSPAN],
    'linkinfo-vti-attrs': [VTI],
    'linkinfo-vti6-attrs': [VTI6],
    'linkinfo-geneve-attrs': [GENEVE],
    'linkinfo-iptun-attrs': [IPIP, SIT_TUNNEL],
    'linkinfo-ip6tnl-attrs': [IP6TNL],
    'linkinfo-vlan-attrs': [VLAN],
    'linkinfo-vrf-attrs': [VRF],
    'ifla-attrs': [INET],
    'ifla6-attrs': [INET6],
    'xdp-attrs': [LINK.rows.xdp.codec],
    'link-dpll-pin-attrs': [LINK.rows.dpllPin.codec],
    'prop-list-link-attrs': [LINK.rows.propList.codec],
    'ifla-vlan-qos': [VLAN.rows.egressQos.codec],
  }).map(([set, list]) => [set, list as unknown as readonly Table[]]),
)

/** Attributes that have no row, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'link-attrs cost': 'the kernel neither reads nor sends it',
  'link-attrs priority': 'the kernel neither reads nor sends it',
  'link-attrs wireless': 'events of wireless extensions',
  'link-attrs vfinfo-list': 'virtual functions of hardware',
  'link-attrs vf-ports': 'virtual functions of hardware',
  'link-attrs port-self': 'virtual functions of hardware',
  'af-spec-attrs mctp': 'not for tunnels',
  'ifla6-attrs mcast': 'the kernel neither reads nor sends it',
  'linkinfo-iptun-attrs encap-limit': 'of ip6tnl alone',
  'linkinfo-iptun-attrs flowinfo': 'of ip6tnl alone',
  'linkinfo-gre-attrs encap-limit': 'of GRE over IPv6 alone',
  'linkinfo-gre-attrs flowinfo': 'of GRE over IPv6 alone',
  'linkinfo-gre-attrs flags': 'of GRE over IPv6 alone',
}

/** Attributes whose payload is not as the specification says: what it says, what we do, and why. */
const DEVIATIONS: Comparison['deviations'] = {
  'link-attrs protinfo': ['string', 'nest', 'br_fill_ifinfo() and inet6_fill_ifinfo() nest attributes in it'],
  'link-attrs proto-down-reason': ['string', 'nest', 'IFLA_PROTO_DOWN_REASON_MASK and _VALUE, nested'],
  'link-attrs devlink-port': ['binary', 'nest', 'rtnl_devlink_port_fill() nests DEVLINK_ATTR_*'],
  'linkinfo-bridge-attrs vlan-protocol': ['u16', 'be16', 'br_fill_info() puts be16'],
  'linkinfo-bridge-attrs fdb-flush': ['binary', 'flag', 'br_changelink() looks whether it is there'],
  'linkinfo-bridge-attrs mcast-querier-state': [
    'binary',
    'nest',
    'br_multicast_dump_querier_state() nests BRIDGE_QUERIER_*',
  ],
  'link-attrs map': ['28 bytes', '32 bytes', 'struct rtnl_link_ifmap ends in padding'],
  'ifla6-attrs token': ['binary', '16 bytes', 'a struct in6_addr'],
  'linkinfo-iptun-attrs flags': ['be16', 'u16', 'SIT_ISATAP is compared without swapping, and ip sends host order'],
}
/** Names that the specification does not give in full. */
const NAMES: Readonly<Record<string, string>> = { DPLL_A_ID: 'DPLL_A_PIN_ID' }

/** Switches of a bridge port: the specification calls them flags, br_port_fill_attrs() puts a byte. */
const portSwitches = (spec: Spec): Comparison['deviations'] =>
  Object.fromEntries(
    spec['attribute-sets']
      .find(({ name }) => name === 'linkinfo-brport-attrs')!
      .attributes.filter(({ name, type }) => type === 'flag' && name !== 'flush')
      .map(({ name }) => [`linkinfo-brport-attrs ${name}`, ['flag', 'u8', 'a byte, as br_port_fill_attrs() puts it']]),
  )

const spec = readSpec('rt-link')
t.test('attributes are those of the specification', { skip: typeof spec === 'string' ? spec : false }, async (t) => {
  const found = spec as Spec
  const deviations = { ...DEVIATIONS, ...portSwitches(found) }
  compareAttributes(t, found, { sets: SETS, leftOut: LEFT_OUT, deviations, names: NAMES, newer: NEWER })
})
