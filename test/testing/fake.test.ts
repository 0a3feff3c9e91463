import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { ack, attribute, done, dump, FakeTransport, obey, refuse, reply } from '../../lib/testing/fake.js'
import { single } from '../../lib/wire/batch.js'
import { type Frame, NLM_F_ACK, NLM_F_REQUEST, NLMSG_NOOP } from '../../lib/wire/frame.js'
import { add, body, messages, NEW, rejection, toy } from '../helpers/toy.js'

const request = (n: number): Buffer => single(add(n), NLM_F_REQUEST | NLM_F_ACK, 0, n)

function listen(fake: FakeTransport): { received: Frame[]; failures: Error[] } {
  const received: Frame[] = []
  const failures: Error[] = []
  fake.start({
    receive: (datagram) => received.push(...messages(datagram, datagram.readUInt32LE(12))),
    fail: (error) => failures.push(error),
  })
  return { received, failures }
}

t.test('acknowledges what asks for it, in the next turn', async (t) => {
  const fake = new FakeTransport()
  const { received } = listen(fake)
  await fake.send(Buffer.concat([request(1), add(2).bytes, request(3)]))
  t.equal(received.length, 0)
  await wait(1)
  t.same(
    received.map(({ seq, pid }) => [seq, pid]),
    [
      [1, 4242],
      [3, 4242],
    ],
  )
  t.equal(fake.sent.length, 1)
})

t.test('says what the script says', async (t) => {
  const fake = new FakeTransport({ portId: 7, script: (m) => [reply(m, NEW, body(1)), refuse(m, 'EPERM')] })
  const { received } = listen(fake)
  await fake.send(request(1))
  fake.script = (m) => (m.seq === 2 ? ack(m) : undefined)
  await fake.send(Buffer.concat([request(2), request(3)]))
  await wait(1)
  t.same(
    received.map(({ seq, pid, type }) => [seq, pid, type]),
    [
      [1, 7, NEW],
      [1, 7, 2],
      [2, 7, 2],
    ],
  )
})

t.test('keeps what was sent as it was', async (t) => {
  const fake = new FakeTransport()
  const datagram = request(1)
  await fake.send(datagram)
  datagram.fill(0)
  t.equal(messages(fake.sent[0]!, 0)[0]?.seq, 1)
})

t.test('loses what it has no room for', async (t) => {
  const fake = new FakeTransport({ receiveBuffer: 2500 })
  const { received } = listen(fake)
  await fake.send(Buffer.concat([1, 2, 3, 4, 5].map(request)))
  t.equal(fake.drops(), 2)
  await wait(1)
  t.same(
    received.map(({ seq }) => seq),
    [1, 2, 3],
  )
  await fake.send(request(6))
  await wait(1)
  t.same(
    received.map(({ seq }) => seq),
    [1, 2, 3, 6],
    'there is room again',
  )
  fake.drop()
  fake.drop(3)
  t.equal(fake.drops(), 6)
})

t.test('has room for any dump', async (t) => {
  const parts = Array.from({ length: 20 }, (_, n) => [body(n), body(n)])
  const fake = new FakeTransport({ receiveBuffer: 2500, script: (m) => dump(m, NEW, parts, { interrupted: 3 }) })
  const { received } = listen(fake)
  await fake.send(request(1))
  await wait(1)
  t.equal(received.length, 41)
  t.same(received.filter(({ flags }) => flags === 0x12).length, 2)
  t.equal(fake.drops(), 0)
})

t.test('answers late, and in order', async (t) => {
  const fake = new FakeTransport({ delay: 20 })
  const { received } = listen(fake)
  await fake.send(request(1))
  fake.delay = 0
  await fake.send(request(2))
  await wait(5)
  t.equal(received.length, 0)
  await wait(40)
  t.same(
    received.map(({ seq }) => seq),
    [1, 2],
  )
})

