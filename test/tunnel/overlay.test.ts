import fc from 'fast-check'
import t from 'tap'
import { Overlay } from '../../lib/tunnel/overlay.js'
import type { Peer } from '../../lib/tunnel/peer.js'
import type { Strategy } from '../../lib/tunnel/scheme.js'
import { type Fault, ModelKernel, type Value } from './model.js'

/** Overlays against a model of the kernel: whatever happens in between, the next sync makes what was asked for. */

interface Setup {
  readonly name: string
  readonly device: Value
  readonly strategy: Strategy | 'auto'
  readonly inner: readonly ('inet' | 'inet6')[]
  readonly flood?: boolean
  /** Some peers have one MAC. */
  readonly stations?: boolean
}

/** `NBMA_RUNS=20` looks harder. */
const RUNS = Number(process.env.NBMA_RUNS ?? 1)

const LOCAL = { local: '192.168.122.11' }
const SETUPS: readonly Setup[] = [
  { name: 'sit', device: { linkinfo: { kind: 'sit', data: LOCAL } }, strategy: 'auto', inner: ['inet', 'inet6'] },
  { name: 'gre', device: { linkinfo: { kind: 'gre', data: LOCAL } }, strategy: 'auto', inner: ['inet', 'inet6'] },
  {
    name: 'gre, gateways',
    device: { linkinfo: { kind: 'gre', data: LOCAL } },
    strategy: 'neighbour',
    inner: ['inet', 'inet6'],
  },
  {
    name: 'gre, external',
    device: { linkinfo: { kind: 'gre', data: { collectMetadata: true } } },
    strategy: 'auto',
    inner: ['inet', 'inet6'],
  },
  {
    name: 'vxlan',
    device: { linkinfo: { kind: 'vxlan', data: { id: 5, ...LOCAL } } },
    strategy: 'auto',
    inner: ['inet', 'inet6'],
    flood: true,
  },
  {
    name: 'vxlan, nexthop objects',
    device: { linkinfo: { kind: 'vxlan', data: { id: 5, ...LOCAL } } },
    strategy: 'nexthop',
    inner: ['inet', 'inet6'],
    flood: true,
    stations: true,
  },
  {
    name: 'sit, nexthop objects',
    device: { linkinfo: { kind: 'sit', data: LOCAL } },
    strategy: 'nexthop',
    inner: ['inet', 'inet6'],
  },
  {
    name: 'gre, nexthop objects',
    device: { linkinfo: { kind: 'gre', data: LOCAL } },
    strategy: 'nexthop',
    inner: ['inet'],
  },
  { name: 'veth', device: { linkinfo: { kind: 'veth' } }, strategy: 'onlink', inner: ['inet', 'inet6'] },
]

const PROTOCOL = 78
const PREFIXES = {
  inet: ['10.1.0.0/16', '10.1.1.0/24', '10.1.1.1/32', '10.2.0.0/16'],
  inet6: ['2001:db8:1::/48', '2001:db8:1::1/128'],
}
const ENDPOINTS = [1, 2, 3, 4, 5]

/** What a peer is beside its prefixes depends on the endpoint alone, or two would claim one gateway. */
const peerOf = ({ stations }: Setup, n: number, prefixes: readonly string[], weight: number): Peer => {
  const shared = stations && SHARED[n]
  return {
    endpoint: `192.168.122.10${n}`,
    prefixes,
    weight,
    mac: `02:00:00:00:00:0${shared || n}`,
    ...(shared ? {} : n % 2 === 0 ? { gateway: `10.255.0.${n}` } : { gateway: `10.255.1.${n}` }),
  }
}
/** Peers with the MAC of another one. */
const SHARED: Readonly<Record<number, number>> = { 2: 2, 3: 2, 4: 4, 5: 4, 7: 2 }

/** A list of peers, some of whose prefixes others have too. */
const wish = (setup: Setup): fc.Arbitrary<Peer[]> =>
  fc
    .uniqueArray(
      fc.record({
        n: fc.constantFrom(...ENDPOINTS),
        prefixes: fc.uniqueArray(fc.constantFrom(...setup.inner.flatMap((family) => PREFIXES[family])), {
          maxLength: 4,
        }),
        weight: fc.integer({ min: 1, max: 3 }),
      }),
      { selector: ({ n }) => n, maxLength: ENDPOINTS.length },
    )
    .map((list) => list.map(({ n, prefixes, weight }) => peerOf(setup, n, prefixes, weight)))

const open = (kernel: ModelKernel, { strategy, flood = false }: Setup): Promise<Overlay> =>
  Overlay.open(kernel.connect(), { device: 'tun', protocol: PROTOCOL, strategy, flood })

