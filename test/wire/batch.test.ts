import t from 'tap'
import { EncodeError, UnsupportedError } from '../../lib/errors.js'
import { Datagram, isDump, single } from '../../lib/wire/batch.js'
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLM_F_ROOT } from '../../lib/wire/frame.js'
import { Request } from '../../lib/wire/request.js'
import { add, all, body, get, messages, NEW, series, toy } from '../helpers/toy.js'

const limits = { bytes: 1000, messages: 10 }

t.test('which messages are dumps', async (t) => {
  t.same([add(1), get(1), all()].map(isDump), [false, false, true])
  t.notOk(isDump(toy('RTM_NEWROUTE', NEW, NLM_F_DUMP, {}, body(1))), 'on writes the bits mean other things')
  t.ok(isDump(toy('RTM_GETROUTE', 26, NLM_F_ROOT, {}, body(1))))
})

t.test('a message on its own', async (t) => {
  const request = toy('RTM_NEWROUTE', NEW, NLM_F_ACK | 0x400, { dst: 'x' }, Buffer.from([1, 2, 3, 4, 5]))
  const bytes = single(request, NLM_F_REQUEST, NLM_F_ACK, 0xfffffffe)
  t.match(messages(bytes, 0), [{ type: NEW, flags: NLM_F_REQUEST | 0x400, seq: 0xfffffffe, end: 21 }])
  t.equal(bytes.length, 24, 'padded')
  t.same([...bytes.subarray(16)], [1, 2, 3, 4, 5, 0, 0, 0])
  t.equal(request.bytes.readUInt32LE(8), 0, 'a copy')
})

t.test('messages in a datagram', async (t) => {
  const datagram = new Datagram(0xffffffff, limits)
  const requests = [add(1), toy('RTM_NEWROUTE', NEW, NLM_F_ACK | 0x400, {}, Buffer.from([1, 2, 3, 4, 5])), get(3)]
  for (const request of requests) t.ok(datagram.add(request))
  const bytes = datagram.seal()
  t.match(messages(bytes, 0), [
    { start: 0, end: 20, seq: 0xffffffff, flags: requests[0]!.flags | NLM_F_REQUEST },
    { start: 20, end: 41, seq: 0, flags: 0x400 | NLM_F_REQUEST },
    { start: 44, end: 64, seq: 1, flags: NLM_F_REQUEST | NLM_F_ACK },
  ])
  t.same([...bytes.subarray(36, 44)], [1, 2, 3, 4, 5, 0, 0, 0], 'padding is not what was there before')
  t.same(
    requests.map((_, n) => datagram.request(n)),
    requests,
  )
  t.ok(requests.every((request) => request.bytes.readUInt32LE(8) === 0))
})

t.test('padding of a buffer that has been used', async (t) => {
  const odd = () => toy('RTM_NEWROUTE', NEW, 0, {}, Buffer.alloc(1, 255))
  for (let round = 0; round < 50; round++) {
    const datagram = new Datagram(0, limits, 4)
    for (let n = 0; n < 10; n++) datagram.add(odd())
    const bytes = datagram.seal()
    for (const { end } of messages(bytes, 0)) if (bytes[end] !== 0) t.fail('not zero')
  }
})

t.test('as many messages as it may have', async (t) => {
  const datagram = new Datagram(0, limits)
  for (let n = 0; n < 10; n++) t.ok(datagram.add(add(n)))
  t.notOk(datagram.add(add(10)))
  t.equal(datagram.count, 10)
  t.equal(messages(datagram.seal(), 0).length, 10)
})

t.test('as many bytes as it may have', async (t) => {
  for (const capacity of [1, 100, 8192]) {
    const datagram = new Datagram(0, { bytes: 100, messages: 10 }, capacity)
    for (let n = 0; n < 5; n++) t.ok(datagram.add(add(n)), `${n} of 20 bytes`)
    t.equal(datagram.capacity, 100)
    t.notOk(datagram.add(add(5)))
    const bytes = datagram.seal()
    t.equal(bytes.length, 100)
    t.same(
      messages(bytes, 0).map((m) => bytes[m.start + 16]),
      [0, 1, 2, 3, 4],
      'what moved is whole',
    )
  }
})

t.test('a message that is larger than all', async (t) => {
  const large = toy('RTM_NEWROUTE', NEW, 0, {}, Buffer.alloc(500, 7))
  const datagram = new Datagram(0, { bytes: 100, messages: 10 })
  t.ok(datagram.add(large), 'has one of its own')
  t.notOk(datagram.add(add(1)))
  t.equal(datagram.seal().length, 516)
  const other = new Datagram(0, { bytes: 100, messages: 10 })
  t.ok(other.add(add(1)))
  t.notOk(other.add(large))
})

t.test('series', async (t) => {
  const datagram = new Datagram(0xfffffffe, limits, 4)
  t.ok(datagram.add(add(1)))
  t.equal(datagram.addSeries(series(20, 5), 3), 2, 'from a number on')
  t.ok(datagram.add(add(2)))
  t.equal(datagram.addSeries(series(30, 3), 0), 3)
  t.notOk(datagram.isFull)
  t.equal(datagram.addSeries(series(40, 9), 0), 3, 'as far as there is room')
  t.ok(datagram.isFull)
  t.equal(datagram.addSeries(series(40, 9), 3), 0)
  const numbers = [1, 23, 24, 2, 30, 31, 32, 40, 41, 42]
  const found = messages(datagram.seal(), 0)
  t.same(
    found.map(({ bytes, start }) => bytes.readUInt32LE(start + 16)),
    numbers,
  )
  t.same(
    found.map(({ seq }) => seq),
    numbers.map((_, n) => (0xfffffffe + n) >>> 0),
  )
  t.ok(found.every(({ flags }, n) => flags === (0x600 | NLM_F_REQUEST | (n === 9 ? NLM_F_ACK : 0))))
  t.same(
    numbers.map((_, n) => datagram.request(n).subject),
    numbers.map((n) => `10.0.0.${n}/32`),
  )
})

t.test('series and the bytes of a datagram', async (t) => {
  const datagram = new Datagram(0, { bytes: 50, messages: 10 })
  t.equal(datagram.addSeries(series(0, 9), 0), 2)
  t.equal(datagram.addSeries(series(0, 9), 2), 0)
  const large = { ...series(0, 3), size: 100, write: () => {} }
  t.equal(new Datagram(0, { bytes: 50, messages: 10 }).addSeries(large, 0), 1, 'one always has room')
  t.equal(new Datagram(0, limits).addSeries(series(0, 0), 0), 0, 'none')
})

t.test('a length that is wrong', async (t) => {
  for (const length of [0, 15, 16, 21, 0xffffffff]) {
    const request = add(1)
    request.bytes.writeUInt32LE(length, 0)
    const datagram = new Datagram(0, limits)
    datagram.add(add(0))
    t.throws(() => datagram.add(request), { code: 'NBMA_ENCODE', path: 'nlmsg_len', value: length })
    t.throws(() => single(request, 0, 0, 1), EncodeError)
    datagram.add(add(2))
    t.equal(messages(datagram.seal(), 0).length, 2, 'the others are not touched')
  }
  const empty = new Request('RTM_NEWROUTE', NEW, 0, {}, Buffer.alloc(3))
  t.throws(() => single(empty, 0, 0, 1), EncodeError)
})

t.test('a dump', async (t) => {
  const datagram = new Datagram(0, limits)
  t.throws(() => datagram.add(all()), UnsupportedError)
  t.equal(datagram.count, 0)
})
