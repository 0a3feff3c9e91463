import { link } from '../../lib/rtnl/link.js'
import type { KindInput } from '../../lib/schema/kinds.js'
import type { Request } from '../../lib/wire/request.js'
import type { Equivalents } from './equivalents.js'

/** GRE over IPv4 and IPv6: kinds `gre`, `gretap`, `erspan`, `ip6gre`, `ip6gretap` and `ip6erspan`. */

// The kernel's own: `ip` reads it and sends it back.
const IP6_TNL_F_CAP_PER_PACKET = 0x40000

// With at least one option `ip` sends all of these.
const GRE_DEFAULTS = {
  iflags: [],
  oflags: [],
  ikey: 0,
  okey: 0,
  ttl: 0,
  tos: 0,
  pmtudisc: true,
  fwmark: 0,
  encapType: 'none',
  encapFlags: [],
  encapSport: 0,
  encapDport: 0,
} as const satisfies KindInput<'gre'>

const ERSPAN_DEFAULTS = { ...GRE_DEFAULTS, erspanVer: 1 } as const satisfies KindInput<'erspan'>

const IP6GRE_DEFAULTS = {
  iflags: [],
  oflags: [],
  ikey: 0,
  okey: 0,
  ttl: 64,
  encapLimit: 4,
  flowinfo: 0,
  flags: [],
  fwmark: 0,
  encapType: 'none',
  encapFlags: ['csum6'],
  encapSport: 0,
  encapDport: 0,
  // Of all three kinds, although only ip6erspan has versions.
  erspanVer: 1,
} as const satisfies KindInput<'ip6erspan'>

/** `key K`: in both directions. */
const keyed = (key: number, ...flags: ('csum' | 'seq')[]) =>
  ({ ikey: key, okey: key, iflags: ['key', ...flags], oflags: ['key', ...flags] }) as const

const gre = (data: KindInput<'gre'>): Request =>
  link.add({ ifname: 'tun0', linkinfo: { kind: 'gre', data: { ...GRE_DEFAULTS, local: '192.0.2.1', ...data } } })

const changedGre = (index: number | undefined, data: KindInput<'gre'>): Request =>
  link.change({ index, linkinfo: { kind: 'gre', data: { ...GRE_DEFAULTS, local: '192.0.2.1', ...data } } })

const gretap = (data: KindInput<'gretap'>): Request =>
  link.add({ ifname: 'tap0', linkinfo: { kind: 'gretap', data: { ...GRE_DEFAULTS, local: '192.0.2.1', ...data } } })

const erspan = (data: KindInput<'erspan'>): Request => {
  const fixed = { local: '192.0.2.1', ...keyed(42, 'seq') }
  return link.add({ ifname: 'span0', linkinfo: { kind: 'erspan', data: { ...ERSPAN_DEFAULTS, ...fixed, ...data } } })
}

const ip6gre = (data: KindInput<'ip6gre'>): Request =>
  link.add({
    ifname: 'tun0',
    linkinfo: { kind: 'ip6gre', data: { ...IP6GRE_DEFAULTS, local: '2001:db8::1', ...data } },
  })

const ip6gretap = (data: KindInput<'ip6gretap'>): Request => {
  const all = { ...IP6GRE_DEFAULTS, local: '2001:db8::1', ...data }
  return link.add({ ifname: 'tap0', linkinfo: { kind: 'ip6gretap', data: all } })
}

const ip6erspan = (data: KindInput<'ip6erspan'>): Request => {
  const fixed = { local: '2001:db8::1', remote: '2001:db8::2', ...keyed(42, 'seq') }
  return link.add({ ifname: 'span0', linkinfo: { kind: 'ip6erspan', data: { ...IP6GRE_DEFAULTS, ...fixed, ...data } } })
}

