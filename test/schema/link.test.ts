import t from 'tap'
import { DecodeError, EncodeError } from '../../lib/errors.js'
import { KINDS, type Kind } from '../../lib/schema/kinds.js'
import { LINK_MESSAGES, type Link, type LinkInput } from '../../lib/schema/link.js'
import { frames } from '../../lib/wire/frame.js'
import { attributeSet, attributes, find } from '../helpers/attributes.js'
import { golden } from './link-golden.js'

const RTM_NEWLINK = 16
const ATTRIBUTES = 32
const LINKINFO = 18
const DATA = 2

const encode = (value: LinkInput): Buffer => LINK_MESSAGES.encode(RTM_NEWLINK, 0, value)
const decode = (bytes: Buffer): Link => {
  const [frame] = frames(bytes)
  return LINK_MESSAGES.decode(frame as NonNullable<typeof frame>)
}
const data = (bytes: Buffer): Buffer => find(bytes.subarray(ATTRIBUTES), [LINKINFO, DATA]) ?? Buffer.alloc(0)

/** A message whose IFLA_INFO_DATA is these bytes. */
const withData = (kind: string, hex: string): Buffer =>
  encode({ linkinfo: { kind, unknown: [{ type: DATA, data: Buffer.from(hex, 'hex') }] } })

/** What `encode` says of a value. */
function refusal(value: unknown): string {
  try {
    encode(value as LinkInput)
  } catch (error) {
    if (error instanceof EncodeError) return error.message
    throw error
  }
  return 'accepted'
}

t.test('data of each kind as ip sends it', async (t) => {
  for (const { command, linkinfo, hex } of golden) {
    t.same(attributeSet(data(encode({ linkinfo }))), attributeSet(Buffer.from(hex, 'hex')), `ip link add X ${command}`)
    t.same(decode(withData(linkinfo.kind, hex)).linkinfo, linkinfo, `read back: ${command}`)
  }
})

t.test('every kind without data', async (t) => {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const bytes = encode({ ifname: 'x', linkinfo: { kind, data: {} } })
    t.same(decode(bytes).linkinfo, { kind, data: {} }, kind)
  }
})

t.test('a kind without a table keeps its bytes', async (t) => {
  const bytes = withData('bond', '0500010001000000')
  const link = decode(bytes)
  t.match(link.linkinfo, { kind: 'bond', unknown: [{ type: DATA, data: Buffer.from('0500010001000000', 'hex') }] })
  t.same(encode(link), bytes)
  t.equal(
    refusal({ linkinfo: { kind: 'bond', data: {} } }).startsWith(
      "linkinfo.data: an object is not known for kind 'bond'",
    ),
    true,
  )
})

t.test('kind with and without its NUL', async (t) => {
  const bytes = encode({ linkinfo: { kind: 'gre', data: { ttl: 1 } } })
  const bare = Buffer.from(bytes)
  const at = bare.indexOf('gre\0')
  // 8 bytes of attribute and text, 7 without the NUL: the padding is the same.
  bare[at - 4] = 7
  t.same(decode(bare).linkinfo, { kind: 'gre', data: { ttl: 1 } })
})

t.test('header and flags', async (t) => {
  const up = encode({ ifname: 'x', up: true, flags: ['multicast'] })
  t.equal(up.readUInt32LE(24), 0x1001)
  t.equal(up.readUInt32LE(28), 0x1001)
  const down = encode({ index: 5, up: false })
  t.equal(down.readInt32LE(20), 5)
  t.equal(down.readUInt32LE(24), 0)
  t.equal(down.readUInt32LE(28), 1)
  t.match(decode(up), { index: 0, type: 0, family: 'unspec', up: true, flags: ['up', 'multicast'] })

  const tunl0 = Buffer.alloc(ATTRIBUTES)
  tunl0.writeUInt32LE(ATTRIBUTES, 0)
  tunl0.writeUInt16LE(RTM_NEWLINK, 4)
  tunl0.writeUInt16LE(768, 18)
  tunl0.writeInt32LE(7, 20)
  tunl0.writeUInt32LE(0x800100c1, 24)
  t.match(decode(tunl0), { type: 'tunnel', index: 7, up: true })
  t.same(decode(tunl0).flags, ['up', 'running', 'noarp', 'lower_up', 0x80000000], 'bits without a name come last')
})

t.test('veth: the peer is a link of its own', async (t) => {
  const peer = { ifname: 'b', up: true, mtu: 1400, address: '02:00:00:00:00:01', netNsPid: 42 }
  const bytes = encode({ ifname: 'a', linkinfo: { kind: 'veth', data: { peer } } })
  const inner = find(data(bytes), [1])
  t.ok(inner)
  if (inner === undefined) return
  t.equal(inner.readUInt32LE(8), 1, 'ifi_flags')
  t.equal(inner.readUInt32LE(12), 1, 'ifi_change')
  t.same(attributeSet(inner.subarray(16)), ['19:2a000000', '1:020000000001', '3:6200', '4:78050000'])
  t.equal(bytes.readUInt32LE(24), 0, 'the flags are not those of the message')
  t.match(decode(bytes).linkinfo, { kind: 'veth', data: { peer } })
})

