/** All attributes that a message of this library can have, and those that no command of iproute2 6.1 sends. */
import { BRIDGE_PORT } from '../../lib/schema/bridge.js'
import { AF } from '../../lib/schema/constants.js'
import { ENCAPS } from '../../lib/schema/encap.js'
import { KINDS } from '../../lib/schema/kinds.js'
import { HOP } from '../../lib/schema/route.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import type { AnyCodec, Context } from '../../lib/wire/codec.js'
import { type Rows, type Table, VIRTUAL } from '../../lib/wire/table.js'

/** Tables that a codec chooses by what else is in the message. */
const CHOSEN: readonly Table<Rows>[] = [
  HOP,
  BRIDGE_PORT,
  ...Object.values(KINDS),
  ...Object.values(ENCAPS).map(([, table]) => table),
]

const MESSAGE_NUMBERS = 128

/** Every table that a message can have within it. */
export function tables(): Set<Table> {
  const found = new Set<Table>()
  const add = (table: Table): void => {
    if (found.has(table)) return
    found.add(table)
    for (const row of Object.values(table.rows)) for (const inner of within(row.codec)) add(inner)
  }
  for (let type = 0; type < MESSAGE_NUMBERS; type++) {
    const kind = rtnetlink.kind(type)
    if (kind !== undefined) add(kind.body)
  }
  for (const table of CHOSEN) add(table as unknown as Table)
  return found
}

/** The tables that a codec has for an empty payload, in a message of whichever family. */
function within(codec: AnyCodec): Table[] {
  return Object.values(AF).flatMap((family) => {
    const context: Context = { family, header: 0, owner: {}, companion: undefined, partial: true }
    return (codec.areas?.(Buffer.alloc(0), 0, 0, context) ?? []).map(({ table }) => table as Table)
  })
}

/** The attributes of a table: what lives in the message's header alone is none. */
export const attributesOf = (table: Table) => Object.values(table.rows).filter((row) => row.type !== VIRTUAL)

const names = (text: string): string[] => text.trim().split(/\s+/)