const overIpv4: Equivalents = {
  'ip link add tun0 type gre': () => link.add({ ifname: 'tun0', linkinfo: { kind: 'gre' } }),
  'ip link add tun0 type gre local 192.0.2.1': () => gre({}),
  'ip link add tun0 type gre local 192.0.2.1 key 5': () => gre(keyed(5)),
  'ip link add tun0 type gre local 192.0.2.1 key 1.2.3.4 csum seq': () => gre(keyed(0x01020304, 'csum', 'seq')),
  'ip link add tun0 type gre local 192.0.2.1 ikey 1 okey 2 iseq ocsum': () =>
    gre({ ikey: 1, iflags: ['key', 'seq'], okey: 2, oflags: ['key', 'csum'] }),
  'ip link add tun0 type gre local 192.0.2.1 remote 192.0.2.2 dev eth0 ttl 64 tos inherit fwmark 0xff': (dev) =>
    gre({ remote: '192.0.2.2', link: dev.eth0, ttl: 64, tos: 1, fwmark: 0xff }),
  'ip link add tun0 type gre local 192.0.2.1 remote 192.0.2.2 nopmtudisc ignore-df': () =>
    gre({ remote: '192.0.2.2', pmtudisc: false, ignoreDf: true }),
  'ip link add tun0 type gre local 192.0.2.1 pmtudisc noignore-df': () => gre({ pmtudisc: true, ignoreDf: false }),
  // Of a multicast remote `ip` makes the key.
  'ip link add tun0 type gre local 192.0.2.1 remote 239.1.1.1 dev eth0': (dev) =>
    gre({ remote: '239.1.1.1', link: dev.eth0, ...keyed(0xef010101) }),
  'ip link add tun0 type gre local 192.0.2.1 remote 192.0.2.2 encap fou encap-sport auto encap-dport 5555 encap-csum encap-remcsum':
    () =>
      gre({
        remote: '192.0.2.2',
        encapType: 'fou',
        encapSport: 0,
        encapDport: 5555,
        encapFlags: ['csum', 'remcsum'],
      }),
  'ip link add tun0 type gre external': () =>
    link.add({ ifname: 'tun0', linkinfo: { kind: 'gre', data: { collectMetadata: true } } }),
  'ip link set tun0 type gre ttl 7': (dev) => changedGre(dev.tun0, { ...keyed(5), ttl: 7 }),
  'ip link set tun0 type gre nokey': (dev) => changedGre(dev.tun0, {}),
  'ip link add tun0 link-netns blue type gre local 192.0.2.1 key 5': () =>
    link.add({
      ifname: 'tun0',
      // What the namespace `blue` has here.
      linkNetnsid: 7,
      linkinfo: { kind: 'gre', data: { ...GRE_DEFAULTS, local: '192.0.2.1', ...keyed(5) } },
    }),

  'ip link add tap0 type gretap': () => link.add({ ifname: 'tap0', linkinfo: { kind: 'gretap' } }),
  'ip link add tap0 type gretap local 192.0.2.1 key 42': () => gretap(keyed(42)),
  'ip link add tap0 type gretap local 192.0.2.1 remote 192.0.2.2 dev eth0 ttl 64 tos 0x20 csum seq key 9 fwmark 3': (
    dev,
  ) => gretap({ remote: '192.0.2.2', link: dev.eth0, ttl: 64, tos: 0x20, fwmark: 3, ...keyed(9, 'csum', 'seq') }),
  'ip link add tap0 type gretap local 192.0.2.1 remote 192.0.2.2 encap gue encap-dport 6080 encap-remcsum': () =>
    gretap({ remote: '192.0.2.2', encapType: 'gue', encapDport: 6080, encapFlags: ['remcsum'] }),
  'ip link add tap0 address 02:00:00:00:00:05 mtu 1400 type gretap local 192.0.2.1 remote 192.0.2.2 nopmtudisc': () =>
    link.add({
      ifname: 'tap0',
      address: '02:00:00:00:00:05',
      mtu: 1400,
      linkinfo: {
        kind: 'gretap',
        data: { ...GRE_DEFAULTS, local: '192.0.2.1', remote: '192.0.2.2', pmtudisc: false },
      },
    }),
  'ip link add tap0 type gretap external': () =>
    link.add({ ifname: 'tap0', linkinfo: { kind: 'gretap', data: { collectMetadata: true } } }),

  'ip link add span0 type erspan local 192.0.2.1 remote 192.0.2.2 seq key 42 erspan_ver 0': () =>
    erspan({ remote: '192.0.2.2', erspanVer: 0 }),
  'ip link add span0 type erspan local 192.0.2.1 remote 192.0.2.2 seq key 42 erspan_ver 1 erspan 7': () =>
    erspan({ remote: '192.0.2.2', erspanVer: 1, erspanIndex: 7 }),
  'ip link add span0 type erspan local 192.0.2.1 seq key 42 erspan_ver 1': () => erspan({ erspanVer: 1 }),
  'ip link add span0 type erspan local 192.0.2.1 seq key 42 erspan_ver 2 erspan_dir ingress erspan_hwid 9': () =>
    erspan({ erspanVer: 2, erspanDir: 0, erspanHwid: 9 }),
  'ip link add span0 type erspan local 192.0.2.1 remote 192.0.2.2 seq key 42 erspan_ver 2 erspan_dir egress erspan_hwid 0x1f':
    () => erspan({ remote: '192.0.2.2', erspanVer: 2, erspanDir: 1, erspanHwid: 0x1f }),
  'ip link add span0 type erspan external': () =>
    link.add({ ifname: 'span0', linkinfo: { kind: 'erspan', data: { collectMetadata: true } } }),
}

