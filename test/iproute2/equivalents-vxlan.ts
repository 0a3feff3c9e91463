import { link } from '../../lib/rtnl/link.js'
import type { KindInput } from '../../lib/schema/kinds.js'
import type { Request } from '../../lib/wire/request.js'
import type { Equivalents } from './equivalents.js'

/** Ethernet over UDP and IPsec: kinds `vxlan`, `geneve`, `vti` and `vti6`. */

// What `ip` sends unasked for.
const VXLAN_DEFAULTS = { learning: true } as const satisfies KindInput<'vxlan'>
const EXTERNAL_VXLAN_DEFAULTS = { collectMetadata: true, learning: false } as const satisfies KindInput<'vxlan'>
const GENEVE_DEFAULTS = { label: 0, ttl: 0, tos: 0 } as const satisfies KindInput<'geneve'>
const VTI_DEFAULTS = { ikey: 0, okey: 0, fwmark: 0 } as const satisfies KindInput<'vti'>

const vxlan = (data: KindInput<'vxlan'>): Request =>
  link.add({ ifname: 'vx0', linkinfo: { kind: 'vxlan', data: { ...VXLAN_DEFAULTS, id: 5, port: 4789, ...data } } })

const externalVxlan = (data: KindInput<'vxlan'>): Request =>
  link.add({ ifname: 'vx0', linkinfo: { kind: 'vxlan', data: { ...EXTERNAL_VXLAN_DEFAULTS, ...data } } })

const geneve = (data: KindInput<'geneve'>): Request =>
  link.add({ ifname: 'gnv0', linkinfo: { kind: 'geneve', data: { ...GENEVE_DEFAULTS, id: 5, ...data } } })

const vti = (data: KindInput<'vti'>): Request =>
  link.add({ ifname: 'vti0', linkinfo: { kind: 'vti', data: { ...VTI_DEFAULTS, local: '192.0.2.1', ...data } } })

const vti6 = (data: KindInput<'vti6'>): Request =>
  link.add({ ifname: 'vti0', linkinfo: { kind: 'vti6', data: { ...VTI_DEFAULTS, local: '2001:db8::1', ...data } } })

const vxlans: Equivalents = {
  'ip link add vx0 type vxlan id 5 dstport 4789': () => vxlan({}),
  'ip link add vx0 type vxlan id 5': () =>
    link.add({ ifname: 'vx0', linkinfo: { kind: 'vxlan', data: { ...VXLAN_DEFAULTS, id: 5 } } }),
  'ip link add vx0 type vxlan id 5 local 192.0.2.1 dstport 4789 nolearning': () =>
    vxlan({ local: '192.0.2.1', learning: false }),
  'ip link add vx0 type vxlan id 16777215 local 2001:db8::1 dstport 4789': () =>
    vxlan({ id: 16777215, local6: '2001:db8::1' }),
  'ip link add vx0 type vxlan id 5 group 239.1.1.1 dev eth0 dstport 4789 ttl 4 tos 0x10': (dev) =>
    vxlan({ group: '239.1.1.1', link: dev.eth0, ttl: 4, tos: 0x10 }),
  'ip link add vx0 type vxlan id 5 group ff05::100 dev eth0 dstport 4789': (dev) =>
    vxlan({ group6: 'ff05::100', link: dev.eth0 }),
  'ip link add vx0 type vxlan id 5 remote 192.0.2.2 local 192.0.2.1 dstport 4789 ttl auto tos inherit df set': () =>
    vxlan({ group: '192.0.2.2', local: '192.0.2.1', ttl: 0, tos: 1, df: 'set' }),
  'ip link add vx0 type vxlan id 5 remote 2001:db8::2 local 2001:db8::1 dstport 4789 ttl inherit flowlabel 0x12345 df unset':
    () => vxlan({ group6: '2001:db8::2', local6: '2001:db8::1', ttlInherit: true, label: 0x12345, df: 'unset' }),
  'ip link add vx0 type vxlan id 5 remote 192.0.2.2 dstport 4789 df inherit': () =>
    vxlan({ group: '192.0.2.2', df: 'inherit' }),
  'ip link add vx0 type vxlan id 5 dstport 4789 ageing 600 maxaddress 1000 srcport 20000 30000': () =>
    vxlan({ ageing: 600, limit: 1000, portRange: { low: 20000, high: 30000 } }),
  'ip link add vx0 type vxlan id 5 dstport 4789 ageing none maxaddress unlimited': () => vxlan({ ageing: 0, limit: 0 }),
  'ip link add vx0 type vxlan id 5 dstport 4789 learning proxy rsc l2miss l3miss': () =>
    vxlan({ learning: true, proxy: true, rsc: true, l2miss: true, l3miss: true }),
  'ip link add vx0 type vxlan id 5 dstport 4789 nolearning noproxy norsc nol2miss nol3miss': () =>
    vxlan({ learning: false, proxy: false, rsc: false, l2miss: false, l3miss: false }),
  'ip link add vx0 type vxlan id 5 dstport 4789 udpcsum udp6zerocsumtx udp6zerocsumrx remcsumtx remcsumrx': () =>
    vxlan({ udpCsum: true, udpZeroCsum6Tx: true, udpZeroCsum6Rx: true, remcsumTx: true, remcsumRx: true }),
  'ip link add vx0 type vxlan id 5 dstport 4789 noudpcsum noudp6zerocsumtx noudp6zerocsumrx noremcsumtx noremcsumrx':
    () => vxlan({ udpCsum: false, udpZeroCsum6Tx: false, udpZeroCsum6Rx: false, remcsumTx: false, remcsumRx: false }),
  'ip link add vx0 type vxlan id 5 dstport 4789 gbp': () => vxlan({ gbp: true }),
  'ip link add vx0 type vxlan external dstport 4789': () => externalVxlan({ port: 4789 }),
  'ip link add vx0 type vxlan external gpe': () => externalVxlan({ gpe: true, port: 4790 }),
  'ip link add vx0 type vxlan external vnifilter dstport 4789': () => externalVxlan({ vnifilter: true, port: 4789 }),
  'ip link add vx0 type vxlan id 5 noexternal novnifilter dstport 4789': () =>
    vxlan({ collectMetadata: false, vnifilter: false }),
  'ip -4 link add vx0 type vxlan id 5 dstport 4789': () =>
    link.add({
      family: 'inet',
      ifname: 'vx0',
      linkinfo: { kind: 'vxlan', data: { ...VXLAN_DEFAULTS, id: 5, group: '0.0.0.0', port: 4789 } },
    }),
  'ip -6 link add vx0 type vxlan id 5 dstport 4789': () =>
    link.add({
      family: 'inet6',
      ifname: 'vx0',
      linkinfo: { kind: 'vxlan', data: { ...VXLAN_DEFAULTS, id: 5, group6: '::', port: 4789 } },
    }),
  'ip link set vx0 type vxlan ageing 100 nolearning': (dev) =>
    link.change({ index: dev.vx0, linkinfo: { kind: 'vxlan', data: { ageing: 100, learning: false } } }),
}

