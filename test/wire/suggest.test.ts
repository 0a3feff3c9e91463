import t from 'tap'
import { unknownProperty } from '../../lib/wire/suggest.js'

const NAMES = ['gateway', 'oif', 'ttl', 'remote', 'ikey', 'okey']

t.test('the nearest name is suggested', async (t) => {
  const hint = (key: string): string | undefined =>
    /did you mean '(.+)'/.exec(unknownProperty(key, 1, NAMES).message)?.[1]
  t.equal(hint('gatway'), 'gateway')
  t.equal(hint('Gateway'), 'gateway')
  t.equal(hint('tll'), 'ttl')
  t.equal(hint('key'), 'ikey', 'of two equally near the first')
  t.equal(hint('remoteAddr'), 'remote')
  t.equal(hint('metric'), undefined)
  t.equal(hint('nonsense'), undefined)
})

t.test('what is wrong is the name, not its value', async (t) => {
  const error = unknownProperty('gatway', '192.0.2.1', NAMES)
  t.match(error, {
    code: 'NBMA_ENCODE',
    path: 'gatway',
    value: '192.0.2.1',
    expected: "a known property (did you mean 'gateway'?)",
    message: "gatway is not a known property (did you mean 'gateway'?)",
  })
  t.equal(error.within('multipath[1]').message, "multipath[1].gatway is not a known property (did you mean 'gateway'?)")
  t.equal(unknownProperty('x', 1, []).message, 'x is not a known property')
})
