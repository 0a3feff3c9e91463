import t, { type Test } from 'tap'
import { DecodeError, EncodeError } from '../../lib/errors.js'
import { ip, ipv4, ipv6, linkAddress, mac, prefix, via } from '../../lib/wire/addresses.js'
import type { AnyCodec, Context } from '../../lib/wire/codec.js'
import { Writer } from '../../lib/wire/writer.js'
import { context, get, put } from '../helpers/codec.js'

const [INET, INET6, BRIDGE, MPLS] = [2, 10, 7, 28]
const NO_TEXT = [undefined, null, 1, 1n, true, {}, ['192.0.2.1'], Buffer.alloc(4)]

function refused(
  t: Test,
  codec: AnyCodec,
  expects: string,
  values: readonly unknown[],
  given?: Partial<Context>,
): void {
  for (const value of values) t.throws(() => put(codec, value, given), new EncodeError('', value, expects))
}

t.test('ipv4 and ipv6', async (t) => {
  t.equal(put(ipv4, '192.0.2.1'), 'c0000201')
  t.equal(get(ipv4, 'c0000201'), '192.0.2.1')
  refused(t, ipv4, 'an IPv4 address', ['::1', '192.0.2', '192.0.2.1/32', '', ...NO_TEXT])
  t.equal(put(ipv6, '2001:db8::1'), '20010db8000000000000000000000001')
  t.equal(get(ipv6, '20010db8000000000000000000000001'), '2001:db8::1')
  refused(t, ipv6, 'an IPv6 address', ['192.0.2.1', '::1/128', 'fe80::1%eth0', '', ...NO_TEXT])
  for (const [codec, size] of [
    [ipv4, 4],
    [ipv6, 16],
  ] as const) {
    t.equal(codec.size, size)
    for (const wrong of [0, size - 1, size + 1]) t.throws(() => get(codec, '00'.repeat(wrong)), DecodeError)
  }
})

t.test('an address of the family that the message has', async (t) => {
  const v4 = 'c0000201'
  const v6 = '20010db8000000000000000000000001'
  for (const family of [0, INET, BRIDGE, MPLS]) t.equal(put(ip, '192.0.2.1', { family }), v4)
  for (const family of [0, INET6, BRIDGE, MPLS]) t.equal(put(ip, '2001:db8::1', { family }), v6)
  refused(t, ip, 'an IPv4 address', ['2001:db8::1', '192.0.2.1/24', 'x', ...NO_TEXT], { family: INET })
  refused(t, ip, 'an IPv6 address', ['192.0.2.1', '2001:db8::1/64', 'x', ...NO_TEXT], { family: INET6 })
  refused(t, ip, 'an IPv4 or IPv6 address', ['192.0.2.1/24', 'x', ...NO_TEXT])
  t.equal(get(ip, v4), '192.0.2.1')
  t.equal(get(ip, v6), '2001:db8::1')
  t.equal(ip.family!('192.0.2.1'), INET)
  t.equal(ip.family!('::'), INET6)
  t.equal(ip.family!(5 as never), undefined)
})

t.test('addresses of another length are malformed where the family is IP, and unknown where it is not', async (t) => {
  for (const family of [INET, INET6]) {
    t.throws(() => get(ip, '01', { family }), new DecodeError('', '1 bytes where an address of 4 or 16 was expected'))
    t.throws(() => get(prefix({ length: 0 }), '0102', { family }), DecodeError)
  }
  t.equal(get(ip, '01', { family: 45 }), undefined, 'an MCTP address')
  t.equal(get(prefix({ length: 0 }), '01', { family: 45 }), undefined)
})

t.test('link-layer addresses', async (t) => {
  const expects = 'a link-layer address: a MAC, IPv4 or IPv6 address'
  for (const [text, hex] of [
    ['52:54:00:12:34:56', '525400123456'],
    ['192.0.2.1', 'c0000201'],
    ['2001:db8::1', '20010db8000000000000000000000001'],
    ['01:02:03:04:05:06:07:08', '0102030405060708'],
  ] as const) {
    t.equal(put(linkAddress, text), hex)
    t.equal(get(linkAddress, hex), text)
  }
  t.equal(get(linkAddress, ''), undefined, 'of a device without addresses')
  refused(t, linkAddress, expects, ['', 'x', '192.0.2', ...NO_TEXT])
})

t.test('MAC addresses', async (t) => {
  t.equal(mac.size, 6)
  t.equal(put(mac, '52:54:00:12:34:56'), '525400123456')
  t.equal(get(mac, '525400123456'), '52:54:00:12:34:56')
  t.throws(() => get(mac, 'c0000201'), DecodeError)
  refused(t, mac, 'a MAC address', ['192.0.2.1', '52:54:00:12:34', '01:02:03:04:05:06:07:08', ...NO_TEXT])
})

