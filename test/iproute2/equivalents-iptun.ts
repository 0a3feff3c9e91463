import { link } from '../../lib/rtnl/link.js'
import type { KindInput } from '../../lib/schema/kinds.js'
import type { Request } from '../../lib/wire/request.js'
import type { Equivalents } from './equivalents.js'

/** IP over IP: kinds `ipip`, `sit` and `ip6tnl`. */

// The kernel's own: `ip` reads it and sends it back.
const IP6_TNL_F_CAP_PER_PACKET = 0x40000

// With at least one option `ip` sends all of these.
const IPIP_DEFAULTS = {
  proto: 'ip',
  link: 0,
  ttl: 0,
  tos: 0,
  pmtudisc: true,
  fwmark: 0,
  encapType: 'none',
  encapFlags: [],
  encapSport: 0,
  encapDport: 0,
} as const satisfies KindInput<'ipip'>

const SIT_DEFAULTS = { ...IPIP_DEFAULTS, flags: [] } as const satisfies KindInput<'sit'>

const IP6TNL_DEFAULTS = {
  proto: 'ip',
  link: 0,
  ttl: 64,
  encapLimit: 4,
  flowinfo: 0,
  flags: [],
  fwmark: 0,
  encapType: 'none',
  encapFlags: ['csum6'],
  encapSport: 0,
  encapDport: 0,
} as const satisfies KindInput<'ip6tnl'>

const ipip = (data: KindInput<'ipip'>): Request =>
  link.add({ ifname: 'tun0', linkinfo: { kind: 'ipip', data: { ...IPIP_DEFAULTS, local: '192.0.2.1', ...data } } })

const sit = (data: KindInput<'sit'>): Request =>
  link.add({ ifname: 'tun0', linkinfo: { kind: 'sit', data: { ...SIT_DEFAULTS, local: '192.0.2.1', ...data } } })

const ip6tnl = (data: KindInput<'ip6tnl'>): Request =>
  link.add({
    ifname: 'tun0',
    linkinfo: { kind: 'ip6tnl', data: { ...IP6TNL_DEFAULTS, local: '2001:db8::1', ...data } },
  })

const ipips: Equivalents = {
  'ip link add tun0 type ipip': () => link.add({ ifname: 'tun0', linkinfo: { kind: 'ipip' } }),
  'ip link add tun0 type ipip local 192.0.2.1': () => ipip({}),
  'ip link add tun0 type ipip local 192.0.2.1 remote 192.0.2.2 dev eth0 ttl 64 tos inherit': (dev) =>
    ipip({ remote: '192.0.2.2', link: dev.eth0, ttl: 64, tos: 1 }),
  'ip link add tun0 type ipip local 192.0.2.1 ttl inherit tos 0x10 nopmtudisc fwmark 0x1234': () =>
    ipip({ ttl: 0, tos: 0x10, pmtudisc: false, fwmark: 0x1234 }),
  'ip link add tun0 type ipip local 192.0.2.1 mode ipip': () => ipip({ proto: 'ipip' }),
  'ip link add tun0 type ipip local 192.0.2.1 mode mplsip': () => ipip({ proto: 'mpls' }),
  'ip link add tun0 type ipip local 192.0.2.1 mode any': () => ipip({ proto: 'ip' }),
  'ip link add tun0 type ipip external': () =>
    link.add({ ifname: 'tun0', linkinfo: { kind: 'ipip', data: { proto: 'ip', collectMetadata: true } } }),
  'ip link add tun0 type ipip local 192.0.2.1 remote 192.0.2.2 encap fou encap-sport 5555 encap-dport 5556 encap-csum encap-udp6-csum encap-remcsum':
    () =>
      ipip({
        remote: '192.0.2.2',
        encapType: 'fou',
        encapSport: 5555,
        encapDport: 5556,
        encapFlags: ['csum', 'csum6', 'remcsum'],
      }),
  'ip link add tun0 type ipip local 192.0.2.1 remote 192.0.2.2 encap gue encap-sport auto encap-dport 5557': () =>
    ipip({ remote: '192.0.2.2', encapType: 'gue', encapSport: 0, encapDport: 5557 }),
  'ip link set tun0 type ipip ttl 3 tos 0x20': (dev) =>
    link.change({
      index: dev.tun0,
      linkinfo: { kind: 'ipip', data: { ...IPIP_DEFAULTS, local: '192.0.2.1', ttl: 3, tos: 0x20 } },
    }),
  'ip link delete tun0': (dev) => link.delete({ index: dev.tun0 }),
  'ip link add tun0 link-netnsid 7 type ipip local 192.0.2.1': () =>
    link.add({
      ifname: 'tun0',
      linkNetnsid: 7,
      linkinfo: { kind: 'ipip', data: { ...IPIP_DEFAULTS, local: '192.0.2.1' } },
    }),
}

