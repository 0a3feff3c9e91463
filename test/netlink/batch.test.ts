import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import {
  ClosedError,
  EncodeError,
  KernelError,
  NamespaceGoneError,
  type NbmaError,
  OutcomeUnknownError,
  UnsupportedError,
} from '../../lib/errors.js'
import type { BatchResult, BatchSource } from '../../lib/netlink/batch.js'
import { Connection, type ConnectionOptions } from '../../lib/netlink/connection.js'
import { ack, type FakeOptions, FakeTransport, obey, refuse, reply, type Script } from '../../lib/testing/fake.js'
import { type Frame, NLMSG_NOOP } from '../../lib/wire/frame.js'
import { readU32 } from '../../lib/wire/host.js'
import type { Request } from '../../lib/wire/request.js'
import { add, all, body, get, messages, NEW, protocol, rejection, series, type Toy, toy } from '../helpers/toy.js'

/** `NBMA_RUNS=20` looks harder. */
const RUNS = Number(process.env.NBMA_RUNS ?? 1)

type Test = { teardown(fn: () => void): void }

function open(t: Test, fakeOptions: FakeOptions = {}, options: ConnectionOptions = {}) {
  const fake = new FakeTransport(fakeOptions)
  const connection = new Connection(fake, protocol, options)
  t.teardown(() => connection.close())
  return { fake, connection }
}

const adds = (count: number) => Array.from({ length: count }, (_, n) => add(n))
/** The number in a message. */
const numberOf = (m: Frame): number => readU32(m.bytes, m.start + 16)
/** Refuses the messages with these numbers, and acknowledges what asks for it. */
const refusing =
  (bad: (n: number) => boolean): Script =>
  (m, fake) =>
    bad(numberOf(m)) ? refuse(m, 'EEXIST') : obey(m, fake)

/** The books of a batch must always balance. */
function balanced(t: { equal(a: unknown, b: unknown): boolean }, result: BatchResult, unsent = 0): void {
  t.equal(result.sent, result.applied + result.failures.length - unsent + result.unknown.length)
}

t.test('all is applied', async (t) => {
  const { fake, connection } = open(t)
  const result = await connection.batch(adds(1000))
  t.same(result, { sent: 1000, applied: 1000, failures: [], unknown: [] })
  t.same(
    fake.sent.map((datagram) => messages(datagram, 0).length),
    [104, 104, 104, 104, 104, 104, 104, 104, 104, 64],
  )
  const flags = messages(fake.sent[0]!, 0).map((m) => m.flags & 5)
  t.same(new Set(flags.slice(0, -1)), new Set([1]), 'each is a request')
  t.equal(flags.at(-1), 5, 'the last asks for an answer')
})

t.test('nothing', async (t) => {
  const { fake, connection } = open(t)
  t.same(await connection.batch([]), { sent: 0, applied: 0, failures: [], unknown: [] })
  t.equal(fake.sent.length, 0)
})

t.test('any iterable', async (t) => {
  const { connection } = open(t)
  t.equal((await connection.batch(new Set(adds(5)))).applied, 5)
  async function* source() {
    for (const request of adds(300)) yield request
  }
  t.equal((await connection.batch(source())).applied, 300)
  t.equal((await connection.batch(source(), { signal: new AbortController().signal })).applied, 300)
})

t.test('failures first, in the middle and last', async (t) => {
  for (const bad of [[0], [50], [103], [104], [199], [0, 1, 103, 104, 150, 199]]) {
    const { connection } = open(t, { script: refusing((n) => bad.includes(n)) })
    const requests = adds(200)
    const result = await connection.batch(requests)
    t.same(
      result.failures.map(({ index }) => index),
      bad,
    )
    t.ok(
      result.failures.every(({ index, request, error }) => request === requests[index] && error instanceof KernelError),
    )
    t.equal(result.applied, 200 - bad.length)
    t.same(result.unknown, [])
    balanced(t, result)
  }
})

