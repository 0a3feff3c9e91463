import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import {
  ClosedError,
  DecodeError,
  DumpInterruptedError,
  KernelError,
  NbmaError,
  OverrunError,
  UnsupportedError,
} from '../../lib/errors.js'
import { Connection, type ConnectionOptions } from '../../lib/netlink/connection.js'
import {
  done,
  dump,
  type FakeOptions,
  FakeTransport,
  obey,
  refuse,
  reply,
  type Script,
} from '../../lib/testing/fake.js'
import { type Frame, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTI, NLM_F_REQUEST } from '../../lib/wire/frame.js'
import { add, all, body, get, messages, NEW, protocol, rejection } from '../helpers/toy.js'

type Test = { teardown(fn: () => void): void }

function open(t: Test, fakeOptions: FakeOptions = {}, options: ConnectionOptions = {}) {
  const fake = new FakeTransport(fakeOptions)
  const connection = new Connection(fake, protocol, options)
  t.teardown(() => connection.close())
  return { fake, connection }
}

/** Numbers by datagram. */
const table = (m: Frame, ...datagrams: number[][]): Buffer[] =>
  dump(
    m,
    NEW,
    datagrams.map((numbers) => numbers.map(body)),
  )
const numbers = (...of: number[]) => of.map((n) => ({ n }))
const isDump = (m: Frame): boolean => (m.flags & NLM_F_DUMP) === NLM_F_DUMP

/** Answers dumps one after the other, all else as it should be. */
function tries(...answers: ((m: Frame, fake: FakeTransport) => Buffer[])[]): Script {
  let at = 0
  return (m, fake) => (isDump(m) ? (answers[Math.min(at++, answers.length - 1)]?.(m, fake) ?? []) : obey(m, fake))
}
const whole = (m: Frame): Buffer[] => table(m, [1, 2], [3])
const interrupted = (m: Frame): Buffer[] => dump(m, NEW, [[body(8)], [body(9)]], { interrupted: 1 })
/** A part of more than the megabyte that a stream holds back. */
const large = (m: Frame, flags = NLM_F_MULTI): Buffer =>
  Buffer.concat([reply(m, NEW, body(0), flags), reply(m, NEW, Buffer.alloc(1_100_000), flags)])

async function collect<T>(items: AsyncIterable<T>): Promise<{ items: T[]; error: unknown }> {
  const seen: T[] = []
  try {
    for await (const item of items) seen.push(item)
  } catch (error) {
    return { items: seen, error }
  }
  return { items: seen, error: undefined }
}

t.test('list', async (t) => {
  const { fake, connection } = open(t, { script: whole })
  t.same(await connection.list(get(0)), numbers(1, 2, 3))
  t.equal(messages(fake.sent[0]!, 0)[0]?.flags, NLM_F_REQUEST | NLM_F_DUMP)
  t.same(await connection.get(all()), numbers(1, 2, 3), 'a get of all is a list')
  fake.script = (m) => table(m)
  t.same(await connection.list(all()), [])
})

t.test('stream', async (t) => {
  const { fake, connection } = open(t, { script: whole })
  const stream = connection.dump(all())
  await turn()
  t.equal(fake.sent.length, 0, 'nothing is sent before it is read')
  t.same(await collect(stream), { items: numbers(1, 2, 3), error: undefined })
  t.same(await stream.next(), { done: true, value: undefined })
  t.equal(fake.sent.length, 1)
})

t.test('several readers of one stream', async (t) => {
  const { connection } = open(t, { script: whole })
  const stream = connection.dump(all())
  const results = await Promise.all(Array.from({ length: 5 }, () => stream.next()))
  t.same(
    results.map(({ value }) => value),
    [...numbers(1, 2, 3), undefined, undefined],
  )
})

t.test('an acknowledgement is not asked for', async (t) => {
  const { fake, connection } = open(t, { script: whole })
  const request = all()
  request.bytes.writeUInt16LE(NLM_F_ACK, 6)
  await connection.list(request)
  t.equal(messages(fake.sent[0]!, 0)[0]?.flags, NLM_F_REQUEST | NLM_F_DUMP)
})

t.test('what changes something is no dump', async (t) => {
  const { fake, connection } = open(t)
  t.throws(() => connection.dump(add(1)), UnsupportedError)
  t.type(await rejection(connection.list(add(1))), UnsupportedError)
  t.equal(fake.sent.length, 0)
})