const geneves: Equivalents = {
  'ip link add gnv0 type geneve id 5 remote 192.0.2.2': () => geneve({ remote: '192.0.2.2' }),
  'ip link add gnv0 type geneve id 5 remote 192.0.2.2 dstport 6082 ttl 64 tos 0x10 df set': () =>
    geneve({ remote: '192.0.2.2', port: 6082, ttl: 64, tos: 0x10, df: 'set' }),
  'ip link add gnv0 type geneve id 5 remote 192.0.2.2 ttl inherit tos inherit df inherit': () =>
    geneve({ remote: '192.0.2.2', ttlInherit: true, tos: 1, df: 'inherit' }),
  'ip link add gnv0 type geneve id 5 remote 192.0.2.2 ttl auto df unset udpcsum': () =>
    geneve({ remote: '192.0.2.2', ttl: 0, df: 'unset', udpCsum: true }),
  'ip link add gnv0 type geneve id 5 remote 2001:db8::2 flowlabel 0x12345 udp6zerocsumtx udp6zerocsumrx': () =>
    geneve({ remote6: '2001:db8::2', label: 0x12345, udpZeroCsum6Tx: true, udpZeroCsum6Rx: true }),
  'ip link add gnv0 type geneve id 5 remote 2001:db8::2 noudpcsum noudp6zerocsumtx noudp6zerocsumrx': () =>
    geneve({ remote6: '2001:db8::2', udpCsum: false, udpZeroCsum6Tx: false, udpZeroCsum6Rx: false }),
  'ip link add gnv0 type geneve external': () => geneve({ id: 0, collectMetadata: true }),
  'ip link add gnv0 type geneve external dstport 6083 innerprotoinherit': () =>
    geneve({ id: 0, collectMetadata: true, port: 6083, innerProtoInherit: true }),
  'ip link set gnv0 type geneve id 5 remote 192.0.2.2 ttl 3': (dev) =>
    link.change({ index: dev.gnv0, linkinfo: { kind: 'geneve', data: { id: 5, remote: '192.0.2.2', ttl: 3 } } }),
}

const vtis: Equivalents = {
  'ip link add vti0 type vti': () => link.add({ ifname: 'vti0', linkinfo: { kind: 'vti' } }),
  'ip link add vti0 type vti local 192.0.2.1 key 42': () => vti({ ikey: 42, okey: 42 }),
  'ip link add vti0 type vti local 192.0.2.1 remote 192.0.2.2 ikey 1 okey 2 dev eth0 fwmark 0x10': (dev) =>
    vti({ remote: '192.0.2.2', ikey: 1, okey: 2, link: dev.eth0, fwmark: 0x10 }),
  'ip link set vti0 type vti key 43': (dev) =>
    link.change({
      index: dev.vti0,
      linkinfo: { kind: 'vti', data: { ...VTI_DEFAULTS, local: '192.0.2.1', ikey: 43, okey: 43 } },
    }),
  'ip link add vti0 type vti6': () => link.add({ ifname: 'vti0', linkinfo: { kind: 'vti6' } }),
  'ip link add vti0 type vti6 local 2001:db8::1 key 42': () => vti6({ ikey: 42, okey: 42 }),
  'ip link add vti0 type vti6 local 2001:db8::1 remote 2001:db8::2 ikey 1.1.1.1 okey 2.2.2.2 dev eth0 fwmark 0x10': (
    dev,
  ) => vti6({ remote: '2001:db8::2', ikey: 0x01010101, okey: 0x02020202, link: dev.eth0, fwmark: 0x10 }),
}

export const vxlanEquivalents: Equivalents = { ...vxlans, ...geneves, ...vtis }
