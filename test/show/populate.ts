import { writeFileSync } from 'node:fs'
import type { Namespace } from '../../lib/netns/namespace.js'
import { address } from '../../lib/rtnl/address.js'
import { link } from '../../lib/rtnl/link.js'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import type { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { rule } from '../../lib/rtnl/rule.js'
import { loadModules } from '../helpers/uml.js'
import { batch } from './iproute2.js'

/** Fills a namespace with one of everything, partly by iproute2 and partly by our builders. */

/** The id by which the namespace knows the other one. */
export const NSID = 42

const links = (there: string): string => `
  link set lo up
  link add a0 type veth peer name b0
  link add c0 type veth peer name d0 netns ${there}
  link add br0 address 02:00:00:00:0b:00 type bridge forward_delay 700 ageing_time 12300 priority 4096
    group_fwd_mask 8 mcast_querier 1 mcast_router 2 mcast_hash_max 2048 no_linklocal_learn 1 nf_call_iptables 1
  link add vx5 type vxlan id 5 local 192.0.2.1 dstport 4789 srcport 20000 30000 ttl 7 tos 0x10 nolearning ageing 77
    maxaddress 99 proxy rsc l2miss l3miss noudpcsum udp6zerocsumtx udp6zerocsumrx df set
  link add vx6 type vxlan id 6 group ff05::100 dev b0 dstport 4790 flowlabel 0x12345 gbp
  link set a0 master br0 promisc on alias first-port
  link set vx5 master br0 txqueuelen 77 mtu 1400
  link set a0 type bridge_slave priority 9 cost 77 hairpin on guard on fastleave on mcast_router 2 group_fwd_mask 0x4008
  link set vx5 type bridge_slave learning off flood off mcast_flood off bcast_flood off neigh_suppress on
    vlan_tunnel on isolated on backup_port a0
  link add mv0 link b0 address 02:00:00:00:00:99 type macvlan mode source
    macaddr set 02:00:00:00:00:01 02:00:00:00:00:02
  link add ifb0 numtxqueues 3 type ifb
  link set ifb0 group 42 gso_max_size 4096 gso_max_segs 7
  link property add dev ifb0 altname a-very-long-name-of-a-device altname other
  link set vx6 protodown on
  link set vx6 protodown_reason 3 on
  link set dev b0 addrgenmode none
  link set a0 up
  link set b0 up
  link set c0 up
  link set br0 up
  link set vx5 up
`

async function addLinks(rt: Rtnetlink, b0: number): Promise<void> {
  const vxlan = { collectMetadata: true, vnifilter: true, learning: false, port: 4791 }
  const macvlan = { mode: 'private', flags: ['nopromisc'], bcQueueLen: 77 } as const
  const bridge = { stpState: 1, mcastSnooping: false, maxAge: 1500 }
  await rt.request(link.add({ ifname: 'vx0', up: true, ifalias: 'all VNIs', linkinfo: { kind: 'vxlan', data: vxlan } }))
  await rt.request(link.add({ ifname: 'mv1', link: b0, linkinfo: { kind: 'macvlan', data: macvlan } }))
  await rt.request(link.add({ ifname: 'br1', linkinfo: { kind: 'bridge', data: bridge } }))
}

const ADDRESSES = `
  address add 192.0.2.1/24 dev b0 broadcast + label b0:one
  address add 192.0.2.2/24 dev b0 metric 77 noprefixroute
  address add 198.51.100.1 peer 198.51.100.2/32 dev b0 scope link
  address add 203.0.113.1/24 dev b0 valid_lft 3000 preferred_lft 2000
  address add 2001:db8::1/64 dev b0 nodad
  address add 2001:db8::2/64 dev b0 home noprefixroute
  address add 2001:db8::3/64 dev b0 valid_lft 3000 preferred_lft 0
  address add 2001:db8:1::1/64 dev b0 mngtmpaddr
`

async function addAddresses(rt: Rtnetlink, b0: number): Promise<void> {
  await rt.request(address.add({ index: b0, address: '2001:db8::5/128', local: '2001:db8::4', flags: ['nodad'] }))
  await rt.request(address.add({ index: b0, address: '239.1.1.1/32', scope: 'site', flags: ['mcautojoin'] }))
}

const NEXTHOPS = `
  nexthop add id 1 via 192.0.2.3 dev b0
  nexthop add id 2 via 2001:db8::9 dev b0 proto bgp
  nexthop add id 3 blackhole
  nexthop add id 4 dev b0
  nexthop add id 5 via 10.99.0.1 dev b0 onlink protocol static
  nexthop add id 6 via 192.0.2.4 fdb
  nexthop add id 10 group 1/5,200
  nexthop add id 11 group 6 fdb
  nexthop add id 12 group 1/5,2 type resilient buckets 8 idle_timer 60 unbalanced_timer 300
  nexthop add id 13 encap ip id 77 src 192.0.2.1 dst 192.0.2.99 ttl 9 tos 4 via 192.0.2.3 dev b0
`

const addNexthops = (rt: Rtnetlink, b0: number) =>
  rt.request(nexthop.add({ id: 14, oif: b0, family: 'inet6', protocol: 78 }))

const ROUTES = `
  route add default via 192.0.2.254 dev b0
  route add 10.0.0.0/24 via 192.0.2.3 src 192.0.2.1 metric 5 realms 1/2 mtu lock 1400 advmss 1300 rtt 80ms
    rttvar 20ms congctl reno hoplimit 9 initcwnd 10 initrwnd 11 quickack 1 rto_min 300ms window 9000 features ecn
    ssthresh 5 cwnd 7 reordering 4 fastopen_no_cookie 1
  route add blackhole 10.0.1.0/24 metric 9 proto static
  route add unreachable 10.0.2.0/24 table 100
  route add prohibit 10.0.3.0/24 table 1000
  route add throw 10.0.4.0/24 table 100000
  route add 10.0.5.0/24 tos 0x10 via 192.0.2.3 proto bird
  route add 10.0.6.0/24 nexthop via 192.0.2.3 dev b0 weight 3 nexthop via 192.0.2.4 dev b0 realms 7
    nexthop via inet6 2001:db8::9 dev b0 weight 256
  route add 10.0.7.0/24 via inet6 2001:db8::9 dev b0
  route add 10.0.8.0/24 nhid 10
  route add 10.0.9.0/24 nhid 5 proto 78
  route add 10.0.10.1 dev b0 scope link
  route add 10.0.11.0/24 encap ip id 5 src 192.0.2.1 dst 192.0.2.9 ttl 3 tos 8 csum key seq via 192.0.2.3 dev b0
  route add local 10.0.12.0/24 dev lo table 100
  route add broadcast 10.0.13.255 dev b0 table 100
  route add 2001:db8:a::/48 via 2001:db8::9 metric 7 pref high
  route add 2001:db8:b::/48 via 2001:db8::9 expires 3000
  route add 2001:db8:c::/48 from 2001:db8:9::/48 via 2001:db8::9
  route add unreachable 2001:db8:d::/48 metric 8
  route add 2001:db8:e::/48 nexthop via 2001:db8::9 dev b0 weight 2 nexthop via 2001:db8::a dev b0
  route add 2001:db8:f::/48 nhid 2 table 300
  route add 2001:db8:10::/48 encap ip6 id 6 src 2001:db8::1 dst 2001:db8::99 hoplimit 4 tc 5 key
    via 2001:db8::9 dev b0
`

async function addRoutes(rt: Rtnetlink, b0: number): Promise<void> {
  const onlink = { oif: b0, flags: ['onlink'] } as const
  const encap = { type: 'ip', id: 2n ** 40n, dst: '192.0.2.8', flags: ['key'] } as const
  const hops = [
    { ...onlink, gateway: '10.99.0.3', weight: 1 },
    { ...onlink, gateway: '10.99.0.4', encap },
  ]
  await rt.request(
    route.add({ ...onlink, dst: '10.1.0.0/24', gateway: '10.99.0.2', priority: 16_777_217, protocol: 78 }),
  )
  await rt.request(route.add({ dst: '10.1.1.0/24', table: 4_000_000_000, multipath: hops }))
  await rt.request(route.add({ ...onlink, dst: '2001:db8:11::/48', gateway: '2001:db8:99::1', metrics: { mtu: 1280 } }))
}

const RULES = `
  rule add from 10.0.0.0/8 to 192.0.2.1 table 100 priority 100
  rule add not fwmark 7/0xff iif b0 table 1000 priority 101 proto static
  rule add oif gone tos 0x10 blackhole priority 102
  rule add fwmark 9 goto 110 priority 103
  rule add goto 32000 priority 104
  rule add nop priority 110
  rule add from 10.1.2.3 suppress_prefixlength 0 suppress_ifgroup 7 table 88 priority 111
  rule add ipproto 200 sport 7 dport 10-20 uidrange 5-9 prohibit priority 112
  rule add tun_id 99 realms 3/4 table default priority 113
  rule add l3mdev priority 114
`

const RULES6 = `
  rule add from 2001:db8::/32 to 2001:db8::1 iif gone table 100 priority 100
  rule add fwmark 0x10/0x10 unreachable priority 101
`

const addRules = (rt: Rtnetlink) =>
  rt.request(
    rule.add({ src: '10.9.0.0/16', iifname: 'lo', flags: ['invert'], table: 5000, priority: 120, protocol: 78 }),
  )

const NEIGHBOURS = `
  neigh add 192.0.2.10 lladdr 02:00:00:00:00:10 dev b0 nud permanent
  neigh add 192.0.2.11 lladdr 02:00:00:00:00:11 dev b0 nud noarp protocol zebra
  neigh add 192.0.2.12 lladdr 02:00:00:00:00:12 dev b0 nud stale extern_learn
  neigh add 192.0.2.13 dev b0 managed
  neigh add 2001:db8::13 lladdr 02:00:00:00:00:13 dev b0 router nud reachable
  neigh add proxy 192.0.2.14 dev b0 protocol static
`

const addNeighbours = (rt: Rtnetlink, b0: number) =>
  rt.request(neighbour.add({ ifindex: b0, dst: '2001:db8::15', lladdr: '02:00:00:00:00:15', protocol: 78 }))

const FDB = `
  fdb add 02:00:00:00:01:01 dev vx5 dst 192.0.2.21
  fdb append 02:00:00:00:01:01 dev vx5 dst 192.0.2.22 port 4000 vni 77 via b0
  fdb add 02:00:00:00:01:02 dev a0 master static
  fdb add 02:00:00:00:01:03 dev a0 master dynamic extern_learn
  fdb add 02:00:00:00:01:04 dev a0 master static sticky
  fdb add 02:00:00:00:01:05 dev a0 self
  fdb add 02:00:00:00:01:06 dev vx6 dst 2001:db8::21
  fdb add 02:00:00:00:01:07 dev vx0 dst 192.0.2.23 src_vni 1000
`

async function addFdbEntries(rt: Rtnetlink, vx5: number): Promise<void> {
  const entry = { family: 'bridge', ifindex: vx5 } as const
  await rt.request(neighbour.add({ ...entry, lladdr: '02:00:00:00:02:01', nhId: 11 }))
  await rt.request(neighbour.append({ ...entry, lladdr: '00:00:00:00:00:00', dst: '192.0.2.24' }))
}

/** What not every kernel has: VLANs on bridges and devices of kind vlan, VRFs, tunnels. */
const MORE_LINKS = `
  link set br0 type bridge vlan_filtering 1 vlan_protocol 802.1ad vlan_stats_enabled 1
  link add vlan7 link b0 type vlan id 7 protocol 802.1ad gvrp on loose_binding on ingress-qos-map 1:2 3:4
    egress-qos-map 5:6
  link add vrf9 type vrf table 9
  link set mv1 master vrf9
  link add gre1 type gre local 192.0.2.1 key 7 ttl 9 tos 0x10
  link add ip6gre1 type ip6gre local 2001:db8::1 okey 7 hoplimit 9 tclass 0x11 flowlabel 0x12345
  link add sit1 type sit local 192.0.2.1 6rd-prefix 2001:db8::/32 6rd-relay_prefix 192.0.0.0/16
  link set vrf9 up
  link set gre1 up
  link set ip6gre1 up
  link set sit1 up
`

const VLANS = `
  vlan add dev a0 vid 10-20
  vlan add dev a0 vid 30 pvid untagged
  vlan add dev vx5 vid 10-20
  vlan add dev vx5 vid 10-20 tunnel_info id 1010-1020
  vlan add dev vx5 vid 40
  vlan add dev vx5 vid 40 tunnel_info id 7
  vlan add dev br0 vid 50 self
  fdb add 02:00:00:00:01:08 dev a0 master static vlan 30
`

const MPLS = `
  route add 100 as 200/300 via inet 192.0.2.3 dev b0 ttl-propagate enabled
  route add 101 nexthop as 201 via inet 192.0.2.3 dev b0 nexthop via inet6 2001:db8::9 dev b0
`

const MORE_ROUTES = `
  route add 10.2.0.0/24 encap mpls 100/200 ttl 9 via 192.0.2.3 dev b0
  route add 2001:db8:2::/48 via ::192.0.2.77 dev sit1
  route add 10.2.2.0/24 via 192.0.2.77 dev gre1 onlink
  route add 10.2.3.0/24 dev vrf9 table 9
  neigh add 192.0.2.77 lladdr 192.0.2.78 dev gre1 nud permanent
`

async function addMore(here: Namespace, rt: Rtnetlink, index: (name: string) => Promise<number>): Promise<void> {
  loadModules('mpls_router', 'mpls_iptunnel')
  here.run(() => {
    writeFileSync('/proc/sys/net/mpls/platform_labels', '1000')
    writeFileSync('/proc/sys/net/mpls/conf/b0/input', '1')
  })
  await batch(here, 'ip -f mpls', MPLS)
  await batch(here, 'ip', MORE_ROUTES)
  await rt.request(neighbour.add({ ifindex: await index('ip6gre1'), dst: '2001:db8::77', lladdr: '2001:db8::78' }))
}

/** @param more what not every kernel has, too */
export async function populate(here: Namespace, there: Namespace, rt: Rtnetlink, more: boolean): Promise<void> {
  const index = async (ifname: string): Promise<number> => (await rt.get(link.get({ ifname })))[0]!.index
  await here.exec('ip', ['netns', 'set', there.name!, `${NSID}`])
  await batch(here, 'ip', links(there.name!))
  const b0 = await index('b0')
  await addLinks(rt, b0)
  if (more) {
    await batch(here, 'ip', MORE_LINKS)
    await batch(here, 'bridge', VLANS)
  }
  await batch(here, 'ip', ADDRESSES)
  await addAddresses(rt, b0)
  await batch(here, 'ip', NEXTHOPS)
  await addNexthops(rt, b0)
  await batch(here, 'ip', ROUTES)
  await addRoutes(rt, b0)
  await batch(here, 'ip', RULES)
  await batch(here, 'ip -6', RULES6)
  await addRules(rt)
  await batch(here, 'ip', NEIGHBOURS)
  await addNeighbours(rt, b0)
  await batch(here, 'bridge', FDB)
  await addFdbEntries(rt, await index('vx5'))
  if (more) await addMore(here, rt, index)
}