t.test('errors', async (t) => {
  t.test('at once', async (t) => {
    const { connection } = open(t, { script: (m) => refuse(m, 'EBUSY') })
    t.match(await rejection(connection.list(all())), { code: 'EBUSY', message: /another dump is running/ })
    t.match((await collect(connection.dump(all()))).error, { code: 'EBUSY' })
  })

  t.test('at the end', async (t) => {
    const script: Script = (m) => [...table(m, [1]).slice(0, -1), done(m, { code: 'EINVAL', message: 'not so' })]
    const { connection } = open(t, { script })
    const error = await rejection(connection.list(all()))
    t.type(error, KernelError)
    t.match(error, { code: 'EINVAL', message: /not so/ })
    t.match(await collect(connection.dump(all())), { items: numbers(1), error: { code: 'EINVAL' } })
  })

  t.test('are told once', async (t) => {
    const { connection } = open(t, { script: (m) => refuse(m, 'EINVAL') })
    const stream = connection.dump(all())
    t.match(await rejection(stream.next()), { code: 'EINVAL' })
    t.same(await stream.next(), { done: true, value: undefined })
  })

  t.test('in an item', async (t) => {
    const script = tries((m) => [reply(m, NEW, body(1)), reply(m, NEW, Buffer.alloc(0)), ...table(m, [3])], whole)
    const { fake, connection } = open(t, { script })
    t.type(await rejection(connection.list(all())), DecodeError)
    fake.script = tries((m) => [reply(m, NEW, body(1)), reply(m, NEW, Buffer.alloc(0)), ...table(m, [3])], whole)
    const stream = connection.dump(all())
    const results = await Promise.allSettled([stream.next(), stream.next(), stream.next()])
    t.match(results, [{ value: { value: { n: 1 } } }, { reason: DecodeError }, { value: { done: true } }])
    fake.script = (m) => [reply(m, NEW, body(1)), reply(m, NEW, Buffer.alloc(0)), ...table(m, [3])]
    t.match(await collect(connection.dump(all())), { items: numbers(1), error: DecodeError }, 'one by one')
    fake.script = whole
    t.same(await connection.list(all()), numbers(1, 2, 3))
  })

  t.test('in a datagram', async (t) => {
    const script: Script = (m) => [...table(m, [1]).slice(0, -1), Buffer.alloc(9), ...table(m, [3])]
    const { fake, connection } = open(t, { script })
    const error = await rejection(connection.list(all()))
    t.type(error, DecodeError)
    t.match(error.message, 'RTM_GETROUTE: a part of the dump is not a message')
    t.match(await collect(connection.dump(all())), { items: numbers(1, 3), error: DecodeError })
    t.equal(fake.sent.length, 2, 'that will not get better')
  })
})

t.test('an interrupted dump', async (t) => {
  t.test('is tried again', async (t) => {
    const { fake, connection } = open(t, { script: tries(interrupted, interrupted, whole) })
    t.same(await connection.list(all()), numbers(1, 2, 3))
    t.equal(fake.sent.length, 3)
    fake.script = tries(interrupted, interrupted, whole)
    t.same(await collect(connection.dump(all())), { items: numbers(1, 2, 3), error: undefined })
    t.equal(fake.sent.length, 6)
    t.same(connection.dropped, { late: 0, foreign: 0, duplicate: 0, malformed: 0 })
  })

  t.test('an item that cannot be read then does not count', async (t) => {
    const bad = (m: Frame): Buffer[] => [
      reply(m, NEW, Buffer.alloc(0), NLM_F_MULTI),
      reply(m, NEW, body(1), NLM_F_MULTI | NLM_F_DUMP_INTR),
      done(m),
    ]
    const { connection } = open(t, { script: tries(bad, whole) })
    t.same(await connection.list(all()), numbers(1, 2, 3))
  })

  t.test('five times', async (t) => {
    const { fake, connection } = open(t, { script: interrupted })
    const error = await rejection(connection.list(all()))
    t.type(error, DumpInterruptedError)
    t.same(error.items, numbers(8, 9), 'what the last try read')
    t.match(error.message, 'RTM_GETROUTE: what it reads changed meanwhile, in each of 5 tries')
    t.equal(fake.sent.length, 5)
    const { items, error: second } = await collect(connection.dump(all()))
    t.same(items, numbers(8, 9))
    t.type(second, DumpInterruptedError)
    t.equal(fake.sent.length, 10)
  })

  t.test('is not tried again once its items were seen', async (t) => {
    const script = tries((m) => [large(m), reply(m, NEW, body(2), NLM_F_MULTI | NLM_F_DUMP_INTR), done(m)], whole)
    const { fake, connection } = open(t, { script })
    const { items, error } = await collect(connection.dump(all()))
    t.same(items, numbers(0, 0, 2))
    t.type(error, DumpInterruptedError)
    t.match((error as Error).message, /changed meanwhile, once$/)
    t.equal(fake.sent.length, 1)
  })

  t.test('is tried again if it was large and they were not', async (t) => {
    const script = tries((m) => [large(m, NLM_F_MULTI | NLM_F_DUMP_INTR), done(m)], whole)
    const { connection } = open(t, { script })
    t.same(await collect(connection.dump(all())), { items: numbers(1, 2, 3), error: undefined })
  })
})