t.test('family bridge: port and VLANs', async (t) => {
  const value = {
    family: 'bridge',
    index: 5,
    protinfo: { learning: false, state: 'forwarding' },
    afSpec: {
      flags: ['self'],
      vlanInfo: [
        { flags: ['pvid', 'untagged'], vid: 10 },
        { flags: [], vid: 20 },
      ],
      vlanTunnelInfo: [{ id: 1000, vid: 10 }],
    },
  } satisfies LinkInput
  const bytes = encode(value)
  t.equal(bytes[16], 7)
  const list = attributes(bytes.subarray(ATTRIBUTES))
  t.same(
    list.map(({ type, nested }) => [type, nested]),
    [
      [12, true],
      [26, true],
    ],
    'br_setlink() reads IFLA_PROTINFO as a nest only where it is marked as one',
  )
  t.same(attributeSet(find(bytes.subarray(ATTRIBUTES), [26]) as Buffer), [
    '0:0200',
    '2:00001400',
    '2:06000a00',
    '3:08000100e8030000060002000a000000',
  ])
  t.match(decode(bytes), value)
  t.equal(
    refusal({ protinfo: { learning: true } }),
    'protinfo: an object is not possible without a family of bridge or inet6',
  )
})

t.test('address families of other links', async (t) => {
  const value = { index: 5, afSpec: { inet6: { addrGenMode: 'none' } } } satisfies LinkInput
  const bytes = encode(value)
  t.same(attributeSet(find(bytes.subarray(ATTRIBUTES), [26, 10]) as Buffer), ['8:01'])
  t.match(decode(bytes), value)
})

t.test('slave of a bridge', async (t) => {
  const linkinfo = {
    slaveKind: 'bridge',
    slaveData: { learning: false, isolated: true, rootId: { prio: 0x8000, addr: '02:00:00:00:00:01' } },
  }
  t.same(decode(encode({ linkinfo })).linkinfo, linkinfo)
})

t.test('counters grow with the kernel', async (t) => {
  const cut = Buffer.alloc(8 * 23)
  cut.writeBigUInt64LE(7n, 0)
  const long = Buffer.alloc(8 * 30)
  long.writeBigUInt64LE(9n, 24 * 8)
  const stats64 = (payload: Buffer) => decode(encode({ unknown: [{ type: 23, data: payload }] })).stats64
  t.equal(stats64(cut)?.rxPackets, 7n)
  t.equal(stats64(cut)?.rxNohandler, undefined)
  t.equal(stats64(long)?.rxOtherhostDropped, 9n)
})

t.test('vxlan tells a flag as a byte', async (t) => {
  const told = (hex: string) => decode(withData('vxlan', hex)).linkinfo
  t.match(told('05001c0000000000'), { data: { ttlInherit: false } })
  t.match(told('05001c0001000000'), { data: { ttlInherit: true } })
  t.same(attributeSet(data(encode({ linkinfo: { kind: 'vxlan', data: { ttlInherit: true } } }))), ['28:'])
  t.same(attributeSet(data(encode({ linkinfo: { kind: 'vxlan', data: { ttlInherit: false } } }))), [])
})

t.test('byte order', async (t) => {
  const set = (linkinfo: LinkInput['linkinfo']) => attributeSet(data(encode({ linkinfo })))
  t.same(set({ kind: 'vxlan', data: { portRange: { low: 1, high: 2 }, label: 0x12345 } }), [
    '10:00010002',
    '26:00012345',
  ])
  t.same(set({ kind: 'vxlan', data: { reservedBits: 0xf7000000000000ffn, labelPolicy: 'inherit' } }), [
    '32:01000000',
    '33:f7000000000000ff',
  ])
  t.same(set({ kind: 'geneve', data: { label: 5, ttlInherit: true, portRange: { low: 1, high: 2 } } }), [
    '11:00000005',
    '12:01',
    '15:00010002',
  ])
  t.same(set({ kind: 'ip6tnl', data: { flags: ['use_orig_tclass'], flowinfo: 0x0ff12345 } }), [
    '7:0ff12345',
    '8:02000000',
  ])
  t.same(set({ kind: 'ipip', data: { encapType: 'fou', encapSport: 1, encapDport: 5555, encapFlags: ['csum'] } }), [
    '15:0100',
    '16:0100',
    '17:0001',
    '18:15b3',
  ])
  t.same(
    set({
      kind: 'sit',
      data: { sixRdPrefix: '2001:db8::', sixRdPrefixlen: 32, sixRdRelayPrefix: '192.0.2.0', sixRdRelayPrefixlen: 24 },
    }),
    ['11:20010db8000000000000000000000000', '12:c0000200', '13:2000', '14:1800'],
  )
  t.same(set({ kind: 'bridge', data: { vlanProtocol: '8021ad', priority: 0x8000 } }), ['6:0080', '8:88a8'])
  t.same(set({ kind: 'vlan', data: { id: 5, protocol: '8021q' } }), ['1:0500', '5:8100'])
})

