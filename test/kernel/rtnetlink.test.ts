import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { DumpInterruptedError, KernelError, OutcomeUnknownError } from '../../lib/errors.js'
import type { BatchResult } from '../../lib/netlink/batch.js'
import { Namespace } from '../../lib/netns/namespace.js'
import { link } from '../../lib/rtnl/link.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { Lab } from '../../lib/testing/lab.js'
import { frames, NLM_F_DUMP_INTR } from '../../lib/wire/frame.js'
import { Request } from '../../lib/wire/request.js'
import { needsNamespaces, runNode, testNamespace, uniqueName } from '../helpers/kernel.js'

/** A connection to a kernel that answers, or has no room to. */

t.setTimeout(300_000)
const skip = { skip: needsNamespaces, timeout: 120_000 }
const LIB = new URL('../../lib/index.js', import.meta.url).href
const VX = 30

/** A device that is up, for routes: 30. */
async function withDevice(rt: Rtnetlink): Promise<Rtnetlink> {
  await rt.request(
    link.add({ index: VX, ifname: 'vx0', up: true, linkinfo: { kind: 'vxlan', data: { id: 5, port: 4789 } } }),
  )
  return rt
}

const ipv4 = (n: number): string => `${10 + (n >> 24)}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
const one = (n: number, more: object = {}): Request => route.add({ dst: `${ipv4(n)}/32`, oif: VX, table: 100, ...more })
const range = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n))

t.test('a table that never was has no routes', skip, async (t) => {
  await using rt = await Rtnetlink.open({ namespace: testNamespace(t) })
  for (const family of ['inet', 'inet6'] as const) {
    t.same(await rt.list(route.list({ family, table: 4242 })), [], `${family}: list`)
    for await (const found of rt.dump(route.list({ family, table: 4242 }))) t.fail('a route', { found })
  }
  t.same(await rt.list(route.list({ table: 254 })), [], 'the next one is right')
})

t.test('10,000 failures beside a tiny receive buffer', skip, async (t) => {
  await using rt = await Rtnetlink.open({ namespace: testNamespace(t), receiveBuffer: 4096 })
  await withDevice(rt)
  await rt.request(one(0))
  const result = await rt.batch(range(10_000, () => one(0)))
  t.match(result, { sent: 10_000, applied: 0, unknown: { length: 0 } })
  t.equal(result.failures.length, 10_000)
  t.ok(result.failures.every(({ index, error }, at) => index === at && error instanceof KernelError))
  t.same([...new Set(result.failures.map(({ error }) => (error as KernelError).code))], ['EEXIST'])

  const requests = range(1000, (n) => one(n % 3 === 0 ? 0 : n))
  const mixed = await rt.batch(requests)
  t.equal(mixed.applied, 666)
  t.same(
    mixed.failures.map(({ index }) => index),
    range(334, (n) => 3 * n),
    'first, in the middle and last',
  )
  t.equal((await rt.list(route.list({ table: 100 }))).length, 667)
})

t.test('forged answers of a privileged neighbour', skip, async (t) => {
  const namespace = testNamespace(t)
  await using rt = await Rtnetlink.open({ namespace })
  await withDevice(rt)
  // Writes an ACK for every sequence number that may come next to every port of the namespace, over and over.
  const forger = runNode(
    `
    import { createRequire } from 'node:module'
    import { readFileSync } from 'node:fs'
    const koffi = createRequire(args[1])('koffi')
    const c = koffi.load(null)
    const socket = c.func('int socket(int, int, int)')
    const sendto = c.func('intptr_t sendto(int, const void *, size_t, int, const void *, uint)')
    const errno = () => koffi.errno()
    Namespace.open(args[0]).run(() => {
      const fd = socket(16, 3, 0)
      const ports = readFileSync('/proc/thread-self/net/netlink', 'utf8').split('\\n').slice(1)
        .map((line) => line.trim().split(/\\s+/)).filter((row) => row[1] === '0' && Number(row[2]) > 0)
        .map((row) => Number(row[2]))
      const results = {}
      for (const port of ports) for (let seq = 0; seq < 100; seq++) {
        const to = Buffer.alloc(12)
        to.writeUInt16LE(16, 0)
        to.writeUInt32LE(port, 4)
        const ack = Buffer.alloc(36)
        ack.writeUInt32LE(36, 0)
        ack.writeUInt16LE(2, 4)
        ack.writeUInt16LE(0x100, 6)
        ack.writeUInt32LE(seq, 8)
        ack.writeUInt32LE(port, 12)
        const sent = sendto(fd, ack, ack.length, 0, to, to.length)
        const how = sent === 36 ? 'arrived' : 'errno ' + errno()
        results[how] = (results[how] ?? 0) + 1
      }
      console.log(JSON.stringify({ ports: ports.length, results }))
    })
    `,
    [namespace.name!, import.meta.url],
  )
  const refused = { how: 0, told: 0 }
  let forging = true
  const done = forger.finally(() => {
    forging = false
  })
  await rt.request(one(0))
  while (forging) {
    refused.how++
    await rt.request(one(0)).catch((error) => (refused.told += error.code === 'EEXIST' ? 1 : 0))
    await turn()
  }
  const { stdout, stderr } = await done
  t.equal(stderr, '')
  const { ports, results } = JSON.parse(stdout)
  t.ok(ports >= 1, `${ports} ports`)
  // ECONNREFUSED: a connected socket takes nothing from others.
  t.same(results, { 'errno 111': ports * 100 })
  t.equal(refused.told, refused.how, `${refused.how} requests had the kernel's answer`)
  t.match(rt.dropped, { late: 0, foreign: 0, malformed: 0 }, 'nothing of it came to the connection')
})