/** Things of other people on the same device and in the same table. */
function addForeign(kernel: ModelKernel): void {
  const route = { family: 'inet', table: 254, protocol: 'static', scope: 'universe', type: 'unicast', flags: [] }
  kernel.routes.push({ ...route, dst: '10.1.0.0/16', priority: 5, gateway: '192.168.122.99', oif: 7 })
  kernel.routes.push({
    ...route,
    protocol: PROTOCOL,
    dst: '10.1.1.0/24',
    priority: 6,
    gateway: '192.168.122.99',
    oif: 8,
  })
  kernel.nexthops.push({
    family: 'inet',
    scope: 'link',
    protocol: 'static',
    flags: [],
    id: 3,
    gateway: '192.168.122.99',
    oif: 7,
  })
  kernel.neighbours.push({
    family: 'inet',
    ifindex: 7,
    state: ['permanent'],
    flags: [],
    type: 'unspec',
    dst: '10.255.9.9',
    lladdr: '192.168.122.99',
    protocol: 'static',
  })
}

const foreignOf = (kernel: ModelKernel): readonly string[] =>
  kernel.state.filter((one) => /192\.168\.122\.99/.test(one))

const ours = (kernel: ModelKernel): Value[] =>
  kernel.routes.filter(({ protocol, oif }) => protocol === PROTOCOL && oif !== 8)

/** Prefix → endpoints and weights. */
function demand(peers: readonly Peer[]): Map<string, string[]> {
  const wanted = new Map<string, string[]>()
  for (const { endpoint, prefixes, weight } of peers)
    for (const prefix of prefixes) wanted.set(prefix, [...(wanted.get(prefix) ?? []), `${endpoint}*${weight}`])
  for (const [prefix, to] of wanted) wanted.set(prefix, to.length === 1 ? [to[0]!.replace(/\*.*/, '*1')] : to.sort())
  return wanted
}

/** What the model has, as `demand` puts it. */
function supply(kernel: ModelKernel): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const route of ours(kernel)) {
    const dst = route.dst as string
    if (found.has(dst)) throw new Error(`two routes to ${dst}`)
    found.set(dst, kernel.resolve(route))
  }
  return found
}

/** MAC → endpoints and weights, as wanted and as the model has them. */
function assertStations(kernel: ModelKernel, peers: readonly Peer[]): void {
  const wanted = new Map<string, string[]>()
  for (const { mac, endpoint, weight } of peers)
    wanted.set(mac!, [...(wanted.get(mac!) ?? []), `${endpoint}*${weight}`].sort())
  const found = new Map<string, string[]>()
  for (const entry of kernel.forwards)
    if (!/^00/.test(entry.lladdr as string)) found.set(entry.lladdr as string, kernel.behind(entry))
  if (sorted(wanted) !== sorted(found)) throw new Error(`MACs: wanted ${sorted(wanted)}, have ${sorted(found)}`)
  const objects = kernel.nexthops.filter(({ fdb, group }) => fdb && group === undefined).length
  if (objects !== peers.length) throw new Error(`${objects} objects for ${peers.length} endpoints`)
  const groups = kernel.nexthops.filter(({ fdb, group }) => fdb && group !== undefined).length
  if (groups !== found.size) throw new Error(`${groups} groups for ${found.size} MACs`)
}

const sorted = (map: ReadonlyMap<string, readonly string[]>): string => JSON.stringify([...map].sort())

/** Syncs, and checks that it came out right. */
async function syncAndCheck(
  kernel: ModelKernel,
  overlay: Overlay,
  setup: Setup,
  peers: readonly Peer[],
): Promise<void> {
  const result = await overlay.sync(peers)
  if (result.failures.length > 0) throw new Error(`failures: ${result.failures[0]!.error.message}`)
  await check(kernel, overlay, setup, peers)
}

async function check(kernel: ModelKernel, overlay: Overlay, setup: Setup, peers: readonly Peer[]): Promise<void> {
  if (sorted(supply(kernel)) !== sorted(demand(peers)))
    throw new Error(`wanted ${sorted(demand(peers))}, have ${sorted(supply(kernel))}`)
  if (setup.stations) assertStations(kernel, peers)
  if (foreignOf(kernel).length !== 4) throw new Error('something foreign was touched')
  const before = kernel.sent.length
  const again = await overlay.sync(peers)
  if (kernel.sent.length !== before || again.messages !== 0)
    throw new Error(`a sync without changes sent ${again.messages}`)
  if (again.unchanged !== peers.length && (setup.flood || peers.every(({ prefixes }) => prefixes.length > 0)))
    throw new Error(`unchanged: ${again.unchanged} of ${peers.length}`)
  const known = new Set(peers.map(({ endpoint }) => endpoint))
  for await (const { endpoint } of overlay.peers()) if (!known.has(endpoint)) throw new Error(`${endpoint} is left`)
}

