import { inspect } from 'node:util'
import t from 'tap'
import { DecodeError, EncodeError } from '../../lib/errors.js'
import { route } from '../../lib/rtnl/route.js'
import { ROUTE_MESSAGES, type RouteInput } from '../../lib/schema/route.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import { ip } from '../../lib/wire/addresses.js'
import { body } from '../../lib/wire/body.js'
import { MessageKind, message } from '../../lib/wire/message.js'
import type { Message } from '../../lib/wire/protocol.js'
import { Registry } from '../../lib/wire/registry.js'
import { Request } from '../../lib/wire/request.js'
import { enumeration, u8 } from '../../lib/wire/scalars.js'
import { struct } from '../../lib/wire/struct.js'
import { attr } from '../../lib/wire/table.js'

const DEMO = message(
  'DEMO',
  40,
  body('DEMO_', struct('demo', { tos: u8, family: enumeration(u8, { inet: 2, inet6: 10 }) }), {
    address: attr(1, ip),
    other: attr(2, ip),
  }),
)
const demo = new Registry([DEMO])
const LENGTH = '00000000'
const hex = (value: object, type = 40): string => DEMO.encode(type, 0x0105, value).toString('hex')

t.test('a kind of object has four messages', async (t) => {
  t.same(
    (['new', 'del', 'get', 'set'] as const).map((one) => [
      DEMO.type(one),
      DEMO.operation(DEMO.type(one)),
      DEMO.does(DEMO.type(one)),
    ]),
    [
      [40, 'RTM_NEWDEMO', 'new'],
      [41, 'RTM_DELDEMO', 'del'],
      [42, 'RTM_GETDEMO', 'get'],
      [43, 'RTM_SETDEMO', 'set'],
    ],
  )
})

t.test('of generic netlink it has one, named like the family', async (t) => {
  const kind = new MessageKind('fou', 30, body('F_', struct('g', { cmd: u8 }), { address: attr(1, ip) }), ['command'])
  t.equal(kind.operation(30), 'fou')
  t.equal(
    kind.encode(30, 1, { cmd: 3, address: '::1' }).toString('hex').slice(32),
    `0300000014000100${'0'.repeat(31)}1`,
  )
  t.equal(kind.familyIn(Buffer.from([10]), 0, 1), 0, 'its header has no family')
})

t.test('a message: nlmsghdr, header, attributes', async (t) => {
  t.equal(
    hex({ tos: 8, address: '192.0.2.1' }),
    '1c000000' + '2800' + '0501' + '00000000' + '00000000' + '08020000' + '08000100' + 'c0000201',
  )
  t.equal(hex({}), `14000000280005010000000000000000${LENGTH}`)
})

t.test('the family follows from the first address that tells it, unless it is given', async (t) => {
  const family = (value: object): number => DEMO.encode(40, 0, value)[17]!
  t.equal(family({ address: '192.0.2.1' }), 2)
  t.equal(family({ address: '::1' }), 10)
  t.equal(family({ address: undefined, other: '::1' }), 10)
  t.equal(family({ family: 'inet6' }), 10)
  t.equal(family({ family: 10, address: '::1' }), 10)
  t.equal(family({ family: 7, address: '::1', other: '192.0.2.1' }), 7)
  t.equal(family({ family: undefined, address: '::1' }), 10)
  t.throws(() => hex({ family: 'inet', address: '::1' }), new EncodeError('address', '::1', 'an IPv4 address'))
  t.throws(() => hex({ address: '192.0.2.1', other: '::1' }), new EncodeError('other', '::1', 'an IPv4 address'))
  for (const bad of ['Inet', 256, -1, null, Number.NaN, 'toString']) {
    t.throws(() => hex({ family: bad }), { name: 'EncodeError', path: 'family', value: bad })
    t.throws(() => hex({ address: '192.0.2.1', family: bad }), { name: 'EncodeError', path: 'family' })
  }
})

t.test('a message is an object', async (t) => {
  for (const value of [undefined, null, 1, 'x', [], Buffer.alloc(1), new Map()]) {
    t.throws(() => hex(value as object), new EncodeError('', value, 'an object'))
  }
})

