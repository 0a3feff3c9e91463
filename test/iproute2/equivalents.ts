import type { Request } from '../../lib/wire/request.js'
import type { Captured } from './capture.js'
import { addressEquivalents } from './equivalents-address.js'
import { bridgeEquivalents } from './equivalents-bridge.js'
import { greEquivalents } from './equivalents-gre.js'
import { iptunEquivalents } from './equivalents-iptun.js'
import { linkEquivalents } from './equivalents-link.js'
import { multipathEquivalents } from './equivalents-multipath.js'
import { neighbourEquivalents } from './equivalents-neighbour.js'
import { routeEquivalents } from './equivalents-route.js'
import { ruleEquivalents } from './equivalents-rule.js'
import { vxlanEquivalents } from './equivalents-vxlan.js'

/** The indexes of devices by their names. */
export type Devices = Readonly<Record<string, number>>

/** By command what a user of this library writes in its place. */
export type Equivalents = Readonly<Record<string, (dev: Devices, capture: Captured) => Request>>

export const equivalents: Equivalents = {
  ...iptunEquivalents,
  ...greEquivalents,
  ...vxlanEquivalents,
  ...linkEquivalents,
  ...bridgeEquivalents,
  ...addressEquivalents,
  ...routeEquivalents,
  ...multipathEquivalents,
  ...neighbourEquivalents,
  ...ruleEquivalents,
}

const VLAN_DATABASE = 'RTM_NEWVLAN and RTM_GETVLAN are messages of their own, of bridges and not of tunnels'
const MULTICAST_DATABASE = 'RTM_NEWMDB and RTM_GETMDB are messages of their own, of bridges and not of tunnels'
const VNI_FILTER = 'RTM_NEWTUNNEL and RTM_GETTUNNEL are messages of their own: which VNIs a vxlan device lets in'

/** Commands that this library has no equivalent of, and why. */
export const OUT_OF_SCOPE: Readonly<Record<string, string>> = {
  'ip link add tun0 type sit external': 'sit has no such mode: the kernel ignores the attribute',
  'ip link set eth0 vf 0 mac 02:00:00:00:00:04 vlan 5 qos 3 spoofchk on state auto trust on':
    'virtual functions are of hardware',
  'ip route test 10.0.0.0/8 via 192.0.2.2': 'a question whose answer is an error code',
  'bridge vlan set vid 1 dev eth0 state forwarding': VLAN_DATABASE,
  'bridge vlan global set vid 1 dev br0 mcast_snooping 1 mcast_querier 1 mcast_igmp_version 3 mcast_mld_version 2':
    VLAN_DATABASE,
  'bridge vlan global show dev br0': VLAN_DATABASE,
  'bridge mdb add dev br0 port eth0 grp 239.1.1.1 permanent': MULTICAST_DATABASE,
  'bridge mdb add dev br0 port eth0 grp ff05::1 temp vid 1': MULTICAST_DATABASE,
  'bridge mdb add dev br0 port eth0 grp 239.1.1.1 src 192.0.2.2 permanent': MULTICAST_DATABASE,
  'bridge mdb delete dev br0 port eth0 grp 239.1.1.1': MULTICAST_DATABASE,
  'bridge mdb show': MULTICAST_DATABASE,
  'bridge vni add vni 100-110,200 dev vx0': VNI_FILTER,
  'bridge vni add vni 100 remote 192.0.2.2 dev vx0': VNI_FILTER,
  'bridge vni delete vni 100 dev vx0': VNI_FILTER,
  'bridge vni show': VNI_FILTER,
}
