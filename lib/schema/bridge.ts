import { ipv4, ipv6, mac } from '../wire/addresses.js'
import { be16, bits, bool, enumeration, flag, u8, u16, u32, u64 } from '../wire/scalars.js'
import { struct } from '../wire/struct.js'
import { attr, table } from '../wire/table.js'
import { BR_BOOLOPT, BR_STATE, BR_STP_MODE, ETH_P_VLAN, MDB_RTR_TYPE } from './link-constants.js'

/**
 * Bridges and their ports: IFLA_BR_*, IFLA_BRPORT_* (linux/if_link.h). Times are in hundredths of a second
 * (USER_HZ).
 * @module
 */

/** `struct ifla_bridge_id`: who a bridge is in the spanning tree. */
const BRIDGE_ID = struct('ifla_bridge_id', {
  /** Priority, network byte order. */
  prio: be16,
  /** MAC address. */
  addr: mac,
})

/** `struct br_boolopt_multi`: switches in one word. */
const BOOLOPT = struct('br_boolopt_multi', {
  /** Which are on. */
  optval: bits(u32, BR_BOOLOPT),
  /** Which of them to change, or which the kernel knows. */
  optmask: bits(u32, BR_BOOLOPT),
})

/** Who asks for multicast members (linux/if_bridge.h). */
const QUERIER = table('BRIDGE_QUERIER_', {
  /** IGMP querier. */
  ipAddress: attr(1, ipv4),
  /** Index of the port that it is behind. */
  ipPort: attr(2, u32),
  /** Time until it counts as gone. */
  ipOtherTimer: attr(3, u64),
  /** MLD querier. */
  ipv6Address: attr(5, ipv6),
  /** Index of the port that it is behind. */
  ipv6Port: attr(6, u32),
  /** Time until it counts as gone. */
  ipv6OtherTimer: attr(7, u64),
})

/** A bridge: kind `bridge`. */
export const BRIDGE = table('IFLA_BR_', {
  /** Time in each of listening and learning. */
  forwardDelay: attr(1, u32),
  /** Time between spanning tree hellos. */
  helloTime: attr(2, u32),
  /** Time until a silent root counts as gone. */
  maxAge: attr(3, u32),
  /** Time that a learned FDB entry lives. */
  ageingTime: attr(4, u32),
  /** Spanning tree: 0 off, 1 by the kernel, 2 by a daemon. */
  stpState: attr(5, u32),
  /** Priority in the spanning tree. */
  priority: attr(6, u16),
  /** Tells VLANs apart. */
  vlanFiltering: attr(7, bool),
  /** Ethertype of the tags, network byte order. */
  vlanProtocol: attr(8, enumeration(be16, ETH_P_VLAN)),
  /** Which link-local groups (01:80:c2:00:00:0X) to forward, bit X each. */
  groupFwdMask: attr(9, u16),
  /** Root of the spanning tree. Read-only. */
  rootId: attr(10, BRIDGE_ID),
  /** This bridge in the spanning tree. Read-only. */
  bridgeId: attr(11, BRIDGE_ID),
  /** Number of the port towards the root. Read-only. */
  rootPort: attr(12, u16),
  /** Cost of the way to the root. Read-only. */
  rootPathCost: attr(13, u32),
  /** A topology change is being told of. Read-only. */
  topologyChange: attr(14, bool),
  /** A topology change was seen here. Read-only. */
  topologyChangeDetected: attr(15, bool),
  /** Time left of this timer. Read-only. */
  helloTimer: attr(16, u64),
  /** Time left of this timer. Read-only. */
  tcnTimer: attr(17, u64),
  /** Time left of this timer. Read-only. */
  topologyChangeTimer: attr(18, u64),
  /** Time left until old FDB entries are dropped. Read-only. */
  gcTimer: attr(19, u64),
  /** Destination address of the spanning tree's frames. */
  groupAddr: attr(20, mac),
  /** Drops the learned FDB entries. Write-only. */
  fdbFlush: attr(21, flag),
  /** Whether the bridge itself is a multicast router. */
  mcastRouter: attr(22, enumeration(u8, MDB_RTR_TYPE)),
  /** IGMP and MLD snooping. */
  mcastSnooping: attr(23, bool),
  /** Asks with the bridge's own address. */
  mcastQueryUseIfaddr: attr(24, bool),
  /** Asks for members. */
  mcastQuerier: attr(25, bool),
  /** Without effect since Linux 5.0. */
  mcastHashElasticity: attr(26, u32),
  /** Most entries of the MDB. */
  mcastHashMax: attr(27, u32),
  /** How many last queries before a group counts as left. */
  mcastLastMemberCnt: attr(28, u32),
  /** How many queries at the start. */
  mcastStartupQueryCnt: attr(29, u32),
  /** Time between last queries. */
  mcastLastMemberIntvl: attr(30, u64),
  /** Time until a silent member counts as gone. */
  mcastMembershipIntvl: attr(31, u64),
  /** Time until another querier counts as gone. */
  mcastQuerierIntvl: attr(32, u64),
  /** Time between queries. */
  mcastQueryIntvl: attr(33, u64),
  /** Time that members may take to answer. */
  mcastQueryResponseIntvl: attr(34, u64),
  /** Time between queries at the start. */
  mcastStartupQueryIntvl: attr(35, u64),
  /** Passes IPv4 through iptables. */
  nfCallIptables: attr(36, bool),
  /** Passes IPv6 through ip6tables. */
  nfCallIp6tables: attr(37, bool),
  /** Passes ARP through arptables. */
  nfCallArptables: attr(38, bool),
  /** VLAN of new ports, 0 for none. */
  vlanDefaultPvid: attr(39, u16),
  /** Counts packets of each VLAN. */
  vlanStatsEnabled: attr(41, bool),
  /** Counts multicast packets. */
  mcastStatsEnabled: attr(42, bool),
  /** 2 or 3. */
  mcastIgmpVersion: attr(43, u8),
  /** 1 or 2. */
  mcastMldVersion: attr(44, u8),
  /** Counts packets of each VLAN of each port. */
  vlanStatsPerPort: attr(45, bool),
  /** Further switches. Linux 4.20. */
  multiBoolopt: attr(46, BOOLOPT),
  /** Who asks for members now. Read-only, Linux 5.15. */
  mcastQuerierState: attr(47, QUERIER),
  /** How many learned FDB entries there are. Read-only, Linux 6.7. */
  fdbNLearned: attr(48, u32),
  /** How many there may be, 0 for any number. Linux 6.7. */
  fdbMaxLearned: attr(49, u32),
  /** Who runs the spanning tree. Linux 7.1. */
  stpMode: attr(50, enumeration(u32, BR_STP_MODE)),
})

