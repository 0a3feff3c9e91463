import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { DumpInterruptedError, KernelError, NbmaError, OutcomeUnknownError, OverrunError } from '../../lib/errors.js'
import type { BatchResult } from '../../lib/netlink/batch.js'
import { NetlinkSocket } from '../../lib/netlink/socket.js'
import { setReceiveBuffer } from '../../lib/netlink/sockopt.js'
import type { Namespace } from '../../lib/netns/namespace.js'
import { link } from '../../lib/rtnl/link.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import type { Request } from '../../lib/wire/request.js'
import { needsNamespaces, testNamespace } from '../helpers/kernel.js'

/**
 * A kernel to which much is done at once, and everything that a caller is told compared with what the kernel has.
 * NBMA_SOAK says in seconds for how long, 8 by default; SEED what is done, and is printed.
 */
const SECONDS = Number(process.env.NBMA_SOAK ?? 8)
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9))
/** Nothing may take longer: whatever does is taken for something that hangs. */
const PATIENCE = 90_000

/** Not flapped: what is in the kernel stays there until it is taken out. */
const STEADY = 30
/** Goes down and up, and takes its routes with it. */
const FLAPPED = 31
const TABLE = 1000
const FLAPPED_TABLE = 1001
const CHILD_TABLE = 1002
const NEXTHOPS = 500
/** Keys in play: few, so that requests meet each other's leftovers. */
const KEYS = 3000

function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

