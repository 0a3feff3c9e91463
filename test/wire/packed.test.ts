import t from 'tap'
import { DecodeError } from '../../lib/errors.js'
import { GENEVE_OPT, OPTS } from '../../lib/schema/encap.js'
import { get, put } from '../helpers/codec.js'

const first = '06000100' + '01020000' + '05000200' + '80000000' + '08000300' + '01020304'
const second = '06000100' + 'ffff0000' + '05000200' + '01000000' + '0c000300' + '0506070808070605'
const one = { class: 0x0102, type: 0x80, data: Buffer.from('01020304', 'hex') }
const two = { class: 0xffff, type: 1, data: Buffer.from('0506070808070605', 'hex') }

t.test('Geneve options: one a nest as they are sent, all in one as Linux tells them', async (t) => {
  t.equal(put(OPTS, { geneve: [one, two] }), `1c000180${first}20000180${second}`)
  t.same(get(OPTS, `1c000180${first}20000180${second}`), { geneve: [one, two] })
  t.same(get(OPTS, `38000180${first}${second}`), { geneve: [one, two] })
  t.same(get(OPTS, `50000180${first}${second}${first.slice(0, 48)}`), { geneve: [one, two, one] })
  t.same(get(OPTS, `1c000180${first}38000180${first}${second}`), { geneve: [one, one, two] })
})

t.test('an item that lacks something, or has more', async (t) => {
  t.same(get(OPTS, '04000180'), { geneve: [{}] })
  t.same(get(OPTS, '1c000180' + '06000100' + '01020000' + '06000100' + '01030000' + '05000200' + '07000000'), {
    geneve: [{ class: 0x0102 }, { class: 0x0103, type: 7 }],
  })
  const unknown = [
    { type: 99, data: Buffer.of(1) },
    { type: 99, data: Buffer.of(2) },
  ]
  t.same(get(OPTS, put(OPTS, { geneve: [{ class: 1, unknown }] })), { geneve: [{ class: 1, unknown }] })
  t.throws(() => get(OPTS, '08000180' + '03000100'), DecodeError)
  t.throws(() => get(OPTS, '08000180' + '09000100'), DecodeError)
})

t.test('those who walk the bytes see each item', async (t) => {
  const bytes = Buffer.from(first + second, 'hex')
  const areas = GENEVE_OPT.areas(bytes, 0, bytes.length, {} as never)
  t.match(areas, [
    { label: '[0]', start: 0, end: first.length / 2 },
    { label: '[1]', start: first.length / 2, end: bytes.length },
  ])
  t.match(GENEVE_OPT.areas(bytes, 0, first.length / 2, {} as never), [{ label: '', start: 0, end: first.length / 2 }])
})
