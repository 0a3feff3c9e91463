import { route } from '../../lib/rtnl/route.js'
import type { RouteInput } from '../../lib/schema/route.js'
import type { Request } from '../../lib/wire/request.js'
import type { Equivalents } from './equivalents.js'

/** Routes with one nexthop, or none. */

/** Most commands are about this one. */
const ten = (value: RouteInput): Request => route.add({ dst: '10.0.0.0/8', ...value })
const viaTwo = (value: RouteInput): Request => ten({ gateway: '192.0.2.2', ...value })

const ipv4: Equivalents = {
  'ip route add 10.0.0.0/8 via 192.0.2.2': () => viaTwo({}),
  'ip route add 10.0.0.0/8 via 192.0.2.2 dev eth0': (dev) => viaTwo({ oif: dev.eth0 }),
  'ip route add 12.1.1.1/32 via 192.168.122.12 dev eth0 onlink': (dev) =>
    route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12', oif: dev.eth0, flags: ['onlink'] }),
  'ip route add 12.1.1.1 dev eth0': (dev) => route.add({ dst: '12.1.1.1', oif: dev.eth0 }),
  'ip route add default via 192.0.2.2': () => route.add({ dst: 'default', gateway: '192.0.2.2' }),
  'ip route add 10.0.0.0/8 dev eth0 scope link src 192.0.2.1 proto static metric 100': (dev) =>
    ten({ oif: dev.eth0, scope: 'link', prefsrc: '192.0.2.1', protocol: 'static', priority: 100 }),
  'ip route add 10.0.0.0/8 via 192.0.2.2 table 100': () => viaTwo({ table: 100 }),
  'ip route add 10.0.0.0/8 via 192.0.2.2 table 1000 proto 78': () => viaTwo({ table: 1000, protocol: 78 }),
  'ip route add 10.0.0.0/8 via 192.0.2.2 metric 4294967295': () => viaTwo({ priority: 4294967295 }),
  'ip route add 10.0.0.0/8 via 192.0.2.2 tos 0x10': () => viaTwo({ tos: 0x10 }),
  'ip route add 10.0.0.0/8 via 192.0.2.2 realms 1/2': () => viaTwo({ flow: (1 << 16) | 2 }),
  'ip route add 10.0.0.0/8 via inet6 2001:db8::2 dev eth0': (dev) =>
    ten({ via: { family: 'inet6', address: '2001:db8::2' }, oif: dev.eth0 }),
  'ip route add 10.0.0.0/8 via inet6 fe80::2 dev eth0 onlink': (dev) =>
    ten({ via: { address: 'fe80::2' }, oif: dev.eth0, flags: ['onlink'] }),
  'ip route add 10.0.0.0/8 dev eth0 scope host': (dev) => ten({ oif: dev.eth0, scope: 'host' }),
  // The table of the VRF.
  'ip route add 10.0.0.0/8 vrf red via 192.0.2.2 dev eth0 onlink': (dev) =>
    viaTwo({ table: 100, oif: dev.eth0, flags: ['onlink'] }),
  'ip route add blackhole 10.0.0.0/8': () => ten({ type: 'blackhole' }),
  'ip route add unreachable 10.0.0.0/8 metric 4278198272': () => ten({ type: 'unreachable', priority: 4278198272 }),
  'ip route add prohibit 10.0.0.0/8': () => ten({ type: 'prohibit' }),
  'ip route add throw 10.0.0.0/8 table 100': () => ten({ type: 'throw', table: 100 }),
  'ip route add local 10.0.0.1/32 dev eth0 table local': (dev) =>
    route.add({ type: 'local', dst: '10.0.0.1/32', oif: dev.eth0, table: 'local' }),
  'ip route add broadcast 10.255.255.255/32 dev eth0 table local scope link': (dev) =>
    route.add({ type: 'broadcast', dst: '10.255.255.255/32', oif: dev.eth0, table: 'local', scope: 'link' }),
  'ip route add multicast 239.0.0.0/8 dev eth0 table local': (dev) =>
    route.add({ type: 'multicast', dst: '239.0.0.0/8', oif: dev.eth0, table: 'local' }),
  'ip route add unicast 10.0.0.0/8 via 192.0.2.2': () => viaTwo({ type: 'unicast' }),
  'ip route replace 10.0.0.0/8 via 192.0.2.3': () => route.replace({ dst: '10.0.0.0/8', gateway: '192.0.2.3' }),
  'ip route append 10.0.0.0/8 via 192.0.2.3': () => route.append({ dst: '10.0.0.0/8', gateway: '192.0.2.3' }),
  'ip route prepend 10.0.0.0/8 via 192.0.2.3': () => route.prepend({ dst: '10.0.0.0/8', gateway: '192.0.2.3' }),
  'ip route change 10.0.0.0/8 via 192.0.2.3': () => route.change({ dst: '10.0.0.0/8', gateway: '192.0.2.3' }),
  'ip route delete 10.0.0.0/8': () => route.delete({ dst: '10.0.0.0/8' }),
  'ip route delete 10.0.0.0/8 via 192.0.2.2 dev eth0 table 1000 metric 5 proto 78': (dev) =>
    route.delete({
      dst: '10.0.0.0/8',
      gateway: '192.0.2.2',
      oif: dev.eth0,
      table: 1000,
      priority: 5,
      protocol: 78,
    }),
  'ip route delete blackhole 10.0.0.0/8': () => route.delete({ type: 'blackhole', dst: '10.0.0.0/8' }),
  'ip route delete default': () => route.delete({ dst: 'default' }),
}