t.test('series are as if their messages had come one by one', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constantFrom('good', 'broken'), fc.nat(300)), { maxLength: 12 }),
      fc.uniqueArray(fc.nat(400), { maxLength: 20 }),
      async (items, bad) => {
        let n = 0
        const source = items.map((item) => {
          const first = n
          n += typeof item === 'number' ? item : 1
          if (typeof item === 'number') return series(first, item)
          const request = add(first)
          if (item === 'broken') request.bytes.writeUInt32LE(8, 0)
          return request
        })
        const alone = source.flatMap((item) =>
          'count' in item ? Array.from({ length: item.count }, (_, number) => item.request(number)) : [item],
        )
        const told = async (from: BatchSource<Request<Toy>>): Promise<string> => {
          const { connection } = open({ teardown: () => {} }, { script: refusing((m) => bad.includes(m)) })
          const { failures, ...result } = await connection.batch(from)
          connection.close()
          return JSON.stringify([
            result,
            failures.map(({ index, request, error }) => [index, request.subject, (error as NbmaError).code]),
          ])
        }
        async function* slowly() {
          for (const item of source) yield item
        }
        const expected = await told(alone)
        return (await told(source)) === expected && (await told(slowly())) === expected
      },
    ),
    { numRuns: 50 * RUNS },
  )
  t.pass()
})

t.test('a series goes as soon as it fills a datagram', async (t) => {
  const { fake, connection } = open(t)
  let seen = 0
  function* source() {
    yield series(0, 104)
    seen = fake.sent.length
    yield add(104)
  }
  t.equal((await connection.batch(source())).applied, 105)
  t.equal(seen, 1)
})

t.test('a second answer changes nothing', async (t) => {
  const script: Script = (m, fake) => (numberOf(m) === 1 ? [refuse(m, 'EEXIST'), refuse(m, 'EPERM')] : obey(m, fake))
  const { connection } = open(t, { script })
  const result = await connection.batch(adds(3))
  t.match(result, { sent: 3, applied: 2, unknown: { length: 0 } })
  t.match(result.failures, [{ index: 1, error: { code: 'EEXIST' } }])
  t.equal(result.failures.length, 1)
  t.equal(connection.dropped.duplicate, 1)
})

t.test('ten thousand failures overrun nothing', async (t) => {
  for (const receiveBuffer of [2304, 65_536, 212_992, 2 ** 22]) {
    const { fake, connection } = open(t, {
      script: (m) => refuse(m, 'EEXIST', { message: 'x'.repeat(1500) }),
      receiveBuffer,
    })
    const count = receiveBuffer < 5000 ? 1000 : 10_000
    const result = await connection.batch(adds(count))
    t.equal(fake.drops(), 0, `in ${receiveBuffer} bytes`)
    t.equal(result.failures.length, count)
    t.ok(result.failures.every(({ index }, at) => index === at))
    t.equal(result.sent, count)
  }
})

t.test('what cannot be sent is a failure of its own', async (t) => {
  const { fake, connection } = open(t, { script: refusing((n) => n === 1) })
  const broken = add(9)
  broken.bytes.writeUInt32LE(8, 0)
  const result = await connection.batch([add(0), add(1), broken, all(), add(4)])
  t.match(result, { sent: 3, applied: 2, unknown: { length: 0 } })
  t.same(
    result.failures.map(({ index }) => index),
    [1, 2, 3],
  )
  t.type(result.failures[1]?.error, EncodeError)
  t.type(result.failures[2]?.error, UnsupportedError)
  t.equal(fake.sent.length, 1)
  balanced(t, result, 2)
})

t.test('what is no request at all ends it', async (t) => {
  const { fake, connection } = open(t)
  t.type(await rejection(connection.batch([add(1), undefined as never])), TypeError)
  const odd = Object.assign(add(2), {
    write() {
      throw new RangeError('odd')
    },
  })
  t.type(await rejection(connection.batch([add(1), odd])), RangeError)
  t.equal(fake.sent.length, 0)
})

t.test('a message that is larger than a datagram', async (t) => {
  const { fake, connection } = open(t, { sendBuffer: 4096 })
  const large = (size: number) => toy('RTM_NEWROUTE', NEW, 0, {}, Buffer.concat([body(1), Buffer.alloc(size)]))
  const result = await connection.batch([add(0), large(4000), large(8000), add(3)])
  t.match(result, { sent: 3, applied: 3 })
  t.match(result.failures, [{ index: 2, error: { code: 'EMSGSIZE' } }])
  t.same(
    fake.sent.map((datagram) => messages(datagram, 0).length),
    [2, 1],
    'the kernel was asked about the one in between',
  )
})

t.test('progress', async (t) => {
  const { connection } = open(t, { script: refusing((n) => n === 150) })
  const seen: [number, number, number][] = []
  const result = await connection.batch(adds(300), {
    onProgress: (progress) => {
      balanced(t, progress)
      seen.push([progress.sent, progress.applied, progress.failures.length])
    },
  })
  t.same(seen, [
    [104, 104, 0],
    [208, 207, 1],
    [300, 299, 1],
  ])
  t.equal(result.sent, 300)

  const error = new Error('enough')
  const thrown = await rejection(
    connection.batch(adds(300), {
      onProgress: () => {
        throw error
      },
    }),
  )
  t.equal(thrown, error)
  t.equal((await connection.batch(adds(10))).applied, 10, 'the connection goes on')
})

