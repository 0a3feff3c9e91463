import { link } from '../../lib/rtnl/link.js'
import type { LinkInput } from '../../lib/schema/link.js'
import type { Request } from '../../lib/wire/request.js'
import type { Devices, Equivalents } from './equivalents.js'

/** Bridges, their ports and the VLANs of these: `ip link … type bridge`, `bridge link` and `bridge vlan`. */

const bridges: Equivalents = {
  'ip link add br1 type bridge': () => link.add({ ifname: 'br1', linkinfo: { kind: 'bridge' } }),
  'ip link add br1 type bridge forward_delay 1500 hello_time 200 max_age 2000 ageing_time 30000 stp_state 1 priority 4096 group_fwd_mask 8 group_address 01:80:c2:00:00:00':
    () =>
      link.add({
        ifname: 'br1',
        linkinfo: {
          kind: 'bridge',
          data: {
            forwardDelay: 1500,
            helloTime: 200,
            maxAge: 2000,
            ageingTime: 30000,
            stpState: 1,
            priority: 4096,
            groupFwdMask: 8,
            groupAddr: '01:80:c2:00:00:00',
          },
        },
      }),
  'ip link add br1 type bridge vlan_filtering 1 vlan_protocol 802.1ad vlan_default_pvid 5 vlan_stats_enabled 1 vlan_stats_per_port 1':
    () =>
      link.add({
        ifname: 'br1',
        linkinfo: {
          kind: 'bridge',
          data: {
            vlanFiltering: true,
            vlanProtocol: '8021ad',
            vlanDefaultPvid: 5,
            vlanStatsEnabled: true,
            vlanStatsPerPort: true,
          },
        },
      }),
  'ip link add br1 type bridge mcast_router 2 mcast_snooping 1 mcast_query_use_ifaddr 1 mcast_querier 1 mcast_hash_elasticity 16 mcast_hash_max 512 mcast_last_member_count 3 mcast_startup_query_count 3 mcast_last_member_interval 200 mcast_membership_interval 27000 mcast_querier_interval 26000 mcast_query_interval 12000 mcast_query_response_interval 900 mcast_startup_query_interval 3000 mcast_stats_enabled 1 mcast_igmp_version 3 mcast_mld_version 2':
    () =>
      link.add({
        ifname: 'br1',
        linkinfo: {
          kind: 'bridge',
          data: {
            mcastRouter: 'perm',
            mcastSnooping: true,
            mcastQueryUseIfaddr: true,
            mcastQuerier: true,
            mcastHashElasticity: 16,
            mcastHashMax: 512,
            mcastLastMemberCnt: 3,
            mcastStartupQueryCnt: 3,
            mcastLastMemberIntvl: 200n,
            mcastMembershipIntvl: 27000n,
            mcastQuerierIntvl: 26000n,
            mcastQueryIntvl: 12000n,
            mcastQueryResponseIntvl: 900n,
            mcastStartupQueryIntvl: 3000n,
            mcastStatsEnabled: true,
            mcastIgmpVersion: 3,
            mcastMldVersion: 2,
          },
        },
      }),
  'ip link add br1 type bridge no_linklocal_learn 1 mcast_vlan_snooping 1 vlan_filtering 1': () =>
    link.add({
      ifname: 'br1',
      linkinfo: {
        kind: 'bridge',
        data: {
          multiBoolopt: {
            optval: ['no_ll_learn', 'mcast_vlan_snooping'],
            optmask: ['no_ll_learn', 'mcast_vlan_snooping'],
          },
          vlanFiltering: true,
        },
      },
    }),
  'ip link add br1 type bridge nf_call_iptables 1 nf_call_ip6tables 1 nf_call_arptables 1': () =>
    link.add({
      ifname: 'br1',
      linkinfo: { kind: 'bridge', data: { nfCallIptables: true, nfCallIp6tables: true, nfCallArptables: true } },
    }),
  'ip link set br0 type bridge fdb_flush ageing_time 100': (dev) =>
    link.change({ index: dev.br0, linkinfo: { kind: 'bridge', data: { fdbFlush: true, ageingTime: 100 } } }),
}