const metrics: Equivalents = {
  'ip route add 10.0.0.0/8 via 192.0.2.2 mtu 1400': () => viaTwo({ metrics: { mtu: 1400 } }),
  'ip route add 10.0.0.0/8 via 192.0.2.2 mtu lock 1400 advmss lock 1360': () =>
    viaTwo({ metrics: { mtu: 1400, advmss: 1360, lock: ['mtu', 'advmss'] } }),
  // Times in the units of the kernel; a least timeout is always locked.
  'ip route add 10.0.0.0/8 via 192.0.2.2 window 65535 rtt 100ms rttvar 50 rto_min 20ms ssthresh 10 cwnd 30 reordering 5':
    () =>
      viaTwo({
        metrics: {
          window: 65535,
          rtt: 800,
          rttvar: 50,
          rtoMin: 20,
          ssthresh: 10,
          cwnd: 30,
          reordering: 5,
          lock: ['rto_min'],
        },
      }),
  'ip route add 10.0.0.0/8 via 192.0.2.2 hoplimit 33 initcwnd 20 initrwnd 40 quickack 1 features ecn fastopen_no_cookie 1':
    () =>
      viaTwo({
        metrics: { hoplimit: 33, initcwnd: 20, initrwnd: 40, quickack: 1, features: ['ecn'], fastopenNoCookie: 1 },
      }),
  'ip route add 10.0.0.0/8 via 192.0.2.2 congctl cubic': () => viaTwo({ metrics: { ccAlgo: 'cubic' } }),
  'ip route add 10.0.0.0/8 via 192.0.2.2 congctl lock cubic': () =>
    viaTwo({ metrics: { ccAlgo: 'cubic', lock: ['cc_algo'] } }),
  'ip route add 2001:db8:9::/48 via 2001:db8::2 mtu 1280 hoplimit 44 congctl cubic': () =>
    nine({ gateway: '2001:db8::2', metrics: { mtu: 1280, hoplimit: 44, ccAlgo: 'cubic' } }),
}

const nine = (value: RouteInput): Request => route.add({ dst: '2001:db8:9::/48', ...value })