t.test('process.exit() with all kinds of things open', skip, async (t) => {
  const namespace = testNamespace(t)
  for (const how of ['process.exit(7)', 'process.exitCode = 7', 'setTimeout(() => process.exit(7), 20)']) {
    const { status, signal, stdout, stderr } = await runNode(
      `
      const { Rtnetlink, link } = await import(args[1])
      const namespace = Namespace.open(args[0])
      const rt = await Rtnetlink.open({ namespace })
      const others = await Promise.all(Array.from({ length: 20 }, () => Rtnetlink.open({ namespace })))
      const monitors = ${how.includes('exitCode')} ? [] : [rt.monitor(['link']), others[0].monitor(['ipv4-route'])]
      for (const monitor of monitors) monitor.next().catch(() => {})
      rt.dump(link.list()).next().catch(() => {})
      others[1].request(link.change({ index: 1, up: true })).catch(() => {})
      console.log('open')
      ${how}
      `,
      [namespace.name!, LIB],
    )
    t.same([status, signal, stdout, stderr], [7, null, 'open\n', ''], how)
  }
})

t.test('a namespace that was deleted, and made anew', skip, async (t) => {
  const name = uniqueName()
  const namespace = Namespace.create(name)
  t.teardown(() => Namespace.exists(name) && Namespace.open(name).delete())
  await using rt = await withDevice(await Rtnetlink.open({ namespace }))
  const monitor = rt.monitor(['link'])
  const watching = monitor.next()
  const gone = { name: 'NamespaceGoneError', code: 'NBMA_NAMESPACE_GONE' }
  const other = Namespace.open(name)
  other.delete()
  const said = `network namespace ${name} is gone`
  await t.rejects(rt.request(one(0)), { ...gone, message: said }, 'request')
  await t.rejects(rt.list(link.list()), { ...gone, message: said }, 'list')
  await t.rejects(rt.batch([one(0)]), { ...gone, message: said }, 'batch')
  await t.rejects(watching, { ...gone, message: said }, 'a monitor that waits')
  const fresh = Namespace.create(name)
  const anew = `network namespace ${name} was deleted and created anew`
  await t.rejects(rt.request(one(0)), { ...gone, message: anew }, 'request')
  await t.rejects(rt.dump(link.list()).next(), { ...gone, message: anew }, 'dump')
  t.throws(() => rt.monitor(['link']), { ...gone, message: anew }, 'monitor')
  await t.rejects(Rtnetlink.open({ namespace }), { ...gone, message: anew }, 'open')
  await using there = await Rtnetlink.open({ namespace: fresh })
  t.same(
    (await there.list(link.list())).map(({ ifname }) => ifname),
    ['lo'],
    'nothing was done to the new one',
  )
})

