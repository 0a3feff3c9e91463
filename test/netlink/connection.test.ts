import { setTimeout as wait } from 'node:timers/promises'
import { format } from 'node:util'
import createDebug from 'debug'
import t from 'tap'
import {
  ClosedError,
  DecodeError,
  KernelError,
  NamespaceGoneError,
  NbmaError,
  OutcomeUnknownError,
  OverrunError,
  UnsupportedError,
} from '../../lib/errors.js'
import { Connection, type ConnectionOptions } from '../../lib/netlink/connection.js'
import { ack, type FakeOptions, FakeTransport, refuse, reply, type Script } from '../../lib/testing/fake.js'
import { NLM_F_ACK, NLM_F_REQUEST, NLMSG_NOOP } from '../../lib/wire/frame.js'
import type { Captured } from '../../lib/wire/pcap.js'
import { add, all, body, get, messages, NEW, protocol, rejection, toy } from '../helpers/toy.js'

type Test = { teardown(fn: () => void): void }

function open(t: Test, fakeOptions: FakeOptions = {}, options: ConnectionOptions = {}) {
  const fake = new FakeTransport(fakeOptions)
  const connection = new Connection(fake, protocol, options)
  t.teardown(() => connection.close())
  return { fake, connection }
}

const silence: Script = () => undefined

t.test('a request', async (t) => {
  const { fake, connection } = open(t)
  const request = add(1)
  const before = Buffer.from(request.bytes)
  t.same(await connection.request(request), {})
  const [message] = messages(fake.sent[0]!, 0)
  t.equal(message?.flags, request.flags | NLM_F_REQUEST | NLM_F_ACK)
  t.same(request.bytes, before, 'its own bytes are not written to')
  t.same(connection.dropped, { late: 0, foreign: 0, duplicate: 0, malformed: 0 })
})

t.test('a request that is applied with a warning', async (t) => {
  const { connection } = open(t, { script: (m) => ack(m, { message: 'bytes leftover' }) })
  t.same(await connection.request(add(1)), { warning: 'bytes leftover' })
})

t.test('a request that is refused', async (t) => {
  const script: Script = (m) => refuse(m, 'EINVAL', { message: 'Nexthop has invalid gateway', offset: 16 })
  const { connection } = open(t, { script })
  const request = add(1)
  const error = await rejection(connection.request(request))
  t.type(error, KernelError)
  t.match(error, {
    code: 'EINVAL',
    errno: 22,
    operation: 'RTM_NEWROUTE',
    message: 'RTM_NEWROUTE 10.0.0.1/32: Nexthop has invalid gateway (EINVAL, attribute gateway)',
  })
  t.equal(error.request, request)
})

t.test('what a request is answered besides is not waited for', async (t) => {
  const { connection } = open(t, { script: (m) => [reply(m, NEW, Buffer.alloc(0)), ack(m)] })
  t.same(await connection.request(add(1)), {})
})

t.test('many requests at once, answered each for itself', async (t) => {
  const script: Script = (m) => (m.bytes.readUInt8(m.start + 16) % 3 === 0 ? refuse(m, 'EEXIST') : ack(m))
  const { fake, connection } = open(t, { script })
  const results = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => connection.request(add(n))))
  t.equal(results.filter(({ status }) => status === 'rejected').length, 67)
  t.ok(results.every(({ status }, n) => (n % 3 === 0) === (status === 'rejected')))
  t.equal(fake.drops(), 0)
})

t.test('the event loop turns while much is sent', async (t) => {
  const { fake, connection } = open(t, { receiveBuffer: 2 ** 24 })
  const all = Promise.all(Array.from({ length: 1300 }, (_, n) => connection.request(add(n))))
  await new Promise<void>((resolve) => process.nextTick(resolve))
  t.equal(fake.sent.length, 256)
  await all
  t.equal(fake.sent.length, 1300)
})