t.test('a stream yields before the end once it has a megabyte', async (t) => {
  const { fake, connection } = open(t, { script: (m) => large(m) })
  const stream = connection.dump(all())
  t.same(await stream.next(), { done: false, value: { n: 0 } })
  t.same(await stream.next(), { done: false, value: { n: 0 } })
  const last = stream.next()
  const [socket] = fake.dumps
  const [message] = messages(fake.sent[0]!, socket!.portId)
  socket?.deliver(reply(message!, NEW, body(5), NLM_F_MULTI))
  t.same(await last, { done: false, value: { n: 5 } })
  socket?.deliver(done(message!))
  t.same(await stream.next(), { done: true, value: undefined })
})

t.test('a stream yields at once what the kernel never marks as interrupted', async (t) => {
  const fake = new FakeTransport({ script: (m) => [reply(m, NEW, body(1), NLM_F_MULTI)] })
  const connection = new Connection(fake, { ...protocol, unmarked: ['RTM_GETROUTE'] })
  t.teardown(() => connection.close())
  const stream = connection.dump(all())
  t.same(await stream.next(), { done: false, value: { n: 1 } })
  const last = rejection(stream.next())
  const [socket] = fake.dumps
  const [message] = messages(fake.sent[0]!, socket!.portId)
  socket?.deliver(done(message!, { interrupted: true }))
  t.type(await last, DumpInterruptedError, 'if it does after all, that is said')
  t.equal(fake.sent.length, 1)
})

t.test('replies lost during a dump', async (t) => {
  const lossy = (m: Frame, fake: FakeTransport): Buffer[] => {
    fake.drop()
    return whole(m)
  }
  const { fake, connection } = open(t, { script: tries(lossy, whole) })
  t.same(await connection.list(all()), numbers(1, 2, 3))
  t.equal(fake.sent.length, 2)
  fake.script = tries(lossy)
  t.type(await rejection(connection.list(all())), OverrunError)
  t.equal(fake.sent.length, 7)
})

t.test('several lists at once', async (t) => {
  const running: (() => void)[] = []
  const { fake, connection } = open(t)
  fake.script = (m, fake) => {
    if (!isDump(m)) return obey(m, fake)
    running.push(() => {
      for (const datagram of whole(m)) fake.deliver(datagram)
    })
    return undefined
  }
  const first = connection.list(all())
  const second = connection.list(all())
  const third = connection.list(all())
  t.same(await connection.request(add(1)), {}, 'a request does not wait for dumps')
  const stream = collect(connection.dump(all()))
  t.equal(running.length, 2, 'nor does a stream')
  running.pop()?.()
  t.same((await stream).items, numbers(1, 2, 3))
  for (const dump of [first, second, third]) {
    t.equal(running.length, 1, 'one at a time')
    running.shift()?.()
    t.same(await dump, numbers(1, 2, 3), 'in order')
  }
  t.equal(running.length, 0)
})

t.test('requests within the loop', async (t) => {
  const { connection } = open(t, { script: tries(whole) })
  let seen = 0
  for await (const { n } of connection.dump(all())) {
    t.same(await connection.request(add(n)), {})
    seen++
  }
  t.equal(seen, 3)
})

