import t from 'tap'
import { EncodeError, KernelError } from '../../lib/errors.js'
import { address } from '../../lib/rtnl/address.js'
import { link } from '../../lib/rtnl/link.js'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { netnsId } from '../../lib/rtnl/netns.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { rule } from '../../lib/rtnl/rule.js'
import type { Request } from '../../lib/wire/request.js'
import { needsNamespaces, runNode, testNamespace } from '../helpers/kernel.js'

/**
 * Common mistakes, and what a person is told about each by this kernel. Where the kernel's words came with some
 * release, or were changed by one, the message is a pattern that takes the others too.
 */

interface Mistake {
  /** The mistake in words. */
  readonly what: string
  readonly request: () => Request
  readonly code: string
  /** All that a person reads. */
  readonly message: string | RegExp
  /** What the kernel, or the encoder, says it is about. */
  readonly attribute?: string
  /** Attributes that only some kernels name. */
  readonly perhaps?: true
}

/** Indexes of what is there: see {@link world}. */
const D0 = 10
const D1 = 11
const DOWN = 12
const PORT = 14
const BR = 20
const VX = 30
const NONE = 999

const MAC = '02:00:00:00:00:01'

/** In order: each needs those before it. */
const world = (): Request[] => [
  link.change({ ifname: 'lo', up: true }),
  ...[D0, DOWN, PORT].map((index) =>
    link.add({
      index,
      ifname: `d${index}`,
      linkinfo: { kind: 'veth', data: { peer: { index: index + 1, ifname: `d${index + 1}` } } },
    } as never),
  ),
  link.add({ index: BR, ifname: 'br0', up: true, linkinfo: { kind: 'bridge' } }),
  link.add({ index: VX, ifname: 'vx0', up: true, linkinfo: { kind: 'vxlan', data: { id: 5, port: 4789 } } }),
  link.change({ index: D0, up: true }),
  link.change({ index: D1, up: true }),
  link.change({ index: PORT, master: BR }),
  address.add({ index: D0, address: '192.0.2.1/24' }),
  address.add({ index: D0, address: '2001:db8::1/64', flags: ['nodad'] }),
  nexthop.add({ id: 1, gateway: '192.0.2.2', oif: D0 }),
  nexthop.add({ id: 2, group: [{ id: 1 }] }),
  nexthop.add({ id: 3, gateway: '192.0.2.9', fdb: true }),
  nexthop.add({ id: 4, gateway: '2001:db8::2', oif: D0 }),
  nexthop.add({ id: 5, blackhole: true }),
  route.add({ dst: '198.51.100.0/24', gateway: '192.0.2.2', oif: D0 }),
  rule.add({ src: '203.0.113.0/24', table: 100, priority: 100 }),
  neighbour.add({ ifindex: D0, dst: '192.0.2.2', lladdr: MAC }),
  neighbour.add({ family: 'bridge', ifindex: VX, lladdr: MAC, dst: '192.0.2.9' }),
]

const raw = (type: number, ...words: number[]): { unknown: { type: number; data: Buffer }[] } => ({
  unknown: [{ type, data: Buffer.from(new Uint32Array(words).buffer) }],
})
const vxlan = (data: object, more: object = {}): Request =>
  link.add({ ifname: 'vx1', ...more, linkinfo: { kind: 'vxlan', data } } as never)
const hop = { dst: '100.64.0.0/24', oif: D0, gateway: '192.0.2.2' }

