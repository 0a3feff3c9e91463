import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { KernelError, NbmaError, OutcomeUnknownError, OverrunError } from '../../lib/errors.js'
import { Connection } from '../../lib/netlink/connection.js'
import { ack, done, FakeTransport, refuse, reply } from '../../lib/testing/fake.js'
import { type Frame, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTI, NLMSG_NOOP } from '../../lib/wire/frame.js'
import { readU32, writeU32 } from '../../lib/wire/host.js'
import { add, all, body, NEW, portions, protocol } from '../helpers/toy.js'

/**
 * A connection to a kernel that keeps a table, and to which everything happens that can: replies that fall out of the
 * receive buffer, come twice, late, cut short, or from nowhere. Whatever a caller is told is compared with the table.
 * The seed of a failure is in its name; set SEED to run it alone, ROUNDS for more.
 */
const SEED = process.env.SEED
const ROUNDS = Number(process.env.ROUNDS ?? 40)
const AT_ONCE = 10
const PORT = 4242

function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

class Kernel extends FakeTransport {
  readonly applied = new Set<number>()
  readonly seen = new Set<number>()
  readonly #random: () => number
  readonly #faults: number
  readonly #old: Buffer[] = []
  /** The receive buffer is full: nothing fits until it was read. */
  #full = false

  constructor(random: () => number, faults: number) {
    super({ portId: PORT })
    this.#random = random
    this.#faults = faults
    this.script = (m) => this.#execute(m)
    this.barriers = false
  }

  override async send(datagram: Buffer): Promise<void> {
    this.#full = false
    this.delay = this.#sometimes(0.1) ? 3 : 0
    if (this.#sometimes(0.02)) throw Object.assign(new Error('no'), { code: 'ENOBUFS' })
    return super.send(datagram)
  }

  #sometimes(chance: number): boolean {
    return this.#random() < chance * this.#faults
  }

