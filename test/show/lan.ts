import type { BRIDGE_PORT } from '../../lib/schema/bridge.js'
import type { KindData } from '../../lib/schema/kinds.js'
import { type ETH_P_VLAN, MDB_RTR_TYPE } from '../../lib/schema/link-constants.js'
import type { OutOf } from '../../lib/wire/codec.js'
import { bit, flagsIn, hex, type NameOf, seconds, told, whenSet } from './text.js'

/** `info_data` of devices beside tunnels, and what a bridge keeps for its ports: ip/iplink_*.c of iproute2 6.1.0. */

type Bridge = KindData<'bridge'>
export type Port = OutOf<typeof BRIDGE_PORT>

const ETHERTYPES: Readonly<Record<string, string>> = { '8021q': '802.1Q', '8021ad': '802.1ad' }
const ethertype = (protocol: keyof typeof ETH_P_VLAN | number): string => ETHERTYPES[protocol] ?? `[${protocol}]`

/** ether_ntoa(3) has no leading zeros. */
const bridgeId = ({ prio, addr }: { prio: number; addr: string }): string =>
  `${prio.toString(16).padStart(4, '0')}.${addr.replace(/\b0(?=[0-9a-f])/g, '')}`

const router = (type: keyof typeof MDB_RTR_TYPE | number): number =>
  typeof type === 'number' ? type : MDB_RTR_TYPE[type]

const switches = (multi: NonNullable<Bridge['multiBoolopt']>, name: 'no_ll_learn' | 'mcast_vlan_snooping') =>
  multi.optmask.includes(name) ? bit(multi.optval.includes(name)) : undefined

export const bridge = (data: Bridge) => ({
  forward_delay: data.forwardDelay,
  hello_time: data.helloTime,
  max_age: data.maxAge,
  ageing_time: data.ageingTime,
  stp_state: data.stpState,
  priority: data.priority,
  vlan_filtering: told(data.vlanFiltering, bit),
  vlan_protocol: told(data.vlanProtocol, ethertype),
  bridge_id: told(data.bridgeId, bridgeId),
  // The program reads IFLA_BR_BRIDGE_ID where it says IFLA_BR_ROOT_ID: `root_id` is the bridge's own.
  root_id: told(data.rootId, () => told(data.bridgeId, bridgeId)),
  root_port: data.rootPort,
  root_path_cost: data.rootPathCost,
  topology_change: told(data.topologyChange, bit),
  topology_change_detected: told(data.topologyChangeDetected, bit),
  hello_timer: told(data.helloTimer, seconds),
  tcn_timer: told(data.tcnTimer, seconds),
  topology_change_timer: told(data.topologyChangeTimer, seconds),
  gc_timer: told(data.gcTimer, seconds),
  vlan_default_pvid: data.vlanDefaultPvid,
  vlan_stats_enabled: told(data.vlanStatsEnabled, bit),
  vlan_stats_per_port: told(data.vlanStatsPerPort, bit),
  group_fwd_mask: told(data.groupFwdMask, hex),
  group_addr: data.groupAddr,
  mcast_snooping: told(data.mcastSnooping, bit),
  no_linklocal_learn: told(data.multiBoolopt, (multi) => switches(multi, 'no_ll_learn')),
  mcast_vlan_snooping: told(data.multiBoolopt, (multi) => switches(multi, 'mcast_vlan_snooping')),
  mcast_router: told(data.mcastRouter, router),
  mcast_query_use_ifaddr: told(data.mcastQueryUseIfaddr, bit),
  mcast_querier: told(data.mcastQuerier, bit),
  mcast_hash_elasticity: data.mcastHashElasticity,
  mcast_hash_max: data.mcastHashMax,
  mcast_last_member_cnt: data.mcastLastMemberCnt,
  mcast_startup_query_cnt: data.mcastStartupQueryCnt,
  mcast_last_member_intvl: told(data.mcastLastMemberIntvl, Number),
  mcast_membership_intvl: told(data.mcastMembershipIntvl, Number),
  mcast_querier_intvl: told(data.mcastQuerierIntvl, Number),
  mcast_query_intvl: told(data.mcastQueryIntvl, Number),
  mcast_query_response_intvl: told(data.mcastQueryResponseIntvl, Number),
  mcast_startup_query_intvl: told(data.mcastStartupQueryIntvl, Number),
  mcast_stats_enabled: told(data.mcastStatsEnabled, bit),
  mcast_igmp_version: data.mcastIgmpVersion,
  mcast_mld_version: data.mcastMldVersion,
  nf_call_iptables: told(data.nfCallIptables, bit),
  nf_call_ip6tables: told(data.nfCallIp6tables, bit),
  nf_call_arptables: told(data.nfCallArptables, bit),
})

