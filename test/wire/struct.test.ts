import t from 'tap'
import { DecodeError, EncodeError } from '../../lib/errors.js'
import { be16, enumeration, u8, u16, u32 } from '../../lib/wire/scalars.js'
import { hidden, pad, struct } from '../../lib/wire/struct.js'
import { context, get, put } from '../helpers/codec.js'

const codec = struct('demo', {
  family: enumeration(u8, { inet: 2 }),
  length: hidden(u8),
  gap: pad(2),
  index: u32,
  port: be16,
})

t.test('fields lie where C has them', async (t) => {
  t.equal(codec.name, 'demo')
  t.equal(codec.size, 10)
  t.equal(codec.offset('length'), 1)
  t.equal(codec.offset('index'), 4)
  t.equal(codec.offset('port'), 8)
  t.same(
    codec.fields.map(({ key, offset }) => [key, offset]),
    [
      ['family', 0],
      ['index', 4],
      ['port', 8],
    ],
    'what is not hidden',
  )
  t.equal(codec.expects, 'an object with family, index, port')
})

t.test('writing: what is left out is 0, in any order', async (t) => {
  t.equal(put(codec, { port: 1, family: 'inet', index: 0x01020304 }), '02000000040302010001')
  t.equal(put(codec, {}), '00000000000000000000')
  t.equal(put(codec, { index: undefined, nonsense: undefined, port: 1 }), '00000000000000000001')
})

t.test('writing: what cannot be is refused, where it is', async (t) => {
  for (const value of [null, undefined, 1, 'x', [], [1], Buffer.alloc(10), new Map(), () => {}]) {
    t.throws(() => put(codec, value), new EncodeError('', value, codec.expects))
  }
  t.throws(() => put(codec, { port: 65_536 }), new EncodeError('port', 65_536, be16.expects))
  t.throws(() => put(codec, { prt: 1 }), new EncodeError('prt', 1, "a known property (did you mean 'port'?)"))
  for (const key of ['length', 'gap', 'toString', 'constructor', '__proto__']) {
    const value = JSON.parse(`{"${key}":1}`) as object
    t.throws(() => put(codec, value), { name: 'EncodeError', path: key }, `${key} is not a property`)
  }
})

t.test('reading', async (t) => {
  t.same(get(codec, '0218ffff040302010001'), { family: 'inet', index: 0x01020304, port: 1 })
  t.same(get(codec, '0218ffff040302010001eeee'), { family: 'inet', index: 0x01020304, port: 1 }, 'a newer kernel')
  t.throws(() => get(codec, '0218ffff0403020100'), new DecodeError('', '9 bytes where struct demo of 10 was expected'))
})

t.test('reading all fields, the hidden ones too', async (t) => {
  const bytes = Buffer.from('0218ffff040302010001', 'hex')
  const all = codec.readAll(bytes, 0, bytes.length, context())
  t.same(all, { family: 'inet', length: 24, index: 0x01020304, port: 1 })
})

t.test('a growing struct may be cut short by an older kernel', async (t) => {
  const growing = struct('grown', { a: u16, b: u16 }, { growing: true })
  t.same(get(growing, '01000200'), { a: 1, b: 2 })
  t.same(get(growing, '010002'), { a: 1 })
  t.same(get(growing, '0100'), { a: 1 })
  t.same(get(growing, ''), {})
})