/** Attributes that no command sends, by the reason why. */
export const BEYOND: Readonly<Record<string, readonly string[]>> = {
  'told by the kernel, not taken': names(`
    IFLA_QDISC IFLA_STATS IFLA_STATS64 IFLA_NUM_VF IFLA_PROMISCUITY IFLA_ALLMULTI IFLA_EVENT IFLA_NEW_NETNSID
    IFLA_PHYS_PORT_ID IFLA_PHYS_PORT_NAME IFLA_PHYS_SWITCH_ID IFLA_PERM_ADDRESS IFLA_PARENT_DEV_BUS_NAME
    IFLA_CARRIER_CHANGES IFLA_CARRIER_UP_COUNT IFLA_CARRIER_DOWN_COUNT IFLA_MIN_MTU IFLA_MAX_MTU
    IFLA_TSO_MAX_SIZE IFLA_TSO_MAX_SEGS IFLA_DEVLINK_PORT IFLA_DPLL_PIN IFLA_MAX_PACING_OFFLOAD_HORIZON
    IFLA_NETNS_IMMUTABLE IFLA_HEADROOM IFLA_TAILROOM IFLA_INFO_XSTATS
    IFLA_XDP_ATTACHED IFLA_XDP_PROG_ID IFLA_XDP_DRV_PROG_ID IFLA_XDP_SKB_PROG_ID IFLA_XDP_HW_PROG_ID
    IFLA_INET6_FLAGS IFLA_INET6_CONF IFLA_INET6_STATS IFLA_INET6_CACHEINFO IFLA_INET6_ICMP6STATS
    IFLA_INET6_RA_MTU DEVLINK_ATTR_BUS_NAME DEVLINK_ATTR_DEV_NAME DEVLINK_ATTR_PORT_INDEX
    DPLL_A_PIN_ID IFLA_BRPORT_ROOT_ID IFLA_BRPORT_BRIDGE_ID IFLA_BRPORT_DESIGNATED_PORT
    IFLA_BRPORT_DESIGNATED_COST IFLA_BRPORT_ID IFLA_BRPORT_NO IFLA_BRPORT_TOPOLOGY_CHANGE_ACK
    IFLA_BRPORT_CONFIG_PENDING IFLA_BRPORT_MESSAGE_AGE_TIMER IFLA_BRPORT_FORWARD_DELAY_TIMER
    IFLA_BRPORT_HOLD_TIMER IFLA_BRPORT_MRP_RING_OPEN IFLA_BRPORT_MRP_IN_OPEN IFLA_BRPORT_MCAST_EHT_HOSTS_CNT
    IFLA_BRPORT_MCAST_N_GROUPS IFLA_BR_ROOT_ID IFLA_BR_BRIDGE_ID IFLA_BR_ROOT_PORT IFLA_BR_ROOT_PATH_COST
    IFLA_BR_TOPOLOGY_CHANGE IFLA_BR_TOPOLOGY_CHANGE_DETECTED IFLA_BR_HELLO_TIMER IFLA_BR_TCN_TIMER
    IFLA_BR_TOPOLOGY_CHANGE_TIMER IFLA_BR_GC_TIMER IFLA_BR_MCAST_QUERIER_STATE IFLA_BR_FDB_N_LEARNED
    BRIDGE_QUERIER_IP_ADDRESS BRIDGE_QUERIER_IP_PORT BRIDGE_QUERIER_IP_OTHER_TIMER BRIDGE_QUERIER_IPV6_ADDRESS
    BRIDGE_QUERIER_IPV6_PORT BRIDGE_QUERIER_IPV6_OTHER_TIMER IFLA_MACVLAN_MACADDR_COUNT
    IFLA_MACVLAN_BC_QUEUE_LEN_USED IFA_MULTICAST RTA_CACHEINFO RTA_MFC_STATS
    NDA_CACHEINFO NDA_PROBES NDA_LINK_NETNSID NETNSA_CURRENT_NSID
    NHA_RES_GROUP_UNBALANCED_TIME NHA_RES_BUCKET_IDLE_TIME NHA_HW_STATS_USED NHA_GROUP_STATS
    NHA_GROUP_STATS_ENTRY NHA_GROUP_STATS_ENTRY_ID NHA_GROUP_STATS_ENTRY_PACKETS
    NHA_GROUP_STATS_ENTRY_PACKETS_HW
  `),
  'newer than iproute2 6.1': names(`
    IFLA_GSO_IPV4_MAX_SIZE IFLA_GRO_IPV4_MAX_SIZE IFLA_BR_FDB_MAX_LEARNED IFLA_BR_STP_MODE
    IFLA_MACVLAN_BC_CUTOFF IFLA_BRPORT_MAB IFLA_BRPORT_MCAST_MAX_GROUPS IFLA_BRPORT_NEIGH_VLAN_SUPPRESS
    IFLA_BRPORT_BACKUP_NHID IFLA_BRPORT_NEIGH_FORWARD_GRAT IFLA_VXLAN_LOCALBYPASS IFLA_VXLAN_LABEL_POLICY
    IFLA_VXLAN_RESERVED_BITS IFLA_VXLAN_MC_ROUTE IFLA_GENEVE_PORT_RANGE IFLA_GENEVE_GRO_HINT IFLA_GENEVE_LOCAL
    IFLA_GENEVE_LOCAL6 IFA_PROTO RTA_FLOWLABEL NHA_OP_FLAGS NHA_HW_STATS_ENABLE
    FRA_DSCP FRA_DSCP_MASK FRA_FLOWLABEL FRA_FLOWLABEL_MASK FRA_SPORT_MASK FRA_DPORT_MASK
  `),
  'iproute2 6.1 has no word for it': names(`
    IFLA_MAP IFLA_WEIGHT IFLA_TARGET_NETNSID IFLA_XDP_EXPECTED_FD
    IFLA_INET_CONF IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT IFLA_VXLAN_REMCSUM_NOPARTIAL
    AF_INET IFA_TARGET_NETNSID NETNSA_PID NDA_FDB_EXT_ATTRS NFEA_ACTIVITY_NOTIFY NFEA_DONT_REFRESH
  `),
}