const sits: Equivalents = {
  'ip link add tun0 type sit': () => link.add({ ifname: 'tun0', linkinfo: { kind: 'sit' } }),
  'ip link add tun0 type sit local 192.0.2.1': () => sit({}),
  'ip link add tun0 type sit local 192.0.2.1 remote 192.0.2.2 dev eth0 ttl 64 tos inherit fwmark 7': (dev) =>
    sit({ remote: '192.0.2.2', link: dev.eth0, ttl: 64, tos: 1, fwmark: 7 }),
  'ip link add tun0 type sit local 192.0.2.1 isatap': () => sit({ flags: ['isatap'] }),
  'ip link add tun0 type sit local 192.0.2.1 mode ip6ip': () => sit({ proto: 'ipv6' }),
  'ip link add tun0 type sit local 192.0.2.1 mode ipip': () => sit({ proto: 'ipip' }),
  'ip link add tun0 type sit local 192.0.2.1 mode mplsip': () => sit({ proto: 'mpls' }),
  'ip link add tun0 type sit local 192.0.2.1 mode any': () => sit({ proto: 'ip' }),
  'ip link add tun0 type sit local 192.0.2.1 6rd-prefix 2001:db8::/32 6rd-relay_prefix 192.0.2.0/24': () =>
    sit({
      sixRdPrefix: '2001:db8::',
      sixRdPrefixlen: 32,
      sixRdRelayPrefix: '192.0.2.0',
      sixRdRelayPrefixlen: 24,
    }),
  'ip link add tun0 type sit local 192.0.2.1 remote 192.0.2.2 encap gue encap-sport 6000 encap-dport 6001 encap-csum':
    () => sit({ remote: '192.0.2.2', encapType: 'gue', encapSport: 6000, encapDport: 6001, encapFlags: ['csum'] }),
  'ip link set tun0 type sit ttl 9': (dev) =>
    link.change({
      index: dev.tun0,
      linkinfo: { kind: 'sit', data: { ...SIT_DEFAULTS, local: '192.0.2.1', ttl: 9 } },
    }),
}

const ip6tnls: Equivalents = {
  'ip link add tun0 type ip6tnl': () => link.add({ ifname: 'tun0', linkinfo: { kind: 'ip6tnl' } }),
  'ip link add tun0 type ip6tnl local 2001:db8::1': () => ip6tnl({}),
  'ip link add tun0 type ip6tnl local 2001:db8::1 remote 2001:db8::2 dev eth0 hoplimit 3 encaplimit 5 tclass 0x20 flowlabel 0x12345 fwmark 9':
    (dev) =>
      ip6tnl({
        remote: '2001:db8::2',
        link: dev.eth0,
        ttl: 3,
        encapLimit: 5,
        flowinfo: (0x20 << 20) | 0x12345,
        fwmark: 9,
      }),
  'ip link add tun0 type ip6tnl local 2001:db8::1 hoplimit inherit encaplimit none tclass inherit flowlabel inherit dscp inherit fwmark inherit allow-localremote':
    () =>
      ip6tnl({
        ttl: 0,
        flags: [
          'ign_encap_limit',
          'use_orig_tclass',
          'use_orig_flowlabel',
          'rcv_dscp_copy',
          'use_orig_fwmark',
          'allow_local_remote',
        ],
      }),
  'ip link add tun0 type ip6tnl local 2001:db8::1 mode ip6ip6': () => ip6tnl({ proto: 'ipv6' }),
  'ip link add tun0 type ip6tnl local 2001:db8::1 mode ipip6': () => ip6tnl({ proto: 'ipip' }),
  'ip link add tun0 type ip6tnl local 2001:db8::1 mode any': () => ip6tnl({ proto: 'ip' }),
  'ip link add tun0 type ip6tnl external': () =>
    link.add({ ifname: 'tun0', linkinfo: { kind: 'ip6tnl', data: { proto: 'ip', collectMetadata: true } } }),
  'ip link add tun0 type ip6tnl local 2001:db8::1 remote 2001:db8::2 encap fou encap-sport 7000 encap-dport 7001 noencap-udp6-csum':
    () => ip6tnl({ remote: '2001:db8::2', encapType: 'fou', encapSport: 7000, encapDport: 7001, encapFlags: [] }),
  'ip link set tun0 type ip6tnl hoplimit 5': (dev) =>
    link.change({
      index: dev.tun0,
      linkinfo: {
        kind: 'ip6tnl',
        data: { ...IP6TNL_DEFAULTS, local: '2001:db8::1', ttl: 5, flags: [IP6_TNL_F_CAP_PER_PACKET] },
      },
    }),
}

export const iptunEquivalents: Equivalents = { ...ipips, ...sits, ...ip6tnls }
