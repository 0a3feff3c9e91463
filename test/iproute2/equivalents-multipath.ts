import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import type { RouteInput } from '../../lib/schema/route.js'
import type { Request } from '../../lib/wire/request.js'
import type { Devices, Equivalents } from './equivalents.js'

/** Routes with several nexthops or an encapsulation, routes of labels, and nexthop objects. */

const multipath: Equivalents = {
  'ip route add 10.0.0.0/8 nexthop via 192.0.2.2 nexthop via 192.0.2.3': () =>
    route.add({ dst: '10.0.0.0/8', multipath: [{ gateway: '192.0.2.2' }, { gateway: '192.0.2.3' }] }),
  'ip route add 10.0.0.0/8 nexthop via 192.0.2.2 dev eth0 weight 1 nexthop via 192.0.2.3 dev eth0 weight 256': (dev) =>
    route.add({
      dst: '10.0.0.0/8',
      multipath: [
        { gateway: '192.0.2.2', oif: dev.eth0, weight: 1 },
        { gateway: '192.0.2.3', oif: dev.eth0, weight: 256 },
      ],
    }),
  'ip route add 10.0.0.0/8 proto 78 metric 5 nexthop via 192.168.122.12 dev eth0 onlink weight 3 nexthop via 192.168.122.13 dev eth0 onlink':
    (dev) =>
      route.add({
        dst: '10.0.0.0/8',
        protocol: 78,
        priority: 5,
        multipath: [
          { gateway: '192.168.122.12', oif: dev.eth0, flags: ['onlink'], weight: 3 },
          { gateway: '192.168.122.13', oif: dev.eth0, flags: ['onlink'] },
        ],
      }),
  'ip route add 10.0.0.0/8 nexthop via inet6 fe80::2 dev eth0 nexthop via 192.0.2.3 realms 1/2': (dev) =>
    route.add({
      dst: '10.0.0.0/8',
      multipath: [
        { via: { family: 'inet6', address: 'fe80::2' }, oif: dev.eth0 },
        { gateway: '192.0.2.3', flow: (1 << 16) | 2 },
      ],
    }),
  'ip route add 10.0.0.0/8 nexthop encap ip id 7 dst 192.0.2.2 via 192.168.1.2 dev gre1 onlink nexthop encap ip id 8 dst 192.0.2.3 ttl 9 dev gre1 weight 2':
    (dev) =>
      route.add({
        dst: '10.0.0.0/8',
        multipath: [
          {
            encap: { type: 'ip', id: 7n, dst: '192.0.2.2' },
            gateway: '192.168.1.2',
            oif: dev.gre1,
            flags: ['onlink'],
          },
          { encap: { type: 'ip', id: 8n, dst: '192.0.2.3', ttl: 9 }, oif: dev.gre1, weight: 2 },
        ],
      }),
  'ip route append 10.0.0.0/8 nexthop via 192.0.2.4 weight 4 nexthop via 192.0.2.5 weight 5': () =>
    route.append({
      dst: '10.0.0.0/8',
      multipath: [
        { gateway: '192.0.2.4', weight: 4 },
        { gateway: '192.0.2.5', weight: 5 },
      ],
    }),
  'ip route add 2001:db8:9::/48 nexthop via 2001:db8::2 weight 2 nexthop via 2001:db8::3 dev eth0 weight 3': (dev) =>
    route.add({
      dst: '2001:db8:9::/48',
      multipath: [
        { gateway: '2001:db8::2', weight: 2 },
        { gateway: '2001:db8::3', oif: dev.eth0, weight: 3 },
      ],
    }),
  'ip route add 2001:db8:9::/48 nexthop via fe80::2 dev eth0 onlink nexthop via fe80::3 dev eth0 onlink': (dev) =>
    route.add({
      dst: '2001:db8:9::/48',
      multipath: [
        { gateway: 'fe80::2', oif: dev.eth0, flags: ['onlink'] },
        { gateway: 'fe80::3', oif: dev.eth0, flags: ['onlink'] },
      ],
    }),
}

/** A route to 10.0.0.0/8 over the external device. */
const external = (dev: Devices, encap: RouteInput['encap']): Request =>
  route.add({ dst: '10.0.0.0/8', encap, oif: dev.gre1 })