const LINKS: readonly Mistake[] = [
  {
    what: 'a device by a name that is taken',
    request: () => link.add({ ifname: 'd10', linkinfo: { kind: 'bridge' } }),
    code: 'EEXIST',
    message: 'RTM_NEWLINK d10: a device named d10 exists already, or a bridge device with the same parameters (EEXIST)',
  },
  {
    what: 'another vxlan device with the same VNI',
    request: () => vxlan({ id: 5, port: 4789 }),
    code: 'EEXIST',
    message: 'RTM_NEWLINK vx1: A VXLAN device with the specified VNI already exists (EEXIST)',
  },
  {
    what: 'an unknown kind',
    request: () => link.add({ ifname: 'x0', linkinfo: { kind: 'wormhole' } }),
    code: 'EOPNOTSUPP',
    message:
      'RTM_NEWLINK x0: Unknown device type: the kernel has no wormhole devices, and no module for them that it may load (EOPNOTSUPP)',
  },
  {
    what: 'a device without a kind',
    request: () => link.add({ ifname: 'x0' }),
    code: 'EOPNOTSUPP',
    message: 'RTM_NEWLINK x0: Unknown device type: linkinfo.kind is missing (EOPNOTSUPP)',
  },
  {
    what: 'a vxlan device without anything',
    request: () => link.add({ ifname: 'vx1', linkinfo: { kind: 'vxlan' } }),
    code: 'EINVAL',
    message: 'RTM_NEWLINK vx1: Required attributes not provided to perform the operation (EINVAL)',
  },
  {
    what: 'a VNI of 25 bits',
    request: () => vxlan({ id: 2 ** 24 }),
    code: 'NBMA_ENCODE',
    message: 'linkinfo.data.id: 16777216 is not a VNI from 0 to 16777215',
    attribute: 'linkinfo.data.id',
  },
  {
    what: 'a VNI of 25 bits, past the encoder',
    request: () => vxlan(raw(1, 2 ** 24)),
    code: 'ERANGE',
    message: 'RTM_NEWLINK vx1: VXLAN ID must be lower than 16777216 (ERANGE, attribute linkinfo.data.id)',
    attribute: 'linkinfo.data.id',
  },
  {
    what: 'a local address of IPv4 and a remote one of IPv6',
    request: () => vxlan({ id: 6, local: '192.0.2.1', group6: '2001:db8::9' }),
    code: 'EINVAL',
    message: 'RTM_NEWLINK vx1: Local and remote address must be from the same family (EINVAL)',
  },
  {
    what: 'a range of ports from high to low',
    request: () => vxlan({ id: 6, portRange: { low: 2000, high: 1000 } }),
    code: 'EINVAL',
    message: 'RTM_NEWLINK vx1: Invalid source port range (EINVAL, attribute linkinfo.data.portRange)',
    attribute: 'linkinfo.data.portRange',
  },
  {
    what: 'a multicast group without a device',
    request: () => vxlan({ id: 6, group: '239.1.1.1' }),
    code: 'EINVAL',
    message: 'RTM_NEWLINK vx1: Local interface required for multicast remote destination (EINVAL)',
  },
  {
    what: 'an underlay device that is gone',
    request: () => vxlan({ id: 6, link: NONE }),
    code: 'ENODEV',
    message: 'RTM_NEWLINK vx1: Invalid local interface, device not found (ENODEV)',
  },
  {
    what: 'another VNI for a device that is there',
    request: () => link.change({ index: VX, linkinfo: { kind: 'vxlan', data: { id: 7 } } }),
    code: 'EOPNOTSUPP',
    message: 'RTM_NEWLINK index 30: Cannot change VNI (EOPNOTSUPP)',
  },
  {
    what: 'another port for a device that is there',
    request: () => link.change({ index: VX, linkinfo: { kind: 'vxlan', data: { id: 5, port: 4790 } } }),
    code: 'EOPNOTSUPP',
    message: 'RTM_NEWLINK index 30: Cannot change port (EOPNOTSUPP)',
  },
  {
    what: 'another kind for a device that is there',
    request: () => link.change({ index: VX, linkinfo: { kind: 'bridge', data: {} } }),
    code: 'EOPNOTSUPP',
    message:
      'RTM_NEWLINK index 30: device 30 is not a bridge device, or the kernel cannot do this with one (EOPNOTSUPP)',
  },
  {
    what: 'a name of 16 bytes',
    request: () => link.add({ ifname: 'sixteen-bytes-xy', linkinfo: { kind: 'bridge' } }),
    code: 'NBMA_ENCODE',
    message:
      "ifname: \"sixteen-bytes-xy\" is not a device name of 1 to 15 bytes without '/', ':' or spaces, and not '.' or '..'",
    attribute: 'ifname',
  },
  {
    what: 'a name of 16 bytes, past the encoder',
    request: () =>
      link.add({
        unknown: [{ type: 3, data: Buffer.from('sixteen-bytes-xy\0') }],
        linkinfo: { kind: 'bridge' },
      }),
    code: 'ERANGE',
    message:
      'RTM_NEWLINK: Attribute failed policy validation (ERANGE, attribute ifname, allowed is at most 15 characters)',
    attribute: 'ifname',
  },
  {
    what: 'a name that the kernel keeps for itself',
    request: () => link.add({ ifname: 'all', linkinfo: { kind: 'bridge' } }),
    code: 'EINVAL',
    message: 'RTM_NEWLINK all: the kernel takes no such device and does not say why: the name all, or a value (EINVAL)',
  },
  {
    what: 'the removal of a device that is not there, by name',
    request: () => link.delete({ ifname: 'nope' }),
    code: 'ENODEV',
    message: 'RTM_DELLINK nope: there is no device named nope (ENODEV)',
  },
  {
    what: 'the removal of a device that is not there, by index',
    request: () => link.delete({ index: NONE }),
    code: 'ENODEV',
    message: 'RTM_DELLINK index 999: there is no device with index 999 (ENODEV)',
  },
  {
    what: 'a look at a device that is not there',
    request: () => link.get({ ifname: 'nope' }),
    code: 'ENODEV',
    message: 'RTM_GETLINK nope: there is no device named nope (ENODEV)',
  },
  {
    what: 'setting up a device that is not there',
    request: () => link.change({ index: NONE, up: true }),
    code: 'ENODEV',
    message: 'RTM_NEWLINK index 999: there is no device with index 999 (ENODEV)',
  },
  {
    what: 'a new name that is taken',
    request: () => link.change({ index: D0, ifname: 'br0' }),
    code: 'EEXIST',
    message: 'RTM_NEWLINK br0: a device named br0 exists already (EEXIST)',
  },
  {
    what: 'a further name that is taken',
    request: () => link.addProperties({ index: D0, propList: { altIfname: ['br0'] } }),
    code: 'EEXIST',
    message: 'RTM_NEWLINKPROP index 10: a device has one of these names already (EEXIST)',
  },
  {
    what: 'an MTU that is too large',
    request: () => link.change({ index: D0, mtu: 70_000 }),
    code: 'EINVAL',
    message: 'RTM_NEWLINK index 10: mtu greater than device maximum (EINVAL)',
  },
  {
    what: 'an MTU that is too small',
    request: () => link.change({ index: D0, mtu: 10 }),
    code: 'EINVAL',
    message: 'RTM_NEWLINK index 10: mtu less than device minimum (EINVAL)',
  },
  {
    what: 'a master that is not there',
    request: () => link.change({ index: DOWN, master: NONE }),
    code: 'EINVAL',
    message:
      'RTM_NEWLINK index 12: the kernel does not say why; there may be no device with index 999 to be its master (EINVAL)',
  },
  {
    what: 'a master that takes no ports',
    request: () => link.change({ index: DOWN, master: D0 }),
    code: 'EOPNOTSUPP',
    message: 'RTM_NEWLINK index 12: device 10 cannot be its master, or the kernel cannot do this (EOPNOTSUPP)',
  },
  {
    what: 'a bridge in a bridge',
    request: () => link.add({ ifname: 'br1', master: BR, linkinfo: { kind: 'bridge' } }),
    code: 'ELOOP',
    message: 'RTM_NEWLINK br1: Can not enslave a bridge to a bridge (ELOOP)',
  },
  {
    what: 'a multicast MAC as the address of a device',
    request: () => link.change({ index: D0, address: '01:00:5e:00:00:01' }),
    code: 'EADDRNOTAVAIL',
    message:
      'RTM_NEWLINK 01:00:5e:00:00:01: no device can have the address 01:00:5e:00:00:01: it is multicast, or zero (EADDRNOTAVAIL)',
  },
  {
    what: 'the namespace of a process that is not there',
    request: () => link.change({ index: DOWN, netNsPid: 2 ** 22 + 1 } as never),
    code: 'ESRCH',
    message: 'RTM_NEWLINK index 12: there is no process 4194305 (ESRCH)',
  },
  {
    what: 'an id for the namespace of a process that is not there',
    request: () => netnsId.add({ pid: 2 ** 22 + 1, nsid: 5 }),
    code: 'ESRCH',
    message: 'RTM_NEWNSID nsid 5: Peer netns reference is invalid (ESRCH, attribute pid)',
    attribute: 'pid',
  },
  {
    what: 'VLANs of a device that is no port',
    request: () => link.change({ family: 'bridge', index: D0, protinfo: { cost: 5 } } as never),
    code: 'EOPNOTSUPP',
    message: 'RTM_SETLINK index 10: the kernel, or this device, cannot do this (EOPNOTSUPP)',
  },
]

