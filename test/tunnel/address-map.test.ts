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
const step = fc.tuple(fc.constantFrom('set', 'delete', 'setRead'), address, fc.nat())

t.test('it is a map', (t) => {
  holds(
    t,
    'AddressMap',
    fc.property(fc.array(step), (steps) => {
      const map = new AddressMap<number>()
      const model = new Map<string, number>()
      for (const [what, key, value] of steps) {
        if (what === 'delete') {
          map.delete(key)
          model.delete(key)
          continue
        }
        model.set(key, value)
        if (what === 'set') map.set(key, value)
        else map.setRead(readQuad(key) && quad.bare, key, value)
      }
      const sorted = (values: Iterable<number>): string => [...values].sort().join()
      return (
        map.size === model.size &&
        sorted(map.values()) === sorted(model.values()) &&
        sorted(map.copy().values()) === sorted(model.values()) &&
        [...model].every(
          ([key, value]) =>
            map.has(key) && map.get(key) === value && map.getRead(readQuad(key) && quad.bare, key) === value,
        ) &&
        !map.has('10.0.0.1') &&
        map.get('10.0.0.1/32') === undefined
      )
    }),
  )
  t.end()
})