t.test('get', async (t) => {
  const { fake, connection } = open(t, { script: (m) => [reply(m, NEW, body(7)), reply(m, NEW, body(8)), ack(m)] })
  t.same(await connection.get(get(1)), [{ n: 7 }, { n: 8 }])
  t.equal(messages(fake.sent[0]!, 0)[0]?.flags, NLM_F_REQUEST | NLM_F_ACK)

  fake.script = (m) => refuse(m, 'ENODEV')
  t.match(await rejection(connection.get(get(1))), { code: 'ENODEV' })

  fake.script = (m) => [reply(m, NEW, Buffer.alloc(0)), reply(m, NEW, body(8)), ack(m)]
  t.type(await rejection(connection.get(get(1))), DecodeError, 'an item that cannot be read is not left out')

  fake.script = (m) => [Buffer.alloc(5), ack(m)]
  const error = await rejection(connection.get(get(1)))
  t.type(error, DecodeError, 'the bytes may have been an item')
  t.match(error.message, 'RTM_GETROUTE 10.0.0.1/32: a reply is not a message')

  fake.script = (m) => [Buffer.alloc(5), ack(m)]
  t.same(await connection.request(add(1)), {}, 'a request is answered by its acknowledgement alone')
  t.equal(connection.dropped.malformed, 2)
})

t.test('a dump where none can be', async (t) => {
  const { fake, connection } = open(t)
  t.type(await rejection(connection.request(all())), UnsupportedError)
  t.equal(fake.sent.length, 0)
})

t.test('a message whose length is wrong', async (t) => {
  const { fake, connection } = open(t)
  const request = add(1)
  request.bytes.writeUInt32LE(400, 0)
  t.match(await rejection(connection.request(request)), { code: 'NBMA_ENCODE', path: 'nlmsg_len' })
  t.equal(fake.sent.length, 0)
})

t.test('timeouts', async (t) => {
  t.test('leave the outcome of a request unknown', async (t) => {
    const { fake, connection } = open(t, { script: silence }, { timeout: 30 })
    fake.barriers = false
    const error = await rejection(connection.request(add(1)))
    t.type(error, OutcomeUnknownError)
    t.match(error.message, /^RTM_NEWROUTE 10\.0\.0\.1\/32: no answer within 30 ms, outcome unknown/)
    fake.deliver(ack(messages(fake.sent[0]!, fake.portId)[0]!))
    t.equal(connection.dropped.late, 1)
    fake.script = (m) => ack(m)
    t.same(await connection.request(add(2)), {}, 'the connection goes on')
  })

  t.test('of a call', async (t) => {
    const { fake, connection } = open(t, { script: silence })
    fake.barriers = false
    t.type(await rejection(connection.request(add(1), { timeout: 5 })), OutcomeUnknownError)
  })

  t.test('of a read leave nothing unknown', async (t) => {
    const { fake, connection } = open(t, { script: silence }, { timeout: 5 })
    fake.barriers = false
    const error = await rejection(connection.get(get(1)))
    t.match(error, { code: 'NBMA_TIMEOUT', message: 'RTM_GETROUTE 10.0.0.1/32: no answer within 5 ms' })
    t.notMatch(error, OutcomeUnknownError)
  })

  t.test('before it was sent', async (t) => {
    const { fake, connection } = open(t, { script: silence, receiveBuffer: 2048 })
    fake.barriers = false
    const first = rejection(connection.request(add(1), { timeout: 500 }))
    const error = await rejection(connection.request(add(2), { timeout: 5 }))
    t.match(error, { code: 'NBMA_TIMEOUT', message: 'RTM_NEWROUTE 10.0.0.2/32: not sent within 5 ms' })
    t.equal(fake.sent.filter((datagram) => datagram.length > 16).length, 1)
    t.type(await first, OutcomeUnknownError)
  })

  t.test('an answer that waits behind a stall of the thread counts', async (t) => {
    const { connection } = open(t, { script: (m) => ack(m), delay: 1 }, { timeout: 20 })
    const request = connection.request(add(1))
    const until = performance.now() + 60
    while (performance.now() < until);
    t.same(await request, {})
  })

  t.test('none', async (t) => {
    const { fake, connection } = open(t, { script: silence }, { timeout: Number.POSITIVE_INFINITY })
    fake.barriers = false
    const request = rejection(connection.request(add(1)))
    t.equal(await Promise.race([request, wait(120, 'waiting')]), 'waiting')
    connection.close()
    t.type(await request, ClosedError)
  })

  t.test('that are none', async (t) => {
    for (const timeout of [0, -1, Number.NaN]) {
      t.throws(() => new Connection(new FakeTransport(), protocol, { timeout }), RangeError)
      const { connection } = open(t)
      t.type(await rejection(connection.request(add(1), { timeout })), RangeError)
    }
  })
})

