/**
 * The npm package `netlink` through its own API: a request is a promise, and 128 are kept on their way.
 *   node npm-netlink.mjs WHAT IFINDEX COUNT
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { destination, endpoint, mac, PROTOCOL, report, timed, WARM_UP } from './messages.mjs'

const require = createRequire(import.meta.url)
const { createRtNetlink } = require('netlink')
const structs = require('netlink/dist/rt/structs.js')
const { AttrStream } = require('netlink/dist/structs.js')

const [what, device, number] = process.argv.slice(2)
const ifindex = Number(device)
const count = Number(number)
const AF_INET = 2
const AF_BRIDGE = 7
const RTNH_F_ONLINK = 4
const WINDOW = 128
/** Its socket aborts the process when the receive buffer overruns. */
const EVENTS_A_ROUND = 200

const ipv4 = (text) => Buffer.from(text.split('.').map(Number))
const u32 = (n) => {
  const b = Buffer.alloc(4)
  b.writeUInt32LE(n)
  return b
}
const hardware = (text) => Buffer.from(text.replaceAll(':', ''), 'hex')
const CREATE = { flags: 0x600 }

/** Addresses are text, as for the others, and have to become the bytes that the package takes. */
const onlink = (i, gateway = endpoint(i), priority = 1000 + i) => [
  {
    family: AF_INET,
    dstLen: 32,
    table: 254,
    protocol: PROTOCOL,
    scope: 'UNIVERSE',
    type: 'UNICAST',
    flags: { __unknown: RTNH_F_ONLINK },
  },
  { dst: ipv4(destination(i)), gateway: ipv4(gateway), oif: ifindex, priority },
]

const gone = (i) => [
  { family: AF_INET, dstLen: 32, table: 254, scope: 'NOWHERE' },
  { dst: ipv4(destination(i)), priority: 1000 + i },
]

async function each(action) {
  const waiting = []
  let applied = 0
  const [ms] = await timed(async () => {
    for (let i = 0; i < count; i++) {
      waiting.push(action(i).then(() => applied++))
      if (waiting.length === WINDOW) await Promise.all(waiting.splice(0))
    }
    await Promise.all(waiting)
  })
  return { ms, applied }
}

const rt = createRtNetlink()

const JOBS = {
  'route-batch': () => each((i) => rt.newRoute(...onlink(i), CREATE)),
  'route-one-gateway': () => each((i) => rt.newRoute(...onlink(i, endpoint(0), 1000), CREATE)),
  pairs: () =>
    each(async (i) => {
      await rt.newNextHop(
        { family: AF_INET, protocol: PROTOCOL, flags: { onlink: true } },
        { id: i + 1, gateway: ipv4(endpoint(i)), oif: ifindex },
        CREATE,
      )
      await rt.newRoute(
        { family: AF_INET, dstLen: 32, table: 254, protocol: PROTOCOL, scope: 'UNIVERSE', type: 'UNICAST' },
        { dst: ipv4(destination(i)), nhId: u32(i + 1) },
        CREATE,
      )
    }),
  neighbour: () =>
    each((i) =>
      rt.newNeighbor(
        { family: AF_INET, ifindex, state: { permanent: true } },
        { dst: ipv4(endpoint(i)), lladdr: hardware(mac(i)) },
        CREATE,
      ),
    ),
  fdb: () =>
    each((i) =>
      rt.newNeighbor(
        { family: AF_BRIDGE, ifindex, state: { permanent: true }, flags: { self: true } },
        { dst: ipv4(endpoint(i)), lladdr: hardware(mac(i)) },
        CREATE,
      ),
    ),
  delete: () => each((i) => rt.delRoute(...gone(i))),
  encode: async () => {
    let bytes = 0
    const [ms] = await timed(() => {
      for (let i = 0; i < count; i++) {
        const [data, attrs] = onlink(i)
        const out = new AttrStream()
        structs.formatRouteMessage({ kind: 'route', data, attrs }, out)
        bytes += Buffer.concat(out.bufs).length
      }
    })
    return { ms, applied: count, bytes }
  },
  dump: async () => {
    const [ms, routes] = await timed(() => rt.getRoutes({ family: AF_INET }))
    return { ms, applied: routes.filter(({ data }) => data.protocol === PROTOCOL).length }
  },
  single: async () => {
    for (let i = 0; i < WARM_UP; i++) {
      await rt.newRoute(...onlink(i % count), CREATE)
      await rt.delRoute(...gone(i % count))
    }
    const measured = async () => {
      for (let i = 0; i < count; i++) await rt.newRoute(...onlink(i), CREATE)
    }
    const [ms] = await timed(measured, { warm: true })
    return { ms, applied: count }
  },
  monitor: async () => {
    let applied = 0
    let done
    let wanted = 0
    rt.addMembership('IPV4_ROUTE')
    rt.on('message', (messages) => {
      for (const { data } of messages) if (data?.protocol === PROTOCOL) applied++
      if (applied >= wanted) done()
    })
    rt.socket.ref()
    let ms = 0
    for (let at = 0; at < count; at += EVENTS_A_ROUND) {
      const round = Math.min(EVENTS_A_ROUND, count - at)
      wanted = applied + round
      const all = new Promise((resolve) => {
        done = resolve
      })
      spawnSync(process.env.NBMA_BENCH_C, ['route-batch', device, String(round), String(at)])
      ms += (await timed(() => all, { warm: true }))[0]
    }
    return { ms, applied }
  },
}

await report(JOBS[what])
rt.socket.close()
