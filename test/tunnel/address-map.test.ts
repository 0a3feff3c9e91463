import fc from 'fast-check'
import t from 'tap'
import { AddressMap } from '../../lib/tunnel/address-map.js'
import { quad, readQuad } from '../../lib/tunnel/quad.js'
import { holds } from '../helpers/property.js'

const address = fc.constantFrom(
  '0.0.0.1',
  '255.255.255.255',
  '127.0.0.1',
  '128.0.0.0',
  '::1',
  '2001:db8::1',
  'fd00::12',
)
const prefix = fc.constantFrom('0.0.0.0/0', '0.0.0.0/32', '10.0.0.0/8', '10.0.0.0/32', '255.255.255.255/32', '::/0')
const step = (key: fc.Arbitrary<string>) => fc.tuple(fc.constantFrom('set', 'delete', 'add'), key, fc.nat())

t.test('it is a map', (t) => {
  holds(
    t,
    'AddressMap',
    fc.property(fc.oneof(fc.array(step(address)), fc.array(step(prefix))), (steps) => {
      const map = new AddressMap<number>()
      const model = new Map<string, number>()
      for (const [what, key, value] of steps) {
        if (what === 'delete') {
          map.delete(key)
          model.delete(key)
          continue
        }
        if (what === 'set') map.set(key, value)
        else if (map.add(key, value) !== model.get(key)) return false
        if (what === 'set' || !model.has(key)) model.set(key, value)
      }
      const sorted = (values: Iterable<number>): string => [...values].sort().join()
      return (
        map.size === model.size &&
        sorted(map.values()) === sorted(model.values()) &&
        sorted(map.copy().values()) === sorted(model.values()) &&
        [...model].every(
          ([key, value]) =>
            map.has(key) && map.get(key) === value && map.getRead(readQuad(key) && quad.length === 32, key) === value,
        ) &&
        !map.has('10.0.0.1') &&
        map.get('10.0.0.0/31') === undefined
      )
    }),
  )
  t.end()
})
