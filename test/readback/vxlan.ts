import { casesOf } from './cases.js'

/** vxlan and geneve: drivers/net/vxlan/vxlan_core.c, drivers/net/geneve.c. */

/** The header but VNI and the flag that there is one (RFC 7348), and the bits of its extensions. */
const RESERVED = 0xf7ffffff_000000ffn
const GBP = 0x80ffffff_00000000n
const REMCSUM = 0x00200000_000000ffn
const GPE = 0x350000ff_00000000n

export const vxlan = casesOf({
  kind: 'vxlan',
  bare: {
    name: 'bare',
    asked: { id: 1 },
    told: {
      port: 8472,
      portRange: { low: 0, high: 0 },
      learning: true,
      ageing: 300,
      limit: 0,
      ttl: 0,
      ttlInherit: false,
      tos: 0,
      df: 'unset',
      label: 0,
      proxy: false,
      rsc: false,
      l2miss: false,
      l3miss: false,
      collectMetadata: false,
      udpCsum: true,
      udpZeroCsum6Tx: false,
      udpZeroCsum6Rx: false,
      remcsumTx: false,
      remcsumRx: false,
    },
  },
  newer: {
    '6.5': { localbypass: true },
    '6.7': { labelPolicy: 'fixed' },
    '6.14': { reservedBits: RESERVED },
  },
  cases: [
    {
      name: 'over IPv4 with everything',
      asked: ({ lower }) => ({
        id: 0xffffff,
        group: '198.51.100.1',
        link: lower,
        local: '192.0.2.1',
        ttl: 7,
        tos: 0x10,
        learning: false,
        ageing: 77,
        limit: 99,
        portRange: { low: 20_000, high: 30_000 },
        proxy: true,
        rsc: true,
        l2miss: true,
        l3miss: true,
        port: 4790,
        udpCsum: false,
        udpZeroCsum6Tx: true,
        udpZeroCsum6Rx: true,
        remcsumTx: true,
        remcsumRx: true,
        remcsumNopartial: true,
        gbp: true,
        df: 'set',
      }),
      // What the extensions use is not reserved.
      newer: { '6.14': { reservedBits: RESERVED & ~GBP & ~REMCSUM } },
    },
    {
      name: 'over IPv6 with a group',
      asked: ({ lower }) => ({
        id: 2,
        port: 4791,
        group6: 'ff05::100',
        local6: '2001:db8::1',
        link: lower,
        label: 0xabcde,
        df: 'inherit',
        ttlInherit: true,
      }),
    },
    {
      name: 'over IPv4 with a group',
      asked: ({ lower }) => ({ id: 3, port: 4792, group: '239.1.1.1', link: lower }),
    },
    {
      name: 'over IPv6 without a peer',
      asked: { id: 4, port: 4793, group6: '::' },
      but: 'an address that is none is not told',
      told: { group6: undefined },
    },
    {
      name: 'external, with a list of VNIs',
      asked: { collectMetadata: true, vnifilter: true, learning: false, port: 4794 },
      told: { id: 0 },
    },
    {
      name: 'external, with the generic protocol extension',
      asked: { collectMetadata: true, gpe: true, learning: false, port: 4795 },
      told: { id: 0 },
      newer: { '6.14': { reservedBits: RESERVED & ~GPE } },
    },
    {
      name: 'never straight to a local device',
      since: '6.5',
      asked: { id: 5, port: 4796, localbypass: false },
    },
    {
      name: 'with the inner flow label',
      since: '6.7',
      asked: { id: 6, port: 4797, group6: '::', labelPolicy: 'inherit' },
      told: { group6: undefined },
    },
    {
      name: 'with few reserved bits',
      since: '6.14',
      asked: { id: 7, port: 4798, reservedBits: 0xffn },
    },
    {
      name: 'with multicast routing',
      since: '6.17',
      asked: { id: 8, port: 4799, mcRoute: true },
      but: 'seen on Linux 6.18: it is taken and not told',
      told: { mcRoute: undefined },
    },
  ],
  never: { mcRoute: 'taken and not told: see the test of its values' },
})

const NEWER = 'Linux 7, which no test has'

export const geneve = casesOf({
  kind: 'geneve',
  bare: {
    name: 'bare',
    asked: { id: 1, remote: '198.51.100.1' },
    told: {
      port: 6081,
      ttl: 0,
      tos: 0,
      ttlInherit: false,
      df: 'unset',
      label: 0,
      udpCsum: false,
      udpZeroCsum6Rx: true,
    },
  },
  cases: [
    {
      name: 'over IPv4 with everything',
      asked: {
        id: 0xffffff,
        remote: '198.51.100.2',
        port: 6082,
        ttl: 7,
        tos: 0x10,
        df: 'set',
        udpCsum: true,
        innerProtoInherit: true,
      },
    },
    {
      name: 'with checksums over IPv6',
      asked: { id: 5, remote: '198.51.100.5', port: 6087, udpZeroCsum6Rx: false },
      but: 'over IPv4 the kernel takes no notice',
      told: { udpZeroCsum6Rx: true },
    },
    {
      name: 'over IPv6',
      asked: { id: 2, remote6: '2001:db8:1::1', port: 6083, label: 0xabcde, df: 'inherit' },
      told: { remote: undefined, udpCsum: undefined, udpZeroCsum6Tx: false, udpZeroCsum6Rx: false },
    },
    {
      name: 'over IPv6 without checksums',
      asked: { id: 6, remote6: '2001:db8:1::2', port: 6088, udpZeroCsum6Tx: true, udpZeroCsum6Rx: true },
      told: { remote: undefined, udpCsum: undefined },
    },
    {
      name: 'with the inner hop limit',
      asked: { id: 3, remote: '198.51.100.3', port: 6084, ttlInherit: true },
    },
    {
      name: 'external',
      asked: { id: 0, collectMetadata: true, port: 6085 },
      told: { remote: undefined, udpCsum: undefined },
    },
    {
      name: 'with source ports',
      since: '6.15',
      asked: { id: 4, remote: '198.51.100.4', port: 6086, portRange: { low: 20_000, high: 30_000 } },
    },
  ],
  never: { groHint: NEWER, local: NEWER, local6: NEWER },
})