t.test('aborts', async (t) => {
  t.test('before the call', async (t) => {
    const { fake, connection } = open(t)
    const signal = AbortSignal.abort('why')
    t.equal(await rejection(connection.request(add(1), { signal })), 'why')
    t.equal(await rejection(connection.get(get(1), { signal })), 'why')
    t.equal(fake.sent.length, 0)
  })

  t.test('after it was sent', async (t) => {
    const { fake, connection } = open(t, { delay: 20 })
    const controller = new AbortController()
    const change = rejection(connection.request(add(1), { signal: controller.signal }))
    const read = rejection(connection.get(get(1), { signal: controller.signal }))
    await new Promise<void>((resolve) => process.nextTick(resolve))
    controller.abort()
    const error = await change
    t.type(error, OutcomeUnknownError)
    t.match(error.message, /aborted after it was sent, outcome unknown/)
    t.equal(error.cause, controller.signal.reason)
    t.equal(await read, controller.signal.reason, 'a read has no outcome')
    await wait(30)
    t.equal(connection.dropped.late, 2, 'the answers belong to nobody')
    t.equal(fake.sent.length, 2)
  })

  t.test('before it was sent', async (t) => {
    const { fake, connection } = open(t, { receiveBuffer: 2048, delay: 5 })
    const first = connection.request(add(1))
    const controller = new AbortController()
    const second = rejection(connection.request(add(2), { signal: controller.signal }))
    const third = connection.request(add(3))
    controller.abort('enough')
    t.equal(await second, 'enough')
    await Promise.all([first, third])
    t.same(
      fake.sent.map((datagram) => datagram[16]),
      [1, 3],
    )
  })

  t.test('after the answer', async (t) => {
    const { connection } = open(t)
    const controller = new AbortController()
    t.same(await connection.request(add(1), { signal: controller.signal }), {})
    controller.abort()
    t.same(await connection.request(add(1)), {})
  })
})

t.test('answers that are lost', async (t) => {
  t.test('are known to be after the next answer, long before the timeout', async (t) => {
    const script: Script = (_, fake) => {
      fake.drop()
      return undefined
    }
    const { fake, connection } = open(t, { script }, { timeout: 60_000 })
    const change = rejection(connection.request(add(1)))
    const read = rejection(connection.get(get(1)))
    const error = await change
    t.type(error, OverrunError)
    t.match(error.message, /the answer was lost \(receive buffer overrun\), outcome unknown/)
    t.match((await read).message, /the answer was lost \(receive buffer overrun\)$/)
    t.equal(messages(fake.sent[2]!, 0)[0]?.type, NLMSG_NOOP)
    t.equal(fake.sent.filter((datagram) => messages(datagram, 0)[0]?.type === NEW).length, 1, 'the change is sent once')
  })

  t.test('are asked for again where that does no harm', async (t) => {
    let losses = 0
    const script: Script = (m, fake) => {
      if (losses-- <= 0) return m.type === NEW ? ack(m) : [reply(m, NEW, body(7)), ack(m)]
      fake.drop()
      return undefined
    }
    const { fake, connection } = open(t, { script }, { timeout: 60_000 })
    losses = 2
    t.same(await connection.get(get(7)), [{ n: 7 }])
    losses = 2
    t.same(await connection.request(add(1), { idempotent: true }), {})
    losses = 3
    t.type(await rejection(connection.get(get(7))), OverrunError)
    losses = 3
    t.match(await rejection(connection.request(add(1), { idempotent: true })), { message: /outcome unknown/ })
    const seqs = fake.sent.flatMap((datagram) => messages(datagram, 0).map(({ seq }) => seq))
    t.equal(new Set(seqs).size, seqs.length, 'by a number of its own each time')
    t.same(connection.dropped, { late: 0, foreign: 0, duplicate: 0, malformed: 0 })
  })
})

