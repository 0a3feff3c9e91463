import t from 'tap'
import { KINDS } from '../../lib/schema/kinds.js'
import { needsNamespaces } from '../helpers/kernel.js'
import { readDevices } from '../readback/device.js'
import { KIND_CASES } from '../readback/kinds.js'
import { readEncaps, readMpls, readNeighbours, readUdpEncaps } from '../readback/objects.js'
import { readBack } from '../readback/read-back.js'

const skip = needsNamespaces

t.setTimeout(120_000)

t.test('what is asked of a device is what it is', { skip, timeout: 120_000 }, async (t) => {
  t.same(KIND_CASES.map(({ kind }) => kind).sort(), Object.keys(KINDS).sort(), 'every kind')
  for (const one of KIND_CASES) await readBack(t, one)
})

t.test('what every device has', { skip }, readDevices)

t.test('what routes and nexthops put around packets', { skip }, readEncaps)
t.test('routes between labels', { skip }, readMpls)
t.test('neighbours at underlay addresses', { skip }, readNeighbours)
t.test('tunnels in UDP', { skip }, readUdpEncaps)
