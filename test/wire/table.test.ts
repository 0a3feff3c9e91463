import t from 'tap'
import { DecodeError, EncodeError } from '../../lib/errors.js'
import { ipv4 } from '../../lib/wire/addresses.js'
import { body, select, sequence } from '../../lib/wire/body.js'
import { byFamily } from '../../lib/wire/family.js'
import { bytes, flag, list, plus, s32, string, u8, u16, u32 } from '../../lib/wire/scalars.js'
import { hidden, struct } from '../../lib/wire/struct.js'
import { attr, attrs, snake, table } from '../../lib/wire/table.js'
import { context, get, put } from '../helpers/codec.js'

const INNER = table('IN_', { ttl: attr(3, u8), link: attr(1, u32) })
const OUTER = table('OUT_', {
  oif: attr(4, u32),
  tiny: attr(5, u8),
  inner: attr(6, INNER),
  many: attrs(7, u16),
  on: attr(8, flag),
  blob: attr(9, bytes(70_000)),
  sixRd: attr(10, u8, '6RD'),
  zero: attr(0, u8),
})
const NO_OBJECTS = [null, 1, 'x', true, [], [1], new Map(), new Set(), Buffer.alloc(2), () => {}]

t.test('attributes: length, number, payload, padding', async (t) => {
  t.equal(put(OUTER, { oif: 1, tiny: 2 }), '08000400' + '01000000' + '05000500' + '02000000')
  t.same(get(OUTER, '08000400' + '01000000' + '05000500' + '02000000'), { oif: 1, tiny: 2 })
  t.equal(put(OUTER, { tiny: 2, oif: 1 }), '05000500' + '02000000' + '08000400' + '01000000', 'in the order given')
  t.equal(put(OUTER, {}), '')
  t.same(get(OUTER, ''), {})
  t.equal(put(OUTER, { zero: 7 }), '05000000' + '07000000', 'number 0 is a number')
})

t.test('a nest carries NLA_F_NESTED, and is read without it too', async (t) => {
  t.equal(put(OUTER, { inner: { ttl: 64 } }), '0c000680' + '05000300' + '40000000')
  for (const type of ['0680', '0600', '0640', '06c0']) {
    t.same(get(OUTER, `0c00${type}0500030040000000`), { inner: { ttl: 64 } })
  }
  t.equal(put(OUTER, { inner: {} }), '04000680', 'an empty nest is one')
  t.same(get(OUTER, '04000680'), { inner: {} })
})

t.test('undefined means absent, 0 and false are values', async (t) => {
  t.equal(put(OUTER, { oif: undefined, inner: undefined, on: undefined, unknown: undefined, nonsense: undefined }), '')
  t.equal(put(OUTER, { inner: { ttl: undefined } }), '04000680')
  t.equal(put(OUTER, { oif: 0 }), '08000400' + '00000000')
  t.equal(put(OUTER, { on: true }), '04000800')
  t.equal(put(OUTER, { on: false }), '')
  t.same(get(OUTER, '04000800'), { on: true })
})

t.test('an attribute that occurs several times', async (t) => {
  t.equal(put(OUTER, { many: [1, 2] }), '06000700' + '01000000' + '06000700' + '02000000')
  t.same(get(OUTER, '06000700' + '01000000' + '05000500' + '09000000' + '06000700' + '02000000'), {
    many: [1, 2],
    tiny: 9,
  })
  t.equal(put(OUTER, { many: [] }), '')
  t.same(get(OUTER, '05000500' + '01000000' + '05000500' + '02000000'), { tiny: 2 }, 'of others the last counts')
})

t.test('what no row knows is kept, with its flag bits and in order', async (t) => {
  const hex = '06002a80' + '01020000' + '04002b40'
  const unknown = [
    { type: 0x802a, data: Buffer.from([1, 2]) },
    { type: 0x402b, data: Buffer.alloc(0) },
  ]
  t.same(get(OUTER, hex), { unknown })
  t.equal(put(OUTER, { unknown }), hex)
  const source = Buffer.from(hex, 'hex')
  const [first] = OUTER.read(source, 0, source.length, context()).unknown!
  source.fill(0)
  t.same(first!.data, Buffer.from([1, 2]), 'as a copy')
  t.equal(put(OUTER, { unknown: [{ type: 1, data: Uint8Array.of(7) }] }), '05000100' + '07000000')
})