t.test('a namespace by its name, its path, or a process in it', skip, async (t) => {
  const namespace = testNamespace(t)
  await withDevice(await Rtnetlink.open({ namespace })).then((rt) => rt.close())
  const child = namespace.spawn('sleep', ['60'])
  t.teardown(() => child.kill())
  const held = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      const stat = statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })
      return stat !== undefined && `${stat.dev}:${stat.ino}` === namespace.id
    }).length
  const before = held()
  for (const [i, place] of [namespace.name!, namespace.path, child.pid!, `/proc/${child.pid}/ns/net`].entries()) {
    await using rt = await Rtnetlink.open({ namespace: place })
    t.match(await rt.get(link.get({ index: VX })), [{ ifname: 'vx0' }], `${place}`)
    const stop = new AbortController()
    const monitor = rt.monitor(['link'], { signal: stop.signal })
    const next = monitor.next()
    await rt.request(link.change({ index: VX, mtu: 1400 + i }))
    t.match(await next, { value: { event: 'RTM_NEWLINK', message: { ifname: 'vx0' } } }, `${place}: a monitor`)
    stop.abort()
    t.equal(held(), before, 'nothing is held open')
  }
  await t.rejects(Rtnetlink.open({ namespace: uniqueName() }), {
    code: 'ENOENT',
    message: /there is no \/run\/netns\//,
  })
  await t.rejects(Rtnetlink.open({ namespace: 2 ** 30 }), { code: 'ENOENT' })
  await t.rejects(Rtnetlink.open({ namespace: 'a/b' }), { code: 'EINVAL' })
  await t.rejects(Rtnetlink.open({ namespace: '/dev/null' }), { code: 'EINVAL', message: /is not a namespace/ })
  for (const namespace of [{}, true, null] as never[]) {
    await t.rejects(Rtnetlink.open({ namespace }), {
      name: 'EncodeError',
      path: 'namespace',
      message: /the name or path/,
    })
  }
})

t.test('a namespace by its name that was deleted, and made anew', skip, async (t) => {
  const { name } = testNamespace(t)
  await using rt = await Rtnetlink.open({ namespace: name! })
  Namespace.open(name!).delete()
  const gone = { name: 'NamespaceGoneError', message: `network namespace ${name} is gone` }
  await t.rejects(rt.list(link.list()), gone)
  t.throws(() => rt.monitor(['link']), gone)
  Namespace.create(name!).close()
  const anew = { name: 'NamespaceGoneError', message: `network namespace ${name} was deleted and created anew` }
  await t.rejects(rt.list(link.list()), anew)
  t.throws(() => rt.monitor(['link']), anew)
})

t.test('a connection that a signal closes', skip, async (t) => {
  const namespace = testNamespace(t)
  const reason = new Error('mine')
  await t.rejects(Rtnetlink.open({ namespace, signal: AbortSignal.abort(reason) }), reason, 'or does not open')
  const controller = new AbortController()
  const rt = await Rtnetlink.open({ namespace, signal: controller.signal })
  t.equal((await rt.list(link.list())).length, 1)
  controller.abort()
  await t.rejects(rt.list(link.list()), { name: 'ClosedError' })
})