const ipv6: Equivalents = {
  'ip route add 2001:db8:9::/48 via 2001:db8::2': () => nine({ gateway: '2001:db8::2' }),
  'ip -6 route add default via 2001:db8::2 dev eth0': (dev) =>
    route.add({ dst: 'default', gateway: '2001:db8::2', oif: dev.eth0 }),
  'ip route add 2001:db8:9::1/128 dev eth0 metric 77 proto static': (dev) =>
    route.add({ dst: '2001:db8:9::1/128', oif: dev.eth0, priority: 77, protocol: 'static' }),
  'ip route add 2001:db8:9::/48 via fe80::2 dev eth0 onlink pref high': (dev) =>
    nine({ gateway: 'fe80::2', oif: dev.eth0, flags: ['onlink'], pref: 'high' }),
  'ip route add 2001:db8:9::/48 via 2001:db8::2 pref low expires 600': () =>
    nine({ gateway: '2001:db8::2', pref: 'low', expires: 600 }),
  'ip route add 2001:db8:9::/48 via 2001:db8::2 pref medium table 1000': () =>
    nine({ gateway: '2001:db8::2', pref: 'medium', table: 1000 }),
  'ip route add 2001:db8:9::/48 from 2001:db8:1::/64 via 2001:db8::2': () =>
    nine({ src: '2001:db8:1::/64', gateway: '2001:db8::2' }),
  'ip route add 2001:db8:9::/48 via 2001:db8::2 src 2001:db8::1': () =>
    nine({ gateway: '2001:db8::2', prefsrc: '2001:db8::1' }),
  'ip -6 route add blackhole 2001:db8:9::/48': () => nine({ type: 'blackhole' }),
  'ip -6 route add unreachable default': () => route.add({ family: 'inet6', type: 'unreachable', dst: 'default' }),
  'ip -6 route add prohibit 2001:db8:9::/48': () => nine({ type: 'prohibit' }),
  'ip -6 route add throw 2001:db8:9::/48': () => nine({ type: 'throw' }),
  'ip -6 route add local 2001:db8:9::1/128 dev eth0 table local': (dev) =>
    route.add({ type: 'local', dst: '2001:db8:9::1/128', oif: dev.eth0, table: 'local' }),
  'ip -6 route add anycast 2001:db8:9::/128 dev eth0 table local': (dev) =>
    route.add({ type: 'anycast', dst: '2001:db8:9::/128', oif: dev.eth0, table: 'local' }),
  'ip -6 route add multicast ff05::/16 dev eth0 table local': (dev) =>
    route.add({ type: 'multicast', dst: 'ff05::/16', oif: dev.eth0, table: 'local' }),
  'ip -6 route replace 2001:db8:9::/48 via 2001:db8::3': () =>
    route.replace({ dst: '2001:db8:9::/48', gateway: '2001:db8::3' }),
  'ip -6 route append 2001:db8:9::/48 via 2001:db8::3': () =>
    route.append({ dst: '2001:db8:9::/48', gateway: '2001:db8::3' }),
  'ip -6 route change 2001:db8:9::/48 via 2001:db8::3': () =>
    route.change({ dst: '2001:db8:9::/48', gateway: '2001:db8::3' }),
  'ip -6 route delete 2001:db8:9::/48 via 2001:db8::2 dev eth0': (dev) =>
    route.delete({ dst: '2001:db8:9::/48', gateway: '2001:db8::2', oif: dev.eth0 }),
}

const reads: Equivalents = {
  'ip route get 192.0.2.9': () => route.get({ dst: '192.0.2.9' }),
  'ip route get 192.0.2.9 from 192.0.2.1 oif eth0 mark 5 uid 0 ipproto udp sport 1000 dport 2000 tos 0x10': (dev) =>
    route.get({
      dst: '192.0.2.9',
      src: '192.0.2.1',
      oif: dev.eth0,
      mark: 5,
      uid: 0,
      ipProto: 17,
      sport: 1000,
      dport: 2000,
      tos: 0x10,
    }),
  'ip route get 192.0.2.1 from 192.0.2.9 iif eth0': (dev) =>
    route.get({ dst: '192.0.2.1', src: '192.0.2.9', iif: dev.eth0 }),
  'ip route get fibmatch 192.0.2.9': () => route.get({ dst: '192.0.2.9', flags: ['lookup_table', 'fib_match'] }),
  'ip route get 192.0.2.9 vrf red': (dev) => route.get({ dst: '192.0.2.9', oif: dev.red }),
  'ip -6 route get 2001:db8::9': () => route.get({ dst: '2001:db8::9' }),
  'ip route get 2001:db8::9 from 2001:db8::1 oif eth0': (dev) =>
    route.get({ dst: '2001:db8::9', src: '2001:db8::1', oif: dev.eth0 }),
  'ip route list': () => route.list({ family: 'inet', table: 'main' }),
  'ip route list table 100': () => route.list({ family: 'inet', table: 100 }),
  'ip route list table 1000': () => route.list({ family: 'inet', table: 1000 }),
  'ip route list table all': () => route.list(),
  'ip route list proto static': () => route.list({ family: 'inet', table: 'main', protocol: 'static' }),
  'ip route list dev eth0': (dev) => route.list({ family: 'inet', table: 'main', oif: dev.eth0 }),
  'ip route list table all proto 78 dev eth0': (dev) => route.list({ protocol: 78, oif: dev.eth0 }),
  'ip route list cache': () => route.list({ family: 'inet', table: 'main', flags: ['cloned'] }),
  'ip -6 route list': () => route.list({ family: 'inet6', table: 'main' }),
  'ip -6 route list table all proto static': () => route.list({ family: 'inet6', protocol: 'static' }),
  'ip -4 route list table local': () => route.list({ family: 'inet', table: 'local' }),
}

export const routeEquivalents: Equivalents = { ...ipv4, ...metrics, ...ipv6, ...reads }
