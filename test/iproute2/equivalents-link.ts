import { link } from '../../lib/rtnl/link.js'
import type { KindInput } from '../../lib/schema/kinds.js'
import type { LinkInput } from '../../lib/schema/link.js'
import type { Request } from '../../lib/wire/request.js'
import type { Captured } from './capture.js'
import type { Devices, Equivalents } from './equivalents.js'

/** Devices whatever their kind, and the kinds that labs need beside tunnels. */

/** Which descriptor `ip` had open on the namespace: only its message tells. */
function netNsFd({ messages }: Captured): number | undefined {
  const [, digit] = /08001c000(\d)000000/.exec(messages.join()) ?? []
  return digit === undefined ? undefined : Number(digit)
}

/** Whose frames a macvlan takes. */
const sources = (dev: Devices, data: KindInput<'macvlan'>): Request =>
  link.change({ index: dev.mac0, linkinfo: { kind: 'macvlan', data } })

const otherKinds: Equivalents = {
  'ip link add v0 type veth': () => link.add({ ifname: 'v0', linkinfo: { kind: 'veth' } }),
  'ip link add v0 type veth peer name v1': () =>
    link.add({ ifname: 'v0', linkinfo: { kind: 'veth', data: { peer: { ifname: 'v1' } } } }),
  'ip link add v0 up mtu 1400 type veth peer name v1 mtu 1300 address 02:00:00:00:00:02 txqueuelen 50 index 77': () =>
    link.add({
      ifname: 'v0',
      up: true,
      mtu: 1400,
      linkinfo: {
        kind: 'veth',
        data: { peer: { ifname: 'v1', mtu: 1300, address: '02:00:00:00:00:02', txqlen: 50, index: 77 } },
      },
    }),
  'ip link add v0 type veth peer name v1 netns blue': (_, capture) =>
    link.add({
      ifname: 'v0',
      linkinfo: { kind: 'veth', data: { peer: { ifname: 'v1', netNsFd: netNsFd(capture) } } },
    }),
  'ip link add dummy0 type dummy': () => link.add({ ifname: 'dummy0', linkinfo: { kind: 'dummy' } }),
  'ip link add dummy0 address 02:00:00:00:00:01 txqueuelen 77 mtu 1400 numtxqueues 4 numrxqueues 2 index 99 type dummy':
    () =>
      link.add({
        ifname: 'dummy0',
        address: '02:00:00:00:00:01',
        txqlen: 77,
        mtu: 1400,
        numTxQueues: 4,
        numRxQueues: 2,
        index: 99,
        linkinfo: { kind: 'dummy' },
      }),
  'ip link add ifb0 type ifb': () => link.add({ ifname: 'ifb0', linkinfo: { kind: 'ifb' } }),
  'ip link add red type vrf table 100': () =>
    link.add({ ifname: 'red', linkinfo: { kind: 'vrf', data: { table: 100 } } }),
  'ip link add red type vrf table 1000': () =>
    link.add({ ifname: 'red', linkinfo: { kind: 'vrf', data: { table: 1000 } } }),
  'ip link add mon0 type nlmon': () => link.add({ ifname: 'mon0', linkinfo: { kind: 'nlmon' } }),
  'ip link add link eth0 name eth0.5 type vlan id 5': (dev) =>
    link.add({ ifname: 'eth0.5', link: dev.eth0, linkinfo: { kind: 'vlan', data: { id: 5 } } }),
  'ip link add link eth0 name mac0 type macvlan mode bridge': (dev) =>
    link.add({ ifname: 'mac0', link: dev.eth0, linkinfo: { kind: 'macvlan', data: { mode: 'bridge' } } }),
  'ip link add link eth0 name eth0.6 type vlan protocol 802.1ad id 6 reorder_hdr off gvrp on mvrp on loose_binding on bridge_binding on ingress-qos-map 1:2 3:4 egress-qos-map 5:6':
    (dev) =>
      link.add({
        ifname: 'eth0.6',
        link: dev.eth0,
        linkinfo: {
          kind: 'vlan',
          data: {
            protocol: '8021ad',
            id: 6,
            flags: {
              flags: ['gvrp', 'mvrp', 'loose_binding', 'bridge_binding'],
              mask: ['reorder_hdr', 'gvrp', 'mvrp', 'loose_binding', 'bridge_binding'],
            },
            ingressQos: {
              mapping: [
                { from: 1, to: 2 },
                { from: 3, to: 4 },
              ],
            },
            egressQos: { mapping: [{ from: 5, to: 6 }] },
          },
        },
      }),
  'ip link add link eth0 name mac0 type macvlan mode passthru flag nopromisc bcqueuelen 500': (dev) =>
    link.add({
      ifname: 'mac0',
      link: dev.eth0,
      linkinfo: { kind: 'macvlan', data: { mode: 'passthru', flags: ['nopromisc'], bcQueueLen: 500 } },
    }),
  'ip link set mac0 type macvlan macaddr add 02:00:00:00:00:05': (dev) =>
    sources(dev, { macaddrMode: 'add', macaddr: '02:00:00:00:00:05' }),
  'ip link set mac0 type macvlan macaddr set 02:00:00:00:00:05 02:00:00:00:00:06': (dev) =>
    sources(dev, { macaddrMode: 'set', macaddrData: { macaddr: ['02:00:00:00:00:05', '02:00:00:00:00:06'] } }),
  'ip link set mac0 type macvlan macaddr flush': (dev) => sources(dev, { macaddrMode: 'flush' }),
  'ip link add dummy1 netns blue type dummy': (_, capture) =>
    link.add({ ifname: 'dummy1', netNsFd: netNsFd(capture), linkinfo: { kind: 'dummy' } }),
  'ip link add dummy1 parentdev nowhere type dummy': () =>
    link.add({ ifname: 'dummy1', parentDevName: 'nowhere', linkinfo: { kind: 'dummy' } }),
}