const ports: Equivalents = {
  'ip link set eth0 type bridge_slave state 3 priority 8 cost 50 guard on hairpin on fastleave on root_block on learning off flood off proxy_arp on proxy_arp_wifi on mcast_router 2 mcast_fast_leave on mcast_flood off bcast_flood off mcast_to_unicast on group_fwd_mask 8 neigh_suppress on vlan_tunnel on isolated on locked on fdb_flush':
    (dev) =>
      link.change({
        index: dev.eth0,
        linkinfo: {
          slaveKind: 'bridge',
          slaveData: {
            state: 'forwarding',
            priority: 8,
            cost: 50,
            guard: true,
            mode: true,
            fastLeave: true,
            protect: true,
            learning: false,
            unicastFlood: false,
            proxyarp: true,
            proxyarpWifi: true,
            multicastRouter: 'perm',
            mcastFlood: false,
            bcastFlood: false,
            mcastToUcast: true,
            groupFwdMask: 8,
            neighSuppress: true,
            vlanTunnel: true,
            isolated: true,
            locked: true,
            flush: true,
          },
        },
      }),
  'ip link set eth0 type bridge_slave backup_port eth1': (dev) =>
    link.change({ index: dev.eth0, linkinfo: { slaveKind: 'bridge', slaveData: { backupPort: dev.eth1 } } }),
  'ip link set eth0 type bridge_slave nobackup_port': (dev) =>
    link.change({ index: dev.eth0, linkinfo: { slaveKind: 'bridge', slaveData: { backupPort: 0 } } }),
}

/** A port by way of its bridge. */
const port = (dev: Devices, protinfo: LinkInput['protinfo'], afSpec?: LinkInput['afSpec']): Request =>
  link.change({ family: 'bridge', index: dev.eth0, protinfo, afSpec })

const bridgeLinks: Equivalents = {
  'bridge link show': () => link.list({ family: 'bridge' }),
  'bridge link set dev eth0 cost 50 priority 8 state forwarding': (dev) =>
    port(dev, { cost: 50, priority: 8, state: 'forwarding' }),
  'bridge link set dev eth0 guard on hairpin on fastleave on root_block on learning off flood off': (dev) =>
    port(dev, { guard: true, mode: true, fastLeave: true, protect: true, learning: false, unicastFlood: false }),
  'bridge link set dev eth0 mcast_router 2 mcast_flood off bcast_flood off mcast_to_unicast on neigh_suppress on vlan_tunnel on isolated on locked on':
    (dev) =>
      port(dev, {
        multicastRouter: 'perm',
        mcastFlood: false,
        bcastFlood: false,
        mcastToUcast: true,
        neighSuppress: true,
        vlanTunnel: true,
        isolated: true,
        locked: true,
      }),
  'bridge link set dev eth0 learning_sync on': (dev) => port(dev, { learningSync: true }),
  'bridge link set dev eth0 backup_port eth1': (dev) => port(dev, { backupPort: dev.eth1 }),
  'bridge link set dev eth0 nobackup_port': (dev) => port(dev, { backupPort: 0 }),
  'bridge link set dev eth0 learning on self': (dev) => port(dev, { learning: true }, { flags: ['self'] }),
  'bridge link set dev eth0 learning on master': (dev) => port(dev, { learning: true }, { flags: ['master'] }),
  'bridge link set dev eth0 hwmode vepa': (dev) => port(dev, {}, { flags: ['self'], mode: 'vepa' }),
}

const vlans: Equivalents = {
  'bridge vlan add vid 5 dev eth0': (dev) => port(dev, undefined, { vlanInfo: [{ vid: 5 }] }),
  'bridge vlan add vid 5 dev eth0 pvid untagged master': (dev) =>
    port(dev, undefined, { flags: ['master'], vlanInfo: [{ vid: 5, flags: ['pvid', 'untagged'] }] }),
  'bridge vlan add vid 10-20 dev eth0 untagged': (dev) =>
    port(dev, undefined, {
      vlanInfo: [
        { vid: 10, flags: ['range_begin', 'untagged'] },
        { vid: 20, flags: ['range_end', 'untagged'] },
      ],
    }),
  'bridge vlan add vid 5 dev br0 self': (dev) =>
    link.change({ family: 'bridge', index: dev.br0, afSpec: { flags: ['self'], vlanInfo: [{ vid: 5 }] } }),
  'bridge vlan add vid 5 dev eth0 tunnel_info id 1000': (dev) =>
    port(dev, undefined, { vlanTunnelInfo: [{ id: 1000, vid: 5, flags: [] }] }),
  'bridge vlan add vid 10-12 dev eth0 tunnel_info id 1010-1012': (dev) =>
    port(dev, undefined, {
      vlanTunnelInfo: [
        { id: 1010, vid: 10, flags: ['range_begin'] },
        { id: 1012, vid: 12, flags: ['range_end'] },
      ],
    }),
  'bridge vlan delete vid 1 dev eth0': (dev) =>
    link.delete({ family: 'bridge', index: dev.eth0, afSpec: { vlanInfo: [{ vid: 1 }] } }),
  'bridge vlan show': () => link.list({ family: 'bridge', extMask: ['brvlan'] }),
}

export const bridgeEquivalents: Equivalents = { ...bridges, ...ports, ...bridgeLinks, ...vlans }
