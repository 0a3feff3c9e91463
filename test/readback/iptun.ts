import { casesOf } from './cases.js'

/** ipip, sit and ip6tnl: net/ipv4/ipip.c, net/ipv6/sit.c, net/ipv6/ip6_tunnel.c. */

const NEEDS_FOU = 'other types need CONFIG_NET_FOU_IP_TUNNELS: see the test of UDP encapsulation'
const TTL_FIXES = 'a fixed TTL switches path MTU discovery on'

/** Without an encapsulation these are kept all the same. */
const udp = { encapFlags: ['csum', 'csum6', 'remcsum'], encapSport: 1000, encapDport: 2000 } as const
const noUdp = { encapType: 'none', encapFlags: [], encapSport: 0, encapDport: 0 } as const

const ipv4 = { link: 0, remote: '0.0.0.0', ttl: 0, tos: 0, pmtudisc: true, fwmark: 0, ...noUdp } as const

export const ipip = casesOf({
  kind: 'ipip',
  bare: { name: 'bare', asked: { local: '192.0.2.1' }, told: { ...ipv4, proto: 'ipip' } },
  cases: [
    {
      name: 'with everything',
      asked: ({ lower }) => ({
        local: '192.0.2.2',
        remote: '198.51.100.1',
        link: lower,
        ttl: 7,
        tos: 0x10,
        proto: 'mpls',
        pmtudisc: true,
        fwmark: 0x12345678,
        ...udp,
      }),
    },
    { name: 'for any protocol', asked: { local: '192.0.2.3', proto: 'ip', tos: 1, pmtudisc: false } },
    {
      name: 'with a TTL',
      asked: { local: '192.0.2.4', ttl: 255, pmtudisc: false },
      but: TTL_FIXES,
      told: { pmtudisc: true },
    },
    { name: 'external', asked: { collectMetadata: true, proto: 'ip' }, told: { local: '0.0.0.0' } },
  ],
  never: { encapType: NEEDS_FOU },
})

export const sit = casesOf({
  kind: 'sit',
  bare: { name: 'bare', asked: { local: '192.0.2.1' }, told: { ...ipv4, ttl: 64, proto: 'ipv6', flags: [] } },
  cases: [
    {
      name: 'with everything',
      asked: ({ lower }) => ({
        local: '192.0.2.2',
        remote: '198.51.100.1',
        link: lower,
        ttl: 7,
        tos: 0x10,
        proto: 'ip',
        pmtudisc: true,
        fwmark: 0x12345678,
        ...udp,
      }),
    },
    { name: 'ISATAP', asked: { local: '192.0.2.3', flags: ['isatap'], proto: 'ipv6', pmtudisc: false } },
    { name: 'for IPv4', asked: { local: '192.0.2.4', proto: 'ipip', tos: 1 } },
    { name: 'for MPLS', asked: { local: '192.0.2.5', proto: 'mpls', ttl: 0 } },
    {
      name: 'with a TTL',
      asked: { local: '192.0.2.6', ttl: 255, pmtudisc: false },
      but: TTL_FIXES,
      told: { pmtudisc: true },
    },
  ],
  optional: [
    {
      config: 'CONFIG_IPV6_SIT_6RD (without it the kernel takes no notice)',
      told: { sixRdPrefix: '2002::', sixRdRelayPrefix: '0.0.0.0', sixRdPrefixlen: 16, sixRdRelayPrefixlen: 0 },
      cases: [
        {
          name: '6rd',
          asked: {
            local: '192.0.2.7',
            sixRdPrefix: '2001:db8::',
            sixRdRelayPrefix: '192.0.0.0',
            sixRdPrefixlen: 32,
            sixRdRelayPrefixlen: 8,
          },
        },
      ],
    },
  ],
  never: { encapType: NEEDS_FOU },
})

/** IP6_TNL_F_CAP_*, which the kernel finds out from the addresses. */
export const CAPABLE = { perPacket: 0x40000, both: 0x30000 }

/** All flags. */
export const IP6_FLAGS = [
  'ign_encap_limit',
  'use_orig_tclass',
  'use_orig_flowlabel',
  'mip6_dev',
  'rcv_dscp_copy',
  'use_orig_fwmark',
  'allow_local_remote',
] as const

export const ip6tnl = casesOf({
  kind: 'ip6tnl',
  bare: {
    name: 'bare',
    asked: { local: '2001:db8::1' },
    told: {
      link: 0,
      remote: '::',
      ttl: 0,
      encapLimit: 0,
      flowinfo: 0,
      flags: [CAPABLE.perPacket],
      proto: 'ip',
      fwmark: 0,
      ...noUdp,
    },
  },
  cases: [
    {
      name: 'with everything',
      asked: ({ lower }) => ({
        local: '2001:db8::2',
        remote: '2001:db8:1::1',
        link: lower,
        ttl: 7,
        encapLimit: 5,
        flowinfo: 0x0ab12345,
        flags: IP6_FLAGS,
        proto: 'ipip',
        fwmark: 0x12345678,
        ...udp,
      }),
      but: 'the kernel adds what it can do between these addresses',
      told: { flags: [...IP6_FLAGS, CAPABLE.both] },
    },
    { name: 'for IPv6', asked: { local: '2001:db8::3', proto: 'ipv6', ttl: 64, encapLimit: 4 } },
    { name: 'external', asked: { collectMetadata: true }, told: { local: '::' } },
  ],
  never: { encapType: NEEDS_FOU },
})