const ADDRESSES: readonly Mistake[] = [
  {
    what: 'an address twice',
    request: () => address.add({ index: D0, address: '192.0.2.1/24' }),
    code: 'EEXIST',
    // The kernel is silent up to 6.2.
    message:
      /^RTM_NEWADDR 192\.0\.2\.1\/24: (ipv4: Address already assigned|device 10 has the address 192\.0\.2\.1\/24 already) \(EEXIST\)$/,
  },
  {
    what: 'an IPv6 address twice',
    request: () => address.add({ index: D0, address: '2001:db8::1/64' }),
    code: 'EEXIST',
    message:
      /^RTM_NEWADDR 2001:db8::1\/64: (ipv6: address already assigned|device 10 has the address 2001:db8::1\/64 already) \(EEXIST\)$/,
  },
  {
    what: 'an address for a device that is not there',
    request: () => address.add({ index: NONE, address: '192.0.2.7/24' }),
    code: 'ENODEV',
    message: /^RTM_NEWADDR 192\.0\.2\.7\/24: (ipv4: Device not found: )?there is no device with index 999 \(ENODEV\)$/,
  },
  {
    what: 'the removal of an address that the device does not have',
    request: () => address.delete({ index: D0, address: '192.0.2.7/24' }),
    code: 'EADDRNOTAVAIL',
    message:
      /^RTM_DELADDR 192\.0\.2\.7\/24: (ipv4: Address not found: )?device 10 does not have the address 192\.0\.2\.7\/24 \(EADDRNOTAVAIL\)$/,
  },
  {
    what: 'the removal of an IPv6 address that the device does not have',
    request: () => address.delete({ index: D0, address: '2001:db8::7/64' }),
    code: 'EADDRNOTAVAIL',
    message:
      /^RTM_DELADDR 2001:db8::7\/64: (ipv6: address not found: )?device 10 does not have the address 2001:db8::7\/64 \(EADDRNOTAVAIL\)$/,
  },
  {
    what: 'an address that is preferred for longer than it is valid',
    request: () =>
      address.add({
        index: D0,
        address: '192.0.2.7/24',
        cacheinfo: { prefered: 10, valid: 5, cstamp: 0, tstamp: 0 },
      }),
    code: 'EINVAL',
    message: /^RTM_NEWADDR 192\.0\.2\.7\/24: .*(lifetime|prefer).* \(EINVAL(, attribute cacheinfo)?\)$/,
    attribute: 'cacheinfo',
    perhaps: true,
  },
  {
    what: 'a prefix longer than an address',
    request: () => address.add({ index: D0, address: '192.0.2.7/33' }),
    code: 'NBMA_ENCODE',
    message: 'address: "192.0.2.7/33" is not a prefix of length 0 to 32',
    attribute: 'address',
  },
]

