import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { format } from 'node:util'
import createDebug from 'debug'
import t from 'tap'
import { ClosedError, NamespaceGoneError } from '../../lib/errors.js'
import { type MonitorOptions, monitor } from '../../lib/netlink/monitor.js'
import { ack, FakeTransport, refuse, reply } from '../../lib/testing/fake.js'
import { type Frame, NLMSG_NOOP } from '../../lib/wire/frame.js'
import { body, messages, NEW, protocol, rejection, type Toy } from '../helpers/toy.js'

type Test = { teardown(fn: () => void): void }

function watch(t: Test, options: MonitorOptions = {}, fake = new FakeTransport()) {
  const events = monitor<Toy>(fake, protocol, options)
  t.teardown(() => events.return?.())
  /** An announcement: somebody else's, or the kernel's own. */
  const say = (...numbers: number[]): void => {
    const from = { seq: 0, pid: 0 } as Frame
    for (const n of numbers) fake.deliver(reply(from, NEW, body(n)))
  }
  return { fake, events, say }
}

const event = (n: number) => ({ value: { event: 'RTM_NEWROUTE', message: { n } }, done: false })
const resync = { value: { event: 'resync' }, done: false }
const end = { value: undefined, done: true }

/** What comes until nothing comes for a while. */
async function drain(events: AsyncIterator<unknown>, ms = 5): Promise<{ seen: unknown[]; rest: Promise<unknown> }> {
  const seen: unknown[] = []
  for (;;) {
    const next = events.next()
    const result = await Promise.race([next, wait(ms, undefined)])
    if (result === undefined) return { seen, rest: next }
    seen.push(result)
    if ((result as { done?: boolean }).done) return { seen, rest: next }
  }
}

t.test('what is announced, from the call on, in order', async (t) => {
  const { events, say } = watch(t)
  say(1, 2)
  t.same(await events.next(), event(1))
  t.same(await events.next(), event(2))
  const waiting = [events.next(), events.next()]
  say(3, 4)
  t.same(await Promise.all(waiting), [event(3), event(4)])
})

t.test('in a loop', async (t) => {
  const { fake, events, say } = watch(t)
  say(1, 2, 3)
  const seen: number[] = []
  for await (const { event, message } of events) {
    if (event === 'resync') continue
    seen.push((message as Toy).n)
    if (seen.length === 3) break
  }
  t.same(seen, [1, 2, 3])
  t.ok(fake.closed, 'break closes the socket')
  t.same(await events.next(), end)
})

t.test('aborts', async (t) => {
  t.test('while it waits', async (t) => {
    const controller = new AbortController()
    const { fake, events } = watch(t, { signal: controller.signal })
    const next = events.next()
    controller.abort()
    t.same(await next, end)
    t.ok(fake.closed)
  })

  t.test('while events wait', async (t) => {
    const controller = new AbortController()
    const { fake, events, say } = watch(t, { signal: controller.signal, queue: 1 })
    say(1, 2)
    controller.abort()
    t.same(await events.next(), end)
    say(3)
    t.same(await events.next(), end)
    t.ok(fake.closed)
  })

  t.test('before it began', async (t) => {
    const { fake, events } = watch(t, { signal: AbortSignal.abort() })
    t.same(await events.next(), end)
    t.ok(fake.closed)
  })
})

t.test('the socket fails', async (t) => {
  const { fake, events, say } = watch(t)
  say(1)
  const cause = new Error('EBADF')
  fake.fail(cause)
  fake.fail(new Error('again'))
  t.same(await events.next(), event(1), 'what was heard is not lost')
  const error = await rejection(events.next())
  t.type(error, ClosedError)
  t.equal(error.cause, cause)
  t.same(await events.next(), end)
})

t.test('a reader that is too slow has one resync', async (t) => {
  const { events, say } = watch(t, { queue: 10 })
  say(...Array.from({ length: 25 }, (_, n) => n))
  const { seen } = await drain(events)
  t.same(seen, [resync, event(22), event(23), event(24)], 'and what came after it')
  const full = watch(t, { queue: 10 })
  full.say(...Array.from({ length: 10 }, (_, n) => n))
  t.equal((await drain(full.events)).seen.length, 10)
})

t.test('memory is bounded', async (t) => {
  const { events, say } = watch(t)
  say(...Array.from({ length: 16_385 }, (_, n) => n))
  t.same((await drain(events)).seen, [resync])
})

