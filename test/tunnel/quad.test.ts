import fc from 'fast-check'
import t from 'tap'
import { hasHostBits, prefixLength, writeIpv4 } from '../../lib/address.js'
import { formatQuad, hostBits, quad, readQuad, writeQuad } from '../../lib/tunnel/quad.js'
import { holds } from '../helpers/property.js'

const near = fc.oneof(
  fc.ipV4(),
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 40 })).map(([address, length]) => `${address}/${length}`),
  fc.string({ unit: fc.constantFrom(...'0123459./ -x'), maxLength: 20 }),
  fc
    .tuple(
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 3, maxLength: 5 }),
      fc.constantFrom('', '/', '/00', '/08', '/8', '/32', '/33', '/3x', '/ 8', '/320'),
    )
    .map(([parts, length]) => parts.join('.') + length),
)

t.test('addresses and prefixes are read as everywhere else', (t) => {
  const bytes = Buffer.alloc(4)
  holds(
    t,
    'readQuad',
    fc.property(near, (text) => {
      const slash = text.indexOf('/')
      const valid = writeIpv4(slash === -1 ? text : text.slice(0, slash), bytes, 0)
      if (readQuad(text) !== valid) return false
      if (!valid) return true
      const length = slash === -1 ? 32 : prefixLength(text)!
      const possible = length <= 32
      return (
        quad.word === bytes.readInt32BE(0) &&
        quad.length === (possible ? length : -1) &&
        (!possible || (hostBits(quad.word, quad.length) !== 0) === hasHostBits(bytes, 0, 4, length))
      )
    }),
    5000,
  )
  t.end()
})

t.test('words are written and shown in network byte order', (t) => {
  readQuad('192.168.122.12')
  const bytes = Buffer.alloc(5)
  writeQuad(bytes, 1, quad.word)
  t.same([...bytes], [0, 192, 168, 122, 12])
  t.equal(formatQuad(quad.word), '192.168.122.12')
  t.equal(formatQuad(-1), '255.255.255.255')
  t.end()
})
