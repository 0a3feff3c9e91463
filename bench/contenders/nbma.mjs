/**
 * This package, as its users write it: plain objects in, results out.
 *   node nbma.mjs WHAT IFINDEX COUNT
 */
import { spawnSync } from 'node:child_process'
import { neighbour, nexthop, Overlay, Rtnetlink, route } from 'nbma'
import { destination, EVENTS_A_ROUND, endpoint, mac, PROTOCOL, report, timed, WARM_UP } from './messages.mjs'

const [what, device, number, from = '0'] = process.argv.slice(2)
const ifindex = Number(device)
const count = Number(number)
const first = Number(from)

/** Plain objects as whoever reads them from a file has them. */
const peers = (make) => JSON.parse(JSON.stringify(Array.from({ length: count }, (_, i) => make(first + i))))

/** Plain objects are there before the clock starts; requests are made from them while it runs. */
function* requests(values, make) {
  for (const value of values) yield make(value)
}

const onlink = (i, different = {}) => ({
  dst: `${destination(i)}/32`,
  gateway: endpoint(i),
  oif: ifindex,
  priority: 1000 + i,
  protocol: PROTOCOL,
  flags: ['onlink'],
  ...different,
})

async function connected(job) {
  const rt = await Rtnetlink.open()
  try {
    return await job(rt)
  } finally {
    rt.close()
  }
}

const batch = (source) =>
  connected(async (rt) => {
    const [ms, { applied, failures }] = await timed(() => rt.batch(source))
    return { ms, applied, errors: failures.length > 0 ? { [failures[0].error.code]: failures.length } : {} }
  })

const batchOf = (values, make) => batch(requests(values, make))

function* pairs(values) {
  for (const value of values) {
    yield nexthop.add(value.nexthop)
    yield route.add(value.route)
  }
}

const dump = () =>
  connected(async (rt) => {
    let applied = 0
    let checksum = 0
    const [ms] = await timed(async () => {
      for await (const { dst, gateway, oif, table, protocol } of rt.dump(route.list({ family: 'inet' }))) {
        if (protocol === PROTOCOL) applied++
        checksum += dst.length + (gateway?.length ?? 0) + (oif ?? 0) + table
      }
    })
    return { ms, applied, checksum }
  })

const sync = (what) =>
  connected(async (rt) => {
    const overlay = await Overlay.open(rt, { device: ifindex, protocol: PROTOCOL, strategy: 'onlink' })
    const list = peers((i) => ({ endpoint: endpoint(i), prefixes: [`${destination(i)}/32`] }))
    const [ms, result] = await timed(() => overlay.sync(list))
    return { ms, applied: result[what], failures: result.failures.length }
  })

const JOBS = {
  'route-batch': () =>
    batchOf(
      peers((i) => onlink(i)),
      route.add,
    ),
  'route-one-gateway': () =>
    batchOf(
      peers((i) => onlink(i, { gateway: endpoint(0), priority: 1000 })),
      route.add,
    ),
  'route-one-metric': () =>
    batchOf(
      peers((i) => onlink(i, { priority: undefined })),
      route.add,
    ),
  pairs: () =>
    batch(
      pairs(
        peers((i) => ({
          nexthop: { id: i + 1, gateway: endpoint(i), oif: ifindex, protocol: PROTOCOL, flags: ['onlink'] },
          route: { dst: `${destination(i)}/32`, nhId: i + 1, protocol: PROTOCOL },
        })),
      ),
    ),
  neighbour: () =>
    batchOf(
      peers((i) => ({ ifindex, dst: endpoint(i), lladdr: mac(i) })),
      neighbour.add,
    ),
  fdb: () =>
    batchOf(
      peers((i) => ({ family: 'bridge', ifindex, lladdr: mac(i), dst: endpoint(i) })),
      neighbour.add,
    ),
  delete: () =>
    batchOf(
      peers((i) => ({ dst: `${destination(i)}/32`, priority: 1000 + i })),
      route.delete,
    ),
  encode: async () => {
    const values = peers((i) => onlink(i))
    let bytes = 0
    const [ms] = await timed(() => {
      for (const value of values) bytes += route.add(value).bytes.length
    })
    return { ms, applied: count, bytes }
  },
  dump,
  single: () =>
    connected(async (rt) => {
      const values = peers((i) => onlink(i))
      for (let i = 0; i < WARM_UP; i++) {
        const { dst, priority } = values[i % count]
        await rt.request(route.add(values[i % count]))
        await rt.request(route.delete({ dst, priority }))
      }
      const measured = async () => {
        for (const value of values) await rt.request(route.add(value))
      }
      const [ms] = await timed(measured, { warm: true })
      return { ms, applied: count }
    }),
  monitor: () =>
    connected(async (rt) => {
      const events = rt.monitor(['ipv4-route'])
      let ms = 0
      let applied = 0
      let resyncs = 0
      for (let at = first; at < first + count; at += EVENTS_A_ROUND) {
        const round = Math.min(EVENTS_A_ROUND, first + count - at)
        spawnSync(process.env.NBMA_BENCH_C, ['route-batch', device, String(round), String(at)])
        const read = async () => {
          for (let seen = 0; seen < round; seen++) {
            const { value } = await events.next()
            if (value.event === 'resync') resyncs++
            else if (value.message.protocol === PROTOCOL) applied++
          }
        }
        ms += (await timed(read, { warm: true }))[0]
      }
      await events.return()
      return { ms, applied, resyncs }
    }),
  sync: () => sync('added'),
  'sync-again': () => sync('unchanged'),
  /** Objects are made one by one, as whoever streams does: nothing holds them all. */
  'memory-batch': () =>
    batch(
      (function* () {
        for (let i = first; i < first + count; i++) yield route.add(onlink(i))
      })(),
    ),
  'memory-dump': dump,
}

await report(JOBS[what])
