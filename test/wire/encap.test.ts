import t from 'tap'
import { DecodeError, EncodeError } from '../../lib/errors.js'
import { encap } from '../../lib/wire/encap.js'
import { labels } from '../../lib/wire/labels.js'
import { be64, u8, u32 } from '../../lib/wire/scalars.js'
import { attr, table } from '../../lib/wire/table.js'
import { get, put } from '../helpers/codec.js'

const IP = table('IP_', { id: attr(1, be64), ttl: attr(4, u8) })
const codec = table('RTA_', {
  oif: attr(4, u32),
  encap: attr(
    22,
    encap({ type: 21, name: 'RTA_ENCAP_TYPE' }, { ip: [2, IP], mpls: [1, table('MPLS_', { ttl: attr(2, u8) })] }),
  ),
})

t.test('one property, two attributes', async (t) => {
  const hex = '06001500' + '02000000' + '18001680' + '0c000100' + '0000000000000005' + '05000400' + '40000000'
  t.equal(put(codec, { encap: { type: 'ip', id: 5n, ttl: 64 } }), hex)
  t.same(get(codec, hex), { encap: { type: 'ip', id: 5n, ttl: 64 } })
  t.equal(put(codec, { encap: { type: 2, id: 5n, ttl: 64 } }), hex, 'a number for the name')
  t.equal(put(codec, { encap: { ttl: undefined, type: 'mpls' } }), '06001500' + '01000000' + '04001680')
  t.same(get(codec, '06001500' + '01000000' + '04001600'), { encap: { type: 'mpls' } }, 'without NLA_F_NESTED')
})

t.test('the order of the two does not matter', async (t) => {
  t.same(get(codec, '0c001600' + '05000400' + '40000000' + '08000400' + '07000000' + '06001500' + '02000000'), {
    oif: 7,
    encap: { type: 'ip', ttl: 64 },
  })
})

t.test('a type without a table keeps its bytes', async (t) => {
  const hex = '06001500' + '06000000' + '08001680' + '01020304'
  const value = { encap: { type: 6, data: Buffer.from('01020304', 'hex') } }
  t.same(get(codec, hex), value)
  t.equal(put(codec, value), hex)
  t.equal(put(codec, { encap: { type: 2, data: Uint8Array.of(1, 2, 3, 4) } }), hex.replace('06000000', '02000000'))
})

t.test('what tells nothing stays as it is', async (t) => {
  const data = Buffer.from('01020304', 'hex')
  const kept = (hex: string, value: unknown): void => {
    t.same(get(codec, hex), value)
    t.equal(put(codec, value), hex)
  }
  kept('08001680' + '01020304', { unknown: [{ type: 0x8016, data }] })
  kept('06001500' + '02000000', { unknown: [{ type: 21, data: Buffer.from('0200', 'hex') }] })
  kept('06001580' + '02000000', { unknown: [{ type: 0x8015, data: Buffer.from('0200', 'hex') }] })
  const wide = [
    { type: 22, data },
    { type: 21, data: Buffer.from('02000000', 'hex') },
  ]
  t.same(get(codec, '08001500' + '02000000' + '08001600' + '01020304'), { unknown: wide }, 'a type of four bytes')
})

t.test('of several, the last type and the last encap count, as in the kernel', async (t) => {
  const [ip, mpls] = ['06001500' + '02000000', '06001500' + '01000000']
  t.same(get(codec, `${mpls}0c0016000500020001000000${ip}0c0016000500040040000000`), {
    encap: { type: 'ip', ttl: 64 },
  })
})

t.test('malformed inside', async (t) => {
  t.throws(() => get(codec, '06001500' + '02000000' + '08001600' + '09000400'), { name: 'DecodeError', path: 'encap' })
  t.throws(
    () => get(codec, '06001500' + '02000000' + '08001600' + '04000400'),
    new DecodeError('encap.ttl', '0 bytes where 1 were expected'),
  )
})

t.test('what cannot be is refused, where it is', async (t) => {
  const no = (value: unknown, path: string, expects: string, bad: unknown) =>
    t.throws(() => put(codec, { encap: value }), new EncodeError(path, bad, expects))
  for (const value of [null, 'ip', 2, ['ip'], Buffer.alloc(4)]) no(value, 'encap', 'an object with a type', value)
  const types = 'one of ip, mpls, or a number with data'
  for (const type of [undefined, null, 'gre', 'IP', 'toString', '__proto__', -1, 65_536, 1.5, Number.NaN, 2n, ['ip']]) {
    no({ type }, 'encap.type', types, type)
  }
  no({ type: 'ip', ttl: 256 }, 'encap.ttl', u8.expects, 256)
  no({ type: 'ip', tll: 1 }, 'encap.tll', "a known property (did you mean 'ttl'?)", 1)
  const data = Buffer.alloc(4)
  no({ type: 'ip', data }, 'encap.data', 'a known property', data)
  no({ type: 6 }, 'encap.data', 'bytes, which encap type 6 needs', undefined)
  no({ type: 6, data: '00' }, 'encap.data', 'bytes, which encap type 6 needs', '00')
  no({ type: 6, data, ttl: 1 }, 'encap.ttl', 'a known property', 1)
  t.equal(put(codec, { encap: { type: 6, data, ttl: undefined } }), '06001500' + '06000000' + '08001680' + '00000000')
})

t.test('the companion has a name, for those who print', async (t) => {
  t.equal(codec.nameOf(21), 'RTA_ENCAP_TYPE')
  t.equal(codec.nameOf(22), 'RTA_ENCAP')
})

t.test('label stacks (RFC 3032)', async (t) => {
  // Label in the upper 20 bits, then traffic class, bottom of stack, TTL.
  t.equal(put(labels, [100]), '00064100')
  t.equal(put(labels, [100, 200, 0xfffff]), '00064000' + '000c8000' + 'fffff100')
  t.same(get(labels, '00064000' + 'fffff1ff'), [100, 0xfffff])
  t.throws(() => get(labels, '000640'), new DecodeError('', '3 bytes where a multiple of 4 was expected'))
  for (const value of [[], Array(17).fill(1), 100, '100', null, undefined, Uint32Array.of(1)]) {
    t.throws(() => put(labels, value), new EncodeError('', value, labels.expects))
  }
  for (const label of [-1, 0x100000, 1.5, Number.NaN, '1', null, undefined]) {
    t.throws(() => put(labels, [1, label]), new EncodeError('[1]', label, 'a label from 0 to 1048575'))
  }
  // biome-ignore lint/suspicious/noSparseArray: that is what is tested
  t.throws(() => put(labels, [1, , 2]), EncodeError)
})
