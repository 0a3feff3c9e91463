import { endianness } from 'node:os'
import t from 'tap'
import { align, type Frame, frames, writeFlags, writeHeader, writeSeq } from '../../lib/wire/frame.js'
import { hostIsLittle, ORDERS, readU16, readU32, writeU16, writeU32 } from '../../lib/wire/host.js'
import { Writer } from '../../lib/wire/writer.js'

function message(length: number, seq: number, padded = align(length)): Buffer {
  const bytes = Buffer.alloc(padded)
  writeHeader(bytes, 0, length, 24, 5, seq, 77)
  return bytes
}
const fields = ({ start, end, type, flags, seq, pid }: Frame) => [start, end, type, flags, seq, pid]

t.test('a header is five numbers in host order', async (t) => {
  const bytes = Buffer.alloc(18, 0xee)
  writeHeader(bytes, 1, 0x01020304, 0x0506, 0x0708, 0x090a0b0c, 0x0d0e0f10)
  t.equal(bytes.toString('hex'), 'ee04030201060508070c0b0a09100f0e0dee')
  writeSeq(bytes, 1, 1)
  writeFlags(bytes, 1, 2)
  t.equal(bytes.toString('hex'), 'ee04030201060502000100000010 0f0e0dee'.replace(' ', ''))
})

t.test('several messages in a datagram, each from a multiple of four', async (t) => {
  const bytes = Buffer.concat([message(16, 1), message(21, 2), message(20, 3)])
  t.same([...frames(bytes)].map(fields), [
    [0, 16, 24, 5, 1, 77],
    [16, 37, 24, 5, 2, 77],
    [40, 60, 24, 5, 3, 77],
  ])
  t.same([...frames(message(21, 1, 21))].map(fields), [[0, 21, 24, 5, 1, 77]], 'the last one may lack its padding')
  t.same([...frames(Buffer.alloc(0))], [])
})

t.test('the first header that cannot be ends it', async (t) => {
  const good = message(16, 1)
  for (const bad of [
    Buffer.alloc(1),
    Buffer.alloc(15),
    message(15, 2, 16),
    message(0, 2, 16),
    message(17, 2, 16),
    message(0xffffffff, 2, 64),
  ]) {
    const offsets: number[] = []
    const list = [...frames(Buffer.concat([good, bad]), (offset) => offsets.push(offset))]
    t.same(
      list.map(({ seq }) => seq),
      [1],
    )
    t.same(offsets, [16])
    t.equal([...frames(bad)].length, 0, 'without anyone who wants to know')
  }
})

t.test('align', async (t) => {
  t.same([0, 1, 3, 4, 5, 65_535].map(align), [0, 4, 4, 4, 8, 65_536])
})

t.test('both byte orders', async (t) => {
  const { LE, BE } = ORDERS
  const bytes = Buffer.from('eef1020304ee', 'hex')
  t.equal(LE.readU16(bytes, 1), 0x02f1)
  t.equal(BE.readU16(bytes, 1), 0xf102)
  t.equal(LE.readU32(bytes, 1), 0x040302f1)
  t.equal(BE.readU32(bytes, 1), 0xf1020304)
  t.equal(LE.readU32(Buffer.alloc(4, 0xff), 0), 0xffffffff, 'without sign')
  t.equal(BE.readU32(Buffer.alloc(4, 0xff), 0), 0xffffffff)
  const written = (write: (b: Buffer) => void): string => {
    const b = Buffer.alloc(6, 0xee)
    write(b)
    return b.toString('hex')
  }
  t.equal(
    written((b) => LE.writeU16(b, 1, 0xf102)),
    'ee02f1eeeeee',
  )
  t.equal(
    written((b) => BE.writeU16(b, 1, 0xf102)),
    'eef102eeeeee',
  )
  t.equal(
    written((b) => LE.writeU32(b, 1, 0xf1020304)),
    'ee040302f1ee',
  )
  t.equal(
    written((b) => BE.writeU32(b, 1, 0xf1020304)),
    'eef1020304ee',
  )
  t.equal(hostIsLittle, endianness() === 'LE')
  t.same({ readU16, readU32, writeU16, writeU32 }, ORDERS[endianness()], 'the host has one of them')
})

t.test('a writer grows, and forgets what was there', async (t) => {
  const w = new Writer(2)
  t.equal(w.take(2), 0)
  w.bytes.fill(0xaa)
  t.equal(w.take(3), 2)
  t.equal(w.finish().toString('hex'), 'aaaa000000')
  w.append(Uint8Array.of(1, 2))
  t.equal(w.finish().toString('hex'), 'aaaa0000000102')
  w.pos = 0
  w.take(2)
  t.equal(w.finish().toString('hex'), '0000', 'zeroed when it is used again')
  const copy = w.finish()
  w.bytes.fill(0xbb)
  t.equal(copy.toString('hex'), '0000', 'a copy')
})