t.test('timeouts and aborts', skip, async (t) => {
  await using rt = await withDevice(await Rtnetlink.open({ namespace: testNamespace(t) }))
  const there = async (n: number): Promise<boolean> =>
    (await rt.list(route.list({ table: 100 }))).some(({ dst }) => dst === `${ipv4(n)}/32`)

  await t.rejects(rt.request(one(1), { signal: AbortSignal.abort(new Error('mine')) }), { message: 'mine' }, 'before')
  t.notOk(await there(1), 'was not sent')

  // The kernel has executed it when the call returns; the answer is not read before the call's own microtask.
  const controller = new AbortController()
  const request = rt.request(one(2), { signal: controller.signal })
  controller.abort(new Error('mine'))
  await t.rejects(request, {
    name: 'OutcomeUnknownError',
    message: `RTM_NEWROUTE ${ipv4(2)}/32: aborted after it was sent, outcome unknown: it may or may not have been applied`,
    cause: { message: 'mine' },
  })
  t.ok(await there(2), 'and indeed it was applied')

  const reading = new AbortController()
  const get = rt.get(link.get({ index: VX }), { signal: reading.signal })
  reading.abort(new Error('mine'))
  await t.rejects(get, { message: 'mine' }, 'a read leaves no doubt')

  // Whoever waits longer than the timeout because the thread is busy is answered all the same.
  const late = rt.request(one(3), { timeout: 1 })
  const until = performance.now() + 100
  while (performance.now() < until);
  t.same(await late, {}, 'the answer is there')

  let progress: BatchResult | undefined
  const stop = new AbortController()
  const requests = range(5000, (n) => one(1000 + n))
  await t.rejects(
    rt.batch(requests, {
      signal: stop.signal,
      onProgress: (result) => {
        progress = result
        if (result.sent >= 1000) stop.abort(new Error('mine'))
      },
    }),
    { message: 'mine' },
  )
  const { sent, applied, failures, unknown } = progress!
  t.ok(sent >= 1000 && sent < 5000, `${sent} sent`)
  t.same([applied, failures, unknown], [sent, [], []])
  t.equal((await rt.list(route.list({ table: 100 }))).length, sent + 2, 'as many as it says')

  const listing = new AbortController()
  let seen = 0
  await t.rejects(
    (async () => {
      for await (const _ of rt.dump(route.list({ table: 100 }), { signal: listing.signal }))
        if (++seen === 10) listing.abort(new Error('mine'))
    })(),
    { message: 'mine' },
  )
  t.equal(seen, 10)
  for await (const _ of rt.dump(route.list({ table: 100 }))) break
  t.equal((await rt.list(route.list({ table: 100 }))).length, sent + 2, 'the next dump is right')

  const closing = rt.request(one(4))
  rt.close()
  await t.rejects(closing, { name: 'ClosedError', message: /outcome unknown/ })
  await t.rejects(rt.request(one(5)), { name: 'ClosedError', message: /not sent/ })
})

t.test('dumps at once wait for each other, requests do not', skip, async (t) => {
  await using rt = await withDevice(await Rtnetlink.open({ namespace: testNamespace(t) }))
  await rt.batch(range(5000, (n) => one(n)))
  const order: string[] = []
  const note = async <T>(name: string, work: Promise<T>): Promise<T> => {
    const result = await work
    order.push(name)
    return result
  }
  const count = async (): Promise<number> => {
    let items = 0
    for await (const _ of rt.dump(route.list({ table: 100 }))) items++
    return items
  }
  const [first, second, third, got, links] = await Promise.all([
    note('first', rt.list(route.list({ table: 100 }))),
    note('second', count()),
    note('third', rt.list(route.list({ table: 100 }))),
    note('get', rt.get(link.get({ index: VX }))),
    note('links', rt.list(link.list())),
    note('request', rt.request(link.change({ index: VX, mtu: 1400 }))),
  ])
  t.same([first.length, second, third.length, got.length, links.length], [5000, 5000, 5000, 1, 2])
  t.same(
    order.filter((name) => name === 'first' || name === 'third' || name === 'links'),
    ['first', 'third', 'links'],
    'in turn',
  )
  t.ok(order.indexOf('request') < order.indexOf('links'), 'a request does not wait for all dumps')
})