const ROUTES: readonly Mistake[] = [
  {
    what: 'a route twice',
    request: () => route.add({ dst: '198.51.100.0/24', gateway: '192.0.2.2', oif: D0 }),
    code: 'EEXIST',
    message:
      'RTM_NEWROUTE 198.51.100.0/24: a route to 198.51.100.0/24 with the same table, tos and metric exists already (EEXIST)',
  },
  {
    what: 'host bits',
    request: () => route.add({ ...hop, dst: '198.51.100.1/24' }),
    code: 'NBMA_ENCODE',
    message: 'dst: "198.51.100.1/24" is not a prefix without host bits (198.51.100.0/24)',
    attribute: 'dst',
  },
  {
    what: 'host bits of IPv6, which the kernel would take',
    request: () => route.add({ dst: '2001:db8:1::1/64', oif: D0 }),
    code: 'NBMA_ENCODE',
    message: 'dst: "2001:db8:1::1/64" is not a prefix without host bits (2001:db8:1::/64)',
    attribute: 'dst',
  },
  {
    what: 'a gateway that nothing leads to',
    request: () => route.add({ dst: '100.64.0.0/24', gateway: '203.0.113.9' }),
    code: 'ENETUNREACH',
    message:
      'RTM_NEWROUTE 100.64.0.0/24: Nexthop has invalid gateway: gateway 203.0.113.9 cannot be reached: give the device (oif) and the onlink flag, or a route to it first (ENETUNREACH)',
  },
  {
    what: 'an IPv6 gateway that nothing leads to',
    request: () => route.add({ dst: '2001:db8:9::/48', gateway: '2001:db8:8::9' }),
    code: 'EHOSTUNREACH',
    message:
      'RTM_NEWROUTE 2001:db8:9::/48: gateway 2001:db8:8::9 cannot be reached: give the device (oif) and the onlink flag, or a route to it first (EHOSTUNREACH)',
  },
  {
    what: 'onlink without a device',
    request: () => route.add({ dst: '100.64.0.0/24', gateway: '203.0.113.9', flags: ['onlink'] }),
    code: 'ENODEV',
    message: 'RTM_NEWROUTE 100.64.0.0/24: Nexthop device required for onlink (ENODEV)',
  },
  {
    what: 'a device that is down',
    request: () => route.add({ dst: '100.64.0.0/24', oif: DOWN }),
    code: 'ENETDOWN',
    message: 'RTM_NEWROUTE 100.64.0.0/24: Device for nexthop is not up (ENETDOWN)',
  },
  {
    what: 'an onlink gateway on a device that is down',
    request: () => route.add({ dst: '100.64.0.0/24', gateway: '192.0.2.9', oif: DOWN, flags: ['onlink'] }),
    code: 'ENETDOWN',
    message: 'RTM_NEWROUTE 100.64.0.0/24: Nexthop device is not up (ENETDOWN)',
  },
  {
    what: 'IPv6 on a device that is down',
    request: () => route.add({ dst: '2001:db8:9::/48', oif: DOWN }),
    code: 'ENETDOWN',
    message: 'RTM_NEWROUTE 2001:db8:9::/48: Nexthop device is not up (ENETDOWN)',
  },
  {
    what: 'a device that is not there',
    request: () => route.add({ dst: '100.64.0.0/24', oif: NONE }),
    code: 'ENODEV',
    message: 'RTM_NEWROUTE 100.64.0.0/24: there is no device with index 999 (ENODEV)',
  },
  {
    what: 'IPv6 on a device that is not there',
    request: () => route.add({ dst: '2001:db8:9::/48', oif: NONE }),
    code: 'ENODEV',
    message: 'RTM_NEWROUTE 2001:db8:9::/48: there is no device with index 999 (ENODEV)',
  },
  {
    what: 'a nexthop object that is not there',
    request: () => route.add({ dst: '100.64.0.0/24', nhId: NONE }),
    code: 'EINVAL',
    message: 'RTM_NEWROUTE 100.64.0.0/24: Nexthop id does not exist (EINVAL)',
  },
  {
    what: 'a nexthop object and a gateway',
    request: () => route.add({ ...hop, nhId: 1 }),
    code: 'EINVAL',
    message: /^RTM_NEWROUTE 100\.64\.0\.0\/24: Nexthop specification and nexthop id are mutually exclusive \(EINVAL\)$/,
  },
  {
    what: 'a nexthop object for FDB entries',
    request: () => route.add({ dst: '100.64.0.0/24', nhId: 3 }),
    code: 'EINVAL',
    message: 'RTM_NEWROUTE 100.64.0.0/24: Route cannot point to a fdb nexthop (EINVAL)',
  },
  {
    what: 'a nexthop object of IPv4 for an IPv6 route',
    request: () => route.add({ dst: '2001:db8:9::/48', nhId: 1 }),
    code: 'EINVAL',
    message: 'RTM_NEWROUTE 2001:db8:9::/48: IPv6 routes can not use an IPv4 nexthop (EINVAL)',
  },
  {
    what: 'the removal of a route that is not there',
    request: () => route.delete({ dst: '100.64.0.0/24' }),
    code: 'ESRCH',
    message: 'RTM_DELROUTE 100.64.0.0/24: there is no route to 100.64.0.0/24 with these properties (ESRCH)',
  },
  {
    what: 'the removal of a route from a table that never was',
    request: () => route.delete({ dst: '100.64.0.0/24', table: 4242 }),
    code: 'ESRCH',
    message: 'RTM_DELROUTE 100.64.0.0/24: FIB table does not exist (ESRCH)',
  },
  {
    what: 'the change of a route that is not there',
    request: () => route.change(hop),
    code: 'ENOENT',
    message: 'RTM_NEWROUTE 100.64.0.0/24: there is no route to 100.64.0.0/24 to change (ENOENT)',
  },
  {
    what: 'the change of an IPv6 route that is not there',
    request: () => route.change({ dst: '2001:db8:9::/48', oif: D0 }),
    code: 'ENOENT',
    message:
      /^RTM_NEWROUTE 2001:db8:9::\/48: (Can not replace route - no match found|there is no route to 2001:db8:9::\/48 to change) \(ENOENT\)$/,
  },
  {
    what: 'a source address of somebody else',
    request: () => route.add({ ...hop, prefsrc: '203.0.113.1' }),
    code: 'EINVAL',
    message: 'RTM_NEWROUTE 100.64.0.0/24: Invalid prefsrc address (EINVAL)',
  },
  {
    what: 'a lightweight tunnel of a type that nobody knows',
    request: () => route.add({ ...hop, encap: { type: 200, data: Buffer.alloc(0) } }),
    code: 'EINVAL',
    message: /^RTM_NEWROUTE 100\.64\.0\.0\/24: Unknown (lwt|LWT) encapsulation type \(EINVAL(, attribute encap)?\)$/,
    perhaps: true,
    attribute: 'encap',
  },
  {
    what: 'the second of two gateways: one that nothing leads to',
    request: () =>
      route.add({
        dst: '100.64.0.0/24',
        multipath: [
          { gateway: '192.0.2.2', oif: D0 },
          { gateway: '203.0.113.9', oif: D0 },
        ],
      }),
    code: 'ENETUNREACH',
    message:
      'RTM_NEWROUTE 100.64.0.0/24: Nexthop has invalid gateway: gateway 192.0.2.2 or another cannot be reached: give the device (oif) and the onlink flag, or a route to it first (ENETUNREACH)',
  },
  {
    what: 'the second of two lightweight tunnels: an id that is too short',
    request: () =>
      route.add({
        dst: '100.64.0.0/24',
        multipath: [
          { gateway: '192.0.2.2', oif: D0 },
          { gateway: '192.0.2.3', oif: D0, encap: { type: 'ip', ...raw(1, 5) } },
        ],
      }),
    code: 'ERANGE',
    message:
      'RTM_NEWROUTE 100.64.0.0/24: Attribute failed policy validation (ERANGE, attribute multipath[1].encap.id, allowed is a number of 8 bytes)',
    attribute: 'multipath[1].encap.id',
  },
  {
    what: 'a metric that nobody knows',
    request: () => route.add({ ...hop, metrics: raw(99, 5) }),
    code: 'EINVAL',
    message: 'RTM_NEWROUTE 100.64.0.0/24: Invalid metric type (EINVAL)',
  },
  {
    what: 'a congestion control that nobody knows',
    request: () => route.add({ ...hop, metrics: { ccAlgo: 'wormhole' } }),
    code: 'EINVAL',
    message: 'RTM_NEWROUTE 100.64.0.0/24: Unknown tcp congestion algorithm (EINVAL)',
  },
  {
    what: 'a gateway with scope host',
    request: () => route.add({ ...hop, scope: 'host' }),
    code: 'EINVAL',
    message: 'RTM_NEWROUTE 100.64.0.0/24: Route with host scope can not have a gateway (EINVAL)',
  },
  {
    what: 'our own address as the gateway of IPv6',
    request: () => route.add({ dst: '2001:db8:9::/48', gateway: '2001:db8::1', oif: D0 }),
    code: 'EINVAL',
    message: 'RTM_NEWROUTE 2001:db8:9::/48: Gateway can not be a local address (EINVAL)',
  },
  {
    what: 'the way to where no route leads',
    request: () => route.get({ dst: '100.99.0.1' }),
    code: 'ENETUNREACH',
    message: 'RTM_GETROUTE 100.99.0.1: there is no route to it (ENETUNREACH)',
  },
  {
    what: 'a list of routes by what the kernel does not filter by',
    request: () => route.list({ gateway: '192.0.2.2' }),
    code: 'EINVAL',
    message: /^RTM_GETROUTE: Unsupported attribute in dump request \(EINVAL(, attribute gateway)?\)$/,
    attribute: 'gateway',
    perhaps: true,
  },
]