t.test('what cannot be read has one resync', async (t) => {
  const { fake, events, say } = watch(t)
  say(1)
  fake.deliver(reply({ seq: 0, pid: 0 } as Frame, NEW, Buffer.alloc(0)))
  say(2)
  fake.deliver(Buffer.concat([reply({ seq: 0, pid: 0 } as Frame, NEW, body(3)), Buffer.alloc(3)]))
  const { seen, rest } = await drain(events)
  t.same(seen, [resync], 'what waited is older than it')
  say(4)
  fake.deliver(reply({ seq: 0, pid: 0 } as Frame, NEW, Buffer.alloc(0)))
  say(5)
  t.same(await rest, event(4))
  const again = await drain(events)
  t.same(again.seen, [resync])
  fake.deliver(Buffer.alloc(0))
  t.same(await again.rest, resync, 'not even a header')
})

t.test('the kernel had no room', async (t) => {
  t.test('one resync, behind all that is older than the loss', async (t) => {
    const { fake, events, say } = watch(t)
    say(1)
    fake.drop(7)
    say(2)
    const [barrier] = messages(fake.sent[0]!, fake.portId)
    t.match(barrier, { type: NLMSG_NOOP, flags: 5 })
    say(3)
    const next = events.next()
    t.equal(await Promise.race([next, 'nothing']), 'nothing', 'there may be older ones')
    await turn()
    await turn()
    t.same(await next, resync)
    say(4)
    t.same((await drain(events)).seen, [event(4)])
    t.equal(fake.sent.length, 1)
  })

  t.test('while nothing comes', async (t) => {
    const { fake, events } = watch(t)
    fake.drop()
    t.same(await events.next(), resync)
    t.equal(fake.sent.length, 1)
  })

  t.test('again, meanwhile', async (t) => {
    const { fake, events, say } = watch(t)
    fake.barriers = false
    fake.script = () => undefined
    fake.drop()
    say(1)
    t.equal(fake.sent.length, 1)
    fake.drop()
    say(2)
    t.equal(fake.sent.length, 1, 'one barrier at a time')
    fake.deliver(ack(messages(fake.sent[0]!, fake.portId)[0]!))
    t.equal(fake.sent.length, 2, 'it does not vouch for the second loss')
    say(3)
    fake.deliver(ack(messages(fake.sent[0]!, fake.portId)[0]!))
    const { seen, rest } = await drain(events)
    t.same(seen, [], 'an old answer')
    fake.deliver(ack(messages(fake.sent[1]!, fake.portId)[0]!))
    say(4)
    t.same(await rest, resync)
    t.same((await drain(events)).seen, [event(4)])
  })

  t.test('for the barrier', async (t) => {
    const { fake, events, say } = watch(t)
    fake.barriers = false
    fake.script = () => undefined
    fake.drop()
    say(1)
    const next = events.next()
    await wait(300)
    t.ok(fake.sent.length >= 2)
    t.not(messages(fake.sent[0]!, 0)[0]?.seq, messages(fake.sent[1]!, 0)[0]?.seq)
    fake.deliver(ack(messages(fake.sent.at(-1)!, fake.portId)[0]!))
    t.same(await next, resync)
  })

  t.test('and the barrier cannot be sent', async (t) => {
    const { fake, events, say } = watch(t)
    fake.sendError = new Error('ENOBUFS')
    fake.drop()
    say(1)
    const next = events.next()
    await turn()
    fake.sendError = undefined
    t.same(await next, resync)
  })

  t.test('and the socket fails', async (t) => {
    const { fake, events, say } = watch(t)
    fake.barriers = false
    fake.script = () => undefined
    fake.drop()
    say(1)
    fake.fail(new Error('EBADF'))
    t.same(await events.next(), resync)
    t.type(await rejection(events.next()), ClosedError)
  })
})

t.test('what is no announcement', async (t) => {
  const { fake, events, say } = watch(t)
  const message = { bytes: Buffer.alloc(16), start: 0, end: 16, seq: 1, pid: fake.portId, type: NEW, flags: 0 }
  fake.deliver(ack(message))
  fake.deliver(refuse(message, 'EINVAL'))
  fake.deliver(reply(message, NLMSG_NOOP, body(0)))
  fake.drop()
  say(1)
  const [barrier] = messages(fake.sent[0]!, fake.portId)
  fake.deliver(ack({ ...barrier!, pid: 1 }))
  fake.deliver(reply(barrier!, NLMSG_NOOP, body(0)))
  const next = events.next()
  t.equal(await Promise.race([next, 'nothing']), 'nothing', 'only the answer to the barrier counts')
})

t.test('the namespace is gone', async (t) => {
  const { fake, events } = watch(t)
  fake.gone = new NamespaceGoneError('gone')
  t.equal(await rejection(events.next()), fake.gone)
  t.ok(fake.closed)
})

t.test('debug output', async (t) => {
  const lines: string[] = []
  const { log } = createDebug
  createDebug.log = (...args: unknown[]) => lines.push(format(...args))
  createDebug.enable('nbma:socket')
  t.teardown(() => {
    createDebug.disable()
    createDebug.log = log
  })
  const { say } = watch(t)
  say(1)
  t.match(lines.join('\n'), /← a message of 20 bytes/)
})