const encaps: Equivalents = {
  'ip route add 10.0.0.0/8 encap ip id 5 dst 192.0.2.2 dev gre1': (dev) =>
    external(dev, { type: 'ip', id: 5n, dst: '192.0.2.2' }),
  'ip route add 10.0.0.0/8 encap ip id 0xffffffffffffffff dst 192.0.2.2 src 192.0.2.1 ttl 64 tos 0x10 key csum seq dev gre1':
    (dev) =>
      external(dev, {
        type: 'ip',
        id: 0xffffffffffffffffn,
        dst: '192.0.2.2',
        src: '192.0.2.1',
        ttl: 64,
        tos: 0x10,
        flags: ['key', 'csum', 'seq'],
      }),
  'ip route add 10.0.0.0/8 encap ip dst 192.0.2.2 dev gre1': (dev) => external(dev, { type: 'ip', dst: '192.0.2.2' }),
  'ip route add 10.0.0.0/8 encap ip6 id 5 dst 2001:db8::2 dev gre1': (dev) =>
    external(dev, { type: 'ip6', id: 5n, dst: '2001:db8::2' }),
  'ip route add 10.0.0.0/8 encap ip6 id 7 dst 2001:db8::2 src 2001:db8::1 hoplimit 64 tc 0x10 key csum seq dev gre1': (
    dev,
  ) =>
    external(dev, {
      type: 'ip6',
      id: 7n,
      dst: '2001:db8::2',
      src: '2001:db8::1',
      hoplimit: 64,
      tc: 0x10,
      flags: ['key', 'csum', 'seq'],
    }),
  'ip route add 2001:db8:9::/48 encap ip id 5 dst 192.0.2.2 key dev gre1': (dev) =>
    route.add({
      dst: '2001:db8:9::/48',
      encap: { type: 'ip', id: 5n, dst: '192.0.2.2', flags: ['key'] },
      oif: dev.gre1,
    }),
  'ip route add 2001:db8:9::/48 encap ip6 id 5 dst 2001:db8::2 dev gre1': (dev) =>
    route.add({ dst: '2001:db8:9::/48', encap: { type: 'ip6', id: 5n, dst: '2001:db8::2' }, oif: dev.gre1 }),
  'ip route add 10.0.0.0/8 encap mpls 100 via 192.0.2.2': () =>
    route.add({ dst: '10.0.0.0/8', encap: { type: 'mpls', dst: [100] }, gateway: '192.0.2.2' }),
  'ip route add 10.0.0.0/8 encap mpls 100/200/300 ttl 9 via 192.0.2.2 dev eth0': (dev) =>
    route.add({
      dst: '10.0.0.0/8',
      encap: { type: 'mpls', dst: [100, 200, 300], ttl: 9 },
      gateway: '192.0.2.2',
      oif: dev.eth0,
    }),
  'ip route add 10.0.0.0/8 encap mpls 100 via 192.0.2.2 ttl-propagate disabled': () =>
    route.add({
      dst: '10.0.0.0/8',
      encap: { type: 'mpls', dst: [100] },
      gateway: '192.0.2.2',
      ttlPropagate: 0,
    }),
}

const mpls: Equivalents = {
  'ip -f mpls route add 100 as 200/300 via inet 192.0.2.2 dev eth0': (dev) =>
    route.add({
      family: 'mpls',
      dst: '100',
      newdst: [200, 300],
      via: { family: 'inet', address: '192.0.2.2' },
      oif: dev.eth0,
    }),
  'ip -f mpls route add 100 via inet6 2001:db8::2': () =>
    route.add({ family: 'mpls', dst: '100', via: { address: '2001:db8::2' } }),
  'ip -f mpls route add 100 dev eth0': (dev) => route.add({ family: 'mpls', dst: '100', oif: dev.eth0 }),
  'ip -f mpls route add 100 nexthop as 200 via inet 192.0.2.2 nexthop via inet 192.0.2.3 dev eth0': (dev) =>
    route.add({
      family: 'mpls',
      dst: '100',
      multipath: [
        { newdst: [200], via: { address: '192.0.2.2' } },
        { via: { address: '192.0.2.3' }, oif: dev.eth0 },
      ],
    }),
  'ip -f mpls route delete 100': () => route.delete({ family: 'mpls', dst: '100' }),
  'ip -f mpls route list': () => route.list({ family: 'mpls', table: 'main' }),
}

const SHORT_OPTION = { class: 0x102, type: 0x80, data: Buffer.from('01020304', 'hex') }
const LONG_OPTION = { class: 0x103, type: 0x81, data: Buffer.from('0102030405060708', 'hex') }