t.test('leaving early', async (t) => {
  /** A dump whose second half comes when it is let. */
  function halves() {
    let rest: (() => void) | undefined
    const script: Script = (m, fake) => {
      if (!isDump(m)) return obey(m, fake)
      if (rest) return whole(m)
      rest = () => {
        for (const datagram of table(m, [3])) fake.deliver(datagram)
      }
      return large(m)
    }
    return { script, rest: () => rest?.() }
  }

  t.test('by break', async (t) => {
    const { script, rest } = halves()
    const { fake, connection } = open(t, { script })
    for await (const _ of connection.dump(all())) break
    t.ok(fake.dumps[0]?.closed)
    const next = connection.list(all())
    const request = connection.request(add(1))
    t.same(await request, {})
    rest()
    t.same(await next, numbers(1, 2, 3))
    t.equal(connection.dropped.late, 0, 'nothing of the rest is heard')
  })

  t.test('by an exception', async (t) => {
    const { script, rest } = halves()
    const { connection } = open(t, { script })
    const error = new Error('no more')
    const thrown = await rejection(
      (async () => {
        for await (const _ of connection.dump(all())) throw error
      })(),
    )
    t.equal(thrown, error)
    rest()
    t.same(await connection.list(all()), numbers(1, 2, 3))
  })

  t.test('by an abort', async (t) => {
    const { script, rest } = halves()
    const { connection } = open(t, { script })
    const controller = new AbortController()
    const stream = connection.dump(all(), { signal: controller.signal })
    await stream.next()
    const waiting = [stream.next(), rejection(stream.next())] as const
    controller.abort('enough')
    t.same(await waiting[0], { done: false, value: { n: 0 } })
    t.equal(await waiting[1], 'enough')
    t.same(await stream.next(), { done: true, value: undefined })
    rest()
    t.same(await connection.list(all()), numbers(1, 2, 3))
  })

  t.test('by an abort of what was read and not yet seen', async (t) => {
    const { connection } = open(t, { script: whole })
    const controller = new AbortController()
    const stream = connection.dump(all(), { signal: controller.signal })
    await stream.next()
    controller.abort('enough')
    t.equal(await rejection(stream.next()), 'enough', 'the end without an error would mean all')
  })

  t.test('by an abort of a list', async (t) => {
    const { script, rest } = halves()
    const { connection } = open(t, { script })
    const controller = new AbortController()
    const list = rejection(connection.list(all(), { signal: controller.signal }))
    await turn()
    controller.abort('enough')
    t.equal(await list, 'enough')
    rest()
    t.same(await connection.list(all()), numbers(1, 2, 3))
  })

  t.test('before its turn', async (t) => {
    const { script, rest } = halves()
    const { fake, connection } = open(t, { script })
    const first = connection.list(all())
    const controller = new AbortController()
    const list = rejection(connection.list(all(), { signal: controller.signal }))
    controller.abort('enough')
    t.equal(await list, 'enough')
    await turn()
    rest()
    t.same(await first, numbers(0, 0, 3))
    t.equal(fake.sent.length, 1)
    const stream = connection.dump(all())
    const next = stream.next()
    t.same(await stream.return?.(), { done: true, value: undefined })
    t.same(await next, { done: true, value: undefined })
    t.ok(fake.dumps[0]?.closed)
  })

  t.test('before the first item', async (t) => {
    const { fake, connection } = open(t, { script: whole })
    const stream = connection.dump(all())
    t.same(await stream.return?.(), { done: true, value: undefined })
    t.same(await stream.next(), { done: true, value: undefined })
    const signal = AbortSignal.abort('why')
    t.equal(await rejection(connection.dump(all(), { signal }).next()), 'why')
    t.equal(await rejection(connection.list(all(), { signal })), 'why')
    t.equal(fake.sent.length, 0)
  })

  t.test('after the end', async (t) => {
    const { connection } = open(t, { script: interrupted })
    const stream = connection.dump(all())
    await stream.next()
    t.same(await stream.return?.(), { done: true, value: undefined })
    t.same(await stream.next(), { done: true, value: undefined }, 'who leaves is not told')
  })
})