const eth0 = (dev: Devices, value: LinkInput): Request => link.change({ index: dev.eth0, ...value })

const changes: Equivalents = {
  'ip link set eth0 up': (dev) => eth0(dev, { up: true }),
  'ip link set eth0 down': (dev) => eth0(dev, { up: false }),
  'ip link set dev eth0 mtu 1400 txqueuelen 55': (dev) => eth0(dev, { mtu: 1400, txqlen: 55 }),
  'ip link set eth0 address 02:00:00:00:00:03 broadcast ff:ff:ff:ff:ff:ff': (dev) =>
    eth0(dev, { address: '02:00:00:00:00:03', broadcast: 'ff:ff:ff:ff:ff:ff' }),
  'ip link set eth0 name eth9': (dev) => eth0(dev, { ifname: 'eth9' }),
  'ip link set eth0 alias uplink': (dev) => eth0(dev, { ifalias: 'uplink' }),
  'ip link set eth0 group 5': (dev) => eth0(dev, { group: 5 }),
  'ip link set group 5 up': () => link.change({ group: 5, up: true }),
  'ip link set eth0 master br0': (dev) => eth0(dev, { master: dev.br0 }),
  'ip link set eth0 nomaster': (dev) => eth0(dev, { master: 0 }),
  'ip link set eth0 vrf red': (dev) => eth0(dev, { master: dev.red }),
  'ip link set eth0 netns blue': (dev, capture) => eth0(dev, { netNsFd: netNsFd(capture) }),
  'ip link set eth0 netns blue index 123 name far0': (dev, capture) =>
    eth0(dev, { netNsFd: netNsFd(capture), newIfindex: 123, ifname: 'far0' }),
  'ip link set eth0 netns 1': (dev) => eth0(dev, { netNsPid: 1 }),
  'ip link set eth0 addrgenmode none': (dev) => eth0(dev, { afSpec: { inet6: { addrGenMode: 'none' } } }),
  'ip link set eth0 addrgenmode eui64': (dev) => eth0(dev, { afSpec: { inet6: { addrGenMode: 'eui64' } } }),
  'ip link set eth0 addrgenmode stable_secret': (dev) =>
    eth0(dev, { afSpec: { inet6: { addrGenMode: 'stable_privacy' } } }),
  'ip link set eth0 addrgenmode random': (dev) => eth0(dev, { afSpec: { inet6: { addrGenMode: 'random' } } }),
  'ip token set ::5 dev eth0': (dev) => eth0(dev, { family: 'inet6', afSpec: { inet6: { token: '::5' } } }),
  'ip link set eth0 arp off': (dev) => eth0(dev, { flags: ['noarp'] }),
  'ip link set eth0 arp on multicast off': (dev) => eth0(dev, { flags: [], change: ['noarp', 'multicast'] }),
  'ip link set eth0 promisc on allmulticast on': (dev) => eth0(dev, { flags: ['promisc', 'allmulti'] }),
  'ip link set eth0 promisc off allmulticast off multicast on dynamic off trailers on': (dev) =>
    eth0(dev, { flags: ['multicast'], change: ['promisc', 'allmulti', 'multicast', 'dynamic', 'notrailers'] }),
  'ip link set eth0 state dormant': (dev) => eth0(dev, { operstate: 'dormant' }),
  'ip link set eth0 mode dormant': (dev) => eth0(dev, { linkmode: 'dormant' }),
  'ip link set dummy0 carrier off': (dev) => link.change({ index: dev.dummy0, carrier: false }),
  'ip link set mac0 protodown on protodown_reason 3 on': (dev) =>
    link.change({ index: dev.mac0, protoDown: true, protoDownReason: { mask: 1 << 3, value: 1 << 3 } }),
  'ip link set eth0 gso_max_size 32768 gso_max_segs 100 gro_max_size 32768': (dev) =>
    eth0(dev, { gsoMaxSize: 32768, gsoMaxSegs: 100, groMaxSize: 32768 }),
  'ip link set eth0 xdp off': (dev) => eth0(dev, { xdp: { fd: -1, flags: ['update_if_noexist'] } }),
  'ip link property add dev eth0 altname uplink-to-the-other-site altname up2': (dev) =>
    link.addProperties({ index: dev.eth0, propList: { altIfname: ['uplink-to-the-other-site', 'up2'] } }),
  'ip link property del dev eth0 altname up2': (dev) =>
    link.deleteProperties({ index: dev.eth0, propList: { altIfname: ['up2'] } }),
  'ip link set a-name-of-more-than-15-bytes mtu 1300': (dev) => eth0(dev, { mtu: 1300 }),
  'ip link delete group 5': () => link.delete({ group: 5 }),
}

const reads: Equivalents = {
  'ip link show': () => link.list({ extMask: ['vf'] }),
  'ip link show dev eth0': () => link.get({ ifname: 'eth0', extMask: ['vf'] }),
  'ip link show master br0': (dev) => link.list({ master: dev.br0, extMask: ['vf'] }),
  'ip link show nomaster': () => link.list({ master: 0xffffffff, extMask: ['vf'] }),
  'ip link show type bridge': () => link.list({ linkinfo: { kind: 'bridge' }, extMask: ['vf'] }),
  // Which are up it finds out itself.
  'ip link show up': () => link.list({ extMask: ['vf'] }),
  'ip -stats link show dev eth1': () => link.get({ ifname: 'eth1', extMask: ['vf'] }),
  'ip link show dev a-name-of-more-than-15-bytes': () =>
    link.get({ altIfname: 'a-name-of-more-than-15-bytes', extMask: ['vf'] }),
}

export const linkEquivalents: Equivalents = { ...otherKinds, ...changes, ...reads }