const NEXTHOPS: readonly Mistake[] = [
  {
    what: 'a nexthop twice',
    request: () => nexthop.add({ id: 1, gateway: '192.0.2.2', oif: D0 }),
    code: 'EEXIST',
    message: 'RTM_NEWNEXTHOP id 1: a nexthop with id 1 exists already (EEXIST)',
  },
  {
    what: 'the change of a nexthop that is not there',
    request: () => nexthop.change({ id: NONE, gateway: '192.0.2.2', oif: D0 }),
    code: 'ENOENT',
    message:
      'RTM_NEWNEXTHOP id 999: Replace specified without create and no entry exists: there is no nexthop with id 999 (ENOENT)',
  },
  {
    what: 'the removal of a nexthop that is not there',
    request: () => nexthop.delete({ id: NONE }),
    code: 'ENOENT',
    message: 'RTM_DELNEXTHOP id 999: there is no nexthop with id 999 (ENOENT)',
  },
  {
    what: 'a look at a nexthop that is not there',
    request: () => nexthop.get({ id: NONE }),
    code: 'ENOENT',
    message: 'RTM_GETNEXTHOP id 999: there is no nexthop with id 999 (ENOENT)',
  },
  {
    what: 'the removal of no nexthop in particular',
    request: () => nexthop.delete({ id: 0 }),
    code: 'EINVAL',
    message: 'RTM_DELNEXTHOP id 0: Invalid nexthop id (EINVAL)',
  },
  {
    what: 'a group of what is not there',
    request: () => nexthop.add({ id: 9, group: [{ id: 1 }, { id: NONE }] }),
    code: 'EINVAL',
    message: 'RTM_NEWNEXTHOP id 9: Invalid nexthop id (EINVAL)',
  },
  {
    what: 'a group of groups',
    request: () => nexthop.add({ id: 9, group: [{ id: 2 }] }),
    code: 'EINVAL',
    message: /^RTM_NEWNEXTHOP id 9: (Multipath|Hash-threshold) group can not be a nexthop within a group \(EINVAL\)$/,
  },
  {
    what: 'a group with one member twice',
    request: () => nexthop.add({ id: 9, group: [{ id: 1 }, { id: 1 }] }),
    code: 'EINVAL',
    message: 'RTM_NEWNEXTHOP id 9: Nexthop id can not be used twice in a group (EINVAL)',
  },
  {
    what: 'a group with a gateway',
    request: () => nexthop.add({ id: 9, group: [{ id: 1 }], gateway: '192.0.2.2' }),
    code: 'EINVAL',
    message: /^RTM_NEWNEXTHOP id 9: .* \(EINVAL(, attribute gateway)?\)$/,
    attribute: 'gateway',
    perhaps: true,
  },
  {
    what: 'a gateway without a device',
    request: () => nexthop.add({ id: 9, gateway: '192.0.2.2' }),
    code: 'EINVAL',
    message: 'RTM_NEWNEXTHOP id 9: Device attribute required for non-blackhole and non-fdb nexthops (EINVAL)',
  },
  {
    what: 'a device that is not there',
    request: () => nexthop.add({ id: 9, gateway: '192.0.2.2', oif: NONE }),
    code: 'EINVAL',
    message: 'RTM_NEWNEXTHOP id 9: Invalid device index: there is no device with index 999 (EINVAL)',
  },
  {
    what: 'a device that is down',
    request: () => nexthop.add({ id: 9, gateway: '192.0.2.2', oif: DOWN, flags: ['onlink'] }),
    code: 'ENETDOWN',
    message: 'RTM_NEWNEXTHOP id 9: Nexthop device is not up (ENETDOWN)',
  },
  {
    what: 'a gateway that nothing leads to',
    request: () => nexthop.add({ id: 9, gateway: '203.0.113.9', oif: D0 }),
    code: 'ENETUNREACH',
    message:
      'RTM_NEWNEXTHOP id 9: Nexthop has invalid gateway: gateway 203.0.113.9 cannot be reached: give the device (oif) and the onlink flag, or a route to it first (ENETUNREACH)',
  },
  {
    what: 'an attribute that the kernel does not know',
    request: () => nexthop.add({ id: 9, gateway: '192.0.2.2', oif: D0, ...raw(99, 5) }),
    code: 'EINVAL',
    message: 'RTM_NEWNEXTHOP id 9: Unknown attribute type (EINVAL, attribute NHA_99)',
    attribute: 'NHA_99',
  },
  {
    what: 'a blackhole with a device',
    request: () => nexthop.add({ id: 9, blackhole: true, oif: D0 }),
    code: 'EINVAL',
    message: 'RTM_NEWNEXTHOP id 9: Blackhole attribute can not be used with gateway, oif, encap or fdb (EINVAL)',
  },
  {
    what: 'nothing at all',
    request: () => nexthop.add({ id: 9 }),
    code: 'EINVAL',
    message: 'RTM_NEWNEXTHOP id 9: Device attribute required for non-blackhole and non-fdb nexthops (EINVAL)',
  },
  {
    what: 'an id that no 32 bits hold',
    request: () => nexthop.add({ id: 2 ** 32, gateway: '192.0.2.2', oif: D0 }),
    code: 'NBMA_ENCODE',
    message: 'id: 4294967296 is not a whole number from 0 to 4294967295',
    attribute: 'id',
  },
]

