#!/usr/bin/env node
// Does a process that runs for long grow? Messages through one socket, opening and closing, many sockets at once; with
// each the open descriptors and the memory.
//
//   node bench/endurance.mjs [--messages 10000000] [--opens 10000] [--sockets 1100] [--seconds 240]
//
// --seconds bounds the messages: what was not sent by then is not sent. Needs root: it works in a namespace of its own.
import { readdirSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000000' },
    opens: { type: 'string', default: '10000' },
    sockets: { type: 'string', default: '1100' },
    seconds: { type: 'string', default: 'Infinity' },
  },
})
const [MESSAGES, OPENS, SOCKETS, SECONDS] = [values.messages, values.opens, values.sockets, values.seconds].map(Number)

const library = async () => {
  try {
    return await import('../dist/index.js')
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    return import('../build/lib/index.js')
  }
}
const { Namespace, Rtnetlink, link, nexthop, route } = await library()

const began = performance.now()
const mib = (bytes) => (bytes / 2 ** 20).toFixed(0)
const descriptors = () => readdirSync('/proc/self/fd').length - 1
const show = (what) => {
  const { rss, heapUsed, external } = process.memoryUsage()
  const at = ((performance.now() - began) / 1000).toFixed(1)
  const row = { rss, descriptors: descriptors() }
  console.log(
    `${at.padStart(6)} s  ${what.padEnd(34)} ${String(row.descriptors).padStart(5)} descriptors  ` +
      `RSS ${mib(rss).padStart(4)} MiB  heap ${mib(heapUsed).padStart(4)}  external ${mib(external).padStart(4)}`,
  )
  return row
}

/** The growth from after the warm-up to the end, which has to be nothing but noise. */
const growth = []
const judge = (what, from, to) => {
  const mebibytes = Math.round((to.rss - from.rss) / 2 ** 20)
  const fds = to.descriptors - from.descriptors
  growth.push({ what, mebibytes, fds, good: fds <= 0 && mebibytes < 64 })
}

const messages = async (namespace) => {
  const rt = await Rtnetlink.open({ namespace })
  await rt.request(
    link.add({ index: 30, ifname: 'vx0', up: true, linkinfo: { kind: 'vxlan', data: { id: 5, port: 4789 } } }),
  )
  await rt.request(nexthop.add({ id: 1, oif: 30 }))
  const LOT = 20_000
  const dst = (n) => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}/32`
  // Replaced, refused, removed, asked for one by one, and read: each lot has some of all.
  function* lot() {
    for (let n = 0; n < LOT * 0.45; n++) yield route.replace({ dst: dst(n), nhId: 1, table: 100 })
    for (let n = 0; n < LOT * 0.05; n++) yield route.add({ dst: dst(n), nhId: 1, table: 100 })
    for (let n = 0; n < LOT * 0.45; n++) yield route.delete({ dst: dst(n), table: 100 })
  }
  let sent = 0
  let first
  let last
  const step = Math.max(MESSAGES / 20, LOT)
  let next = step
  const end = performance.now() + SECONDS * 1000
  while (sent < MESSAGES && performance.now() < end) {
    const result = await rt.batch(lot())
    const { failures, unknown } = result
    if (failures.length !== LOT * 0.05 || unknown.length > 0)
      throw new Error(`${failures.length} failures, ${unknown.length} unknown: ${failures[0]?.error}`)
    sent += result.sent
    for (let n = 0; n < LOT * 0.05; n++, sent++) await rt.request(link.change({ index: 30, mtu: 1300 + (n % 100) }))
    await rt.list(link.list())
    if (sent >= next) {
      last = show(`${sent.toLocaleString('en')} messages`)
      // The heap has its size by then.
      first ??= last
      next += step
    }
  }
  last = show(`${sent.toLocaleString('en')} messages, the end`)
  judge(`${sent.toLocaleString('en')} messages through one socket`, first ?? last, last)
  console.log('dropped:', rt.dropped)
  rt.close()
}

const opens = async (namespace) => {
  let first
  for (let n = 1; n <= OPENS; n++) {
    const rt = await Rtnetlink.open({ namespace })
    if (n % 10 === 0) await rt.get(link.get({ index: 1 }))
    const monitor = n % 10 === 5 ? rt.monitor(['link']) : undefined
    await monitor?.return()
    rt.close()
    if (n % 50 === 0) await turn()
    if (n % Math.ceil(OPENS / 10) === 0) first ??= show(`${n} opened and closed`)
    if (n % Math.ceil(OPENS / 5) === 0) show(`${n} opened and closed`)
  }
  await turn()
  const last = show('all closed')
  judge(`${OPENS} times opened and closed`, first ?? last, last)
}

const sockets = async (namespace) => {
  const before = show('before')
  const all = []
  for (let n = 0; n < SOCKETS; n++) all.push(await Rtnetlink.open({ namespace }))
  show(`${SOCKETS} open`)
  const answers = await Promise.all(all.map((rt) => rt.get(link.get({ index: 1 }))))
  const right = answers.filter(([{ ifname }]) => ifname === 'lo').length
  if (right !== SOCKETS) throw new Error(`only ${right} of ${SOCKETS} answered`)
  for (const rt of all) rt.close()
  await turn()
  judge(`${SOCKETS} sockets at once`, before, show('all closed'))
}

const namespace = Namespace.create(`nbma-endurance-${process.pid}`)
try {
  show('the start')
  await messages(namespace)
  await opens(namespace)
  await sockets(namespace)
} finally {
  namespace.delete()
}
for (const { what, mebibytes, fds, good } of growth) {
  console.log(`${good ? 'good' : 'BAD '}  ${what}: ${fds} descriptors and ${mebibytes} MiB more`)
  if (!good) process.exitCode = 1
}
