import { casesOf } from './cases.js'
import { CAPABLE, IP6_FLAGS } from './iptun.js'

/** All of GRE: net/ipv4/ip_gre.c, net/ipv6/ip6_gre.c. */

const NEEDS_FOU = 'other types need CONFIG_NET_FOU_IP_TUNNELS: see the test of UDP encapsulation'
const OLD_VERSION = 'ERSPAN is not what the kind is about: the kernel takes no notice'
const CAN = 'the kernel adds what it can do between these addresses'

const udp = { encapFlags: ['csum', 'csum6', 'remcsum'], encapSport: 1000, encapDport: 2000 } as const
const noUdp = { encapType: 'none', encapFlags: [], encapSport: 0, encapDport: 0 } as const
const noKeys = { ikey: 0, okey: 0, iflags: [], oflags: [] } as const
const keys = {
  ikey: 0x01020304,
  okey: 0xfffefdfc,
  iflags: ['csum', 'key', 'seq'],
  oflags: ['csum', 'key', 'seq'],
} as const
/** A session has ten bits, and needs the sequence numbers. */
const session = { ikey: 5, okey: 1023, iflags: ['key', 'seq'], oflags: ['key', 'seq'] } as const

const ipv4 = {
  link: 0,
  remote: '0.0.0.0',
  ttl: 0,
  tos: 0,
  pmtudisc: true,
  ignoreDf: false,
  fwmark: 0,
  ...noKeys,
  ...noUdp,
} as const

const everything4 = (lower: number) =>
  ({
    local: '192.0.2.2',
    remote: '198.51.100.1',
    link: lower,
    ttl: 7,
    tos: 0x10,
    pmtudisc: true,
    fwmark: 0x12345678,
    ...udp,
  }) as const

const noPmtudisc = {
  name: 'ignoring DF',
  asked: { local: '192.0.2.3', pmtudisc: false, ignoreDf: true, tos: 1 },
} as const
const external4 = { name: 'external', asked: { collectMetadata: true }, told: { local: '0.0.0.0' } } as const

const greCases = [
  { name: 'with everything', asked: ({ lower }: { lower: number }) => ({ ...everything4(lower), ...keys }) },
  {
    name: 'with a key of each direction',
    asked: { local: '192.0.2.4', ikey: 1, okey: 2, iflags: ['key'], oflags: ['key'] },
  },
  noPmtudisc,
  { name: 'with a TTL, without path MTU discovery', asked: { local: '192.0.2.5', ttl: 255, pmtudisc: false } },
  external4,
] as const

export const gre = casesOf({
  kind: 'gre',
  bare: { name: 'bare', asked: { local: '192.0.2.1' }, told: ipv4 },
  cases: greCases,
  never: { encapType: NEEDS_FOU },
})

export const gretap = casesOf({
  kind: 'gretap',
  bare: { name: 'bare', asked: { local: '192.0.2.1' }, told: ipv4 },
  cases: greCases,
  never: { encapType: NEEDS_FOU },
})

export const erspan = casesOf({
  kind: 'erspan',
  bare: {
    name: 'bare',
    asked: { local: '192.0.2.1', ...session, ikey: 0, okey: 0 },
    told: { ...ipv4, ...session, ikey: 0, okey: 0, erspanVer: 1, erspanIndex: 0 },
  },
  cases: [
    {
      name: 'type II with everything',
      asked: ({ lower }) => ({ ...everything4(lower), ...session, erspanVer: 1, erspanIndex: 0xfffff }),
    },
    {
      name: 'type III',
      asked: { local: '192.0.2.4', ...session, erspanVer: 2, erspanDir: 1, erspanHwid: 63 },
      told: { erspanIndex: undefined },
    },
    {
      name: 'type I',
      asked: { local: '192.0.2.5', erspanVer: 0, iflags: [], oflags: [] },
      told: { ikey: 0, okey: 0, erspanIndex: undefined },
    },
    { ...noPmtudisc, asked: { ...noPmtudisc.asked, ...session } },
    {
      name: 'external',
      asked: { collectMetadata: true },
      told: { local: '0.0.0.0', iflags: [], oflags: [] },
    },
  ],
  never: { encapType: NEEDS_FOU },
})

const ipv6 = {
  link: 0,
  remote: '::',
  ttl: 0,
  encapLimit: 0,
  flowinfo: 0,
  flags: [CAPABLE.perPacket],
  fwmark: 0,
  ...noKeys,
  ...noUdp,
} as const

const everything6 = (lower: number) =>
  ({
    local: '2001:db8::2',
    remote: '2001:db8:1::1',
    link: lower,
    ttl: 7,
    encapLimit: 5,
    flowinfo: 0x0ab12345,
    flags: IP6_FLAGS,
    fwmark: 0x12345678,
    ...udp,
  }) as const

const can6 = { but: CAN, told: { flags: [...IP6_FLAGS, CAPABLE.both] } } as const
const external6 = { name: 'external', asked: { collectMetadata: true }, told: { local: '::' } } as const

export const ip6gre = casesOf({
  kind: 'ip6gre',
  bare: { name: 'bare', asked: { local: '2001:db8::1' }, told: ipv6 },
  cases: [
    { name: 'with everything', asked: ({ lower }) => ({ ...everything6(lower), ...keys }), ...can6 },
    { name: 'with a key of what is sent', asked: { local: '2001:db8::3', okey: 7, oflags: ['key'] } },
    external6,
  ],
  never: { encapType: NEEDS_FOU, erspanVer: OLD_VERSION },
})

export const ip6gretap = casesOf({
  kind: 'ip6gretap',
  bare: { name: 'bare', asked: { local: '2001:db8::1' }, told: ipv6 },
  cases: [{ name: 'with everything', asked: ({ lower }) => ({ ...everything6(lower), ...keys }), ...can6 }, external6],
  never: { encapType: NEEDS_FOU, erspanVer: OLD_VERSION },
})

export const ip6erspan = casesOf({
  kind: 'ip6erspan',
  bare: {
    name: 'bare',
    asked: { local: '2001:db8::1', ...session, ikey: 0, okey: 0 },
    told: { ...ipv6, ...session, ikey: 0, okey: 0, erspanVer: 1, erspanIndex: 0 },
  },
  cases: [
    {
      name: 'type II with everything',
      asked: ({ lower }) => ({ ...everything6(lower), ...session, erspanVer: 1, erspanIndex: 0xfffff }),
      ...can6,
    },
    {
      name: 'type III',
      asked: { local: '2001:db8::4', ...session, erspanVer: 2, erspanDir: 1, erspanHwid: 63 },
      told: { erspanIndex: undefined },
    },
    { ...external6, told: { ...external6.told, iflags: [], oflags: [] } },
  ],
  never: { encapType: NEEDS_FOU },
})