const NEIGHBOURS: readonly Mistake[] = [
  {
    what: 'a neighbour twice',
    request: () => neighbour.add({ ifindex: D0, dst: '192.0.2.2', lladdr: MAC }),
    code: 'EEXIST',
    message: 'RTM_NEWNEIGH 192.0.2.2: an entry for 192.0.2.2 on device 10 exists already (EEXIST)',
  },
  {
    what: 'a neighbour on a device that is not there',
    request: () => neighbour.add({ ifindex: NONE, dst: '192.0.2.2', lladdr: MAC }),
    code: 'ENODEV',
    message: 'RTM_NEWNEIGH 192.0.2.2: there is no device with index 999 (ENODEV)',
  },
  {
    what: 'an IPv4 address as the link-layer address of Ethernet',
    request: () => neighbour.add({ ifindex: D0, dst: '192.0.2.3', lladdr: '192.0.2.3' }),
    code: 'EINVAL',
    message: 'RTM_NEWNEIGH 192.0.2.3: Invalid link address (EINVAL)',
  },
  {
    what: 'a neighbour without an address',
    request: () => neighbour.add({ family: 'inet', ifindex: D0, lladdr: MAC }),
    code: 'EINVAL',
    message: 'RTM_NEWNEIGH 02:00:00:00:00:01: Network address not specified (EINVAL)',
  },
  {
    what: 'the removal of a neighbour that is not there',
    request: () => neighbour.delete({ ifindex: D0, dst: '192.0.2.7' }),
    code: 'ENOENT',
    message: 'RTM_DELNEIGH 192.0.2.7: there is no entry for 192.0.2.7 on device 10 (ENOENT)',
  },
  {
    what: 'the change of a neighbour that is not there',
    request: () => neighbour.change({ ifindex: D0, dst: '192.0.2.7', lladdr: MAC }),
    code: 'ENOENT',
    message: 'RTM_NEWNEIGH 192.0.2.7: there is no entry for 192.0.2.7 on device 10 (ENOENT)',
  },
  {
    what: 'a look at a neighbour that is not there',
    request: () => neighbour.get({ ifindex: D0, dst: '192.0.2.7' }),
    code: 'ENOENT',
    message:
      /^RTM_GETNEIGH 192\.0\.2\.7: (Neighbour entry not found|there is no entry for 192\.0\.2\.7 on device 10) \(ENOENT\)$/,
  },
  {
    what: 'a list of neighbours by the wrong kind of index',
    request: () => neighbour.list({ family: 'inet', ifindex: D0 }),
    code: 'EINVAL',
    message: 'RTM_GETNEIGH ifindex 10: Invalid values in header for neighbor dump request (EINVAL)',
  },
]