  #execute(m: Frame): Buffer[] {
    if ((m.flags & NLM_F_DUMP) === NLM_F_DUMP && m.type !== NEW) return this.#dump(m)
    const n = m.type === NLMSG_NOOP ? 0 : readU32(m.bytes, m.start + 16)
    const bad = n % 7 === 1
    if (m.type !== NLMSG_NOOP) this.seen.add(n)
    if (m.type !== NLMSG_NOOP && !bad) this.applied.add(n)
    const answer = bad ? refuse(m, 'EEXIST') : m.flags & NLM_F_ACK ? ack(m) : undefined
    return answer ? this.#deliver(answer) : []
  }

  #dump(m: Frame): Buffer[] {
    const parts: Buffer[] = []
    const interrupted = this.#sometimes(0.3)
    let flags = NLM_F_MULTI
    for (const n of this.applied) {
      if (interrupted && parts.length === 3) flags |= NLM_F_DUMP_INTR
      // What an interrupted dump lacks.
      if (!interrupted || n % 5 !== 0) parts.push(reply(m, NEW, body(n), flags))
    }
    if (interrupted) return [...parts, done(m, { interrupted })]
    const whole = [...parts, done(m)]
    if (this.#sometimes(0.1)) whole[Math.floor(this.#random() * whole.length)] = this.#cut(parts[0] ?? done(m))
    return whole
  }

  /** What becomes of a reply on its way. */
  #deliver(datagram: Buffer): Buffer[] {
    if (this.#sometimes(0.03)) this.#full = true
    if (this.#full) {
      this.drop()
      return []
    }
    if (this.#sometimes(0.02)) return [this.#cut(datagram)]
    const extra: Buffer[] = []
    if (this.#sometimes(0.05)) extra.push(datagram)
    if (this.#sometimes(0.05) && this.#old.length > 0)
      extra.push(this.#old[Math.floor(this.#random() * this.#old.length)]!)
    if (this.#sometimes(0.05)) {
      const foreign = Buffer.from(datagram)
      writeU32(foreign, 12, 1)
      writeU32(foreign, 16, 0)
      extra.unshift(foreign)
    }
    this.#old.push(datagram)
    return [datagram, ...extra]
  }

  #cut(datagram: Buffer): Buffer {
    const length = Math.floor(this.#random() * Math.min(datagram.length, 36))
    const cut = Buffer.from(datagram.subarray(0, length))
    if (length >= 16 && this.#sometimes(0.5)) writeU32(cut, 0, length)
    return cut
  }
}

type Told = { n: number; what: 'applied' | 'refused' | 'unknown' | 'unsent' }

async function round(seed: number, faults: number) {
  const rnd = random(seed)
  const kernel = new Kernel(rnd, faults)
  const connection = new Connection(kernel, protocol, { timeout: 150 })
  const told: Told[] = []
  const lies: string[] = []
  let next = 0
  const signal = (): AbortSignal | undefined => {
    if (rnd() > 0.1) return undefined
    const controller = new AbortController()
    setTimeout(() => controller.abort('aborted'), rnd() * 3)
    return controller.signal
  }
  const request = async (): Promise<void> => {
    const n = next++
    try {
      await connection.request(add(n), { signal: signal() })
      told.push({ n, what: 'applied' })
    } catch (error) {
      const unknown = error instanceof OutcomeUnknownError || error instanceof OverrunError
      told.push({ n, what: error instanceof KernelError ? 'refused' : unknown ? 'unknown' : 'unsent' })
    }
  }
  const batch = async (): Promise<void> => {
    const first = next
    const count = Math.floor(rnd() * 400)
    next += count
    let result = { sent: 0, applied: 0, failures: [], unknown: [] } as Awaited<ReturnType<Connection['batch']>>
    const requests = Array.from({ length: count }, (_, at) => add(first + at))
    const options = { signal: signal(), idempotent: rnd() < 0.5, onProgress: (r: typeof result) => (result = r) }
    const source = rnd() < 0.5 ? requests : portions(requests, first, rnd)
    const ended = await connection.batch(source, options).then(
      () => true,
      () => false,
    )
    const rest = new Map(requests.map((_, at) => [at, 'applied' as Told['what']]))
    for (const { index, error } of result.failures) rest.set(index, error instanceof KernelError ? 'refused' : 'unsent')
    for (const { index } of result.unknown) rest.set(index, 'unknown')
    const unsent = result.failures.filter(({ error }) => !(error instanceof KernelError)).length
    for (let at = result.sent + unsent; at < count; at++) {
      rest.set(at, 'unsent')
      if (ended) lies.push(`batch ended with ${result.sent} of ${count}`)
    }
    if (result.sent !== result.applied + result.failures.length - unsent + result.unknown.length) lies.push('books')
    for (const [at, what] of rest) told.push({ n: first + at, what })
  }
  const list = async (): Promise<void> => {
    const before = kernel.applied.size
    try {
      const items = await connection.list(all(), { signal: signal() })
      if (items.length < before) lies.push(`a list of ${items.length}, there were ${before}`)
    } catch (error) {
      if (!(error instanceof NbmaError) && error !== 'aborted') lies.push(String(error))
    }
  }
  const stream = async (): Promise<void> => {
    const before = kernel.applied.size
    let seen = 0
    const leave = rnd() < 0.3
    try {
      for await (const _ of connection.dump(all(), { signal: signal() })) {
        seen++
        if (leave) return
      }
      if (seen < before) lies.push(`a stream of ${seen}, there were ${before}`)
    } catch (error) {
      if (!(error instanceof NbmaError) && error !== 'aborted') lies.push(String(error))
    }
  }
  const work: Promise<void>[] = []
  for (let step = 0; step < 30; step++) {
    const dice = rnd()
    work.push(dice < 0.6 ? request() : dice < 0.8 ? batch() : dice < 0.9 ? list() : stream())
    if (rnd() < 0.3) await wait(0)
    if (rnd() < 0.1) await Promise.all(work)
  }
  const hang = await Promise.race([Promise.all(work).then(() => false), wait(20_000, true, { ref: false })])
  if (hang) lies.push('something hangs')
  for (const { n, what } of told) {
    if (what === 'applied' && !kernel.applied.has(n)) lies.push(`${n} was not applied`)
    if (what === 'refused' && kernel.applied.has(n)) lies.push(`${n} was applied`)
    if (what === 'unsent' && kernel.seen.has(n)) lies.push(`${n} was sent`)
  }
  if (told.length !== next) lies.push(`${next - told.length} were told nothing`)
  connection.close()
  const count = (what: string): number => told.filter((one) => one.what === what).length
  return { seed, lies, unknown: count('unknown'), applied: count('applied'), dropped: connection.dropped }
}

t.test('nobody is told what is not so', { timeout: 30_000 + ROUNDS * 1000 }, async (t) => {
  const base = SEED === undefined ? Math.floor(Math.random() * 1e9) : Number(SEED)
  t.comment(`SEED=${base}`)
  const sum = { unknown: 0, applied: 0, late: 0, foreign: 0, malformed: 0 }
  for (let seed = base; seed < base + (SEED === undefined ? ROUNDS : 1); seed += AT_ONCE) {
    const seeds = Array.from({ length: SEED === undefined ? AT_ONCE : 1 }, (_, n) => seed + n)
    for (const { lies, unknown, applied, dropped, seed } of await Promise.all(seeds.map((n) => round(n, 1)))) {
      t.same(lies, [], `SEED=${seed}`)
      sum.unknown += unknown
      sum.applied += applied
      sum.late += dropped.late
      sum.foreign += dropped.foreign
      sum.malformed += dropped.malformed
    }
  }
  if (SEED === undefined) for (const [name, value] of Object.entries(sum)) t.ok(value > 0, `${value} ${name}`)
})

t.test('without faults all is known', async (t) => {
  const { lies, unknown } = await round(1, 0)
  t.same(lies, [])
  t.ok(unknown <= 5, 'what was aborted')
})