const overIpv6: Equivalents = {
  'ip link add tun0 type ip6gre': () => link.add({ ifname: 'tun0', linkinfo: { kind: 'ip6gre' } }),
  'ip link add tun0 type ip6gre local 2001:db8::1': () => ip6gre({}),
  'ip link add tun0 type ip6gre local 2001:db8::1 key 42 csum seq': () => ip6gre(keyed(42, 'csum', 'seq')),
  'ip link add tun0 type ip6gre local 2001:db8::1 remote 2001:db8::2 dev eth0 ikey 1 okey 2 hoplimit 8 encaplimit 5 tclass 0x20 flowlabel 0x12345 fwmark 9':
    (dev) =>
      ip6gre({
        remote: '2001:db8::2',
        link: dev.eth0,
        ikey: 1,
        iflags: ['key'],
        okey: 2,
        oflags: ['key'],
        ttl: 8,
        encapLimit: 5,
        flowinfo: (0x20 << 20) | 0x12345,
        fwmark: 9,
      }),
  'ip link add tun0 type ip6gre local 2001:db8::1 hoplimit inherit encaplimit none tclass inherit flowlabel inherit dscp inherit fwmark inherit allow-localremote':
    () =>
      ip6gre({
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
  'ip link add tun0 type ip6gre local 2001:db8::1 remote 2001:db8::2 encap gue encap-dport 5558 encap-csum': () =>
    ip6gre({ remote: '2001:db8::2', encapType: 'gue', encapDport: 5558, encapFlags: ['csum', 'csum6'] }),
  'ip link add tun0 type ip6gre external': () =>
    link.add({ ifname: 'tun0', linkinfo: { kind: 'ip6gre', data: { collectMetadata: true } } }),
  'ip link set tun0 type ip6gre hoplimit 5': (dev) =>
    link.change({
      index: dev.tun0,
      linkinfo: {
        kind: 'ip6gre',
        data: { ...IP6GRE_DEFAULTS, local: '2001:db8::1', ttl: 5, flags: [IP6_TNL_F_CAP_PER_PACKET] },
      },
    }),

  'ip link add tap0 type ip6gretap': () => link.add({ ifname: 'tap0', linkinfo: { kind: 'ip6gretap' } }),
  'ip link add tap0 type ip6gretap local 2001:db8::1 key 7': () => ip6gretap(keyed(7)),
  'ip link add tap0 type ip6gretap local 2001:db8::1 remote 2001:db8::2 encap fou encap-dport 5555': () =>
    ip6gretap({ remote: '2001:db8::2', encapType: 'fou', encapDport: 5555 }),
  'ip link add tap0 type ip6gretap external': () =>
    link.add({ ifname: 'tap0', linkinfo: { kind: 'ip6gretap', data: { collectMetadata: true } } }),

  'ip link add span0 type ip6erspan local 2001:db8::1 remote 2001:db8::2 seq key 42 erspan_ver 1 erspan 7': () =>
    ip6erspan({ erspanVer: 1, erspanIndex: 7 }),
  'ip link add span0 type ip6erspan local 2001:db8::1 remote 2001:db8::2 seq key 42 erspan_ver 2 erspan_dir egress erspan_hwid 9':
    () => ip6erspan({ erspanVer: 2, erspanDir: 1, erspanHwid: 9 }),
  'ip link add span0 type ip6erspan external': () =>
    link.add({ ifname: 'span0', linkinfo: { kind: 'ip6erspan', data: { collectMetadata: true } } }),
}

export const greEquivalents: Equivalents = { ...overIpv4, ...overIpv6 }