t.test('lengths that cannot be', async (t) => {
  for (const length of ['00', '01', '02', '03', '09', 'ff']) {
    const bytes = Number.parseInt(length, 16)
    const error = new DecodeError('', `an attribute of ${bytes} bytes where 8 are left`)
    t.throws(() => get(OUTER, `${length}00040001000000`), error)
  }
  t.same(get(OUTER, '05000500' + '02'), { tiny: 2 }, 'the last one may lack its padding')
  t.same(get(OUTER, '05000500' + '02000000' + '010203'), { tiny: 2 }, 'less than a header is left over')
  t.throws(
    () => get(OUTER, '0c000680' + '06000300' + '40410000'),
    new DecodeError('inner.ttl', '2 bytes where 1 were expected'),
  )
})

t.test('properties that are not known', async (t) => {
  const no = (value: object, path: string, hint = '') =>
    t.throws(() => put(OUTER, value), { name: 'EncodeError', path, expected: `a known property${hint}` })
  no({ inner: { tll: 1 } }, 'inner.tll', " (did you mean 'ttl'?)")
  no({ inners: {} }, 'inners', " (did you mean 'inner'?)")
  no({ OIF: 1 }, 'OIF', " (did you mean 'oif'?)")
  no({ somethingElse: 1 }, 'somethingElse')
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    no(JSON.parse(`{"${key}":1}`) as object, key)
    no({ inner: JSON.parse(`{"${key}":1}`) as object }, `inner.${key}`)
  }
})

t.test('values that are not what they should be are refused at their path', async (t) => {
  const no = (value: unknown, path: string, bad: unknown, expects: string) =>
    t.throws(() => put(OUTER, value), new EncodeError(path, bad, expects))
  for (const value of NO_OBJECTS) {
    no(value, '', value, 'an object')
    no({ inner: value }, 'inner', value, 'an object')
  }
  no({ inner: { ttl: 256 } }, 'inner.ttl', 256, u8.expects)
  no({ oif: null }, 'oif', null, u32.expects)
  no({ many: 1 }, 'many', 1, 'a list')
  no({ many: { 0: 1, length: 1 } }, 'many', { 0: 1, length: 1 }, 'a list')
  no({ many: [1, 'x'] }, 'many[1]', 'x', u16.expects)
  no({ many: Array(1) }, 'many[0]', undefined, u16.expects)
  no({ on: 1 }, 'on', 1, 'true or false')
  const unknown = { type: 1, data: Buffer.alloc(1) }
  for (const value of [null, unknown, 'x', 1]) no({ unknown: value }, 'unknown', value, 'a list of { type, data }')
  for (const bad of [
    null,
    undefined,
    1,
    {},
    { type: 1 },
    { ...unknown, type: -1 },
    { ...unknown, type: 65_536 },
    { ...unknown, type: 1.5 },
    { ...unknown, type: '1' },
    { ...unknown, data: '00' },
    { ...unknown, data: [0] },
  ]) {
    no({ inner: { unknown: [unknown, bad] } }, 'inner.unknown[1]', bad, 'an attribute { type, data }')
  }
})

t.test('errors that are not ours pass through as they are', async (t) => {
  const oops = new RangeError('oops')
  const thrower = table('X_', {
    x: attr(1, {
      expects: 'nothing',
      write: () => {
        throw oops
      },
      read: () => {
        throw oops
      },
    }),
  })
  t.throws(() => put(thrower, { x: 1 }), oops)
  t.throws(() => put(table('X_', { xs: attrs(1, thrower) }), { xs: [{ x: 1 }] }), oops)
  t.throws(() => get(thrower, '04000100'), oops)
  const hops = body('X_', HOP, { x: attr(1, thrower.rows.x.codec) })
  t.throws(() => get(sequence(hops), '0c000000' + '00000000' + '04000100'), oops)
})

t.test('an attribute of more than 65,535 bytes', async (t) => {
  t.equal(put(OUTER, { blob: Buffer.alloc(65_531) }).length, 2 * 65_536)
  const blob = Buffer.alloc(65_532)
  const expects = 'an attribute of at most 65,535 bytes'
  t.throws(() => put(OUTER, { blob }), new EncodeError('blob', blob, expects))
  const unknown = [{ type: 1, data: blob }]
  t.throws(() => put(OUTER, { unknown }), new EncodeError('unknown[0]', unknown[0], expects))
  const inner = { unknown: [{ type: 1, data: Buffer.alloc(65_528) }] }
  t.throws(() => put(OUTER, { inner }), new EncodeError('inner', inner, expects))
})