const encapOptions: Equivalents = {
  'ip route add 10.0.0.0/8 encap ip id 5 dst 192.0.2.2 geneve_opts 0x102:0x80:01020304 dev gre1': (dev) =>
    external(dev, { type: 'ip', id: 5n, dst: '192.0.2.2', opts: { geneve: [SHORT_OPTION] } }),
  'ip route add 10.0.0.0/8 encap ip id 5 dst 192.0.2.2 geneve_opts 0x102:0x80:01020304,0x103:0x81:0102030405060708 dev gre1':
    (dev) => external(dev, { type: 'ip', id: 5n, dst: '192.0.2.2', opts: { geneve: [SHORT_OPTION, LONG_OPTION] } }),
  'ip route add 10.0.0.0/8 encap ip id 5 dst 192.0.2.2 vxlan_opts 0x1234 dev gre1': (dev) =>
    external(dev, { type: 'ip', id: 5n, dst: '192.0.2.2', opts: { vxlan: { gbp: 0x1234 } } }),
  'ip route add 10.0.0.0/8 encap ip id 5 dst 192.0.2.2 erspan_opts 1:7:: dev gre1': (dev) =>
    external(dev, { type: 'ip', id: 5n, dst: '192.0.2.2', opts: { erspan: { ver: 1, index: 7 } } }),
  'ip route add 10.0.0.0/8 encap ip id 5 dst 192.0.2.2 erspan_opts 2::1:9 dev gre1': (dev) =>
    external(dev, { type: 'ip', id: 5n, dst: '192.0.2.2', opts: { erspan: { ver: 2, dir: 1, hwid: 9 } } }),
  'ip route add 10.0.0.0/8 encap ip6 id 5 dst 2001:db8::2 geneve_opts 0x102:0x80:01020304 dev gre1': (dev) =>
    external(dev, { type: 'ip6', id: 5n, dst: '2001:db8::2', opts: { geneve: [SHORT_OPTION] } }),
  'ip route add 10.0.0.0/8 encap ip6 id 5 dst 2001:db8::2 vxlan_opts 0x1234 dev gre1': (dev) =>
    external(dev, { type: 'ip6', id: 5n, dst: '2001:db8::2', opts: { vxlan: { gbp: 0x1234 } } }),
  'ip route add 10.0.0.0/8 encap ip6 id 5 dst 2001:db8::2 erspan_opts 2::1:9 dev gre1': (dev) =>
    external(dev, { type: 'ip6', id: 5n, dst: '2001:db8::2', opts: { erspan: { ver: 2, dir: 1, hwid: 9 } } }),
}

const nexthops: Equivalents = {
  'ip nexthop add id 7 via 192.0.2.2 dev eth0': (dev) => nexthop.add({ id: 7, gateway: '192.0.2.2', oif: dev.eth0 }),
  'ip nexthop add via 192.0.2.2 dev eth0': (dev) => nexthop.add({ gateway: '192.0.2.2', oif: dev.eth0 }),
  'ip nexthop add id 7 via 192.168.122.13 dev eth0 onlink protocol 78': (dev) =>
    nexthop.add({ id: 7, gateway: '192.168.122.13', oif: dev.eth0, flags: ['onlink'], protocol: 78 }),
  'ip nexthop add id 7 dev eth0': (dev) => nexthop.add({ id: 7, oif: dev.eth0 }),
  'ip -6 nexthop add id 7 dev eth0': (dev) => nexthop.add({ family: 'inet6', id: 7, oif: dev.eth0 }),
  'ip nexthop add id 7 via 2001:db8::2 dev eth0': (dev) =>
    nexthop.add({ id: 7, gateway: '2001:db8::2', oif: dev.eth0 }),
  'ip nexthop add id 7 via fe80::2 dev eth0 onlink': (dev) =>
    nexthop.add({ id: 7, gateway: 'fe80::2', oif: dev.eth0, flags: ['onlink'] }),
  'ip nexthop add id 7 blackhole': () => nexthop.add({ id: 7, blackhole: true }),
  'ip -6 nexthop add id 7 blackhole protocol static': () =>
    nexthop.add({ family: 'inet6', id: 7, blackhole: true, protocol: 'static' }),
  'ip nexthop add id 7 via 192.0.2.2 fdb': () => nexthop.add({ id: 7, gateway: '192.0.2.2', fdb: true }),
  'ip nexthop add id 7 via 2001:db8::2 fdb': () => nexthop.add({ id: 7, gateway: '2001:db8::2', fdb: true }),
  'ip nexthop add id 7 encap mpls 100/200 via 192.0.2.2 dev eth0': (dev) =>
    nexthop.add({ id: 7, encap: { type: 'mpls', dst: [100, 200] }, gateway: '192.0.2.2', oif: dev.eth0 }),
  'ip nexthop add id 7 encap ip id 5 dst 192.0.2.2 ttl 64 key dev gre1': (dev) =>
    nexthop.add({
      id: 7,
      encap: { type: 'ip', id: 5n, dst: '192.0.2.2', ttl: 64, flags: ['key'] },
      oif: dev.gre1,
    }),
  'ip nexthop add id 7 encap ip6 id 5 dst 2001:db8::2 dev gre1': (dev) =>
    nexthop.add({ id: 7, encap: { type: 'ip6', id: 5n, dst: '2001:db8::2' }, oif: dev.gre1 }),
  'ip nexthop replace id 7 via 192.0.2.2 dev eth0': (dev) =>
    nexthop.replace({ id: 7, gateway: '192.0.2.2', oif: dev.eth0 }),
  'ip nexthop delete id 7': () => nexthop.delete({ id: 7 }),
  'ip nexthop get id 7': () => nexthop.get({ id: 7 }),
  'ip route add 13.1.1.1/32 nhid 7': () => route.add({ dst: '13.1.1.1/32', nhId: 7 }),
  'ip route add 2001:db8:9::/48 nhid 7 proto 78 metric 9': () =>
    route.add({ dst: '2001:db8:9::/48', nhId: 7, protocol: 78, priority: 9 }),
}