t.test('a failed message leaves nothing behind', async (t) => {
  const before = hex({ tos: 1, address: '192.0.2.1' })
  t.throws(() => hex({ address: '192.0.2.1', other: 'x' }))
  t.throws(() => DEMO.decode({ bytes: Buffer.alloc(20, 1), start: 0, end: 17, type: 42 }), DecodeError)
  t.equal(hex({ tos: 1, address: '192.0.2.1' }), before)
  t.not(DEMO.encode(40, 0, { tos: 1 }), DEMO.encode(40, 0, { tos: 1 }), 'never the same buffer twice')
})

t.test('messages larger than the room at the start', async (t) => {
  const base: RouteInput = {
    dst: '10.0.0.0/8',
    oif: 7,
    gateway: '192.0.2.1',
    metrics: { mtu: 1400, ccAlgo: 'bbr' },
    multipath: [{ oif: 1, weight: 200, via: { address: 'fe80::1' }, encap: { type: 'mpls', dst: [100, 200] } }],
    encap: { type: 'ip', id: 5n, flags: ['key'], opts: { geneve: [{ class: 1, type: 2, data: Buffer.alloc(4, 7) }] } },
    pref: 'high',
    ttlPropagate: true,
    mfcStats: { packets: 1n, bytes: 2n, wrongIf: 3n },
  }
  const small = ROUTE_MESSAGES.encode(24, 5, base)
  const attributes = small.subarray(28)
  // Where the buffer must grow, no attribute may be written into the one that is left behind.
  for (let size = 64_900; size < 65_520; size += 4) {
    const filler = { type: 99, data: Buffer.alloc(size, 0xaa) }
    const large = ROUTE_MESSAGES.encode(24, 5, { unknown: [filler], ...base })
    if (!large.subarray(28 + 4 + size).equals(attributes)) t.fail(`differs behind ${size} bytes`)
  }
  const large = route.add({ ...base, unknown: [{ type: 99, data: Buffer.alloc(65_000) }] })
  t.equal(large.bytes.readUInt32LE(0), large.bytes.length)
  t.match(rtnetlink.decode(large.bytes)[0]!.value, { dst: '10.0.0.0/8', multipath: [{ weight: 200 }] })
})

t.test('decoding: one message or several', async (t) => {
  const bytes = Buffer.concat([DEMO.encode(40, 0x0601, { address: '192.0.2.1' }), DEMO.encode(42, 0x0301, { tos: 1 })])
  t.same(demo.decode(bytes), [
    {
      type: 'RTM_NEWDEMO',
      flags: ['request', 'excl', 'create'],
      seq: 0,
      pid: 0,
      value: { tos: 0, family: 'inet', address: '192.0.2.1' },
    },
    { type: 'RTM_GETDEMO', flags: ['request', 'root', 'match'], seq: 0, pid: 0, value: { tos: 1, family: 0 } },
  ])
  t.same(demo.decode(Buffer.alloc(0)), [])
  const inside = Buffer.concat([Buffer.alloc(3), bytes])
  t.same(demo.decode(new Uint8Array(inside.buffer, inside.byteOffset + 3, bytes.length)), demo.decode(bytes), 'a view')
})

t.test('decoding: the same bits mean other things on other messages', async (t) => {
  const flags = (type: number, bits: number): unknown => {
    const bytes = Buffer.concat([demo.encode({ type, flags: [], value: type < 40 ? {} : { tos: 0 } })])
    bytes.writeUInt16LE(bits, 6)
    return demo.decode(bytes)[0]!.flags
  }
  t.same(flags(40, 0xf05), ['request', 'ack', 'replace', 'excl', 'create', 'append'])
  t.same(flags(43, 0x100), ['replace'])
  t.same(flags(41, 0x305), ['request', 'ack', 'nonrec', 'bulk'])
  t.same(flags(42, 0x701), ['request', 'root', 'match', 'atomic'])
  t.same(flags(2, 0x300), ['capped', 'ack_tlvs'])
  t.same(flags(3, 0x32), ['multi', 'dump_intr', 'dump_filtered'])
  t.same(flags(40, 0xf000), [0xf000], 'what has no name is a number')
})