t.test('answers barriers by itself', async (t) => {
  const fake = new FakeTransport({ script: () => undefined })
  const { received } = listen(fake)
  const noop = single(toy('NOOP', NLMSG_NOOP, 0, {}, Buffer.alloc(0)), NLM_F_REQUEST | NLM_F_ACK, 0, 9)
  await fake.send(noop)
  await wait(1)
  t.same(
    received.map(({ seq }) => seq),
    [9],
  )
  fake.barriers = false
  await fake.send(noop)
  await wait(1)
  t.equal(received.length, 1)
})

t.test('fails as it is told', async (t) => {
  const fake = new FakeTransport({ sendBuffer: 100 })
  const { received, failures } = listen(fake)
  t.match(await rejection(fake.send(Buffer.alloc(69))), { code: 'EMSGSIZE', errno: -90, syscall: 'send' })
  fake.sendError = new Error('no')
  t.equal(await rejection(fake.send(request(1))), fake.sendError)
  fake.sendError = undefined
  fake.check()
  fake.gone = new Error('gone')
  t.throws(() => fake.check(), fake.gone)
  fake.fail(new Error('broken'))
  t.match(failures, [{ message: 'broken' }])
  t.equal(fake.sent.length, 0)
  await fake.send(request(1))
  fake.close()
  t.match(await rejection(fake.send(request(2))), { code: 'EBADF' })
  await wait(1)
  t.equal(received.length, 0, 'nothing comes after close')
})

t.test('nobody listens', async (t) => {
  const fake = new FakeTransport()
  fake.deliver(Buffer.alloc(16))
  fake.fail(new Error('broken'))
  fake.queue(Buffer.alloc(1))
  t.equal(fake.drops(), 0)
})

t.test('joins groups', async (t) => {
  const fake = new FakeTransport()
  fake.join(7)
  t.same(fake.groups, [7])
})

t.test('bytes', async (t) => {
  const [m] = messages(single(add(1), NLM_F_REQUEST, 0, 5), 42) as [Frame]
  t.equal(ack(m).toString('hex'), `2400000002000001050000002a00000000000000${m.bytes.subarray(0, 16).toString('hex')}`)
  t.equal(refuse(m, 'EEXIST').readInt32LE(16), -17)
  t.equal(refuse(m, 17).readInt32LE(16), -17)
  t.throws(() => refuse(m, 'ENOSUCH'), RangeError)
  const whole = refuse(m, 'EEXIST', { echo: true, message: 'No' })
  t.equal(whole.readUInt16LE(6), 0x200)
  t.same(whole.subarray(20, 40), m.bytes)
  t.equal(whole.subarray(40).toString('hex'), '070001004e6f0000')
  t.equal(ack(m, { echo: true }).length, 36, 'an acknowledgement has no echo')
  t.equal(done(m).toString('hex'), '1400000003000200050000002a00000000000000')
  t.equal(done(m, { interrupted: true }).readUInt16LE(6), 0x12)
  t.equal(done(m, { code: 'EINVAL', message: 'No' }).toString('hex').slice(32), 'eaffffff070001004e6f0000')
  t.equal(attribute(3, Buffer.from([1])).toString('hex'), '0500030001000000')
  t.equal(
    refuse(m, 1, { offset: 1, missType: 2, missNest: 3, policy: { 7: 4, 2: -1n } })
      .subarray(36)
      .toString('hex'),
    [
      '0800020001000000',
      '18000400',
      '0c000200ffffffffffffffff',
      '0800070004000000',
      '0800050002000000',
      '0800060003000000',
    ].join(''),
  )
  t.equal(obey(m, new FakeTransport()), undefined)
})

t.test('parameters are what a test sets', (t) => {
  const fake = new FakeTransport()
  t.equal(fake.sysctl('net/ipv4/ip_forward'), undefined)
  fake.sysctls['net/ipv4/ip_forward'] = 1
  t.equal(fake.sysctl('net/ipv4/ip_forward'), '1')
  t.end()
})
