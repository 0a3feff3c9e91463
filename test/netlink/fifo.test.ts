import t from 'tap'
import { Fifo } from '../../lib/netlink/fifo.js'

t.test('first in, first out', async (t) => {
  const fifo = new Fifo<number>()
  t.equal(fifo.peek(), undefined)
  t.equal(fifo.shift(), undefined)
  for (let n = 0; n < 3; n++) fifo.push(n)
  t.equal(fifo.length, 3)
  t.equal(fifo.shift(), 0)
  t.equal(fifo.peek(), 1)
  t.same([...fifo], [1, 2])
  fifo.clear()
  t.equal(fifo.length, 0)
  t.equal(fifo.shift(), undefined)
})

t.test('any number, in and out by turns', async (t) => {
  const fifo = new Fifo<number>()
  let [put, got, most] = [0, 0, 0]
  for (let round = 0; round < 2000; round++) {
    for (let n = 0; n < 5; n++) fifo.push(put++)
    for (let n = 0; n < 4; n++) if (fifo.shift() !== got++) t.fail('out of order')
    most = Math.max(most, fifo.length)
  }
  t.equal(fifo.length, 2000)
  t.equal(most, 2000)
  while (fifo.length > 0) if (fifo.shift() !== got++) t.fail('out of order')
  t.equal(got, put)
})

t.test('what was taken is let go of', async (t) => {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) {
    t.comment('run with --expose-gc to see it')
    return
  }
  const fifo = new Fifo<object>()
  for (let n = 0; n < 10; n++) fifo.push({})
  const taken = new WeakRef(fifo.shift() as object)
  await new Promise((resolve) => setImmediate(resolve))
  gc()
  t.equal(taken.deref(), undefined)
  t.equal(fifo.length, 9)
})