/** A port of a bridge: slave kind `bridge`, and IFLA_PROTINFO in messages of family `bridge`. */
export const BRIDGE_PORT = table('IFLA_BRPORT_', {
  /** Spanning tree state. */
  state: attr(1, enumeration(u8, BR_STATE)),
  /** Priority in the spanning tree. */
  priority: attr(2, u16),
  /** Cost in the spanning tree. */
  cost: attr(3, u32),
  /** Hairpin: frames may leave by the port that they came by. */
  mode: attr(4, bool),
  /** Shuts the port when it hears the spanning tree's frames. */
  guard: attr(5, bool),
  /** Never becomes the way to the root. */
  protect: attr(6, bool),
  /** Drops a multicast group at the first leave. */
  fastLeave: attr(7, bool),
  /** Learns who is behind the port. A tunnel's port with FDB entries of its own wants `false`. */
  learning: attr(8, bool),
  /** Gets unicast frames to unknown destinations. */
  unicastFlood: attr(9, bool),
  /** Answers ARP for neighbours that the bridge knows. */
  proxyarp: attr(10, bool),
  /** Takes over what the device learned. */
  learningSync: attr(11, bool),
  /** Answers ARP for stations of an access point. */
  proxyarpWifi: attr(12, bool),
  /** Root of the spanning tree as heard here. Read-only. */
  rootId: attr(13, BRIDGE_ID),
  /** Bridge towards the root as heard here. Read-only. */
  bridgeId: attr(14, BRIDGE_ID),
  /** Read-only. */
  designatedPort: attr(15, u16),
  /** Read-only. */
  designatedCost: attr(16, u16),
  /** Identifier in the spanning tree. Read-only. */
  id: attr(17, u16),
  /** Number of the port. Read-only. */
  no: attr(18, u16),
  /** Read-only. */
  topologyChangeAck: attr(19, bool),
  /** Read-only. */
  configPending: attr(20, bool),
  /** Time left of this timer. Read-only. */
  messageAgeTimer: attr(21, u64),
  /** Time left of this timer. Read-only. */
  forwardDelayTimer: attr(22, u64),
  /** Time left of this timer. Read-only. */
  holdTimer: attr(23, u64),
  /** Drops the FDB entries learned here. Write-only. */
  flush: attr(24, flag),
  /** Whether a multicast router is behind the port. */
  multicastRouter: attr(25, enumeration(u8, MDB_RTR_TYPE)),
  /** Gets multicast frames of unknown groups. Linux 4.9. */
  mcastFlood: attr(27, bool),
  /** Turns multicast frames into unicast ones, one a member. Linux 4.11. */
  mcastToUcast: attr(28, bool),
  /** Maps VLANs to tunnel ids. Linux 4.11. */
  vlanTunnel: attr(29, bool),
  /** Gets broadcast frames. Linux 4.12. */
  bcastFlood: attr(30, bool),
  /** Which link-local groups (01:80:c2:00:00:0X) to forward, bit X each. Linux 4.15. */
  groupFwdMask: attr(31, u16),
  /** Keeps ARP and neighbour discovery from the port, answering them where possible. Linux 4.15. */
  neighSuppress: attr(32, bool),
  /** Talks only to ports that are not isolated. Linux 4.18. */
  isolated: attr(33, bool),
  /** Index of the port that takes over while this one is down. Linux 4.19. */
  backupPort: attr(34, u32),
  /** Media redundancy protocol. Read-only, Linux 5.8. */
  mrpRingOpen: attr(35, bool),
  /** Media redundancy protocol. Read-only, Linux 5.9. */
  mrpInOpen: attr(36, bool),
  /** Most multicast hosts that are tracked. Linux 5.12. */
  mcastEhtHostsLimit: attr(37, u32),
  /** How many are tracked. Read-only, Linux 5.12. */
  mcastEhtHostsCnt: attr(38, u32),
  /** Takes frames only from addresses in the FDB. Linux 5.18. */
  locked: attr(39, bool),
  /** MAC authentication bypass: tells of addresses that a locked port refused. Linux 6.2. */
  mab: attr(40, bool),
  /** How many MDB entries the port has. Read-only, Linux 6.3. */
  mcastNGroups: attr(41, u32),
  /** How many it may have, 0 for any number. Linux 6.3. */
  mcastMaxGroups: attr(42, u32),
  /** `neighSuppress` by VLAN. Linux 6.4. */
  neighVlanSuppress: attr(43, bool),
  /** FDB nexthop that `backupPort` sends by. Linux 6.6. */
  backupNhid: attr(44, u32),
  /** Forwards gratuitous ARP in spite of `neighSuppress`. Linux 7.1. */
  neighForwardGrat: attr(45, bool),
})