t.test('time', async (t) => {
  const { fake, connection } = open(t, { script: (m) => table(m, [1]).slice(0, -1) }, { timeout: 20 })
  const error = await rejection(connection.list(all()))
  t.type(error, NbmaError)
  t.match(error, { code: 'NBMA_TIMEOUT', message: 'RTM_GETROUTE: no answer within 20 ms' })
  t.match(await collect(connection.dump(all(), { timeout: 10 })), {
    items: numbers(1),
    error: { code: 'NBMA_TIMEOUT' },
  })

  let parts = 0
  fake.script = (m, fake) => {
    const timer = setInterval(() => {
      if (++parts < 10) fake.deliver(table(m, [parts])[0]!)
      else {
        clearInterval(timer)
        fake.deliver(done(m))
      }
    }, 15)
    return undefined
  }
  t.equal((await connection.list(all(), { timeout: 100 })).length, 9, 'each part has its own')
})

t.test('closing', async (t) => {
  const { connection } = open(t, { script: (m) => table(m, [1]).slice(0, -1) })
  const list = rejection(connection.list(all()))
  const stream = collect(connection.dump(all()))
  await wait(2)
  connection.close()
  t.type(await list, ClosedError)
  t.match((await list).message, /before all was read$/)
  t.match(await stream, { items: [], error: ClosedError })
  t.match((await rejection(connection.list(all()))).message, /not sent$/)
})

t.test('a reader that is slow is waited for', async (t) => {
  const part = (m: Frame, n: number): Buffer =>
    Buffer.concat([reply(m, NEW, body(n), NLM_F_MULTI), reply(m, NEW, Buffer.alloc(1000), NLM_F_MULTI)])
  const LENGTH = 16 + 4 + 16 + 1000
  /** Every part waits for the one before to be received, as the kernel has it. */
  function endless(count: number) {
    let made = 0
    const script: Script = (m, fake) => {
      if (!isDump(m)) return obey(m, fake)
      made = 0
      const more = (): void => {
        if (fake.closed) return
        if (!fake.paused) fake.deliver(made++ < count ? part(m, made) : done(m))
        if (made <= count) setImmediate(more)
      }
      setImmediate(more)
      return undefined
    }
    return { script, made: () => made }
  }

  t.test('and all is read', async (t) => {
    const { script, made } = endless(100)
    const { connection } = open(t, { script }, { readAhead: 10 * LENGTH, timeout: 60 })
    const seen: number[] = []
    let most = 0
    for await (const { n } of connection.dump(all())) {
      if (n !== 0) seen.push(n)
      most = Math.max(most, made() - seen.length)
      if (seen.length === 40) await wait(300)
    }
    t.same(
      seen,
      Array.from({ length: 100 }, (_, i) => i + 1),
    )
    t.ok(most <= 11, `${most} parts were read ahead`)
    t.ok(most >= 9)
  })

  t.test('the time that it takes is no timeout, and afterwards it is', async (t) => {
    const { script } = endless(11)
    const silent: Script = (m, fake) => {
      const answer = script(m, fake)
      const { deliver } = fake
      fake.deliver = (datagram) => {
        if (messages(datagram, 0)[0]?.type === NEW) deliver.call(fake, datagram)
      }
      return answer
    }
    const { connection } = open(t, { script: silent }, { readAhead: 10 * LENGTH, timeout: 60 })
    const seen: number[] = []
    const error = await rejection(
      (async () => {
        for await (const { n } of connection.dump(all())) {
          if (seen.length === 0) await wait(300)
          seen.push(n)
        }
      })(),
    )
    t.match(error, { code: 'NBMA_TIMEOUT' })
    t.equal(seen.length, 22)
  })

  t.test('afterwards the kernel has as much time as ever', async (t) => {
    const script: Script = (m, fake) => {
      const { resume } = fake
      fake.resume = () => {
        resume.call(fake)
        setTimeout(() => fake.deliver(done(m)), 150)
      }
      return large(m)
    }
    const { connection } = open(t, { script }, { readAhead: 1000, timeout: 300 })
    const seen: number[] = []
    for await (const { n } of connection.dump(all())) {
      if (seen.push(n) === 1) await wait(400)
    }
    t.equal(seen.length, 2)
  })

  t.test('meanwhile requests and other dumps go on', async (t) => {
    const { script } = endless(30)
    const { fake, connection } = open(t, { script }, { readAhead: 10 * LENGTH })
    const stream = connection.dump(all())
    await stream.next()
    await wait(20)
    t.same(await connection.request(add(1)), {})
    fake.script = whole
    t.same(await connection.list(all()), numbers(1, 2, 3))
    t.same((await collect(connection.dump(all()))).items, numbers(1, 2, 3))
    t.equal((await collect(stream)).items.length, 59)
  })

  t.test('until it leaves', async (t) => {
    const { script, made } = endless(1000)
    const { fake, connection } = open(t, { script }, { readAhead: 10 * LENGTH })
    for await (const _ of connection.dump(all())) {
      await wait(20)
      break
    }
    t.ok(fake.dumps[0]?.closed)
    const sofar = made()
    await wait(10)
    t.equal(made(), sofar)
    const stream = connection.dump(all())
    await stream.next()
    await wait(20)
    connection.close()
    t.ok(fake.dumps[1]?.closed)
    t.match(await collect(stream), { error: ClosedError })
  })
})