t.test('numbers and names', async (t) => {
  t.same(OUTER.find(4), { key: 'oif', row: OUTER.rows.oif })
  t.same(OUTER.find(0x8006), { key: 'inner', row: OUTER.rows.inner }, 'with flag bits')
  t.equal(OUTER.find(42), undefined)
  t.equal(OUTER.nameOf(4), 'OUT_OIF')
  t.equal(OUTER.nameOf(10), 'OUT_6RD')
  t.equal(OUTER.nameOf(0xc02a), 'OUT_42')
  t.equal(snake('udpZeroCsum6Rx'), 'UDP_ZERO_CSUM6_RX')
  t.same(OUTER.areas(Buffer.alloc(0), 1, 2, context()), [{ label: '', table: OUTER, start: 1, end: 2 }])
})

// A header before attributes.

const HOP = struct('hop', { len: hidden(u16), flags: u8, weight: plus(u8, 1, 256), oif: s32 })
const HOPS = body('RTA_', HOP, { gateway: attr(5, ipv4), ttl: attr(2, u8) })

t.test('a body: header, then attributes', async (t) => {
  t.equal(put(HOPS, { oif: 7, gateway: '192.0.2.1' }), '00000000' + '07000000' + '08000500' + 'c0000201')
  t.same(get(HOPS, '00000001' + '07000000' + '08000500' + 'c0000201'), {
    flags: 0,
    weight: 2,
    oif: 7,
    gateway: '192.0.2.1',
  })
  t.throws(() => get(HOPS, '000000'), DecodeError)
  t.throws(() => put(HOPS, { len: 1 }), { name: 'EncodeError', path: 'len' })
  t.throws(() => put(HOPS, { weight: 0 }), new EncodeError('weight', 0, 'a whole number from 1 to 256'))
  t.equal(HOPS.nested, false)
  const [area] = HOPS.areas(Buffer.alloc(0), 8, 32, context())
  t.same(
    { start: area!.start, end: area!.end, header: area!.header },
    { start: 16, end: 32, header: { struct: HOP, start: 8 } },
  )
})

t.test('a header shorter than four bytes is padded', async (t) => {
  const codec = body('N_', struct('rtgenmsg', { family: u8 }), { id: attr(1, s32) })
  t.equal(put(codec, { family: 2, id: -1 }), '02000000' + '08000100' + 'ffffffff')
  t.same(get(codec, '02'), { family: 2 })
})

t.test('bodies one behind the other, each with its length', async (t) => {
  const codec = sequence(HOPS)
  const hex = '10000000' + '01000000' + '08000500' + 'c0000201' + '08000002' + '02000000'
  const value = [
    { oif: 1, gateway: '192.0.2.1' },
    { oif: 2, weight: 3 },
  ]
  t.equal(put(codec, value), hex)
  t.match(get(codec, hex), value)
  t.match(
    get(codec, '0d000000' + '01000000' + '05000200' + '07000000' + '08000000' + '02000000'),
    [{ ttl: 7 }, { oif: 2 }],
    'padded',
  )
  t.same(
    codec.areas!(Buffer.from(hex, 'hex'), 0, 24, context()).map(({ label, start, end }) => [label, start, end]),
    [
      ['[0]', 8, 16],
      ['[1]', 24, 24],
    ],
  )
  t.throws(() => get(codec, '07000000' + '01000000'), new DecodeError('', 'an item of 7 bytes where 8 are left'))
  t.throws(() => get(codec, '09000000' + '01000000'), new DecodeError('', 'an item of 9 bytes where 8 are left'))
  t.throws(() => get(codec, '0800'), new DecodeError('', 'an item of 0 bytes where 2 are left'))
  t.throws(() => get(codec, '08000000' + '01000000' + '0c000000' + '01000000' + '09000500'), {
    name: 'DecodeError',
    path: '[1]',
  })
  const no = (value: unknown, error: EncodeError) => t.throws(() => put(codec, value), error)
  for (const bad of [[], {}, null, 'x', 1]) no(bad, new EncodeError('', bad, 'a list of at least one object'))
  no([{}, null], new EncodeError('[1]', null, 'an object'))
  no([{}, { gateway: '::1' }], new EncodeError('[1].gateway', '::1', 'an IPv4 address'))
  const long = { unknown: [{ type: 1, data: Buffer.alloc(65_530) }] }
  no([{}, long], new EncodeError('[1]', long, 'an item of at most 65,535 bytes'))
  t.equal(codec.family!(5 as never), undefined)
  t.equal(codec.family!([null, 1, {}] as never), undefined)
})