const fdb = (value: object): Parameters<typeof neighbour.add>[0] => ({ family: 'bridge', lladdr: MAC, ...value })

const FDB: readonly Mistake[] = [
  {
    what: 'an FDB entry twice',
    request: () => neighbour.add(fdb({ ifindex: VX, dst: '192.0.2.9' })),
    code: 'EEXIST',
    message: 'RTM_NEWNEIGH 192.0.2.9: an entry for 02:00:00:00:00:01 on device 30 exists already (EEXIST)',
  },
  {
    what: 'the removal of an FDB entry that is not there',
    request: () => neighbour.delete(fdb({ ifindex: VX, lladdr: '02:00:00:00:00:07' })),
    code: 'ENOENT',
    message: 'RTM_DELNEIGH 02:00:00:00:00:07: there is no entry for 02:00:00:00:00:07 on device 30 (ENOENT)',
  },
  {
    what: 'an FDB entry of a device that is not there',
    request: () => neighbour.add(fdb({ ifindex: NONE, dst: '192.0.2.9' })),
    code: 'ENODEV',
    message: 'RTM_NEWNEIGH 192.0.2.9: unknown ifindex: there is no device with index 999 (ENODEV)',
  },
  {
    what: 'an FDB entry without a MAC',
    request: () => neighbour.add({ family: 'bridge', ifindex: VX, dst: '192.0.2.9' }),
    code: 'EINVAL',
    message: 'RTM_NEWNEIGH 192.0.2.9: invalid address (EINVAL)',
  },
  {
    what: 'an entry of the bridge for a device that is no port',
    request: () => neighbour.add(fdb({ ifindex: D0, flags: ['master'] })),
    code: 'EOPNOTSUPP',
    message:
      'RTM_NEWNEIGH 02:00:00:00:00:01: device 10 has no such table: only bridges and vxlan devices have an FDB (EOPNOTSUPP)',
  },
  {
    what: 'a remote end of IPv6 on a vxlan device of IPv4',
    request: () => neighbour.append(fdb({ ifindex: VX, dst: '2001:db8::9' })),
    code: 'EAFNOSUPPORT',
    message:
      'RTM_NEWNEIGH 2001:db8::9: device 30 cannot send to 2001:db8::9: its remote addresses are of the other family (EAFNOSUPPORT)',
  },
  {
    what: 'a remote end and a nexthop object',
    request: () => neighbour.add(fdb({ ifindex: VX, lladdr: '02:00:00:00:00:07', dst: '192.0.2.9', nhId: 3 })),
    code: 'EINVAL',
    message: 'RTM_NEWNEIGH 192.0.2.9: DST, VNI, ifindex and port are mutually exclusive with NH_ID (EINVAL)',
  },
  {
    what: 'a nexthop object that is not there',
    request: () => neighbour.add(fdb({ ifindex: VX, lladdr: '02:00:00:00:00:07', nhId: NONE })),
    code: 'EINVAL',
    message: 'RTM_NEWNEIGH 02:00:00:00:00:07: Nexthop id does not exist (EINVAL)',
  },
  {
    what: 'a nexthop object that is not for FDB entries',
    request: () => neighbour.add(fdb({ ifindex: VX, lladdr: '02:00:00:00:00:07', nhId: 1 })),
    code: 'EINVAL',
    message: 'RTM_NEWNEIGH 02:00:00:00:00:07: Nexthop is not a fdb nexthop (EINVAL)',
  },
]

