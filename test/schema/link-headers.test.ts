import t from 'tap'
import { BRIDGE_SPEC, FAMILIES, INET6 } from '../../lib/schema/af-spec.js'
import { BRIDGE_PORT } from '../../lib/schema/bridge.js'
import { KINDS } from '../../lib/schema/kinds.js'
import { LINK } from '../../lib/schema/link.js'
import * as names from '../../lib/schema/link-constants.js'
import type { Names } from '../../lib/wire/scalars.js'
import { Table, VIRTUAL } from '../../lib/wire/table.js'
import { constants } from '../helpers/uapi.js'
import { NEWER } from './link-newer.js'

/** Every table of a link, those that are chosen by a sibling or by the family included. */
function tables(): Set<Table> {
  const found = new Set<Table>()
  const add = (codec: unknown): void => {
    if (!(codec instanceof Table) || found.has(codec)) return
    found.add(codec)
    for (const row of Object.values(codec.rows)) add((row as { codec: unknown }).codec)
  }
  for (const root of [LINK, BRIDGE_PORT, FAMILIES, BRIDGE_SPEC, INET6, ...Object.values(KINDS)]) add(root)
  return found
}

/** The C library's, not the kernel's headers'. */
const LIBC: Readonly<Record<string, number>> = { AF_INET: 2, AF_INET6: 10 }

const headers = constants(
  'in.h',
  'if_ether.h',
  'if.h',
  'if_arp.h',
  'if_tunnel.h',
  'ip6_tunnel.h',
  'if_link.h',
  'if_bridge.h',
  'if_vlan.h',
  'veth.h',
  'devlink.h',
  'rtnetlink.h',
)

t.test('numbers of the attributes are those of the headers', async (t) => {
  if (headers === undefined) return t.pass('not compared: the kernel headers are not installed')
  for (const table of tables()) {
    for (const row of Object.values(table.rows)) {
      const { type } = row as { type: number }
      if (type === VIRTUAL) continue
      const name = table.nameOf(type)
      const number = headers.get(name) ?? LIBC[name]
      if (number === undefined) t.ok(name in NEWER, `${name} is in the headers, or known to be newer`)
      else t.equal(type, number, name)
    }
  }
})

t.test('names of values are those of the headers', async (t) => {
  if (headers === undefined) return t.pass('not compared: the kernel headers are not installed')
  const check = (prefix: string, values: Names, { newer = [] as string[], bit = false } = {}): void => {
    for (const [key, value] of Object.entries(values)) {
      const name = prefix + key.toUpperCase()
      if (newer.includes(key)) continue
      const number = headers.get(name) ?? Number.NaN
      t.equal(value, bit ? 2 ** number : number, name)
    }
  }
  check('IFF_', names.IFF)
  check('ARPHRD_', names.ARPHRD)
  check('IF_OPER_', names.IF_OPER)
  check('IF_LINK_MODE_', names.IF_LINK_MODE)
  check('IFLA_EVENT_', names.IFLA_EVENT)
  check('RTEXT_FILTER_', names.RTEXT_FILTER, { newer: ['name_only'] })
  check('IN6_ADDR_GEN_MODE_', names.IN6_ADDR_GEN_MODE)
  check('XDP_ATTACHED_', names.XDP_ATTACHED)
  check('XDP_FLAGS_', names.XDP_FLAGS)
  check('IPPROTO_', names.IPPROTO_TUNNEL)
  check('TUNNEL_ENCAP_', names.TUNNEL_ENCAP)
  check('TUNNEL_ENCAP_FLAG_', names.TUNNEL_ENCAP_FLAG)
  check('SIT_', names.SIT)
  check('IP6_TNL_F_', names.IP6_TNL_F)
  check('GRE_', names.GRE)
  check('VXLAN_DF_', names.DF)
  check('GENEVE_DF_', names.DF)
  check('ETH_P_', names.ETH_P_VLAN)
  check('VLAN_FLAG_', names.VLAN_FLAG)
  check('MACVLAN_MODE_', names.MACVLAN_MODE)
  check('MACVLAN_FLAG_', names.MACVLAN_FLAG)
  check('MACVLAN_MACADDR_', names.MACVLAN_MACADDR)
  check('BR_STATE_', names.BR_STATE)
  check('BR_BOOLOPT_', names.BR_BOOLOPT, { newer: ['mdb_offload_fail_notification', 'fdb_local_vlan_0'], bit: true })
  check('MDB_RTR_TYPE_', names.MDB_RTR_TYPE)
  check('BRIDGE_FLAGS_', names.BRIDGE_FLAGS)
  check('BRIDGE_MODE_', names.BRIDGE_MODE)
  check('BRIDGE_VLAN_INFO_', names.BRIDGE_VLAN_INFO)
})
