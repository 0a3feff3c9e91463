import t, { type Test } from 'tap'
import { DecodeError, EncodeError } from '../../lib/errors.js'
import type { AnyCodec } from '../../lib/wire/codec.js'
import {
  be16,
  be32,
  be64,
  bits,
  bool,
  bytes,
  enumeration,
  flag,
  ifname,
  le16,
  list,
  named,
  nonzero,
  plus,
  range,
  s32,
  string,
  text,
  u8,
  u16,
  u32,
  u64,
  uint,
} from '../../lib/wire/scalars.js'
import { context, get, put } from '../helpers/codec.js'

/** Values that are no numbers, and numbers that no integer codec takes. */
const NO_INTEGERS = [undefined, null, '1', '', 1n, true, [1], {}, Number.NaN, Infinity, -Infinity, 1.5]

/** Refused with what is expected, and the value. */
function refused(t: Test, codec: AnyCodec, values: readonly unknown[], expects = codec.expects): void {
  for (const value of values) t.throws(() => put(codec, value), new EncodeError('', value, expects))
}

t.test('whole numbers stand in the bytes that they should', async (t) => {
  // Host order is that of a little-endian machine.
  const cases: [string, AnyCodec, number, string][] = [
    ['u8', u8, 0xfe, 'fe'],
    ['u16', u16, 0x0102, '0201'],
    ['u32', u32, 0xf1020304, '040302f1'],
    ['s32', s32, -2, 'feffffff'],
    ['be16', be16, 0x0102, '0102'],
    ['be32', be32, 0xf1020304, 'f1020304'],
    ['le16', le16, 0x0102, '0201'],
  ]
  for (const [name, codec, value, hex] of cases) {
    t.equal(put(codec, value), hex, `${name} written`)
    t.equal(get(codec, hex), value, `${name} read`)
    t.equal(codec.size, hex.length / 2, `${name} size`)
    t.throws(() => get(codec, `${hex}00`), DecodeError, `${name} too long`)
    t.throws(() => get(codec, hex.slice(2)), DecodeError, `${name} too short`)
  }
})

t.test('whole numbers have bounds', async (t) => {
  const cases: [AnyCodec, number, number][] = [
    [u8, 0, 255],
    [u16, 0, 65_535],
    [u32, 0, 4_294_967_295],
    [s32, -2_147_483_648, 2_147_483_647],
    [be16, 0, 65_535],
    [be32, 0, 4_294_967_295],
    [le16, 0, 65_535],
    [range(u32, 0, 0xffffff, 'a VNI'), 0, 16_777_215],
    [range(s32, -1, 5), -1, 5],
    [plus(u8, 1, 256), 1, 256],
  ]
  for (const [codec, min, max] of cases) {
    t.match(codec.expects, new RegExp(` from ${min} to ${max}$`))
    for (const value of [min, max]) t.equal(get(codec, put(codec, value)), value)
    refused(t, codec, [min - 1, max + 1, ...NO_INTEGERS])
  }
})

t.test('a range is for what is written, not for what the kernel says', async (t) => {
  const vni = range(u32, 0, 0xffffff, 'a VNI')
  t.equal(get(vni, 'ffffffff'), 0xffffffff)
  t.throws(() => put(vni, 0x1000000), { message: '16777216 is not a VNI from 0 to 16777215' })
})

t.test('plus: weights are sent as weight - 1', async (t) => {
  const weight = plus(u8, 1, 256)
  t.equal(put(weight, 1), '00')
  t.equal(put(weight, 256), 'ff')
  t.equal(get(weight, '00'), 1)
  t.equal(get(weight, 'ff'), 256)
})

