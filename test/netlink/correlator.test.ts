import t from 'tap'
import { Correlator } from '../../lib/netlink/correlator.js'
import { ACK_COST, Exchange } from '../../lib/netlink/exchange.js'
import type { Outcome } from '../../lib/netlink/outcome.js'
import type { Answer } from '../../lib/netlink/refusal.js'
import { ack, done, refuse, reply } from '../../lib/testing/fake.js'
import {
  type Frame,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from '../../lib/wire/frame.js'
import { writeU32 } from '../../lib/wire/host.js'
import { body, GET, messages, NEW } from '../helpers/toy.js'

const PORT = 4242
const BUFFER = 212_992

/** Writes down what happens to it. */
class Probe extends Exchange {
  readonly replies: number[] = []
  readonly refusals: [number, number][] = []
  readonly outcomes: Outcome[] = []
  reply(frame: Frame): void {
    this.replies.push(frame.type)
  }
  refused(index: number, answer: Answer): boolean {
    if (this.refusals.some(([at]) => at === index)) return false
    this.refusals.push([index, answer.errno])
    return true
  }
  settled(outcome: Outcome): void {
    this.outcomes.push(outcome)
  }
  get outcome(): Outcome | undefined {
    return this.outcomes[0]
  }
  /** As the kernel sees message number `index`. */
  message(index = 0, pid = PORT): Frame {
    const bytes = Buffer.alloc(16)
    writeU32(bytes, 0, 16)
    return { bytes, start: 0, end: 16, type: NEW, flags: 0, seq: (this.first + index) >>> 0, pid }
  }
}

interface Options {
  count?: number
  cost?: number
  isDump?: boolean
  timeout?: number
  patient?: boolean
}

/** Takes what is to be sent next, and sends it. */
function fly(correlator: Correlator, now: number): Exchange | undefined {
  const exchange = correlator.next()
  if (exchange !== undefined) correlator.sent(exchange, now)
  return exchange
}

function setup(options: { seq?: number; receiveBuffer?: number } = {}) {
  const state = { drops: 0 }
  const correlator = new Correlator({
    portId: PORT,
    receiveBuffer: options.receiveBuffer ?? BUFFER,
    drops: () => state.drops,
    ...(options.seq !== undefined && { seq: options.seq }),
  })
  const submit = (options: Options = {}, now = 0): Probe => {
    const probe = new Probe(Buffer.alloc(16), { timeout: 1000, ...options })
    probe.first = correlator.reserve(probe.count)
    correlator.submit(probe, now)
    return probe
  }
  const send = (options: Options = {}, now = 0): Probe => {
    const probe = submit(options, now)
    if (fly(correlator, now) !== probe) throw new Error('was not sent')
    return probe
  }
  return { correlator, state, submit, send }
}

const answered = { how: 'answered' } as const
const unanswered = (why: string, sent: boolean) => ({ how: 'unanswered', why, sent })

t.test('numbers start anywhere and wrap at 2^32', async (t) => {
  const starts = new Set(Array.from({ length: 20 }, () => setup().correlator.reserve(1)))
  t.ok(starts.size > 15, 'two in twenty alike are one in a billion')
  const { correlator } = setup({ seq: 2 ** 32 - 2 })
  t.equal(correlator.reserve(3), 2 ** 32 - 2)
  t.equal(correlator.reserve(1), 1)
})

t.test('an acknowledgement settles its request, once', async (t) => {
  const { correlator, send } = setup()
  const probe = send()
  t.ok(correlator.pending)
  correlator.receive(ack(probe.message()))
  correlator.receive(ack(probe.message()))
  t.same(probe.outcomes, [answered])
  t.equal(correlator.dropped.late, 1, 'the second')
  t.notOk(correlator.pending)
})

t.test('replies that are not ours', async (t) => {
  const { correlator, send } = setup({ seq: 100 })
  const probe = send()
  correlator.receive(ack(probe.message(0, PORT + 1)))
  correlator.receive(ack(probe.message(0, 0)))
  correlator.receive(ack(probe.message(1)))
  correlator.receive(ack(probe.message(-1)))
  correlator.receive(refuse(probe.message(7), 'EEXIST'))
  t.same(probe.outcomes, [])
  t.same(probe.refusals, [])
  t.same(correlator.dropped, { foreign: 2, late: 3, duplicate: 0, malformed: 0 })
})

t.test('replies out of order', async (t) => {
  const { correlator, send } = setup()
  const [a, b, c] = [send(), send(), send()]
  correlator.receive(Buffer.concat([ack(c.message()), refuse(b.message(), 'EPERM'), ack(a.message())]))
  t.same(
    [a, b, c].map((probe) => probe.outcomes),
    [[answered], [answered], [answered]],
  )
  t.same(
    [a, b, c].map((probe) => probe.refusals),
    [[], [[0, 1]], []],
  )
})

t.test('replies of a get, and messages that mean nothing', async (t) => {
  const { correlator, send } = setup()
  const probe = send()
  const of = (type: number, payload = body(0)): Buffer => reply(probe.message(), type, payload)
  correlator.receive(Buffer.concat([of(NEW), of(NLMSG_NOOP), of(NLMSG_OVERRUN), of(NLMSG_DONE), of(GET)]))
  t.same(probe.replies, [NEW, GET])
  t.same(probe.outcomes, [])
})

t.test('an acknowledgement with a warning', async (t) => {
  const { correlator, send } = setup()
  const probe = send()
  correlator.receive(ack(probe.message(), { message: 'bytes leftover' }))
  t.same(probe.outcome, { how: 'answered', warning: 'bytes leftover' })
})

t.test('a batch', async (t) => {
  for (const seq of [5, 2 ** 32 - 5]) {
    const { correlator, send } = setup({ seq })
    const probe = send({ count: 10 })
    for (const at of [0, 4, 7]) correlator.receive(refuse(probe.message(at), 'EEXIST'))
    correlator.receive(refuse(probe.message(2), 'ENODEV'))
    t.same(probe.outcomes, [], 'errors do not settle it')
    correlator.receive(ack(probe.message(9)))
    t.same(probe.outcomes, [answered])
    t.same(probe.refusals, [
      [0, 17],
      [4, 17],
      [7, 17],
      [2, 19],
    ])
    t.equal(probe.flaw, undefined)
    t.same(correlator.dropped, { foreign: 0, late: 0, duplicate: 0, malformed: 0 })
  }
})

t.test('a batch whose last message fails', async (t) => {
  const { correlator, send } = setup()
  const probe = send({ count: 3 })
  correlator.receive(refuse(probe.message(2), 'EEXIST'))
  t.same(probe.outcomes, [answered])
  t.same(probe.refusals, [[2, 17]])
})

t.test('second answers in a batch', async (t) => {
  const { correlator, send } = setup()
  const probe = send({ count: 3 })
  correlator.receive(refuse(probe.message(1), 'EEXIST'))
  correlator.receive(refuse(probe.message(1), 'EPERM'))
  correlator.receive(ack(probe.message(0)))
  t.same(probe.refusals, [[1, 17]])
  t.same(probe.outcomes, [], 'only the last asked for an acknowledgement')
  t.equal(correlator.dropped.duplicate, 2)
})

t.test('every truncation of an acknowledgement', async (t) => {
  for (let length = 0; length < 36; length++) {
    const { correlator, send } = setup()
    const probe = send({ count: 2 })
    const whole = ack(probe.message(1))
    correlator.receive(whole.subarray(0, length))
    t.same(probe.outcomes, [], `${length} bytes`)
    t.equal(correlator.dropped.malformed, 1)
    t.equal(probe.flaw, 'malformed', 'it may have been an error')
    const shorter = Buffer.from(whole.subarray(0, length))
    if (length >= 16) {
      writeU32(shorter, 0, length)
      correlator.receive(shorter)
      t.same(probe.outcomes, [], `${length} bytes and says so`)
      t.equal(correlator.dropped.malformed, 2)
    }
    correlator.receive(whole)
    t.same(probe.outcomes, [answered])
    t.equal(probe.flaw, 'malformed')
  }
})

t.test('a message cut short within its body says so by itself', async (t) => {
  const { correlator, send } = setup()
  const probe = send({ count: 2 })
  const shorter = Buffer.from(ack(probe.message(1)).subarray(0, 32))
  writeU32(shorter, 0, 32)
  correlator.receive(shorter)
  t.equal(probe.flaw, 'malformed', 'the flaw is its own')
})

t.test('an error that is not an errno', async (t) => {
  const { correlator, send } = setup()
  const probe = send()
  correlator.receive(refuse(probe.message(), -5))
  t.same(probe.outcomes, [])
  t.equal(correlator.dropped.malformed, 1)
})

t.test('a dump', async (t) => {
  const { correlator, send } = setup()
  const probe = send({ isDump: true })
  const part = reply(probe.message(), NEW, body(1), NLM_F_MULTI)
  correlator.receive(Buffer.concat([part, part]))
  correlator.receive(ack(probe.message()))
  correlator.receive(reply(probe.message(), NLMSG_NOOP, body(1)))
  t.equal(correlator.dropped.duplicate, 1, 'the acknowledgement')
  t.same(probe.outcomes, [])
  correlator.receive(Buffer.concat([part, done(probe.message())]))
  t.same(probe.replies, [NEW, NEW, NEW])
  t.same(probe.outcomes, [answered])
  t.equal(probe.flaw, undefined)
})

t.test('a dump that is interrupted', async (t) => {
  for (const [flags, interrupted] of [
    [NLM_F_MULTI | NLM_F_DUMP_INTR, false],
    [NLM_F_MULTI, true],
  ] as const) {
    const { correlator, send } = setup()
    const probe = send({ isDump: true })
    correlator.receive(reply(probe.message(), NEW, body(1), flags))
    correlator.receive(done(probe.message(), { interrupted }))
    t.equal(probe.flaw, 'interrupted')
    t.same(probe.outcomes, [answered])
  }
})

t.test('a dump that fails', async (t) => {
  const { correlator, send } = setup()
  const atOnce = send({ isDump: true })
  correlator.receive(refuse(atOnce.message(), 'EINVAL'))
  t.same(atOnce.refusals, [[0, 22]])
  t.same(atOnce.outcomes, [answered])
  const atTheEnd = send({ isDump: true })
  correlator.receive(done(atTheEnd.message(), { code: 'ENOENT', message: 'no' }))
  t.same(atTheEnd.refusals, [[0, 2]])
  t.same(atTheEnd.outcomes, [answered], 'what it says is no warning')
})

t.test('every truncation of the end of a dump', async (t) => {
  for (let length = 0; length < 20; length++) {
    const { correlator, send } = setup()
    const probe = send({ isDump: true })
    const shorter = Buffer.from(done(probe.message(), { code: 'EINVAL' }).subarray(0, length))
    if (length >= 16) writeU32(shorter, 0, length)
    correlator.receive(shorter)
    t.same(probe.outcomes, [])
    t.same(probe.refusals, [])
    t.equal(probe.flaw, 'malformed')
    t.equal(correlator.dropped.malformed, 1)
  }
})

t.test('replies that the kernel had no room for', async (t) => {
  const { correlator, send, state } = setup()
  const dump = send({ isDump: true })
  const batch = send({ count: 2 })
  const single = send()
  state.drops++
  correlator.receive(ack(batch.message(1)))
  correlator.receive(done(dump.message()))
  correlator.receive(ack(single.message()))
  t.equal(batch.flaw, 'overrun')
  t.equal(dump.flaw, 'overrun')
  t.equal(single.flaw, undefined, 'its only reply is here')
  const next = send({ count: 2 })
  correlator.receive(ack(next.message(1)))
  t.equal(next.flaw, undefined, 'what was lost before it was sent is not its')
  const interrupted = send({ isDump: true })
  state.drops++
  correlator.receive(done(interrupted.message(), { interrupted: true }))
  t.equal(interrupted.flaw, 'interrupted')
})

t.test('what is sent at once fits the receive buffer', async (t) => {
  const { correlator, submit } = setup({ receiveBuffer: 10 * ACK_COST })
  t.equal(correlator.window, 10)
  const probes = Array.from({ length: 12 }, () => submit())
  const sent: unknown[] = []
  for (let next = fly(correlator, 0); next; next = fly(correlator, 0)) sent.push(next)
  t.same(sent, probes.slice(0, 10))
  correlator.receive(ack(probes[3]!.message()))
  t.equal(fly(correlator, 0), probes[10])
  t.equal(fly(correlator, 0), undefined)
})

t.test('what is larger than the receive buffer goes alone', async (t) => {
  const { correlator, submit } = setup({ receiveBuffer: 2304 })
  t.equal(correlator.window, 1)
  const [a, b, c] = [submit(), submit({ isDump: true, cost: correlator.dumpCost }), submit()]
  t.equal(fly(correlator, 0), a)
  t.equal(fly(correlator, 0), undefined)
  correlator.receive(ack(a.message()))
  t.equal(fly(correlator, 0), b)
  t.equal(fly(correlator, 0), undefined)
  correlator.receive(done(b.message()))
  t.equal(fly(correlator, 0), c)
})

t.test('the window has an end', async (t) => {
  t.equal(setup({ receiveBuffer: 2 ** 30 }).correlator.window, 1024)
  t.equal(setup().correlator.window, 104)
  t.ok(setup().correlator.dumpCost < BUFFER, 'requests go on during a dump')
})

t.test('one dump at a time, in order, and requests between them', async (t) => {
  const { correlator, submit } = setup()
  const [a, b, c, d] = Array.from({ length: 4 }, () => submit({ isDump: true })) as [Probe, Probe, Probe, Probe]
  t.equal(fly(correlator, 0), a)
  t.equal(fly(correlator, 0), undefined)
  const request = submit()
  t.equal(fly(correlator, 0), request)
  correlator.abandon(b, undefined)
  t.same(b.outcome, unanswered('aborted', false))
  correlator.receive(done(a.message()))
  t.equal(fly(correlator, 0), c, 'b waits no longer')
  correlator.failed(c, new Error('no'))
  t.match(c.outcome, unanswered('failed', false))
  t.equal(fly(correlator, 0), d)
  correlator.receive(done(d.message()))
  t.equal(fly(correlator, 0), undefined)
  const e = submit({ isDump: true })
  correlator.abandon(e, undefined)
  t.equal(fly(correlator, 0), undefined, 'given up before it was sent')
  const f = submit({ isDump: true })
  t.equal(fly(correlator, 0), f)
})

t.test('giving up', async (t) => {
  const { correlator, submit, send } = setup()
  const sent = send()
  const queued = submit()
  correlator.abandon(sent, 'enough')
  correlator.abandon(queued, 'enough')
  correlator.abandon(queued, 'twice')
  t.same(sent.outcomes, [{ ...unanswered('aborted', true), cause: 'enough' }])
  t.same(queued.outcomes, [{ ...unanswered('aborted', false), cause: 'enough' }])
  t.equal(fly(correlator, 0), undefined)
  correlator.receive(ack(sent.message()))
  t.equal(correlator.dropped.late, 1)
})

t.test('closing settles all', async (t) => {
  const { correlator, submit, send } = setup()
  const dump = send({ isDump: true })
  const sent = send()
  const waiting = submit({ isDump: true })
  const queued = submit()
  correlator.close('why')
  for (const probe of [dump, sent]) t.same(probe.outcomes, [{ ...unanswered('closed', true), cause: 'why' }])
  for (const probe of [waiting, queued]) t.same(probe.outcomes, [{ ...unanswered('closed', false), cause: 'why' }])
  t.equal(fly(correlator, 0), undefined)
})

t.test('time', async (t) => {
  t.test('nothing pending', async (t) => {
    t.equal(setup().correlator.tick(0), undefined)
  })

  t.test('a request is given up at the second tick that finds it overdue', async (t) => {
    const { correlator, send } = setup()
    const probe = send({ timeout: 100 }, 1000)
    t.equal(correlator.tick(1000), 50)
    t.equal(correlator.tick(1070.5), 30, 'until it is due')
    t.equal(correlator.tick(9000), 1, 'the answer may be there')
    t.same(probe.outcomes, [])
    correlator.tick(9001)
    t.same(probe.outcomes, [{ ...unanswered('timeout', true), cause: undefined }])
  })

  t.test('an answer that is there after a stall counts', async (t) => {
    const { correlator, send } = setup()
    const probe = send({ timeout: 100 })
    correlator.tick(9000)
    correlator.receive(ack(probe.message()))
    t.equal(correlator.tick(9001), undefined)
    t.same(probe.outcomes, [answered])
  })

  t.test('a request that was not sent in time', async (t) => {
    const { correlator, send, submit } = setup({ receiveBuffer: ACK_COST })
    send({ timeout: Number.POSITIVE_INFINITY })
    const probe = submit({ timeout: 100 })
    const patient = submit({ timeout: 100, patient: true })
    correlator.tick(100)
    correlator.tick(101)
    t.match(probe.outcome, unanswered('timeout', false))
    t.same(patient.outcomes, [], 'its time has not begun')
    t.equal(correlator.tick(102), 50, 'settled ones are not looked at again')
  })

  t.test('a patient one has all its time from when it is sent', async (t) => {
    const { correlator, submit } = setup()
    const probe = submit({ timeout: 100, patient: true }, 0)
    fly(correlator, 500)
    t.equal(probe.deadline, 600)
    correlator.tick(599)
    t.notOk(probe.overdue)
  })

  t.test('what the kernel is busy with is not late, and needs no barrier', async (t) => {
    const { correlator, submit } = setup()
    const probe = submit({ timeout: 100, patient: true, count: 2 })
    t.equal(correlator.next(), probe)
    for (let now = 50; now < 1000; now += 50) correlator.tick(now)
    t.equal(correlator.next(), undefined)
    t.same(probe.outcomes, [])
    correlator.sent(probe, 1000)
    t.equal(probe.deadline, 1100)
    correlator.tick(1100)
    correlator.tick(1101)
    t.match(probe.outcome, unanswered('timeout', true))
  })

  t.test('what comes behind it can be taken back', async (t) => {
    const { correlator, submit } = setup()
    const first = submit({ count: 2 })
    const [second, third] = [submit(), submit()]
    t.equal(correlator.next(), first)
    t.equal(correlator.next(), undefined, 'one after the other')
    correlator.abandon(second, 'why')
    t.match(second.outcomes, [unanswered('aborted', false)])
    correlator.abandon(first, 'why')
    t.match(first.outcomes, [unanswered('aborted', true)])
    t.equal(correlator.next(), undefined, 'the transport is busy all the same')
    correlator.sent(first, 0)
    t.equal(correlator.next(), third)
    correlator.failed(third, 'why')
    t.match(third.outcomes, [unanswered('failed', false)])
    t.equal(correlator.next(), undefined)
  })

  t.test('a dump has its time anew with each part', async (t) => {
    const { correlator, send, submit } = setup()
    const probe = send({ isDump: true, timeout: 100 })
    const waiting = submit({ isDump: true, timeout: 100, patient: true })
    t.equal(correlator.tick(150), 1)
    correlator.receive(reply(probe.message(), NEW, body(1), NLM_F_MULTI))
    correlator.tick(151)
    t.same(probe.outcomes, [])
    correlator.tick(250)
    t.same(probe.outcomes, [], 'a hundred from the last part')
    correlator.tick(251)
    correlator.tick(252)
    t.match(probe.outcome, unanswered('timeout', true))
    t.equal(fly(correlator, 252), waiting, 'the next has its turn')
  })
})

t.test('barriers', async (t) => {
  t.test('what has no answer when a barrier has one was lost', async (t) => {
    const { correlator, send, state } = setup()
    const dump = send({ isDump: true })
    const [a, b] = [send({ count: 2 }), send()]
    correlator.receive(refuse(a.message(0), 'EEXIST'))
    correlator.tick(50)
    t.equal(fly(correlator, 50), undefined, 'not at once')
    const fresh = send()
    correlator.tick(100)
    const barrier = fly(correlator, 100)
    t.ok(barrier)
    if (!barrier) return
    const [message] = messages(barrier.datagram, PORT)
    t.match(message, { type: NLMSG_NOOP, flags: 5, seq: barrier.first })
    t.equal(fly(correlator, 100), undefined)
    const later = send()
    correlator.tick(150)
    t.equal(fly(correlator, 150), undefined, 'one is enough')
    state.drops++
    correlator.receive(ack(message!))
    for (const probe of [a, b, fresh]) t.match(probe.outcomes, [unanswered('lost', true)])
    t.same(dump.outcomes, [], 'dumps are not answered in order')
    t.same(later.outcomes, [], 'sent after it')
    correlator.receive(ack(message!))
    t.equal(correlator.dropped.late, 1)
  })

  t.test('a barrier that is lost is raised again', async (t) => {
    const { correlator, send } = setup()
    send({ timeout: Number.POSITIVE_INFINITY })
    correlator.tick(0)
    correlator.tick(50)
    const first = fly(correlator, 50)
    for (let now = 100; now < 300; now += 50) correlator.tick(now)
    t.equal(fly(correlator, 299), undefined)
    correlator.tick(300)
    correlator.tick(301)
    const second = fly(correlator, 301)
    t.ok(second)
    t.not(second, first)
  })

  t.test('nothing is raised for a barrier', async (t) => {
    const { correlator, send } = setup()
    const probe = send()
    correlator.tick(0)
    correlator.tick(50)
    t.ok(fly(correlator, 50))
    correlator.abandon(probe, undefined)
    for (let now = 100; now <= 300; now += 50) correlator.tick(now)
    t.equal(correlator.tick(301), undefined, 'given up for good')
    t.equal(fly(correlator, 301), undefined)
  })

  t.test('a barrier that is refused has been answered all the same', async (t) => {
    const { correlator, send } = setup()
    const probe = send()
    correlator.tick(0)
    correlator.tick(50)
    const barrier = fly(correlator, 50)!
    const [message] = messages(barrier.datagram, PORT)
    correlator.receive(reply(message!, NEW, body(0)))
    t.same(probe.outcomes, [])
    correlator.receive(refuse(message!, 'EINVAL'))
    t.match(probe.outcomes, [unanswered('lost', true)])
  })

  t.test('a dump alone needs none', async (t) => {
    const { correlator, send } = setup()
    send({ isDump: true })
    correlator.tick(0)
    correlator.tick(50)
    correlator.tick(100)
    t.equal(fly(correlator, 100), undefined)
  })
})

t.test('an error to a message that is neither first nor last of a datagram of replies', async (t) => {
  const { correlator, send } = setup()
  const probe = send({ count: 3 })
  const twice = Buffer.concat([refuse(probe.message(1), 'EEXIST'), ack(probe.message(2))])
  correlator.receive(twice)
  t.same(probe.refusals, [[1, 17]])
  t.same(probe.outcomes, [answered])
  t.equal(NLMSG_ERROR, 2)
})