t.test('nexthops that change while they are read', skip, async (t) => {
  const namespace = testNamespace(t)
  let marked = 0
  /** The dump that was asked for last is one that the kernel marked. */
  let isMarked = false
  const tap = ({ bytes, sent }: { bytes: Uint8Array; sent: boolean }): void => {
    if (sent) isMarked = false
    else if ([...frames(Buffer.from(bytes))].some(({ flags }) => flags & NLM_F_DUMP_INTR)) {
      isMarked = true
      marked++
    }
  }
  await using rt = await withDevice(await Rtnetlink.open({ namespace, tap }))
  const STABLE = 1500
  await rt.batch(range(STABLE, (n) => nexthop.add({ id: n + 1, oif: VX })))
  // In a process of its own, so that it happens while the kernel fills a dump, until the device's MTU says stop.
  const churning = runNode(
    `
    const { Rtnetlink, link, nexthop } = await import(args[1])
    const rt = await Rtnetlink.open({ namespace: Namespace.open(args[0]) })
    for (let turns = 0; ; turns += 100) {
      for (let n = 0; n < 100; n++) {
        const id = 10_000 + (n % 50)
        await rt.request(n < 50 ? nexthop.replace({ id, oif: ${VX} }) : nexthop.delete({ id }))
      }
      const [{ mtu }] = await rt.get(link.get({ index: ${VX} }))
      if (mtu === 1300) {
        console.log(turns)
        break
      }
    }
    `,
    [namespace.name!, LIB],
  )
  const tally = { whole: 0, interrupted: 0, short: 0 }
  const judge = (ids: readonly (number | undefined)[], error?: unknown): void => {
    const stable = new Set(ids.filter((id) => id !== undefined && id <= STABLE)).size
    if (isMarked !== error instanceof DumpInterruptedError) t.fail(`marked: ${isMarked}, told: ${error}`)
    if (error instanceof DumpInterruptedError) tally.interrupted++
    else if (error) throw error
    else if (stable === STABLE) tally.whole++
    else tally.short++
  }
  const until = performance.now() + 15_000
  let round = 0
  for (; round < 40 || (marked < 10 && performance.now() < until); round++) {
    await turn()
    const ids: (number | undefined)[] = []
    if (round % 2 === 0) {
      try {
        for (const { id } of await rt.list(nexthop.list())) ids.push(id)
        judge(ids)
      } catch (error) {
        judge(ids, error)
        if (error instanceof DumpInterruptedError) t.ok(error.items.length > 0, 'the last try is there')
      }
    } else {
      try {
        for await (const { id } of rt.dump(nexthop.list())) ids.push(id)
        judge(ids)
      } catch (error) {
        judge(ids, error)
      }
    }
  }
  await rt.request(link.change({ index: VX, mtu: 1300 }))
  const { stdout, stderr } = await churning
  t.equal(stderr, '')
  t.equal(tally.short, 0, `${stdout.trim()} changes, ${marked} parts marked, ${JSON.stringify(tally)}`)
  t.equal(tally.whole + tally.interrupted, round)
  t.ok(marked > 0, 'the kernel said so')
  t.equal((await rt.list(nexthop.list())).length, STABLE, 'when it is quiet, whole')
})

t.test('50,000 events at full speed', skip, async (t) => {
  const namespace = testNamespace(t)
  await using rt = await withDevice(await Rtnetlink.open({ namespace }))
  const COUNT = 50_000
  const known = new Set<string>()
  let resyncs = 0
  let events = 0
  const stop = new AbortController()
  const marker = `${ipv4(COUNT + 1)}/32`
  const watching = (async () => {
    for await (const { event, message } of rt.monitor(['ipv4-route'], { signal: stop.signal })) {
      if (event === 'resync') {
        resyncs++
        known.clear()
        for (const { dst } of await rt.list(route.list({ table: 100 }))) known.add(dst!)
      } else if (event === 'RTM_NEWROUTE') {
        events++
        known.add(message.dst!)
        if (message.dst === marker) return
      }
    }
  })()
  const result = await rt.batch(range(COUNT, (n) => one(n)))
  t.equal(result.applied, COUNT)
  // The queue may be full when it comes: then it is in what is read anew.
  await rt.request(one(COUNT + 1))
  for (let tries = 0; tries < 600 && !known.has(marker); tries++) await wait(100)
  stop.abort()
  await watching
  t.ok(known.has(marker))
  t.equal(known.size, COUNT + 1, `${events} events, ${resyncs} resyncs`)
  t.ok(events >= COUNT + 1 || resyncs === 1, 'all of them, or one resync')
})

t.test('one resync for whatever was lost', skip, async (t) => {
  const namespace = testNamespace(t)
  await using rt = await withDevice(await Rtnetlink.open({ namespace }))
  const monitor = rt.monitor(['ipv4-route'])
  const COUNT = 60_000
  t.equal((await rt.batch(range(COUNT, (n) => one(n)))).applied, COUNT)
  // Nobody has read: what waits was given up, whether by us or by the kernel.
  const first = await monitor.next()
  t.equal(first.value?.event, 'resync', 'and it comes first')
  await rt.request(one(COUNT))
  let after = 0
  let resyncs = 1
  const seen = new Set<string>()
  for (;;) {
    const { value } = await monitor.next()
    if (value?.event === 'resync') resyncs++
    else if (value?.event === 'RTM_NEWROUTE') {
      after++
      if (seen.has(value.message.dst!)) t.fail('twice', { dst: value.message.dst })
      seen.add(value.message.dst!)
      if (value.message.dst === `${ipv4(COUNT)}/32`) break
    }
  }
  t.equal(resyncs, 1, `then ${after} events`)
  await monitor.return?.()
})

