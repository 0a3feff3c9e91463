import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import {
  formatIpv4,
  formatIpv6,
  formatLinkAddress,
  hasHostBits,
  parseLinkAddress,
  prefixLength,
  writeIpv4,
  writeIpv6,
  writeMac,
} from '../lib/address.js'
import { holds } from './helpers/property.js'

const octets = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
/** All eight groups in full, which libuv's inet_pton(3) reads. */
const groups = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').match(/.{4}/g)!.join(':')
/** What libuv's inet_ntop(3) makes of it. */
const inetNtop = (bytes: Uint8Array): string =>
  new SocketAddress({ address: groups(bytes), family: 'ipv6', port: 0 }).address
/** Many zeros, so that runs of them occur. */
const ipv6Bytes = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .chain((high) =>
    fc
      .array(fc.constantFrom(0, 0, 1, 0xff), { minLength: 16, maxLength: 16 })
      .map((mask) => Uint8Array.from(mask, (m, i) => (m === 1 ? high[i % 8]! : m))),
  )

t.test('IPv4: text and bytes', async (t) => {
  const write = (text: string): string | false => {
    const bytes = Buffer.alloc(8, 0xee)
    return writeIpv4(text, bytes, 2) && bytes.toString('hex')
  }
  t.equal(write('192.0.2.1'), 'eeeec0000201eeee')
  t.equal(write('0.0.0.0'), 'eeee00000000eeee')
  t.equal(write('255.255.255.255'), 'eeeeffffffffeeee')
  t.equal(formatIpv4(Buffer.from('eec0000201', 'hex'), 1), '192.0.2.1')
})

t.test('IPv4: what inet_pton(3) refuses is refused', async (t) => {
  const refused = [
    ...['', '.', '1', '1.2', '1.2.3', '1.2.3.', '.1.2.3', '1..2.3', '1.2.3.4.', '1.2.3.4.5', '1.2.3.256'],
    ...['1.2.3.1000', '01.2.3.4', '1.2.3.00', '1.2.3.04', '0x1.2.3.4', ' 1.2.3.4', '1.2.3.4 ', '1.2.3.-4', '1.2.3.4/8'],
    ...['١.2.3.4', '1.2.3.4\0', '1.2.3.:', '::1'],
  ]
  for (const text of refused) t.equal(writeIpv4(text, Buffer.alloc(4), 0), false, JSON.stringify(text))
})

t.test('IPv4: every address survives, and node agrees on what is one', async (t) => {
  holds(
    t,
    'bytes to text to bytes',
    fc.property(octets(4), (bytes) => {
      const out = Buffer.alloc(4)
      return writeIpv4(formatIpv4(bytes, 0), out, 0) && out.equals(bytes)
    }),
  )
  const almost = fc.stringMatching(/^[0-9]{0,3}(\.[0-9]{0,3}){0,4}$/)
  holds(
    t,
    'accepted as by node',
    fc.property(almost, (text) => writeIpv4(text, Buffer.alloc(4), 0) === isIPv4(text)),
    1000,
  )
})

t.test('IPv6: text to bytes', async (t) => {
  const bytes = (text: string): string => {
    const out = Buffer.alloc(18, 0xee)
    t.equal(writeIpv6(text, out, 1), true, text)
    t.equal(out[0], 0xee)
    t.equal(out[17], 0xee)
    return groups(out.subarray(1, 17))
  }
  t.equal(bytes('::'), '0000:0000:0000:0000:0000:0000:0000:0000')
  t.equal(bytes('::1'), '0000:0000:0000:0000:0000:0000:0000:0001')
  t.equal(bytes('1::'), '0001:0000:0000:0000:0000:0000:0000:0000')
  t.equal(bytes('2001:DB8::a'), '2001:0db8:0000:0000:0000:0000:0000:000a')
  t.equal(bytes('1:2:3:4:5:6:7:8'), '0001:0002:0003:0004:0005:0006:0007:0008')
  t.equal(bytes('1:2:3:4:5:6:7::'), '0001:0002:0003:0004:0005:0006:0007:0000')
  t.equal(bytes('::2:3:4:5:6:7:8'), '0000:0002:0003:0004:0005:0006:0007:0008')
  t.equal(bytes('::192.0.2.1'), '0000:0000:0000:0000:0000:0000:c000:0201')
  t.equal(bytes('::ffff:192.0.2.1'), '0000:0000:0000:0000:0000:ffff:c000:0201')
  t.equal(bytes('64:ff9b::192.0.2.1'), '0064:ff9b:0000:0000:0000:0000:c000:0201')
  t.equal(bytes('1:2:3:4:5:6:192.0.2.1'), '0001:0002:0003:0004:0005:0006:c000:0201')
  t.equal(bytes('1::6:192.0.2.1'), '0001:0000:0000:0000:0000:0006:c000:0201')
})

t.test('IPv6: what is none is refused, zones too', async (t) => {
  const refused = [
    ...['', ':', ':::', '1', '1:2', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '12345::', 'g::', '::1%eth0'],
    ...['::1/64', '1.2.3.4', '::1.2.3', '::1.2.3.256', '1:2:3:4:5:6:7:1.2.3.4', '::01.2.3.4', ' ::1'],
  ]
  for (const text of refused) t.equal(writeIpv6(text, Buffer.alloc(16), 0), false, JSON.stringify(text))
})