t.test('a source that throws', async (t) => {
  const { fake, connection } = open(t)
  const error = new Error('no more')
  let last: BatchResult | undefined
  function* source() {
    yield* adds(150)
    throw error
  }
  t.equal(
    await rejection(
      connection.batch(source(), {
        onProgress: (progress) => {
          last = progress
        },
      }),
    ),
    error,
  )
  t.match(last, { sent: 104, applied: 104 })
  t.equal(fake.sent.length, 1)
  async function* slow() {
    yield* source()
  }
  t.equal(await rejection(connection.batch(slow())), error)
})

t.test('the event loop turns between datagrams', async (t) => {
  const { fake, connection } = open(t)
  const batch = connection.batch(adds(1000))
  await Promise.resolve()
  t.equal(fake.sent.length, 1, 'one in flight')
  await batch
})

t.test('while a datagram is on its way the next is filled, and no other', async (t) => {
  const { fake, connection } = open(t, { delay: 5 })
  let given = 0
  function* source() {
    for (const request of adds(1000)) {
      given++
      yield request
    }
  }
  const seen: [number, number][] = []
  await connection.batch(source(), { onProgress: () => seen.push([fake.sent.length, given]) })
  t.same(seen.slice(0, 3), [
    [1, 209],
    [2, 313],
    [3, 417],
  ])
})

t.test('aborts', async (t) => {
  t.test('before the first datagram', async (t) => {
    const { fake, connection } = open(t)
    t.equal(await rejection(connection.batch(adds(10), { signal: AbortSignal.abort('why') })), 'why')
    t.equal(fake.sent.length, 0)
  })

  t.test('between two datagrams', async (t) => {
    const { fake, connection } = open(t, { script: refusing((n) => n === 3), delay: 1 })
    const controller = new AbortController()
    let last: BatchResult | undefined
    const error = rejection(
      connection.batch(adds(1000), {
        signal: controller.signal,
        onProgress: (progress) => {
          last = progress
        },
      }),
    )
    await Promise.resolve()
    controller.abort('enough')
    t.equal(await error, 'enough')
    t.match(last, { sent: 104, applied: 103, unknown: { length: 0 } }, 'what was in flight is known')
    t.equal(fake.sent.length, 1)
    t.equal(connection.dropped.late, 0)
  })

  t.test('while the last is in flight', async (t) => {
    const { connection } = open(t, { delay: 1 })
    const controller = new AbortController()
    const batch = connection.batch(adds(10), { signal: controller.signal })
    await Promise.resolve()
    controller.abort()
    t.match(await batch, { sent: 10, applied: 10 }, 'all is done, and known')
  })

  t.test('while it waits for its turn', async (t) => {
    const { fake, connection } = open(t, { receiveBuffer: 2048, delay: 5 })
    const first = connection.request(add(1))
    const controller = new AbortController()
    const batch = rejection(connection.batch(adds(10), { signal: controller.signal }))
    await Promise.resolve()
    controller.abort('enough')
    t.equal(await batch, 'enough')
    await first
    t.equal(fake.sent.length, 1)
  })

  t.test('while it waits for its source', async (t) => {
    const { fake, connection } = open(t)
    const controller = new AbortController()
    let returned = 0
    const never: AsyncIterable<ReturnType<typeof add>> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          returned++
          throw new Error('is not heard')
        },
      }),
    }
    const batch = rejection(connection.batch(never, { signal: controller.signal }))
    await wait(5)
    controller.abort('enough')
    t.equal(await batch, 'enough')
    await wait(1)
    t.equal(returned, 1)
    t.equal(fake.sent.length, 0)

    const bare = {
      [Symbol.asyncIterator]: () => ({
        next: async (): Promise<never> => {
          throw new Error('source')
        },
      }),
    }
    t.match(await rejection(connection.batch(bare)), { message: 'source' })
  })

  t.test('after the source has ended', async (t) => {
    const { connection } = open(t)
    const controller = new AbortController()
    async function* source() {
      yield add(1)
      controller.abort('enough')
      yield add(2)
    }
    t.equal(await rejection(connection.batch(source(), { signal: controller.signal })), 'enough')
  })
})