t.test('what the kernel alone lost has one resync, and nothing older follows it', skip, async (t) => {
  const namespace = testNamespace(t)
  await using rt = await withDevice(await Rtnetlink.open({ namespace }))
  const monitor = rt.monitor(['ipv4-route'])
  t.teardown(() => monitor.return?.())
  const next = async (): Promise<string> => {
    const late = wait(5000, undefined, { ref: false })
    const result = await Promise.race([monitor.next(), late])
    const { event, message } = result?.value ?? {}
    return event === 'RTM_NEWROUTE' ? message!.dst! : `${event}`
  }
  await rt.request(one(0))
  t.equal(await next(), '10.0.0.0/32')
  // This thread reads nothing meanwhile: what has no room in the socket is lost, the rest is less than may wait here.
  const COUNT = 30_000
  const input = range(COUNT, (n) => `route add ${ipv4(n + 1)}/32 dev vx0 table 100\n`).join('')
  t.equal(spawnSync('ip', ['-n', namespace.name!, '-batch', '-'], { input }).status, 0)
  t.equal(await next(), 'resync')
  t.equal((await rt.list(route.list({ table: 100 }))).length, COUNT + 1)
  await rt.request(one(COUNT + 1))
  t.equal(await next(), `${ipv4(COUNT + 1)}/32`)
})

t.test('what the kernel says of a success', skip, async (t) => {
  await using rt = await withDevice(await Rtnetlink.open({ namespace: testNamespace(t) }))
  t.same(await rt.request(one(1)), {}, 'nothing')
  // As a program might put a message together: the last attribute, the table, says that it is longer than it is.
  const broken = one(2, { table: 1000 })
  const bytes = Buffer.from(broken.bytes)
  const table = bytes.length - 8
  t.equal(new Uint16Array(bytes.buffer, bytes.byteOffset + table, 2)[1], 15, 'RTA_TABLE')
  bytes.set(new Uint8Array(Uint16Array.of(64).buffer), table)
  const result = await rt.request(new Request(broken.operation, broken.type, broken.flags, broken.value, bytes))
  t.match(result, { warning: /bytes leftover after parsing attributes/ })
  t.same(
    (await rt.list(route.list({ family: 'inet', table: 254 }))).map(({ dst }) => dst),
    [`${ipv4(2)}/32`],
    'it is in another table',
  )
})

t.test('nothing is told of what was not seen', skip, async (t) => {
  // A connection that is never read in time: its thread is busy while a second one writes.
  const namespace = testNamespace(t)
  await using rt = await withDevice(await Rtnetlink.open({ namespace, timeout: 50 }))
  const outcomes = await Promise.allSettled(range(2000, (n) => rt.request(one(n))))
  const told = { applied: 0, unknown: 0, other: 0 }
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') told.applied++
    else if (outcome.reason instanceof OutcomeUnknownError) told.unknown++
    else told.other++
  }
  const there = (await rt.list(route.list({ table: 100 }), { timeout: 10_000 })).length
  t.ok(there >= told.applied && there <= told.applied + told.unknown, JSON.stringify({ ...told, there }))
})

t.test('parameters are those of the namespace that the connection is in', skip, async (t) => {
  await using lab = await Lab.create({ hosts: { a: { eth1: '192.168.122.11/24' }, b: { eth1: '192.168.122.12/24' } } })
  const { a, b } = lab.hosts
  const path = 'net/ipv4/conf/eth1/rp_filter'
  for (const value of [0, 1, 2]) {
    a.sysctl(path.replaceAll('/', '.'), value)
    b.sysctl(path.replaceAll('/', '.'), 2 - value)
    t.equal(a.rt.sysctl(path), `${value}`)
    t.equal(b.rt.sysctl(path), `${2 - value}`)
  }
  t.equal(a.rt.sysctl('net/ipv4/no/such'), undefined)
  await using own = await Rtnetlink.open()
  t.equal(own.sysctl(path), undefined, 'the process stays where it was')
  t.ok(Number(a.rt.sysctl('net/ipv4/neigh/default/gc_thresh3')) > 0, 'what is global is seen from everywhere')
})