const RULES: readonly Mistake[] = [
  {
    what: 'a rule twice',
    request: () => rule.add({ src: '203.0.113.0/24', table: 100, priority: 100 }),
    code: 'EEXIST',
    message: 'RTM_NEWRULE priority 100: the same rule exists already (EEXIST)',
  },
  {
    what: 'the removal of a rule that is not there',
    request: () => rule.delete({ priority: 101 }),
    code: 'ENOENT',
    message: 'RTM_DELRULE priority 101: there is no such rule (ENOENT)',
  },
  {
    what: 'a rule that goes back',
    request: () => rule.add({ priority: 200, goto: 100 }),
    code: 'EINVAL',
    message: 'RTM_NEWRULE priority 200: Backward goto not supported (EINVAL)',
  },
  {
    what: 'ports from high to low',
    request: () => rule.add({ priority: 200, ipProto: 6, dportRange: { start: 2000, end: 1000 } }),
    code: 'EINVAL',
    message: /^RTM_NEWRULE priority 200: Invalid dport range \(EINVAL(, attribute dportRange)?\)$/,
    attribute: 'dportRange',
    perhaps: true,
  },
  {
    what: 'users from high to low',
    request: () => rule.add({ priority: 200, uidRange: { start: 2000, end: 1000 } }),
    code: 'EINVAL',
    message: /^RTM_NEWRULE priority 200: Invalid uid range \(EINVAL(, attribute uidRange)?\)$/,
    attribute: 'uidRange',
    perhaps: true,
  },
  {
    what: 'a table and the table of the device',
    request: () => rule.add({ priority: 200, l3mdev: true, table: 100 }),
    code: 'EINVAL',
    message: 'RTM_NEWRULE priority 200: l3mdev and table are mutually exclusive (EINVAL)',
  },
]

const MISTAKES = { LINKS, ADDRESSES, ROUTES, NEXTHOPS, NEIGHBOURS, FDB, RULES }

t.test('what a person is told', { skip: needsNamespaces }, async (t) => {
  await using rt = await Rtnetlink.open({ namespace: testNamespace(t) })
  for (const request of world()) await rt.request(request)
  for (const [about, mistakes] of Object.entries(MISTAKES)) {
    await t.test(about, async (t) => {
      for (const { what, request, code, message, attribute, perhaps } of mistakes) {
        const error = await (async () => rt.get(request()))().then(
          () => undefined,
          (error: unknown) => error,
        )
        if (!(error instanceof KernelError || error instanceof EncodeError)) {
          t.fail(`${what}: no refusal`, { found: error })
          continue
        }
        if (typeof message === 'string') t.equal(error.message, message, what)
        else t.match(error.message, message, what)
        t.equal(error.code, code, `${what}: ${code}`)
        const named = error instanceof EncodeError ? error.path : error.extack?.attribute
        if (!perhaps || named !== undefined) t.equal(named, attribute, `${what}: ${attribute ?? 'no attribute'}`)
      }
    })
  }
  const count = Object.values(MISTAKES).reduce((sum, { length }) => sum + length, 0)
  t.ok(count >= 60, `${count} mistakes`)
})

t.test('the same is told in a batch', { skip: needsNamespaces }, async (t) => {
  await using rt = await Rtnetlink.open({ namespace: testNamespace(t) })
  for (const request of world()) await rt.request(request)
  const known = ROUTES.filter(({ code, request }) => code !== 'NBMA_ENCODE' && !request().reads)
  const { failures, applied, unknown } = await rt.batch(known.map(({ request }) => request()))
  t.same([applied, unknown], [0, []])
  t.equal(failures.length, known.length)
  for (const { index, error } of failures) {
    const { what, message } = known[index]!
    if (typeof message === 'string') t.equal(error.message, message, what)
    else t.match(error.message, message, what)
  }
})

t.test('without privileges', { skip: needsNamespaces }, async (t) => {
  const namespace = testNamespace(t)
  const lib = new URL('../../lib/index.js', import.meta.url).href
  const { stdout, stderr } = await runNode(
    `
    const { Rtnetlink, link, route, nexthop } = await import(args[1])
    const namespace = Namespace.open(args[0])
    const rt = await Rtnetlink.open({ namespace })
    // What is loaded only when it is needed, while it can be.
    await rt.list(link.list())
    process.seteuid(65534)
    const tell = (error) => console.log(error.name, error.code, error.message)
    await rt.request(link.add({ ifname: 'x0', linkinfo: { kind: 'bridge' } })).catch(tell)
    await rt.request(route.delete({ dst: '10.0.0.0/8' })).catch(tell)
    const { failures } = await rt.batch([nexthop.add({ id: 1, blackhole: true })])
    tell(failures[0].error)
    console.log((await rt.list(link.list())).length)
    await Rtnetlink.open({ namespace }).catch(tell)
    // Coverage is written at the end, into a folder of the first user's.
    process.seteuid(0)
    `,
    [namespace.name!, lib],
  )
  t.equal(stderr, '')
  const needs = 'not permitted: this needs CAP_NET_ADMIN in the user namespace that owns the network namespace (EPERM)'
  t.same(stdout.trimEnd().split('\n'), [
    `KernelError EPERM RTM_NEWLINK x0: ${needs}`,
    `KernelError EPERM RTM_DELROUTE 10.0.0.0/8: ${needs}`,
    `KernelError EPERM RTM_NEWNEXTHOP id 1: ${needs}`,
    '1',
    `NbmaError EPERM cannot enter network namespace ${namespace.name}: needs CAP_SYS_ADMIN (EPERM)`,
  ])
})