t.test('answers that are lost', async (t) => {
  /** An overrun: from message `from` on, nothing is answered until `fake` has read. */
  const overrun = (from: number, bad: (n: number) => boolean, times = 1): Script => {
    let left = times
    let over = false
    return (m, fake) => {
      const answer = refusing(bad)(m, fake)
      if (numberOf(m) === from && left > 0) {
        over = true
        left--
      }
      if (!over) return answer
      if (answer !== undefined) fake.drop()
      if (m.flags & 4) over = false
      return undefined
    }
  }

  t.test('leave unknown what is not known', async (t) => {
    const { connection } = open(t, { script: overrun(150, (n) => n === 120 || n === 160) })
    const result = await connection.batch(adds(300))
    t.match(result, { sent: 300 })
    t.same(
      result.failures.map(({ index }) => index),
      [120],
    )
    t.same(
      result.unknown.map(({ index }) => index),
      Array.from({ length: 208 - 121 }, (_, n) => 121 + n),
    )
    t.ok(result.unknown.every(({ index, request }) => numberOf(messages(request.bytes, 0)[0]!) === index))
    balanced(t, result)
  })

  t.test('are asked for again where that does no harm', async (t) => {
    const { fake, connection } = open(t, { script: overrun(150, (n) => n === 120 || n === 160) })
    const result = await connection.batch(adds(300), {
      idempotent: true,
      onProgress: (progress) => balanced(t, progress),
    })
    t.match(result, { sent: 300, applied: 298, unknown: { length: 0 } })
    t.same(
      result.failures.map(({ index }) => index),
      [120, 160],
    )
    t.same(
      fake.sent.map((datagram) => messages(datagram, 0).length),
      [104, 104, 1, 52, 35, 92],
    )
  })

  t.test('again and again', async (t) => {
    const { fake, connection } = open(t, { script: overrun(3, () => false, 9) })
    const result = await connection.batch(adds(10), { idempotent: true })
    t.match(result, { sent: 10, applied: 8, failures: [] })
    t.same(
      result.unknown.map(({ index }) => index),
      [3, 4],
      'three tries, each of half the size',
    )
    t.same(
      fake.sent.map((datagram) => messages(datagram, 0).length).filter((n) => n > 1),
      [10, 5, 5, 3, 2],
    )
  })

  t.test('and cannot be asked for', async (t) => {
    const { fake, connection } = open(t, { script: overrun(3, () => false) })
    const controller = new AbortController()
    let last: BatchResult | undefined
    const error = rejection(
      connection.batch(adds(10), {
        idempotent: true,
        signal: controller.signal,
        onProgress: (progress) => {
          last = progress
          controller.abort('enough')
        },
      }),
    )
    t.equal(await error, 'enough')
    t.equal(last?.unknown.length, 10)
    balanced(t, last!)
    t.equal(fake.sent.length, 2)
  })

  t.test('and cannot be sent again', async (t) => {
    const { fake, connection } = open(t, { script: overrun(3, () => false) })
    const result = await connection.batch(adds(10), {
      idempotent: true,
      onProgress: () => {
        fake.sendError = new Error('no')
      },
    })
    t.match(result, { sent: 10, applied: 0, failures: [] })
    t.equal(result.unknown.length, 10, 'they were sent, once')
  })

  t.test('although the last has one', async (t) => {
    const script: Script = (m, fake) => {
      if (numberOf(m) === 3) fake.drop()
      return numberOf(m) === 1 ? refuse(m, 'EEXIST') : obey(m, fake)
    }
    const { connection } = open(t, { script })
    const result = await connection.batch(adds(6))
    t.match(result, { sent: 6, applied: 2 })
    t.same(
      result.failures.map(({ index }) => index),
      [1],
    )
    t.same(
      result.unknown.map(({ index }) => index),
      [2, 3, 4],
    )
  })

  t.test('because they are no messages', async (t) => {
    const script: Script = (m, fake) => (numberOf(m) === 1 ? Buffer.alloc(7) : refusing((n) => n === 2)(m, fake))
    const { connection } = open(t, { script })
    const result = await connection.batch(adds(6))
    t.match(result, { sent: 6, applied: 1 })
    t.same(
      result.failures.map(({ index }) => index),
      [2],
    )
    t.same(
      result.unknown.map(({ index }) => index),
      [0, 1, 3, 4],
      'that was an answer to any of these',
    )
    t.equal(connection.dropped.malformed, 1)
    const again = await connection.batch(adds(6), { idempotent: true })
    t.same(
      again.unknown.map(({ index }) => index),
      [0, 1],
    )
    t.match(again, { sent: 6, applied: 3 })
  })
})