const BOTH = [{ id: 1 }, { id: 2 }]

const groups: Equivalents = {
  'ip nexthop add id 100 group 1/2': () => nexthop.add({ id: 100, group: BOTH }),
  'ip nexthop add id 100 group 1,3/2,255 protocol 78': () =>
    nexthop.add({
      id: 100,
      group: [
        { id: 1, weight: 3 },
        { id: 2, weight: 255 },
      ],
      protocol: 78,
    }),
  'ip nexthop add id 100 group 1/2 type mpath': () => nexthop.add({ id: 100, group: BOTH, groupType: 'mpath' }),
  'ip nexthop add id 100 group 1/2 type resilient': () => nexthop.add({ id: 100, group: BOTH, groupType: 'res' }),
  'ip nexthop add id 100 group 1,2/2 type resilient buckets 32 idle_timer 60 unbalanced_timer 300': () =>
    nexthop.add({
      id: 100,
      group: [{ id: 1, weight: 2 }, { id: 2 }],
      groupType: 'res',
      // In hundredths of a second.
      resGroup: { buckets: 32, idleTimer: 6000, unbalancedTimer: 30000 },
    }),
  'ip nexthop replace id 100 group 2': () => nexthop.replace({ id: 100, group: [{ id: 2 }] }),
  'ip nexthop add id 100 group 3 fdb': () => nexthop.add({ id: 100, group: [{ id: 3 }], fdb: true }),
  'ip route add 10.0.0.0/8 nhid 100': () => route.add({ dst: '10.0.0.0/8', nhId: 100 }),
  'ip nexthop list': () => nexthop.list(),
  // Which are of this protocol it finds out itself.
  'ip nexthop list protocol 78': () => nexthop.list(),
  'ip nexthop list groups': () => nexthop.list({ groups: true }),
  'ip nexthop list dev eth0': (dev) => nexthop.list({ oif: dev.eth0 }),
  'ip nexthop list fdb': () => nexthop.list({ fdb: true }),
  'ip nexthop list master red': (dev) => nexthop.list({ master: dev.red }),
  'ip nexthop list vrf red': (dev) => nexthop.list({ master: dev.red }),
  'ip -6 nexthop list': () => nexthop.list({ family: 'inet6' }),
  'ip nexthop bucket list': () => nexthop.listBuckets(),
  'ip nexthop bucket list id 100 nhid 1': () => nexthop.listBuckets({ id: 100, resBucket: { nhId: 1 } }),
  'ip nexthop bucket list dev eth0': (dev) => nexthop.listBuckets({ oif: dev.eth0 }),
  'ip nexthop bucket get id 100 index 2': () => nexthop.getBucket({ id: 100, resBucket: { index: 2 } }),
}

export const multipathEquivalents: Equivalents = {
  ...multipath,
  ...encaps,
  ...encapOptions,
  ...mpls,
  ...nexthops,
  ...groups,
}
