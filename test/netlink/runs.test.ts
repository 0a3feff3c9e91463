import t from 'tap'
import { Runs } from '../../lib/netlink/runs.js'
import { align, type Frame, frames, writeHeader } from '../../lib/wire/frame.js'

/** A datagram of messages with these lengths, each with its place as its sequence number. */
function datagram(...lengths: number[]): Frame[] {
  const last = lengths.at(-1)!
  const bytes = Buffer.alloc(lengths.reduce((sum, length) => sum + align(length), 0) - (align(last) - last))
  let at = 0
  for (const [i, length] of lengths.entries()) {
    writeHeader(bytes, at, length, 24, 0, i, 0)
    at += align(length)
  }
  return [...frames(bytes)]
}

t.test('what goes in comes out, in order', async (t) => {
  const runs = new Runs()
  const [a, b, c] = [datagram(16, 17, 20, 30), datagram(21), datagram(40, 19)]
  // The third of the first is someone else's, and the first of the last comes late.
  const all = [a[0], a[1], a[3], ...b, c[1], c[0]] as Frame[]
  for (const frame of all) runs.push(frame)
  t.equal(runs.length, all.length)
  t.equal(runs.bytes, 16 + 17 + 30 + 21 + 19 + 40)
  t.same(
    all.map(() => runs.shift()),
    all,
  )
  t.equal(runs.shift(), undefined)
  t.equal(runs.length, 0)
  t.equal(runs.bytes, 0)
})

t.test('reading while it is filled', async (t) => {
  const runs = new Runs()
  const all = datagram(16, 20, 24, 28)
  const seen: (Frame | undefined)[] = []
  for (const [i, frame] of all.entries()) {
    runs.push(frame)
    if (i !== 1) seen.push(runs.shift())
  }
  t.equal(runs.length, 1)
  seen.push(runs.shift())
  t.same(seen, all)
})

t.test('what is forgotten does not come back', async (t) => {
  const runs = new Runs()
  const [first, second, third] = datagram(16, 16, 16) as [Frame, Frame, Frame]
  runs.push(first)
  runs.push(second)
  runs.clear()
  t.equal(runs.length, 0)
  t.equal(runs.bytes, 0)
  runs.push(third)
  t.same(runs.shift(), third)
  t.equal(runs.shift(), undefined)
})