const GROUP_NAMES: Readonly<Record<number, string>> = { 0: 'stp', 2: 'lacp', 14: 'lldp' }

function groups(mask: number): string {
  const bits = Array.from({ length: 16 }, (_, i) => i).filter((i) => mask & (1 << i))
  return bits.map((i) => GROUP_NAMES[i] ?? hex(1 << i)).join(',') || '0x0'
}

/** `info_slave_data` of a bridge's port. */
export const port = (data: Port, nameOf: NameOf) => ({
  state: data.state,
  priority: data.priority,
  cost: data.cost,
  hairpin: data.mode,
  guard: data.guard,
  root_block: data.protect,
  fastleave: data.fastLeave,
  learning: data.learning,
  flood: data.unicastFlood,
  id: told(data.id, hex),
  no: told(data.no, hex),
  designated_port: data.designatedPort,
  designated_cost: data.designatedCost,
  bridge_id: told(data.bridgeId, bridgeId),
  root_id: told(data.rootId, bridgeId),
  hold_timer: told(data.holdTimer, seconds),
  message_age_timer: told(data.messageAgeTimer, seconds),
  forward_delay_timer: told(data.forwardDelayTimer, seconds),
  topology_change_ack: told(data.topologyChangeAck, bit),
  config_pending: told(data.configPending, bit),
  proxy_arp: data.proxyarp,
  proxy_arp_wifi: data.proxyarpWifi,
  multicast_router: told(data.multicastRouter, router),
  mcast_flood: data.mcastFlood,
  bcast_flood: data.bcastFlood,
  mcast_to_unicast: data.mcastToUcast,
  neigh_suppress: data.neighSuppress,
  group_fwd_mask: told(data.groupFwdMask, hex),
  group_fwd_mask_str: told(data.groupFwdMask, groups),
  vlan_tunnel: data.vlanTunnel,
  isolated: data.isolated,
  locked: data.locked,
  backup_port: told(data.backupPort, nameOf),
})

/** A port as `bridge -d link` has it: bridge/link.c. */
export const bridgePort = (data: Port, nameOf: NameOf) => ({
  state: data.state,
  priority: data.priority,
  cost: data.cost,
  hairpin: data.mode,
  guard: data.guard,
  root_block: data.protect,
  fastleave: data.fastLeave,
  learning: data.learning,
  learning_sync: data.learningSync,
  flood: data.unicastFlood,
  mcast_flood: data.mcastFlood,
  bcast_flood: data.bcastFlood,
  mcast_router: told(data.multicastRouter, router),
  mcast_to_unicast: data.mcastToUcast,
  neigh_suppress: data.neighSuppress,
  vlan_tunnel: data.vlanTunnel,
  backup_port: told(data.backupPort, nameOf),
  isolated: data.isolated,
  locked: data.locked,
})

const vlanFlags = flagsIn({
  reorder_hdr: 'REORDER_HDR',
  gvrp: 'GVRP',
  mvrp: 'MVRP',
  loose_binding: 'LOOSE_BINDING',
  bridge_binding: 'BRIDGE_BINDING',
})

export const vlan = (data: KindData<'vlan'>) => ({
  protocol: told(data.protocol, ethertype),
  id: data.id,
  flags: told(data.flags, ({ flags }) => vlanFlags(flags)),
  ingress_qos: data.ingressQos?.mapping,
  egress_qos: data.egressQos?.mapping,
})

export const macvlan = (data: KindData<'macvlan'>) => ({
  mode: data.mode,
  nopromisc: whenSet(data.flags?.includes('nopromisc')),
  nodst: whenSet(data.flags?.includes('nodst')),
  bcqueuelen: data.bcQueueLen,
  usedbcqueuelen: data.bcQueueLenUsed,
  ...(data.mode === 'source' && { macaddr_count: data.macaddrCount, macaddr_data: data.macaddrData?.macaddr }),
})

export const vrf = (data: KindData<'vrf'>) => ({ table: data.table })
