import type { KindCases } from './cases.js'
import { erspan, gre, gretap, ip6erspan, ip6gre, ip6gretap } from './gre.js'
import { ip6tnl, ipip, sit } from './iptun.js'
import { bridge, dummy, ifb, macvlan, veth, vlan, vrf } from './lan.js'
import { vti, vti6 } from './vti.js'
import { geneve, vxlan } from './vxlan.js'

/** The tables of all kinds. */
export const KIND_CASES = [
  ...[ipip, sit, ip6tnl],
  ...[gre, gretap, erspan, ip6gre, ip6gretap, ip6erspan],
  ...[vti, vti6, vxlan, geneve],
  ...[bridge, veth, vlan, macvlan, vrf, dummy, ifb],
] as readonly KindCases[]