t.test('64 bits are bigint, and numbers where they are exact', async (t) => {
  t.equal(put(u64, 0x0102030405060708n), '0807060504030201')
  t.equal(put(be64, 0x0102030405060708n), '0102030405060708')
  t.equal(put(be64, 5), '0000000000000005')
  t.equal(put(be64, 2n ** 64n - 1n), 'ffffffffffffffff')
  t.equal(get(u64, '0807060504030201'), 0x0102030405060708n)
  t.equal(get(be64, 'ffffffffffffffff'), 2n ** 64n - 1n)
  for (const codec of [u64, be64, uint]) {
    refused(t, codec, [-1n, 2n ** 64n, -1, 2 ** 53, 1.5, Number.NaN, Infinity, '5', null, undefined, true, {}])
    t.throws(() => get(codec, '00000000000000'), DecodeError)
  }
})

t.test('uint: four bytes or eight, as the kernel likes', async (t) => {
  t.equal(get(uint, '05000000'), 5n)
  t.equal(get(uint, '0500000000000000'), 5n)
  t.equal(put(uint, 5n), '0500000000000000')
  t.throws(() => get(uint, '0500'), DecodeError)
})

t.test('nonzero: not the address that means none', async (t) => {
  const codec = nonzero(u32, 'a number other than 0')
  t.equal(put(codec, 256), '00010000')
  t.equal(get(codec, '00000000'), 0, 'what the kernel says is not judged')
  refused(t, codec, [0])
  t.throws(() => put(codec, 'x'), new EncodeError('', 'x', u32.expects))
})

t.test('bool: a byte', async (t) => {
  t.equal(put(bool, true), '01')
  t.equal(put(bool, false), '00')
  t.equal(put(bool, 1), '01')
  t.equal(put(bool, 0), '00')
  t.equal(get(bool, '00'), false)
  t.equal(get(bool, '02'), true)
  t.throws(() => get(bool, ''), DecodeError)
  t.throws(() => get(bool, '01000000'), DecodeError)
  refused(t, bool, [2, -1, '1', 'true', null, undefined, 1n, [], {}, Number.NaN])
})

t.test('flag: an attribute without payload', async (t) => {
  const skip = (value: unknown) => flag.skip!(value as boolean, undefined as never, context())
  t.equal(skip(true), false)
  t.equal(skip(false), true, 'false leaves it out')
  t.equal(put(flag, true), '')
  t.equal(get(flag, ''), true)
  t.equal(get(flag, '01'), true, 'some kernels tell flags as a byte')
  t.equal(get(flag, '00'), false, 'which may say no')
  for (const value of [0, 1, 'true', null, undefined])
    t.throws(() => skip(value), new EncodeError('', value, 'true or false'))
})

t.test('enumeration: a name, or a number', async (t) => {
  const codec = enumeration(u8, { none: 0, one: 1, uno: 1 })
  t.equal(codec.expects, 'one of none, one, uno, or a number')
  t.equal(put(codec, 'one'), '01')
  t.equal(put(codec, 'uno'), '01')
  t.equal(put(codec, 7), '07')
  t.equal(get(codec, '00'), 'none')
  t.equal(get(codec, '01'), 'one', 'the first of two names')
  t.equal(get(codec, '07'), 7, 'a number without a name')
  refused(t, codec, ['two', 'One', '', 'toString', '__proto__', 'constructor', null, undefined, 1n, true, ['one'], {}])
  refused(t, codec, [256, -1, 1.5, Number.NaN], u8.expects)
})

t.test('named: a number that may be given by name', async (t) => {
  const codec = named(u32, { main: 254 })
  t.equal(put(codec, 'main'), 'fe000000')
  t.equal(put(codec, 1000), 'e8030000')
  t.equal(get(codec, 'fe000000'), 254)
  refused(t, codec, ['Main', '254', '', 'toString', '__proto__', null, undefined, 1n, true, ['main'], {}])
  refused(t, codec, [-1, 2 ** 32, 1.5, Number.NaN], u32.expects)
})