t.test('decoding: control messages, and those of other kinds', async (t) => {
  const control = (type: number, data: string): Message[] => {
    const body = Buffer.from(data, 'hex')
    const bytes = Buffer.concat([Buffer.alloc(16), body])
    bytes.writeUInt32LE(bytes.length, 0)
    bytes.writeUInt16LE(type, 4)
    const list = demo.decode(bytes)
    t.ok(demo.encode(list[0]!).subarray(0, bytes.length).equals(bytes), 'survives')
    return list
  }
  t.match(control(2, 'efffffff0102'), [{ type: 'NLMSG_ERROR', value: { error: -17, data: Buffer.from([1, 2]) } }])
  t.match(control(2, '0102'), [{ type: 'NLMSG_ERROR', value: { data: Buffer.from([1, 2]) } }])
  t.match(control(3, '00000000'), [{ type: 'NLMSG_DONE', value: { data: Buffer.alloc(4) } }])
  t.match(control(1, ''), [{ type: 'NLMSG_NOOP', value: { data: Buffer.alloc(0) } }])
  t.match(control(4, ''), [{ type: 'NLMSG_OVERRUN' }])
  t.match(control(1234, '0a0b0c'), [{ type: 1234, value: { data: Buffer.from([10, 11, 12]) } }])
  t.equal(demo.operation(40), 'RTM_NEWDEMO')
  t.equal(demo.operation(3), 'NLMSG_DONE')
  t.equal(demo.operation(1234), 'message 1234')
  t.equal(demo.kind(41), DEMO)
  t.equal(demo.kind(1234), undefined)
})

t.test('decoding: what is no message', async (t) => {
  const good = DEMO.encode(40, 0, {})
  t.throws(() => demo.decode(Buffer.alloc(3)), new DecodeError('', 'no message of a possible length at byte 0'))
  t.throws(
    () => demo.decode(Buffer.concat([good, good.subarray(0, 19)])),
    new DecodeError('', 'no message of a possible length at byte 20'),
  )
  const short = Buffer.from(good.subarray(0, 17))
  short.writeUInt32LE(17, 0)
  t.throws(() => demo.decode(short), new DecodeError('', '1 bytes where struct demo of 2 was expected'))
})

t.test('encoding: requests and messages, for a sender', async (t) => {
  const request = route.delete({ dst: '10.0.0.0/8' })
  const bytes = rtnetlink.encode(request, { seq: 0xfffffffe, pid: 4711 })
  t.equal(bytes.readUInt32LE(8), 0xfffffffe)
  t.equal(bytes.readUInt32LE(12), 4711)
  t.equal(request.bytes.readUInt32LE(8), 0, 'the request itself is as it was')
  t.ok(rtnetlink.encode(request).equals(request.bytes))
  t.not(rtnetlink.encode(request), request.bytes)
  const [message] = rtnetlink.decode(bytes)
  t.ok(rtnetlink.encode(message!, { seq: 0xfffffffe, pid: 4711 }).equals(bytes))
  t.ok(
    rtnetlink.encode({ type: 25, flags: 5, value: message!.value } as never).equals(request.bytes),
    'numbers for names',
  )
})

t.test('encoding: what cannot be is refused', async (t) => {
  const good = { type: 'RTM_NEWDEMO', flags: [], value: {} }
  const no = (value: unknown, path: string, envelope?: object) =>
    t.throws(() => demo.encode(value as Message, envelope), { name: 'EncodeError', path })
  for (const value of [undefined, null, 'RTM_NEWDEMO', 40, [], Buffer.alloc(20)]) no(value, '')
  for (const type of ['RTM_NEWROUTE', 'toString', '__proto__', '', -1, 65_536, 1.5, Number.NaN, undefined, null, 40n]) {
    no({ ...good, type }, 'type')
  }
  for (const flags of [undefined, null, 'request', ['requst'], ['root'], [0x10000], -1, Number.NaN])
    no({ ...good, flags }, 'flags')
  for (const value of [undefined, null, [], 'x']) no({ ...good, value }, '')
  for (const bad of [-1, 2 ** 32, 1.5, Number.NaN, '1', 1n, null]) {
    no(good, 'seq', { seq: bad })
    no(good, 'pid', { pid: bad })
  }
  for (const error of [-(2 ** 31) - 1, 2 ** 31, 1.5, Number.NaN, '1', 1n, null]) {
    no({ type: 2, flags: [], value: { error } }, 'error')
  }
  for (const value of [undefined, null, [], 'x']) no({ type: 3, flags: [], value }, 'value')
  for (const data of ['00', [0], null, 1]) no({ type: 3, flags: [], value: { data } }, 'data')
  no({ type: 3, flags: [], value: { dta: 1 } }, 'dta')
  t.equal(
    demo.encode({ type: 3, flags: ['multi'], value: { data: undefined, other: undefined } }).toString('hex'),
    `1000000003000200${'0'.repeat(16)}`,
  )
  t.equal(
    demo.encode({ type: 2, flags: [], value: { error: -1 } }).toString('hex'),
    `1400000002000000${'0'.repeat(16)}ffffffff`,
  )
})

