import t from 'tap'
import { EncodeError } from '../../lib/errors.js'
import { body } from '../../lib/wire/body.js'
import { changeSet, flagSet, flagSwitch, widened } from '../../lib/wire/fields.js'
import { bits, named, u8, u32 } from '../../lib/wire/scalars.js'
import { hidden, struct } from '../../lib/wire/struct.js'
import { attr, VIRTUAL } from '../../lib/wire/table.js'
import { get, put } from '../helpers/codec.js'

const HEADER = struct('header', { tos: u8, table: hidden(u8), flags: hidden(u8), other: u8 })
const CODEC = body('RTA_', HEADER, {
  table: attr(15, widened(HEADER.offset('table'), named(u32, { main: 254 }))),
  flags: attr(8, widened(HEADER.offset('flags'), bits(u32, { low: 1, high: 0x100 }))),
})

t.test('what fits goes into the header alone', async (t) => {
  t.equal(put(CODEC, { table: 254 }), '00fe0000')
  t.equal(put(CODEC, { table: 'main', tos: 1 }), '01fe0000')
  t.equal(put(CODEC, { table: 255, flags: ['low'] }), '00ff0100')
  t.equal(put(CODEC, { table: 0, flags: 0xff }), '0000ff00')
  t.same(get(CODEC, '00fe0100'), { tos: 0, other: 0, table: 254, flags: ['low'] })
})

t.test('what does not goes into the attribute alone', async (t) => {
  t.equal(put(CODEC, { table: 256 }), '00000000' + '08000f00' + '00010000')
  t.equal(put(CODEC, { table: 0xffffffff }), '00000000' + '08000f00' + 'ffffffff')
  t.equal(put(CODEC, { flags: ['low', 'high'] }), '00000000' + '08000800' + '01010000')
  t.match(get(CODEC, '00fc0000' + '08000f00' + '00010000'), { table: 256 }, 'the attribute counts')
  t.match(get(CODEC, '00000100' + '08000800' + '00010000'), { flags: ['high'] })
})

t.test('nothing said is 0 in an object, and nothing in a question', async (t) => {
  t.match(get(CODEC, '00000000'), { table: 0, flags: [] })
  t.same(get(CODEC, '00000000', { partial: true }), { tos: 0, other: 0 })
  t.match(get(CODEC, '00fe0000', { partial: true }), { table: 254 })
})

t.test('what cannot be is refused', async (t) => {
  for (const table of [-1, 2 ** 32, 1.5, Number.NaN, Infinity]) {
    t.throws(() => put(CODEC, { table }), new EncodeError('table', table, u32.expects))
  }
  for (const table of ['254', 'Main', null, 254n, true, ['main']]) {
    t.throws(() => put(CODEC, { table }), { name: 'EncodeError', path: 'table', value: table })
  }
  for (const flags of [-1, 1.5, Number.NaN, 'low', null, ['mid'], [Number.NaN]]) {
    t.throws(() => put(CODEC, { flags }), { name: 'EncodeError', path: 'flags' })
  }
})

const IFF = { up: 1, promisc: 0x100 }
const LINK_HEADER = struct('link', { index: u32, word: hidden(u32), mask: hidden(u32) })
const WORDS = { flags: LINK_HEADER.offset('word'), change: LINK_HEADER.offset('mask') }
const LINK = body('IFLA_', LINK_HEADER, {
  flags: attr(VIRTUAL, flagSet(WORDS, IFF, { up: IFF.up })),
  change: attr(VIRTUAL, changeSet(WORDS, IFF)),
  up: attr(VIRTUAL, flagSwitch(WORDS, IFF.up)),
})
const words = (value: object): string => put(LINK, value).slice(8)

t.test('device flags: what is named is switched on', async (t) => {
  t.equal(words({}), '00000000' + '00000000')
  t.equal(words({ flags: ['promisc'] }), '00010000' + '00010000')
  t.equal(words({ flags: 0x101 }), '01010000' + '01010000')
  t.equal(words({ flags: [] }), '00000000' + '00000000')
  t.equal(words({ flags: ['promisc'], change: ['promisc', 'up'] }), '00010000' + '01010000')
  t.equal(words({ change: ['up'], flags: [] }), '00000000' + '01000000')
  t.equal(words({ flags: 0x80000000 }), '00000080' + '00000080')
})

t.test('device flags: a switch switches one on or off', async (t) => {
  t.equal(words({ up: true }), '01000000' + '01000000')
  t.equal(words({ up: 1 }), '01000000' + '01000000')
  t.equal(words({ up: false }), '00000000' + '01000000')
  t.equal(words({ up: 0 }), '00000000' + '01000000')
  t.equal(words({ up: undefined }), '00000000' + '00000000')
  t.equal(words({ up: true, flags: ['promisc'] }), '01010000' + '01010000')
  t.equal(words({ up: true, change: ['promisc'] }), '01000000' + '00010000', 'a mask says all')
})

t.test('device flags: off is off, whatever the flags that were read say', async (t) => {
  for (const up of [false, 0]) {
    t.equal(words({ up, flags: ['up', 'promisc'] }), '00010000' + '01010000')
    t.equal(words({ flags: ['up', 'promisc'], up }), '00010000' + '01010000', 'in either order')
  }
  const read = get(LINK, '07000000' + '01010000' + '00000000') as object
  t.same(read, { index: 7, flags: ['up', 'promisc'], change: [], up: true })
  t.equal(put(LINK, { ...read, up: false }), '07000000' + '00010000' + '00000000')
})

t.test('device flags: read', async (t) => {
  t.same(get(LINK, '01000000' + '00000000' + '01000000'), { index: 1, flags: [], change: ['up'], up: false })
  t.same(get(LINK, '01000000' + '03000000' + 'ffffffff'), {
    index: 1,
    flags: ['up', 2],
    change: ['up', 'promisc', 0xfffffefe],
    up: true,
  })
})

t.test('device flags: what cannot be is refused', async (t) => {
  for (const value of [-1, 2 ** 32, 1.5, Number.NaN, 'up', null, ['down'], [1.5]]) {
    t.throws(() => words({ flags: value }), { name: 'EncodeError', path: 'flags' })
    t.throws(() => words({ change: value }), { name: 'EncodeError', path: 'change' })
  }
  for (const up of ['yes', 2, null, []]) {
    t.throws(() => words({ up }), new EncodeError('up', up, 'true or false (1 or 0)'))
  }
})