t.test('what is refused, and how', async (t) => {
  const of = (kind: Kind, value: unknown): string => refusal({ linkinfo: { kind, data: value } })
  for (const kind of ['gretap', 'erspan'] as const) {
    t.match(of(kind, { remote: '0.0.0.0' }), /^linkinfo\.data\.remote: "0\.0\.0\.0" is not an IPv4 address other than/)
  }
  for (const kind of ['ip6gretap', 'ip6erspan'] as const) {
    t.match(of(kind, { remote: '::' }), /^linkinfo\.data\.remote: "::" is not an IPv6 address other than/)
  }
  t.equal(of('gre', { remote: '0.0.0.0' }), 'accepted')
  t.match(
    decode(withData('gretap', '0800070000000000')).linkinfo,
    { data: { remote: '0.0.0.0' } },
    'but the kernel tells it',
  )

  t.equal(of('vxlan', { id: 0x1000000 }), 'linkinfo.data.id: 16777216 is not a VNI from 0 to 16777215')
  t.equal(of('gre', { ikey: 2 ** 32 }), 'linkinfo.data.ikey: 4294967296 is not a key from 0 to 4294967295')
  t.equal(of('gre', { ttl: 256 }), 'linkinfo.data.ttl: 256 is not a TTL from 0 to 255')
  t.equal(of('ipip', { encapDport: 65536 }), 'linkinfo.data.encapDport: 65536 is not a port from 0 to 65535')
  t.equal(of('geneve', { label: 0x100000 }), 'linkinfo.data.label: 1048576 is not a flow label from 0 to 1048575')
  t.equal(
    of('erspan', { erspanIndex: 0x100000 }),
    'linkinfo.data.erspanIndex: 1048576 is not an ERSPAN index from 0 to 1048575',
  )
  t.equal(of('erspan', { erspanVer: 3 }), 'linkinfo.data.erspanVer: 3 is not an ERSPAN version from 0 to 2')
  t.equal(of('erspan', { erspanHwid: 64 }), 'linkinfo.data.erspanHwid: 64 is not an ERSPAN engine from 0 to 63')
  t.match(of('gre', { local: '2001:db8::1' }), /^linkinfo\.data\.local: .* is not an IPv4 address$/)
  t.match(of('ip6gre', { local: '192.0.2.1' }), /^linkinfo\.data\.local: .* is not an IPv6 address$/)
  t.match(of('gre', { iflags: ['kee'] }), /^linkinfo\.data\.iflags: "kee" is not a list of csum, routing, key/)
  t.match(of('vxlan', { portRange: { low: 1, hihg: 2 } }), /^linkinfo\.data\.portRange\.hihg/)

  // Attributes of other kinds: the driver would not read them.
  for (const [kind, name] of [
    ['sit', 'collectMetadata'],
    ['ipip', 'flags'],
    ['ip6tnl', 'tos'],
    ['ip6tnl', 'pmtudisc'],
    ['gre', 'erspanVer'],
    ['gre', 'flowinfo'],
    ['ip6gre', 'ignoreDf'],
    ['vti', 'ttl'],
    ['dummy', 'mtu'],
  ] as const) {
    t.match(
      of(kind, { [name]: 1 }),
      new RegExp(`^linkinfo\\.data\\.${name} is not a known property`),
      `${kind} has no ${name}`,
    )
  }

  t.match(refusal({ ifname: 'a'.repeat(16) }), /^ifname: /)
  t.match(refusal({ ifnam: 'a' }), /did you mean 'ifname'/)
  t.match(refusal({ index: -1 }), /^index: -1 is not a device index/)
  t.match(refusal({ linkinfo: { data: {} } }), /^linkinfo\.data: .*without 'kind'/)
  t.throws(() => decode(withData('gre', '05000800')), DecodeError, 'cut short')
})

t.test('types: data follows from kind', async (t) => {
  const link = decode(encode({ linkinfo: { kind: 'gre', data: { ikey: 5 } } }))
  if (link.linkinfo?.kind === 'gre') {
    const ikey: number | undefined = link.linkinfo.data?.ikey
    t.equal(ikey, 5)
    // @ts-expect-error erspan's, not gre's
    t.equal(link.linkinfo.data?.erspanVer, undefined)
  } else t.fail('not gre')

  const values: LinkInput[] = [
    { linkinfo: { kind: 'bond' } },
    // @ts-expect-error no such property
    { linkinfo: { kind: 'gre', data: { lokal: '192.0.2.1' } } },
    // @ts-expect-error no such property of this kind
    { linkinfo: { kind: 'gre', data: { id: 5 } } },
    // @ts-expect-error a number
    { linkinfo: { kind: 'gre', data: { ikey: '5' } } },
    // @ts-expect-error no such flag
    { linkinfo: { kind: 'gre', data: { iflags: ['kee'] } } },
    // @ts-expect-error a kind without a table has no data
    { linkinfo: { kind: 'bond', data: { mode: 1 } } },
    // @ts-expect-error no kind, no data
    { linkinfo: { data: { ikey: 5 } } },
  ]
  t.equal(values.length, 7)
})