t.test('sending fails', async (t) => {
  t.test('as the system says', async (t) => {
    const { fake, connection } = open(t)
    fake.sendError = Object.assign(new Error('send ENOBUFS'), { code: 'ENOBUFS' })
    const error = await rejection(connection.request(add(1)))
    t.type(error, NbmaError)
    t.match(error, { code: 'ENOBUFS', message: 'RTM_NEWROUTE 10.0.0.1/32: not sent: send ENOBUFS' })
    t.equal(error.cause, fake.sendError)
    fake.sendError = new Error('no')
    t.match(await rejection(connection.request(add(1))), { code: 'NBMA_SEND' })
    fake.sendError = undefined
    t.same(await connection.request(add(1)), {})
  })

  t.test('and makes room for the next', async (t) => {
    const { fake, connection } = open(t, { receiveBuffer: 2048 })
    fake.sendError = new Error('no')
    const first = rejection(connection.request(add(1)))
    const second = connection.request(add(2))
    fake.sendError = undefined
    t.match(await first, { code: 'NBMA_SEND' })
    t.same(await Promise.race([second, wait(25, 'not before the next tick')]), {})
  })

  t.test('in a namespace that is gone', async (t) => {
    const { fake, connection } = open(t)
    fake.gone = new NamespaceGoneError('gone')
    t.equal(await rejection(connection.request(add(1))), fake.gone)
    t.equal(fake.sent.length, 0)
  })
})

t.test('closing', async (t) => {
  t.test('settles what waits', async (t) => {
    const { fake, connection } = open(t, { receiveBuffer: 2048 })
    const [sent, queued] = [rejection(connection.request(add(1))), rejection(connection.request(add(2)))]
    connection.close()
    t.ok(fake.closed)
    t.type(await sent, ClosedError)
    t.match((await sent).message, /closed, before the answer was read, outcome unknown/)
    t.match((await queued).message, /closed, not sent$/)
    t.type(await rejection(connection.request(add(3))), ClosedError)
    connection.close()
    t.equal(fake.sent.length, 1)
  })

  t.test('a read', async (t) => {
    const { connection } = open(t)
    const read = rejection(connection.get(get(1)))
    connection.close()
    t.match((await read).message, /closed, before all was read$/)
  })

  t.test('at the end of a block', async (t) => {
    const fake = new FakeTransport()
    {
      await using connection = new Connection(fake, protocol)
      await connection.request(add(1))
    }
    t.ok(fake.closed)
  })

  t.test('because the socket failed', async (t) => {
    const { fake, connection } = open(t)
    const request = rejection(connection.request(add(1)))
    const cause = new Error('EBADF')
    fake.fail(cause)
    t.type(await request, ClosedError)
    t.equal((await request).cause, cause)
    t.equal((await rejection(connection.request(add(1)))).cause, cause)
    t.ok(fake.closed)
  })
})

t.test('who listens in', async (t) => {
  const seen: Captured[] = []
  const before = Date.now()
  const { fake, connection } = open(t, {}, { tap: (datagram) => seen.push(datagram) })
  await connection.request(add(1))
  t.same(
    seen.map(({ sent }) => sent),
    [true, false],
  )
  t.same(seen[0]?.bytes, fake.sent[0])
  t.equal(seen[1]?.bytes.length, 36)
  t.ok(seen.every(({ time = 0 }) => time >= before && time <= Date.now()))
})

t.test('a listener that throws is heard of, and stops nothing', async (t) => {
  const thrown: unknown[] = []
  const { setImmediate: real } = globalThis
  t.teardown(() => {
    globalThis.setImmediate = real
  })
  globalThis.setImmediate = ((callback: () => void) => {
    try {
      callback()
    } catch (error) {
      thrown.push(error)
    }
  }) as typeof setImmediate
  const { connection } = open(
    t,
    {},
    {
      tap: ({ sent }) => {
        throw new Error(sent ? 'out' : 'in')
      },
    },
  )
  t.same(await connection.request(add(1)), {})
  t.same(
    thrown.map((error) => (error as Error).message),
    ['out', 'in'],
  )
})

t.test('debug output', async (t) => {
  const lines: string[] = []
  const { log } = createDebug
  createDebug.log = (...args: unknown[]) => lines.push(format(...args))
  createDebug.enable('nbma:socket,nbma:correlator')
  t.teardown(() => {
    createDebug.disable()
    createDebug.log = log
  })
  const { connection } = open(t, { script: (m) => ack(m, { message: 'careful' }) })
  await connection.request(toy('RTM_NEWROUTE', NEW, 0, {}, body(1)))
  t.match(lines.join('\n'), /→ a message of 20 bytes/)
  t.match(lines.join('\n'), /← a message of 48 bytes/)
  t.match(lines.join('\n'), /was applied with a warning: careful/)
})