t.test('a stream has a socket of its own', async (t) => {
  t.test('which the next one has after it', async (t) => {
    const { fake, connection } = open(t, { script: whole })
    const states = () => fake.dumps.map(({ sent, closed }) => [sent.length, closed])
    await collect(connection.dump(all()))
    await collect(connection.dump(all()))
    t.same(states(), [[2, false]])
    const [first, second] = [connection.dump(all()), connection.dump(all())]
    t.same(
      (await Promise.all([collect(first), collect(second)])).map(({ items }) => items),
      [numbers(1, 2, 3), numbers(1, 2, 3)],
    )
    t.same(
      states(),
      [
        [3, false],
        [1, true],
      ],
      'one is kept',
    )
    fake.dumps[0]?.fail(new Error('broken'))
    await collect(connection.dump(all()))
    t.same(states().slice(2), [[1, false]], 'unless it breaks')
    fake.script = (m) => refuse(m, 'EINVAL')
    await collect(connection.dump(all()))
    t.same(states().slice(2), [[2, true]], 'or ends in an error')
    fake.script = whole
    await collect(connection.dump(all()))
    connection.close()
    t.same(states().slice(3), [[1, true]])
    t.match((await collect(connection.dump(all()))).error, { name: 'ClosedError', message: /not sent$/ })
    t.equal(fake.dumps.length, 4)
  })

  t.test('also after a stream that was waited for', async (t) => {
    // Its end comes with its last part, which is more than may be read ahead.
    const script: Script = (m) => Buffer.concat([large(m), done(m)])
    const { fake, connection } = open(t, { script }, { readAhead: 1000, timeout: 1000 })
    for (const _ of [1, 2]) t.equal((await collect(connection.dump(all()))).items.length, 2)
    t.equal(fake.dumps.length, 1)
  })

  t.test('which cannot be opened', async (t) => {
    const { fake, connection } = open(t)
    fake.gone = new Error('gone')
    const stream = connection.dump(all())
    t.equal(await rejection(stream.next()), fake.gone)
    t.same(await stream.next(), { done: true, value: undefined })
  })

  t.test('which breaks', async (t) => {
    const { fake, connection } = open(t, { script: (m) => large(m) })
    const stream = connection.dump(all())
    await stream.next()
    fake.dumps[0]?.fail(new Error('broken'))
    t.match((await collect(stream)).error, { name: 'ClosedError', cause: { message: 'broken' } })
    fake.script = obey
    t.same(await connection.request(add(1)), {}, 'the others do not')
  })

  t.test('what belongs to nobody there is counted for the connection', async (t) => {
    const { connection } = open(t, { script: (m) => [reply({ ...m, pid: 5 }, NEW, body(1)), ...whole(m)] })
    t.same((await collect(connection.dump(all()))).items, numbers(1, 2, 3))
    t.equal(connection.dropped.foreign, 1)
  })

  t.test('it reads ahead as much as it is told', (t) => {
    for (const readAhead of [0, -1, Number.NaN])
      t.throws(() => new Connection(new FakeTransport(), protocol, { readAhead }), RangeError)
    t.end()
  })
})

t.test('a reader that is fast lets others have their turn', async (t) => {
  const many = Array.from({ length: 5000 }, (_, n) => n)
  const { connection } = open(t, { script: (m) => table(m, many) })
  let turns = 0
  let reading = true
  const stream = connection.dump(all())
  await stream.next()
  const count = async (): Promise<void> => {
    while (reading) {
      await turn()
      turns++
    }
  }
  const counting = count()
  let seen = 1
  for await (const _ of stream) seen++
  reading = false
  await counting
  t.equal(seen, 5000)
  t.ok(turns >= 4, `${turns} turns`)
})