t.test('bits: names, numbers, or one number', async (t) => {
  const codec = bits(u32, { low: 1, high: 0x80000000 })
  t.equal(codec.expects, 'a list of low, high, or a number')
  t.equal(put(codec, ['low', 'high']), '01000080')
  t.equal(put(codec, ['high', 4, 4]), '04000080')
  t.equal(put(codec, 0x80000001), '01000080')
  t.equal(put(codec, []), '00000000')
  t.same(get(codec, '01000080'), ['low', 'high'])
  t.same(get(codec, '070000c0'), ['low', 'high', 0x40000006], 'what has no name is one number')
  t.same(get(codec, '00000000'), [])
  refused(t, codec, [-1, 2 ** 32, 1.5, Number.NaN, 'low', null, undefined, { low: true }, new Set(['low'])])
  for (const item of ['mid', 'toString', '__proto__', -1, 2 ** 32, 1.5, Number.NaN, null, undefined, 1n, ['low']]) {
    t.throws(() => put(codec, ['low', item]), new EncodeError('', item, codec.expects))
  }
  refused(t, bits(u8, { low: 1 }), [256])
  // biome-ignore lint/suspicious/noSparseArray: that is what is tested
  t.throws(() => put(codec, ['low', , 'high']), EncodeError, 'a list with a hole')
})

t.test('string: up to the NUL', async (t) => {
  const codec = string(5)
  t.equal(put(codec, 'ab'), '616200')
  t.equal(put(codec, 'abcde'), '616263646500')
  t.equal(put(codec, 'é→'), 'c3a9e2869200', 'UTF-8')
  t.equal(get(codec, '616200'), 'ab')
  t.equal(get(codec, '6162'), 'ab', 'not all senders end it')
  t.equal(get(codec, '61006200'), 'a')
  t.equal(get(codec, ''), '')
  refused(t, codec, ['', 'abcdef', 'é→é', 'a\0b', 5, null, undefined, ['a'], Buffer.from('a')])
  t.equal(put(string(5, 'anything', /^/), ''), '00')
  t.equal(text(Buffer.from('xgre\0\0y'), 1, 6), 'gre')
})

t.test('ifname: what dev_valid_name() takes', async (t) => {
  for (const name of ['a', 'eth0.100', 'fifteen-bytes-x', 'ü', '...', '-'])
    t.equal(get(ifname, put(ifname, name)), name)
  refused(t, ifname, [
    '',
    '.',
    '..',
    'a/b',
    'a:b',
    'a b',
    'a\tb',
    'a\nb',
    '\va',
    'a\0',
    'sixteen-bytes-xy',
    'üüüüüüüü',
    5,
    null,
  ])
})

t.test('bytes: as they are', async (t) => {
  const codec = bytes(3)
  t.equal(put(codec, Uint8Array.of(1, 2)), '0102')
  t.equal(put(codec, Buffer.alloc(0)), '')
  const source = Buffer.from([1, 2, 3])
  const read = codec.read(source, 1, 3, context())!
  source.fill(0)
  t.same(read, Buffer.from([2, 3]), 'a copy')
  refused(t, codec, [Buffer.alloc(4), '0102', [1, 2], new ArrayBuffer(2), Uint16Array.of(1), null, undefined, 1])
})

t.test('list: items of one size', async (t) => {
  const codec = list(be16)
  t.equal(put(codec, [1, 2]), '00010002')
  t.equal(put(codec, []), '')
  t.same(get(codec, '00010002'), [1, 2])
  t.throws(() => get(codec, '000100'), new DecodeError('', '3 bytes in items of 2'))
  t.throws(() => put(codec, [1, 2, 70_000]), new EncodeError('[2]', 70_000, be16.expects))
  t.throws(() => put(codec, Array(2)), new EncodeError('[0]', undefined, be16.expects), 'holes are no items')
  refused(t, codec, [null, undefined, 1, 'ab', { length: 1, 0: 1 }, Uint8Array.of(1)])
})