t.test('a prefix, whose length is in the header', async (t) => {
  const codec = prefix({ length: 1 })
  const write = (value: unknown, family = 0): string => {
    const w = new Writer()
    w.take(4)
    codec.write(w, value as string, context({ family }))
    return w.finish().toString('hex')
  }
  t.equal(write('10.0.0.0/8'), '00080000' + '0a000000')
  t.equal(write('10.1.2.3'), '00200000' + '0a010203', 'without length the whole address')
  t.equal(write('0.0.0.0/0'), '00000000' + '00000000')
  t.equal(write('2001:db8::/32'), '00200000' + '20010db8000000000000000000000000')
  t.equal(write('2001:db8::1'), '00800000' + '20010db8000000000000000000000001')
  t.equal(write('::/0', INET6), '00000000' + '00000000000000000000000000000000')
  const no = (value: unknown, expects: string, family?: number) =>
    t.throws(() => write(value, family), new EncodeError('', value, expects))
  no('10.0.0.1/8', 'a prefix without host bits (10.0.0.0/8)')
  no('10.0.0.1/31', 'a prefix without host bits (10.0.0.0/31)')
  no('2001:db8:0:1::/48', 'a prefix without host bits (2001:db8::/48)')
  for (const length of ['33', '-1', '08', '', 'x', '8/8', '1e1']) no(`10.0.0.0/${length}`, 'a prefix of length 0 to 32')
  no('::/129', 'a prefix of length 0 to 128')
  no('default', 'an IPv4 or IPv6 prefix')
  no('2001:db8::/32', 'an IPv4 prefix', INET)
  no('10.0.0.0/8', 'an IPv6 prefix', INET6)
  for (const value of [...NO_TEXT, '', '/8', 'x/8', '10.0.0/8']) no(value, 'an IPv4 or IPv6 prefix')
  const read = (header: string, hex: string): unknown => {
    const bytes = Buffer.from(header + hex, 'hex')
    return codec.read(bytes, 4, bytes.length, context())
  }
  t.equal(read('00080000', '0a000000'), '10.0.0.0/8')
  t.equal(read('00200000', '20010db8000000000000000000000000'), '2001:db8::/32')
  t.equal(read('00080000', ''), undefined, 'of no bytes, as `ip rule` says "from all"')
  t.equal(codec.family!('10.0.0.0/8'), INET)
  t.equal(codec.family!('::/0'), INET6)
  t.equal(codec.skip!('default', new Writer(), context()), false)
  t.equal(codec.absent!(Buffer.alloc(4), context()), undefined)
})

t.test('an interface address may have host bits', async (t) => {
  const codec = prefix({ length: 0, hostBits: true })
  const w = new Writer()
  w.take(4)
  codec.write(w, '10.1.2.3/8', context())
  t.equal(w.finish().toString('hex'), '08000000' + '0a010203')
})

t.test('default is a prefix without attribute', async (t) => {
  const codec = prefix({ length: 1, default: true })
  t.equal(codec.expects, "an IPv4 or IPv6 prefix or 'default'")
  t.equal(codec.skip!('default', new Writer(), context()), true)
  t.equal(codec.skip!('0.0.0.0/0', new Writer(), context()), false)
  t.equal(codec.family!('default'), undefined)
  t.equal(codec.absent!(Buffer.alloc(4), context()), 'default')
  t.equal(codec.absent!(Buffer.from([0, 8, 0, 0]), context()), undefined, 'a length without prefix is nothing')
  t.equal(codec.absent!(Buffer.alloc(4), context({ partial: true })), undefined, 'who asks says nothing by it')
  refused(t, codec, "an IPv4 prefix or 'default'", ['all', '::/0'], { family: INET })
})

t.test('an MPLS label as destination', async (t) => {
  const codec = prefix({ length: 1, default: true })
  const w = new Writer()
  w.take(4)
  codec.write(w, '100', context({ family: MPLS }))
  // Label 100, bottom of stack; the length of the "prefix" is that of a label.
  t.equal(w.finish().toString('hex'), '00140000' + '00064100')
  t.equal(get(codec, '00064100', { family: MPLS }), '100')
  t.equal(get(codec, 'fffff100', { family: MPLS }), '1048575')
  t.equal(get(codec, '0006410000064100', { family: MPLS }), undefined)
  const expects = "a label from '0' to '1048575'"
  refused(t, codec, expects, [100, '1048576', '9999999', '10000000', '-1', '10.0.0.0/8', '', null], { family: MPLS })
})

t.test('via: a gateway of another family', async (t) => {
  t.equal(put(via, { family: 'inet6', address: 'fe80::1' }), '0a00fe800000000000000000000000000001')
  t.equal(put(via, { family: 'inet', address: '192.0.2.1' }), '0200c0000201')
  t.equal(
    put(via, { family: 10, address: 'fe80::1' }),
    '0a00fe800000000000000000000000000001',
    'a number is a name too',
  )
  t.equal(put(via, { address: 'fe80::1' }, { family: INET }), '0a00fe800000000000000000000000000001')
  t.equal(put(via, { address: '192.0.2.1', family: undefined, other: undefined }, { family: INET6 }), '0200c0000201')
  t.same(get(via, '0a00fe800000000000000000000000000001'), { family: 'inet6', address: 'fe80::1' })
  t.same(get(via, '0200c0000201'), { family: 'inet', address: '192.0.2.1' })
  t.equal(get(via, '1100525400123456'), undefined, 'a packet socket address, of MPLS routes')
  t.throws(() => get(via, '02'), DecodeError)
  t.throws(() => get(via, '0200fe800000000000000000000000000001'), DecodeError, 'family and length do not fit')
  refused(t, via, 'an object with family, address', [null, undefined, 'fe80::1', 5, ['inet6', 'fe80::1']])
  const no = (value: unknown, error: EncodeError) => t.throws(() => put(via, value), error)
  for (const family of ['Inet', 'bridge', 7, null, Number.NaN]) {
    no({ family, address: '192.0.2.1' }, new EncodeError('family', family, "'inet' or 'inet6'"))
  }
  no({ family: 'inet6', address: '192.0.2.1' }, new EncodeError('address', '192.0.2.1', 'an IPv6 address'))
  no({ family: 'inet', address: '::' }, new EncodeError('address', '::', 'an IPv4 address'))
  no({ family: 'inet' }, new EncodeError('address', undefined, 'an IPv4 address'))
  no({}, new EncodeError('address', undefined, 'an IPv4 or IPv6 address'))
  no({ addres: '192.0.2.1' }, new EncodeError('addres', '192.0.2.1', "a known property (did you mean 'address'?)"))
})
