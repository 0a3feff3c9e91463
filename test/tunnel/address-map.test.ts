import fc from 'fast-check'
import t from 'tap'
import { AddressMap } from '../../lib/tunnel/address-map.js'
import { quad, readQuad } from '../../lib/tunnel/quad.js'
import { holds } from '../helpers/property.js'

const addresses = fc.oneof(
  fc.constantFrom('0.0.0.1', '255.255.255.255', '127.0.0.1', '128.0.0.0', '::1', '2001:db8::1', 'fd00::12'),
  fc.nat(300).map((n) => `10.64.${n >> 8}.${n & 255}`),
  fc.integer({ min: 1, max: 0xfff }).map((n) => `fd00::${n.toString(16)}`),
)
const prefixes = fc.oneof(
  fc.constantFrom('0.0.0.0/0', '0.0.0.0/32', '10.0.0.0/8', '10.0.0.0/32', '255.255.255.255/32', '::/0'),
  fc.nat(300).map((n) => `10.64.${n >> 8}.${n & 255}/32`),
)
const steps = (key: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(fc.constantFrom('set', 'add', 'addHost'), key, fc.nat()), { maxLength: 200, size: 'max' })

t.test('it is a map whose keys have positions', (t) => {
  holds(
    t,
    'AddressMap',
    fc.property(fc.oneof(steps(addresses), steps(prefixes)), fc.nat(40), (steps, expected) => {
      const map = new AddressMap<number>(expected)
      const keys: string[] = []
      const values: number[] = []
      for (const [what, key, value] of steps) {
        const at = keys.indexOf(key)
        if (what === 'set') map.set(key, value)
        else {
          const isHost = what === 'addHost' && readQuad(key) && quad.length === 32
          if ((isHost ? map.addHost(quad.word, value) : map.add(key, value)) !== at) return false
        }
        if (at < 0) {
          keys.push(key)
          values.push(value)
        } else if (what === 'set') values[at] = value
      }
      return (
        map.size === keys.length &&
        keys.every((key, at) => {
          if (!map.has(key) || map.find(key) !== at || map.get(key) !== values[at] || map.values[at] !== values[at])
            return false
          if (!readQuad(key) || quad.length !== 32) return true
          return map.findHost(quad.word) === at && map.wordAt(at) === quad.word
        }) &&
        !map.has('10.0.0.1') &&
        map.find('10.0.0.0/31') === -1 &&
        map.get('::2') === undefined
      )
    }),
  )
  t.end()
})