t.test('a table chosen by a sibling', async (t) => {
  const codec = table('INFO_', {
    kind: attr(1, string()),
    data: attr(2, select('kind', 1, { gre: INNER, dummy: table('D_', {}) })),
  })
  const gre = '08000100' + '67726500' + '0c000280' + '05000300' + '40000000'
  t.equal(put(codec, { kind: 'gre', data: { ttl: 64 } }), gre)
  t.same(get(codec, gre), { kind: 'gre', data: { ttl: 64 } })
  t.equal(put(codec, { kind: 'dummy', data: {} }), '0a000100' + '64756d6d79000000' + '04000280')
  const late = '0c000200' + '05000300' + '40000000' + '07000100' + '67726500'
  t.same(get(codec, late), { kind: 'gre', data: { ttl: 64 } }, 'kind behind data, and without NUL')
  t.same(
    get(codec, '0a000100' + '677265000000' + '0000' + '0c000200' + '05000300' + '40000000'),
    { kind: 'gre', data: { ttl: 64 } },
    'several NULs',
  )
  const data = Buffer.from('0500030040000000', 'hex')
  for (const kind of ['', 'gr', 'toString', '__proto__']) {
    const hex = put(codec, { ...(kind === '' ? {} : { kind }), unknown: [{ type: 2, data }] })
    t.match(
      get(codec, hex),
      { ...(kind === '' ? {} : { kind }), unknown: [{ type: 2, data }] },
      `kind '${kind}' has no table`,
    )
  }
  t.same(
    get(codec, '04000100' + '04000200'),
    { kind: '', unknown: [{ type: 2, data: Buffer.alloc(0) }] },
    'an empty kind',
  )
  const no = (value: unknown, path: string, expects: string) =>
    t.throws(() => put(codec, value), { name: 'EncodeError', path, expected: expects })
  no({ data: {} }, 'data', "possible without 'kind', which says what it holds")
  no({ kind: 'gr', data: {} }, 'data', "known for kind 'gr' (known are gre, dummy; others take 'unknown')")
  no({ kind: 'toString', data: {} }, 'data', "known for kind 'toString' (known are gre, dummy; others take 'unknown')")
  no({ kind: 'gre', data: { ttl: -1 } }, 'data.ttl', u8.expects)
  no({ kind: 'gre', data: [] }, 'data', 'an object')
  const { codec: chosen } = codec.rows.data
  t.same(
    chosen.areas!(Buffer.from('67726500', 'hex'), 0, 4, context({ companion: { start: 0, end: 4 } }))[0]!.table,
    INNER,
  )
  t.same(chosen.areas!(Buffer.alloc(4), 0, 4, context()), [])
})

t.test('a table chosen by the family of the message', async (t) => {
  const families = { inet: 2, bridge: 7 }
  const codec = byFamily(families, { bridge: table('B_', { mode: attr(1, u16) }) }, INNER)
  t.equal(put(codec, { mode: 1 }, { family: 7 }), '06000100' + '01000000')
  t.equal(put(codec, { ttl: 1 }, { family: 2 }), '05000300' + '01000000')
  t.same(get(codec, '06000100' + '01000000', { family: 7 }), { mode: 1 })
  t.same(get(codec, '05000300' + '01000000'), { ttl: 1 })
  t.equal(codec.areas!(Buffer.alloc(0), 0, 0, context())[0]!.table, INNER)
  const strict = byFamily(families, { bridge: list(u16), inet: INNER })
  t.equal(get(strict, '0100'), undefined, 'unknown without such a family')
  t.throws(() => put(strict, {}), new EncodeError('', {}, 'possible without a family of bridge or inet'))
  t.same(strict.areas!(Buffer.alloc(0), 0, 0, context()), [])
  t.same(strict.areas!(Buffer.alloc(0), 0, 0, context({ family: 7 })), [], 'a list has none')
})