t.test('timeouts', async (t) => {
  t.test('of one datagram', async (t) => {
    const { fake, connection } = open(t, {
      script: (m, fake) => (m.type === NLMSG_NOOP || numberOf(m) < 104 ? undefined : obey(m, fake)),
    })
    fake.barriers = false
    const result = await connection.batch(adds(200), { timeout: 10, idempotent: true })
    t.match(result, { sent: 200, applied: 96, failures: [] })
    t.equal(result.unknown.length, 104, 'time does not help')
  })

  t.test('of two in a row', async (t) => {
    const { fake, connection } = open(t, { script: () => undefined })
    fake.barriers = false
    let last: BatchResult | undefined
    const error = await rejection(
      connection.batch(adds(500), {
        timeout: 10,
        onProgress: (progress) => {
          last = progress
        },
      }),
    )
    t.type(error, OutcomeUnknownError)
    t.match(error.message, /batch stopped after 208 messages/)
    t.equal(last?.unknown.length, 208)
    t.equal(fake.sent.filter((datagram) => datagram.length > 16).length, 2)
  })

  t.test('of two that are not in a row', async (t) => {
    const quiet = (n: number) => n < 104 || (n >= 208 && n < 312)
    const { fake, connection } = open(t, {
      script: (m, fake) => (m.type === NLMSG_NOOP || quiet(numberOf(m)) ? undefined : obey(m, fake)),
    })
    fake.barriers = false
    const result = await connection.batch(adds(400), { timeout: 10 })
    t.match(result, { sent: 400, applied: 192 })
    t.equal(result.unknown.length, 208)
  })
})

t.test('sending fails', async (t) => {
  const { fake, connection } = open(t)
  const result = await connection.batch(adds(200), {
    onProgress: () => {
      fake.sendError = new Error('no')
    },
  })
  t.match(result, { sent: 104, applied: 104, unknown: { length: 0 } })
  t.same(
    result.failures.map(({ index }) => index),
    Array.from({ length: 96 }, (_, n) => 104 + n),
  )
  t.match(result.failures[0]?.error, {
    code: 'NBMA_SEND',
    message: /RTM_NEWROUTE 10.0.0.104\/32 and 95 more: not sent: no/,
  })

  fake.sendError = undefined
  fake.gone = new NamespaceGoneError('gone')
  t.equal(await rejection(connection.batch(adds(200))), fake.gone)
})

t.test('closing', async (t) => {
  const { fake, connection } = open(t, { script: refusing((n) => n === 3), delay: 5 })
  let last: BatchResult | undefined
  const batch = rejection(
    connection.batch([add(0)], {
      onProgress: (progress) => {
        last = progress
      },
    }),
  )
  await Promise.resolve()
  connection.close()
  const error = await batch
  t.type(error, ClosedError)
  t.match(
    error.message,
    /^RTM_NEWROUTE 10\.0\.0\.0\/32: the connection was closed, before the answer was read, outcome unknown/,
  )
  t.match(last, { sent: 1, applied: 0, failures: [] })
  t.equal(last?.unknown.length, 1)
  t.match((await rejection(connection.batch(adds(3)))).message, /and 2 more: the connection was closed, not sent$/)
  t.equal(fake.sent.length, 1)
})

t.test('closing while it waits for its source', async (t) => {
  for (const cause of [undefined, new Error('EBADF')]) {
    const { fake, connection } = open(t)
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
    const batch = rejection(connection.batch(never))
    await wait(1)
    if (cause) fake.fail(cause)
    else connection.close()
    const error = await batch
    t.type(error, ClosedError)
    t.equal(error.cause, cause)
  }
})

t.test('reads may be part of it', async (t) => {
  const { connection } = open(t, {
    script: (m, fake) => [reply(m, NEW, body(1)), obey(m, fake)].flatMap((a) => a ?? []),
  })
  t.match(await connection.batch([get(1), add(2)]), { sent: 2, applied: 2 })
})

t.test('requests go on between the datagrams of a batch', async (t) => {
  const { connection } = open(t, { script: (m, fake) => (numberOf(m) === 7777 ? ack(m) : obey(m, fake)) })
  const order: string[] = []
  await Promise.all([
    connection.batch(adds(2000)).then(() => order.push('batch')),
    connection.request(add(7777)).then(() => order.push('request')),
  ])
  t.same(order, ['request', 'batch'])
})