t.test('IPv6: text is what inet_ntop(3) prints, and reads back', async (t) => {
  const text = (hex: string): string => formatIpv6(Buffer.from(`ee${hex.replaceAll(':', '')}`, 'hex'), 1)
  // RFC 5952, and the IPv4 tails of inet_ntop(3).
  t.equal(text('2001:0db8:0000:0000:0001:0000:0000:0001'), '2001:db8::1:0:0:1', 'the first of two longest runs')
  t.equal(text('2001:0db8:0000:0001:0001:0001:0001:0001'), '2001:db8:0:1:1:1:1:1', 'a single zero is not shortened')
  t.equal(text('0001:0000:0000:0002:0000:0000:0000:0000'), '1:0:0:2::')
  t.equal(text('0000:0000:0000:0000:0000:ffff:c000:0201'), '::ffff:192.0.2.1')
  t.equal(text('0000:0000:0000:0000:0000:0000:c000:0201'), '::192.0.2.1')
  t.equal(text('0000:0000:0000:0000:0000:fffe:c000:0201'), '::fffe:c000:201')
  holds(
    t,
    'the text of libuv',
    fc.property(ipv6Bytes, (bytes) => formatIpv6(bytes, 0) === inetNtop(bytes)),
    1000,
  )
  holds(
    t,
    'bytes to text to bytes',
    fc.property(ipv6Bytes, (bytes) => {
      const out = Buffer.alloc(16)
      return writeIpv6(formatIpv6(bytes, 0), out, 0) && out.equals(bytes)
    }),
  )
})

t.test('IPv6: node agrees on what is one, and on the bytes', async (t) => {
  const almost = fc.stringMatching(/^([0-9a-f]{0,4}:){0,8}([0-9a-f]{1,4}|[0-9]{1,3}(\.[0-9]{1,3}){3})?$/)
  holds(
    t,
    'accepted and read as by node',
    fc.property(almost, (text) => {
      const bytes = Buffer.alloc(16)
      const valid = writeIpv6(text, bytes, 0)
      if (valid !== isIPv6(text)) return false
      return !valid || inetNtop(bytes) === new SocketAddress({ address: text, family: 'ipv6' }).address
    }),
    1000,
  )
})

t.test('MAC addresses', async (t) => {
  const bytes = Buffer.alloc(7)
  t.equal(writeMac('52:54:0:12:34:F6', bytes, 1), true)
  t.equal(bytes.toString('hex'), '005254001234f6')
  for (const text of [
    '',
    '52:54:00:12:34',
    '52:54:00:12:34:56:78',
    '52-54-00-12-34-56',
    '152:54:00:12:34:56',
    'g:1:1:1:1:1',
  ]) {
    t.equal(writeMac(text, bytes, 0), false, JSON.stringify(text))
  }
})

t.test('link-layer addresses', async (t) => {
  const hex = (text: string): string | undefined => parseLinkAddress(text)?.toString('hex')
  t.equal(hex('192.0.2.1'), 'c0000201', 'of gre, ipip, sit')
  t.equal(hex('52:54:00:12:34:56'), '525400123456', 'of Ethernet')
  t.equal(hex('52:54:0:12:34:56'), '525400123456')
  t.equal(hex('2001:db8::1'), '20010db8000000000000000000000001', 'of ip6gre')
  t.equal(hex('00:11:22:33:44:55:66:77'), '0011223344556677', 'of IEEE 802.15.4')
  t.equal(hex('80:00:00:48:fe'), '80000048fe')
  t.equal(hex('ff'), 'ff')
  for (const text of ['', 'nonsense', '52:54:00:12:34:5g', 'fff:1', '1.2.3', `${'00:'.repeat(32)}00`]) {
    t.equal(parseLinkAddress(text), undefined, JSON.stringify(text))
  }
  t.equal(formatLinkAddress(Buffer.from('eec0000201', 'hex'), 1, 5), '192.0.2.1')
  t.equal(formatLinkAddress(Buffer.from('eec0000201', 'hex'), 2, 2), '')
  t.equal(formatLinkAddress(Buffer.from('5254000A34F6', 'hex'), 0, 6), '52:54:00:0a:34:f6')
  t.equal(
    formatLinkAddress(Buffer.from('001000110012001300140015001600ff', 'hex'), 0, 16),
    '00:10:00:11:00:12:00:13:00:14:00:15:00:16:00:ff',
    'an IPv6 address that would read as eight bytes',
  )
})

t.test('link-layer addresses of every length survive', async (t) => {
  const any = fc.uint8Array({ minLength: 1, maxLength: 32 })
  holds(
    t,
    'bytes to text to bytes',
    fc.property(fc.oneof(any, ipv6Bytes, octets(8)), (bytes) =>
      parseLinkAddress(formatLinkAddress(bytes, 0, bytes.length))!.equals(bytes),
    ),
  )
})

t.test('prefix lengths', async (t) => {
  t.equal(prefixLength('10.0.0.0/8'), 8)
  t.equal(prefixLength('::/0'), 0)
  t.equal(prefixLength('2001:db8::/128'), 128)
  t.equal(prefixLength('10.0.0.0'), undefined)
  for (const text of ['1/', '1/08', '1/-1', '1/1e1', '1/ 8', '1/8/8', '1/1000', '1/x']) {
    t.ok(Number.isNaN(prefixLength(text)), text)
  }
})

t.test('host bits', async (t) => {
  const bits = (hex: string, length: number): boolean => {
    const bytes = Buffer.from(`ff${hex}ff`, 'hex')
    return hasHostBits(bytes, 1, bytes.length - 2, length)
  }
  t.equal(bits('0a000000', 8), false)
  t.equal(bits('0a000001', 8), true)
  t.equal(bits('0a000001', 32), false)
  t.equal(bits('0a000001', 31), true)
  t.equal(bits('0a800000', 9), false)
  t.equal(bits('0ac00000', 9), true)
  t.equal(bits('00000000', 0), false)
  t.equal(bits('80000000', 0), true)
  t.equal(bits('20010db8000000000000000000000001', 127), true)
  t.equal(bits('20010db8000000000000000000000000', 32), false)
})