/** Runs something and says whenever a prefix that has a route before and after is without one. */
async function withoutGap(
  kernel: ModelKernel,
  kept: (prefix: string) => boolean,
  change: () => Promise<unknown>,
): Promise<void> {
  const before = [...new Set(ours(kernel).map(({ dst }) => dst as string))].filter(kept)
  kernel.changed = () => {
    const now = new Set(ours(kernel).map(({ dst }) => dst))
    const gap = before.find((prefix) => !now.has(prefix))
    if (gap !== undefined) throw new Error(`${gap} has no route after ${JSON.stringify(kernel.sent.at(-1))}`)
  }
  try {
    await change()
  } finally {
    kernel.changed = () => {}
  }
}

t.setTimeout(300_000 * RUNS)

for (const setup of SETUPS) {
  if (process.env.ONLY && !setup.name.includes(process.env.ONLY)) continue
  t.test(`${setup.name}: any sequence of states, make before break`, { timeout: 60_000 * RUNS }, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(wish(setup), { minLength: 1, maxLength: 5 }), async (states) => {
        const kernel = new ModelKernel(setup.device)
        addForeign(kernel)
        const overlay = await open(kernel, setup)
        for (const peers of states) {
          const after = demand(peers)
          await withoutGap(
            kernel,
            (prefix) => after.has(prefix),
            () => overlay.sync(peers),
          )
          await check(kernel, overlay, setup, peers)
        }
        await syncAndCheck(kernel, overlay, setup, [])
        if (kernel.state.length !== 4) throw new Error(`left: ${kernel.state}`)
      }),
      { numRuns: 15 * RUNS, includeErrorInReport: true },
    )
    t.pass()
  })

  t.test(`${setup.name}: added, removed and moved one by one`, { timeout: 60_000 * RUNS }, async (t) => {
    const step = fc.record({
      what: fc.constantFrom('add', 'remove', 'update', 'move'),
      peer: wish(setup)
        .filter((list) => list.length > 0)
        .map((list) => list[0]!),
      to: fc.constantFrom(6, 7, 8),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const kernel = new ModelKernel(setup.device)
        addForeign(kernel)
        const overlay = await open(kernel, setup)
        const model = new Map<string, Peer>()
        for (const { what, peer: drawn, to } of steps) {
          // The kernel keeps weights only where a prefix has several peers.
          const peer = { ...drawn, weight: 1 }
          const { endpoint } = peer
          if (what === 'add') {
            const prefixes = [...new Set([...(model.get(endpoint)?.prefixes ?? []), ...peer.prefixes])]
            await overlay.add(peer)
            model.set(endpoint, { ...peer, prefixes })
          } else if (what === 'remove') {
            await withoutGap(
              kernel,
              (prefix) => [...model.values()].some((one) => one.endpoint !== endpoint && one.prefixes.includes(prefix)),
              () => overlay.remove(endpoint),
            )
            model.delete(endpoint)
          } else if (what === 'update') {
            await overlay.update(peer)
            model.set(endpoint, peer)
          } else {
            const target = { ...peerOf(setup, to, peer.prefixes, 1), prefixes: model.get(endpoint)?.prefixes ?? [] }
            await withoutGap(
              kernel,
              (prefix) => target.prefixes.includes(prefix),
              () => overlay.update(target, { from: endpoint }),
            )
            model.delete(endpoint)
            model.set(target.endpoint, target)
          }
          if (sorted(supply(kernel)) !== sorted(demand([...model.values()])))
            throw new Error(
              `after ${what}: wanted ${sorted(demand([...model.values()]))}, have ${sorted(supply(kernel))}`,
            )
        }
        await check(kernel, overlay, setup, [...model.values()])
      }),
      { numRuns: 15 * RUNS, includeErrorInReport: true },
    )
    t.pass()
  })

  t.test(
    `${setup.name}: refusals, lost answers and sudden death, then a sync`,
    { timeout: 60_000 * RUNS },
    async (t) => {
      const faults = fc.array(
        fc.constantFrom<Fault | undefined>(undefined, undefined, undefined, 'refused', 'unheard', 'killed'),
        { minLength: 1, maxLength: 12 },
      )
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(wish(setup), faults), { minLength: 1, maxLength: 3 }),
          wish(setup),
          async (states, last) => {
            const kernel = new ModelKernel(setup.device)
            addForeign(kernel)
            for (const [peers, list] of states) {
              const queue = [...list]
              kernel.fault = () => queue.shift()
              const overlay = await open(kernel, setup)
              await overlay.sync(peers).catch(() => {})
            }
            kernel.fault = () => undefined
            await syncAndCheck(kernel, await open(kernel, setup), setup, last)
          },
        ),
        { numRuns: 8 * RUNS, includeErrorInReport: true },
      )
      t.pass()
    },
  )
}
