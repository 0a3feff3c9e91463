import t from 'tap'
import { needsNamespaces } from '../helpers/kernel.js'
import { compareDumps } from '../show/dumps.js'
import { otherIproute2 } from '../show/iproute2.js'

t.test('what this kernel holds is told as iproute2 tells it', { skip: otherIproute2() || needsNamespaces }, (t) =>
  compareDumps(t, { more: false }),
)
