import t from 'tap'
import { KINDS } from '../../lib/schema/kinds.js'
import { needsNamespaces } from '../helpers/kernel.js'
import type { KindCases } from '../readback/cases.js'
import * as gre from '../readback/gre.js'
import * as iptun from '../readback/iptun.js'
import * as lan from '../readback/lan.js'
import { readBack } from '../readback/read-back.js'
import * as vti from '../readback/vti.js'
import * as vxlan from '../readback/vxlan.js'

t.test('what is asked of a device is what it is', { skip: needsNamespaces }, async (t) => {
  const { ipip, sit, ip6tnl } = iptun
  const { bridge, veth, vlan, macvlan, vrf, dummy, ifb } = lan
  const all = [
    ...[ipip, sit, ip6tnl],
    ...[gre.gre, gre.gretap, gre.erspan, gre.ip6gre, gre.ip6gretap, gre.ip6erspan],
    ...[vti.vti, vti.vti6, vxlan.vxlan, vxlan.geneve],
    ...[bridge(true), veth, vlan, macvlan, vrf, dummy, ifb],
  ] as readonly KindCases[]
  t.same(all.map(({ kind }) => kind).sort(), Object.keys(KINDS).sort(), 'every kind')
  for (const one of all) await readBack(t, one)
})