t.test('a request says what it is about', async (t) => {
  const subject = (value: object): string => new Request('RTM_NEWX', 0, 0, value, Buffer.alloc(0)).toString()
  t.equal(subject({ dst: '12.1.1.1/32', gateway: '192.0.2.1' }), 'RTM_NEWX 12.1.1.1/32')
  t.equal(subject({ index: 5, ifname: 'tunl0' }), 'RTM_NEWX tunl0')
  t.equal(subject({ index: 5 }), 'RTM_NEWX index 5')
  t.equal(subject({ index: 3, address: '11.1.1.1/32', local: '11.1.1.1' }), 'RTM_NEWX 11.1.1.1/32')
  t.equal(subject({ id: 7 }), 'RTM_NEWX id 7')
  t.equal(subject({ src: '10.0.0.0/8', table: 100 }), 'RTM_NEWX 10.0.0.0/8')
  t.equal(subject({ nsid: 0 }), 'RTM_NEWX nsid 0')
  t.equal(subject({ dst: undefined, family: 'inet' }), 'RTM_NEWX')
  t.equal(new Request('RTM_GETX', 26, 0, {}, Buffer.alloc(0)).reads, true)
  t.equal(new Request('RTM_NEWX', 24, 0, {}, Buffer.alloc(0)).reads, false)
  t.equal(new Request('FOU_CMD_GET', 24, 0, {}, Buffer.alloc(0), true).reads, true)
})

t.test('what is printed of a request', async (t) => {
  const request = new Request('RTM_NEWX', 0, 0, { dst: '12.1.1.1/32', flags: ['onlink'] }, Buffer.alloc(99))
  t.equal(inspect(request), "RTM_NEWX { dst: '12.1.1.1/32', flags: [ 'onlink' ] }")
  t.equal(inspect({ a: { b: { c: request } } }), '{ a: { b: { c: [RTM_NEWX 12.1.1.1/32] } } }')
})

t.test('a request stays as it was made', async (t) => {
  const hops = [{ gateway: '192.0.2.1', oif: 1 }]
  const value = { dst: '10.0.0.0/8', multipath: hops }
  for (const request of [route.add(value), route.get({ dst: '10.0.0.1' }), route.list()]) {
    const before = rtnetlink.encode(request)
    const { value: given } = request
    value.dst = '11.0.0.0/8'
    hops.push({ gateway: '192.0.2.2', oif: 2 })
    t.ok(rtnetlink.encode(request).equals(before))
    t.not(given.dst, '11.0.0.0/8')
    t.throws(() => Object.assign(request, { flags: 0 }), TypeError)
    t.throws(() => Object.assign(request.value, { dst: '::/0' }), TypeError)
    value.dst = '10.0.0.0/8'
    hops.pop()
  }
  t.strictSame(Object.keys(value), ['dst', 'multipath'], 'and so does what it was made from')
})

t.test('a request whose attribute occurs twice is what the encoder makes of it, however often', async (t) => {
  for (const oif of [7, 8, 9]) {
    const value = { dst: '10.0.0.0/8', oif, unknown: [{ type: 4, data: Buffer.from([oif, 1, 0, 0]) }] }
    const { bytes, flags, value: whole } = route.add(value)
    t.ok(bytes.equals(ROUTE_MESSAGES.encode(24, flags, whole)))
    t.equal(rtnetlink.decode(bytes)[0]!.value.oif, 256 + oif, 'the last one counts')
  }
})