const dst = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}/32`
const at = (table: number, n: number, oif: number): Request => route.add({ dst: dst(n), oif, table })

/** What the kernel has under a key: yes, no, or not known until somebody looks. */
type Belief = 'there' | 'absent' | 'unknown'

/**
 * What must be true of one kind of object, of which only one piece of work at a time changes a key. What a call that
 * ended says goes in; {@link audit} compares.
 */
class Model {
  readonly #beliefs: Belief[]
  readonly #busy = new Set<number>()
  readonly name: string

  constructor(name: string, size: number) {
    this.name = name
    this.#beliefs = new Array<Belief>(size).fill('absent')
  }

  /** Up to `count` keys that nobody else changes now. */
  take(rnd: () => number, count: number): number[] {
    const keys: number[] = []
    for (let tries = 0; keys.length < count && tries < count * 3; tries++) {
      const key = Math.floor(rnd() * this.#beliefs.length)
      if (this.#busy.has(key)) continue
      this.#busy.add(key)
      keys.push(key)
    }
    return keys
  }

  release(keys: readonly number[]): void {
    for (const key of keys) this.#busy.delete(key)
  }

  get(key: number): Belief {
    return this.#beliefs[key]!
  }

  set(key: number, belief: Belief): void {
    this.#beliefs[key] = belief
  }

  /** What was not known is known now. */
  audit(found: ReadonlySet<number>): string[] {
    const lies: string[] = []
    for (const [key, belief] of this.#beliefs.entries()) {
      const is = found.has(key) ? 'there' : 'absent'
      if (belief !== 'unknown' && belief !== is && !this.#busy.has(key))
        lies.push(`${this.name} ${key}: ${is}, said to be ${belief}`)
      if (!this.#busy.has(key)) this.#beliefs[key] = is
    }
    return lies
  }
}

interface Kind {
  readonly model: Model
  readonly add: (key: number) => Request
  readonly remove: (key: number) => Request
  /** What the kernel says to an `add` of what is there, and to a `remove` of what is not. */
  readonly codes: readonly [string, string]
  readonly read: (rt: Rtnetlink) => Promise<Set<number>>
}

const keyOf = (prefix: string | undefined): number => {
  const [, b = 0, c = 0, d = 0] = (prefix ?? '').split(/[./]/).map(Number)
  return (b << 16) | (c << 8) | d
}

const listed = async (rt: Rtnetlink, table: number): Promise<Set<number>> =>
  new Set((await rt.list(route.list({ family: 'inet', table }), { timeout: PATIENCE })).map((one) => keyOf(one.dst)))

const kinds = (): readonly Kind[] => [
  {
    model: new Model('route', KEYS),
    add: (key) => at(TABLE, key, STEADY),
    remove: (key) => route.delete({ dst: dst(key), table: TABLE }),
    codes: ['EEXIST', 'ESRCH'],
    read: (rt) => listed(rt, TABLE),
  },
  {
    model: new Model('nexthop', NEXTHOPS),
    add: (key) => nexthop.add({ id: key + 1, oif: STEADY }),
    remove: (key) => nexthop.delete({ id: key + 1 }),
    codes: ['EEXIST', 'ENOENT'],
    read: async (rt) => {
      const all = await quietly(rt)
      return new Set(all.filter((id) => id <= NEXTHOPS).map((id) => id - 1))
    },
  },
]

/** Nothing changes while this reads, so nothing interrupts it for good. */
async function quietly(rt: Rtnetlink): Promise<number[]> {
  for (let tries = 0; ; tries++) {
    try {
      return (await rt.list(nexthop.list(), { timeout: PATIENCE })).map(({ id }) => id!)
    } catch (error) {
      if (!(error instanceof DumpInterruptedError) || tries === 20) throw error
    }
  }
}

/** The process's sockets: inode by descriptor. What reads the directory takes a descriptor itself. */
function sockets(): Map<number, string> {
  const found = new Map<number, string>()
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const to = readlinkSync(`/proc/self/fd/${fd}`)
      if (to.startsWith('socket:')) found.set(Number(fd), to)
    } catch {
      // It is closed by now.
    }
  }
  return found
}

/** A connection whose socket holds a handful of answers, and does not know: most of what it asks at once is lost. */
function narrow(namespace: Namespace): Rtnetlink {
  const before = new Set(sockets().values())
  const socket = NetlinkSocket.open({ namespace })
  for (const [fd, inode] of sockets()) if (!before.has(inode)) setReceiveBuffer(fd, 1)
  return Rtnetlink.over(socket, { timeout: PATIENCE })
}

/** Everything that is done, and what was wrong about it. */
class Soak {
  readonly lies: string[] = []
  readonly counts: Record<string, number> = {}
  readonly #rnd: () => number
  readonly #namespace: Namespace
  readonly #lib = new URL('../../lib/index.js', import.meta.url).href
  readonly kinds = kinds()
  readonly #children = new Set<ChildProcess>()
  connections: Rtnetlink[] = []
  #narrow: Rtnetlink | undefined

  constructor(seed: number, namespace: Namespace) {
    this.#rnd = random(seed)
    this.#namespace = namespace
  }

  async open(): Promise<void> {
    const namespace = this.#namespace
    // Two that everything goes through, one of them with as small a buffer as there is.
    this.connections = [
      await Rtnetlink.open({ namespace, timeout: PATIENCE }),
      await Rtnetlink.open({ namespace, timeout: PATIENCE, receiveBuffer: 4096 }),
    ]
    this.#narrow = narrow(namespace)
    const [rt] = this.connections as [Rtnetlink]
    for (const [index, id] of [
      [STEADY, 5],
      [FLAPPED, 6],
    ] as const) {
      await rt.request(
        link.add({ index, ifname: `vx${id}`, up: true, linkinfo: { kind: 'vxlan', data: { id, port: 4789 } } }),
      )
    }
  }

  close(): void {
    for (const rt of this.connections) rt.close()
    this.#narrow?.close()
    for (const child of this.#children) child.kill('SIGKILL')
  }

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by
  }

  #some<T>(list: readonly T[]): T {
    return list[Math.floor(this.#rnd() * list.length)]!
  }

  /** What changes go through: one time in ten what loses the answers. */
  #way(): Rtnetlink {
    return this.#rnd() < 0.1 ? this.#narrow! : this.#some(this.connections)
  }

  #lie(what: string): void {
    this.lies.push(what)
  }

  /** Aborts at some time, or never. */
  #signal(chance: number, within: number): { signal?: AbortSignal; now(): void; done(): void } {
    if (this.#rnd() > chance) return { now: () => {}, done: () => {} }
    const controller = new AbortController()
    const atOnce = this.#rnd() < 0.3
    const timer = setTimeout(() => controller.abort('aborted'), this.#rnd() * within)
    return {
      signal: controller.signal,
      /** It was sent, and the answer not read. */
      now: () => {
        if (atOnce) controller.abort('aborted')
      },
      done: () => clearTimeout(timer),
    }
  }

  /** What a refusal says of a key: that there was nothing to do. */
  #refused(kind: Kind, key: number, adding: boolean, error: Error): void {
    const [taken, missing] = kind.codes
    const { code } = error as KernelError
    const { model } = kind
    this.count('refused')
    if (code !== (adding ? taken : missing)) this.#lie(`${model.name} ${key}: ${error.message}`)
    const claim: Belief = adding ? 'there' : 'absent'
    if (model.get(key) !== 'unknown' && model.get(key) !== claim)
      this.#lie(`${model.name} ${key}: refused with ${code}, was ${model.get(key)}`)
    model.set(key, claim)
  }

  #applied({ model }: Kind, key: number, adding: boolean): void {
    this.count('applied')
    const before: Belief = adding ? 'absent' : 'there'
    if (model.get(key) !== 'unknown' && model.get(key) !== before)
      this.#lie(`${model.name} ${key}: applied although it was ${model.get(key)}`)
    model.set(key, adding ? 'there' : 'absent')
  }

  #unknown({ model }: Kind, key: number): void {
    this.count('unknown')
    model.set(key, 'unknown')
  }

  async request(): Promise<void> {
    const kind = this.#some(this.kinds)
    const [key] = kind.model.take(this.#rnd, 1)
    if (key === undefined) return
    const adding = this.#rnd() < 0.6
    const { signal, now, done } = this.#signal(0.2, 2)
    const timeout = this.#rnd() < 0.1 ? 1 : PATIENCE
    try {
      const asked = this.#way().request((adding ? kind.add : kind.remove)(key), { signal, timeout })
      now()
      await asked
      this.#applied(kind, key, adding)
    } catch (error) {
      if (error instanceof KernelError) this.#refused(kind, key, adding, error)
      else if (error instanceof OutcomeUnknownError || error instanceof OverrunError) this.#unknown(kind, key)
      // Nothing was sent.
      else if (error !== 'aborted' && (error as NbmaError).code !== 'NBMA_TIMEOUT') this.#lie(`request: ${error}`)
      else this.count('unsent')
    } finally {
      done()
      kind.model.release([key])
    }
  }

  async batch(way = this.#way()): Promise<void> {
    const kind = this.#some(this.kinds)
    const keys = kind.model.take(this.#rnd, Math.floor(this.#rnd() ** 2 * 1500))
    const adding = keys.map(() => this.#rnd() < 0.6)
    const requests = keys.map((key, n) => (adding[n] ? kind.add : kind.remove)(key))
    const { signal, done } = this.#signal(0.3, 20)
    let result: BatchResult = { sent: 0, applied: 0, failures: [], unknown: [] }
    let ended = true
    try {
      await way.batch(this.#rnd() < 0.3 ? slowly(requests) : requests, {
        signal,
        timeout: this.#rnd() < 0.1 ? 1 : PATIENCE,
        onProgress: (now) => {
          result = now
        },
      })
    } catch (error) {
      ended = false
      if (error !== 'aborted' && !(error instanceof OutcomeUnknownError)) this.#lie(`batch: ${error}`)
    } finally {
      done()
    }
    const { sent, applied, failures, unknown } = result
    const refused = failures.filter(({ error }) => error instanceof KernelError)
    const unsent = failures.length - refused.length
    if (ended && sent + unsent !== keys.length) this.#lie(`batch: ${sent} of ${keys.length} were sent`)
    if (sent !== applied + refused.length + unknown.length) this.#lie(`batch: ${sent} is not what it is made of`)
    const told = new Map<number, () => void>()
    for (const { index, error } of refused)
      told.set(index, () => this.#refused(kind, keys[index]!, adding[index]!, error))
    for (const { index, error } of failures)
      if (!(error instanceof KernelError)) told.set(index, () => this.count('unsent'))
    for (const { index } of unknown) told.set(index, () => this.#unknown(kind, keys[index]!))
    for (const [n, key] of keys.entries()) {
      const otherwise = n < sent + unsent ? () => this.#applied(kind, key, adding[n]!) : () => this.count('unsent')
      ;(told.get(n) ?? otherwise)()
    }
    kind.model.release(keys)
  }

  /** Neither can miss what is there all the time. */
  async read(): Promise<void> {
    const rt = this.#some(this.connections)
    const { signal, done } = this.#signal(0.2, 10)
    const leave = this.#rnd() < 0.3 ? Math.floor(this.#rnd() * 500) : Number.POSITIVE_INFINITY
    try {
      if (this.#rnd() < 0.3) {
        const [found] = await rt.get(link.get({ index: STEADY }), { signal })
        if (found?.index !== STEADY) this.#lie(`get: ${found?.index}`)
      } else if (this.#rnd() < 0.5) {
        const links = await rt.list(link.list(), { signal })
        if (links.length !== 3) this.#lie(`${links.length} links`)
      } else {
        let seen = 0
        for await (const one of rt.dump(route.list({ family: 'inet', table: TABLE }), { signal })) {
          if (one.table !== TABLE) this.#lie(`a route of table ${one.table}`)
          if (++seen >= leave) break
          if (seen % 300 === 0 && this.#rnd() < 0.2) await wait(1)
        }
      }
      this.count('reads')
    } catch (error) {
      if (!(error instanceof DumpInterruptedError) && error !== 'aborted') this.#lie(`read: ${error}`)
    } finally {
      done()
    }
  }

  /** A refusal for each, beside whatever else is going on: more answers than the small buffer holds. */
  async flood(): Promise<void> {
    const [, small] = this.connections as [Rtnetlink, Rtnetlink]
    const COUNT = 3000
    const request = nexthop.delete({ id: 100_000 })
    const { failures, unknown, applied } = await small.batch(Array.from({ length: COUNT }, () => request))
    if (applied !== 0 || failures.length + unknown.length !== COUNT || unknown.length > 0)
      this.#lie(`flood: ${applied} applied, ${failures.length} refused, ${unknown.length} unknown`)
    this.count('floods')
  }

  /** Takes its routes with it, without a word: they are either there or not, and what is said of each is so. */
  async flap(): Promise<void> {
    const [rt] = this.connections as [Rtnetlink]
    const routes = Array.from({ length: 50 }, (_, n) => at(FLAPPED_TABLE, n, FLAPPED))
    const turns = this.#rnd() < 0.5 ? 1 : 3
    const flapping = (async () => {
      for (let n = 0; n < turns; n++) {
        await rt.request(link.change({ index: FLAPPED, up: false }))
        await rt.request(link.change({ index: FLAPPED, up: true }))
      }
    })()
    for (const { error } of (await this.#some(this.connections).batch(routes)).failures) {
      const { code } = error as KernelError
      if (code !== 'EEXIST' && code !== 'ENETDOWN') this.#lie(`flap: ${error.message}`)
    }
    await flapping
    this.count('flaps')
  }

  /** A process that is killed in the middle: the kernel and our connections are as they were. */
  async kill(): Promise<void> {
    const program = `
      const { Rtnetlink, Namespace, route } = await import(${JSON.stringify(this.#lib)})
      const rt = await Rtnetlink.open({ namespace: Namespace.open(${JSON.stringify(this.#namespace.name)}) })
      console.log('ready')
      for (let round = 0; ; round++) {
        const make = round % 2 ? route.delete : route.add
        await rt.batch(Array.from({ length: 2000 }, (_, n) =>
          make({ dst: '11.0.' + (n >> 8) + '.' + (n & 255) + '/32', oif: ${STEADY}, table: ${CHILD_TABLE} })))
      }`
    const { NODE_OPTIONS: _, ...env } = process.env
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    this.#children.add(child)
    const gone = once(child, 'close')
    await Promise.race([once(child.stdout, 'data'), gone])
    await wait(this.#rnd() * 100)
    child.kill('SIGKILL')
    await gone
    this.#children.delete(child)
    const [rt] = this.connections as [Rtnetlink]
    const left = await listed(rt, CHILD_TABLE)
    const again = await rt.batch(
      [...left].map((key) => route.delete({ dst: dst(key).replace('10.', '11.'), table: CHILD_TABLE })),
    )
    if (again.applied !== left.size) this.#lie(`kill: ${again.applied} of ${left.size} were there`)
    this.count('kills')
  }

  /** A monitor sees each event, or says that it did not. Slow readers are told so. */
  async watch(): Promise<void> {
    const [rt] = this.connections as [Rtnetlink]
    const table = 2000 + Math.floor(this.#rnd() * 1e9)
    const slow = this.#rnd() < 0.15
    // More than may wait for a reader, who does not come before all was done.
    const count = slow ? 20_000 : Math.floor(this.#rnd() * 4000)
    let written = (): void => {}
    const done = new Promise<void>((resolve) => {
      written = resolve
    })
    const stop = new AbortController()
    const seen = new Set<number>()
    let resyncs = 0
    let last = false
    const monitor = rt.monitor(['ipv4-route'], { signal: stop.signal })
    const watching = (async () => {
      if (slow) await done
      for await (const { event, message } of monitor) {
        if (event === 'resync') {
          resyncs++
          for (const key of await listed(rt, table)) seen.add(key)
        } else if (event === 'RTM_NEWROUTE' && message.table === table) seen.add(keyOf(message.dst))
        if (seen.has(count)) last = true
        if (last) return
      }
    })()
    const { applied } = await rt.batch(Array.from({ length: count + 1 }, (_, n) => at(table, n, STEADY)))
    written()
    if (applied !== count + 1) this.#lie(`watch: ${applied} of ${count + 1} applied`)
    const until = performance.now() + PATIENCE
    while (!last && performance.now() < until) await wait(20)
    stop.abort()
    await watching
    if (seen.size !== count + 1) this.#lie(`watch: ${seen.size} of ${count + 1} seen, ${resyncs} resyncs`)
    const { failures } = await rt.batch(
      Array.from({ length: count + 1 }, (_, n) => route.delete({ dst: dst(n), table })),
    )
    if (failures.length > 0) this.#lie(`watch: ${failures[0]?.error}`)
    this.count('watched', count)
    this.count('resyncs', resyncs)
  }

  /** A connection of its own that is closed while it works: everything ends. */
  async shut(): Promise<void> {
    const rt = await Rtnetlink.open({ namespace: this.#namespace })
    const work = [
      rt.request(link.change({ index: STEADY, mtu: 1400 })),
      rt.list(link.list()),
      rt.get(link.get({ index: STEADY })),
      rt.batch(Array.from({ length: 1000 }, () => nexthop.delete({ id: 100_000 }))),
      rt.dump(route.list({ family: 'inet' })).next(),
    ]
    if (this.#rnd() < 0.5) await wait(this.#rnd() * 5)
    rt.close()
    for (const outcome of await Promise.allSettled(work))
      if (outcome.status === 'rejected' && !(outcome.reason instanceof NbmaError)) this.#lie(`shut: ${outcome.reason}`)
    this.count('shut')
  }

  /** Works for a while, then looks whether all is as was said. */
  async round(milliseconds: number): Promise<void> {
    const until = performance.now() + milliseconds
    const running = new Set<Promise<void>>()
    const start = (name: string, work: Promise<void>): void => {
      const running_ = work
        .catch((error: unknown) => this.#lie(`${name}: ${error}`))
        .finally(() => running.delete(running_))
      running.add(running_)
    }
    start('kill', this.kill())
    start('watch', this.watch())
    start('flood', this.flood())
    start('batch', this.batch(this.#narrow))
    while (performance.now() < until) {
      const dice = this.#rnd()
      if (running.size > 12) await Promise.race([...running, wait(PATIENCE, undefined, { ref: false })])
      else if (dice < 0.5) start('request', this.request())
      else if (dice < 0.72) start('batch', this.batch())
      else if (dice < 0.9) start('read', this.read())
      else if (dice < 0.93) start('flap', this.flap())
      else if (dice < 0.94) start('flood', this.flood())
      else if (dice < 0.96) start('shut', this.shut())
      else if (dice < 0.965) start('watch', this.watch())
      if (this.#rnd() < 0.1) await wait(0)
    }
    const hangs = await Promise.race([Promise.all(running).then(() => false), wait(PATIENCE, true, { ref: false })])
    if (hangs) this.#lie(`${running.size} pieces of work hang`)
    for (const kind of this.kinds) this.lies.push(...kind.model.audit(await kind.read(this.connections[0]!)))
    this.count('rounds')
  }
}

async function* slowly(requests: readonly Request[]): AsyncIterable<Request> {
  for (const [n, request] of requests.entries()) {
    if (n % 200 === 199) await wait(0)
    yield request
  }
}

t.setTimeout(SECONDS * 1000 + 2 * PATIENCE + 120_000)

const descriptors = (): number => readdirSync('/proc/self/fd').length

t.test('soak', { skip: needsNamespaces, timeout: SECONDS * 1000 + 2 * PATIENCE + 60_000 }, async (t) => {
  t.comment(`SEED=${SEED} NBMA_SOAK=${SECONDS}`)
  const soak = new Soak(SEED, testNamespace(t))
  t.teardown(() => soak.close())
  await soak.open()
  const until = performance.now() + SECONDS * 1000
  const memory: number[] = []
  const open: number[] = []
  do {
    await soak.round(Math.min(2000, Math.max(200, until - performance.now())))
    // A stream that was read to its end leaves its socket to the next; one that was left early closes it.
    for (const rt of soak.connections) for await (const _ of rt.dump(link.list()));
    // Descriptors of what was closed go a turn later.
    await wait(50)
    memory.push(process.memoryUsage().rss)
    open.push(descriptors())
  } while (performance.now() < until && soak.lies.length === 0)
  t.same(soak.lies.slice(0, 20), [], `SEED=${SEED}`)
  const { counts } = soak
  t.comment(JSON.stringify(counts))
  for (const what of ['applied', 'refused', 'unknown', 'reads', 'floods', 'kills', 'watched'])
    t.ok((counts[what] ?? 0) > 0, `${counts[what]} ${what}`)
  t.ok(open.at(-1)! <= open[0]!, `descriptors: ${open[0]}, then ${open.at(-1)}`)
  // The heap grows to what it needs in the first rounds.
  const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20)
  const early = Math.max(...memory.slice(0, Math.max(3, memory.length >> 2)))
  t.ok(memory.at(-1)! < early + 128 * 2 ** 20, `memory: ${mebibytes(early)} MiB, then ${mebibytes(memory.at(-1)!)}`)
  for (const rt of soak.connections) t.comment(JSON.stringify(rt.dropped))
})
