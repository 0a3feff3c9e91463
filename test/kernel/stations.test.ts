import t from 'tap'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import type { Host } from '../../lib/testing/host.js'
import { Lab } from '../../lib/testing/lab.js'
import type { OverlayOptions } from '../../lib/tunnel/options.js'
import { Overlay } from '../../lib/tunnel/overlay.js'
import type { Peer } from '../../lib/tunnel/peer.js'
import { Tunnel } from '../../lib/tunnel/tunnel.js'
import { needsNamespaces } from '../helpers/kernel.js'

/** MACs behind several endpoints: forwarding entries of vxlan that lead to groups of nexthop objects. */

t.setTimeout(120_000)
const skip = { skip: needsNamespaces, timeout: 60_000 }

const PROTOCOL = 78
const MAC = '02:00:00:00:00:50'
const underlay = (n: number): string => `192.168.122.${n}`
const underlay6 = (n: number): string => `fd00::${n}`

type Site = Host<'eth1'>

/** Behind one MAC; more addresses are more flows. */
const TARGETS = Array.from({ length: 20 }, (_, i) => `50.1.1.${i + 1}`)
const TARGETS6 = Array.from({ length: 20 }, (_, i) => `2001:db8:50::${i + 1}`)

const hosts = (...numbers: readonly number[]) =>
  Object.fromEntries(
    numbers.map((n) => [
      `h${n}`,
      {
        eth1: [`${underlay(n)}/24`, `${underlay6(n)}/64`],
        lo:
          n === 11
            ? ['11.1.1.1/32', '2001:db8:11::1/128']
            : [...TARGETS.map((one) => `${one}/32`), ...TARGETS6.map((one) => `${one}/128`)],
      },
    ]),
  )

const vxlan = (site: Site, n: number, more: { ifname?: string; vni?: number; address?: string } = {}) =>
  Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx0', vni: 42, local: underlay(n), ...more } as never) as Promise<
    Tunnel<'vxlan'>
  >

const open = (site: Site, options: Partial<OverlayOptions> = {}): Promise<Overlay> =>
  Overlay.open(site.rt, { device: 'vx0', protocol: PROTOCOL, strategy: 'nexthop', ...options })

const peersOf = async (overlay: Overlay): Promise<Peer[]> => {
  const all: Peer[] = []
  for await (const peer of overlay.peers()) all.push(peer)
  return all.sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1))
}

const json = async (site: Site, command: string, ...args: string[]): Promise<Record<string, unknown>[]> =>
  JSON.parse((await site.exec(command, ['-j', ...args])).stdout)

/** MAC → underlay addresses and weights, as ip(8) and bridge(8) tell them. */
async function told(site: Site, device = 'vx0'): Promise<Record<string, string[]>> {
  const objects = new Map((await json(site, 'ip', 'nexthop')).map((one) => [one.id, one]))
  const found: Record<string, string[]> = {}
  for (const { mac, nhid, dst } of await json(site, 'bridge', 'fdb', 'show', 'dev', device)) {
    if (nhid === undefined) continue
    if (dst !== undefined) throw new Error('an entry has a group or an address')
    const { group } = objects.get(nhid) as { group: { id: number; weight?: number }[] }
    found[mac as string] = group.map(({ id, weight = 1 }) => `${objects.get(id)!.gateway}*${weight}`).sort()
  }
  return found
}

for (const [name, address, targets, inside] of [
  ['IPv4', underlay, TARGETS, '11.1.1.1'],
  ['IPv4, IPv6 inside', underlay, TARGETS6, '2001:db8:11::1'],
  ['IPv6', underlay6, TARGETS6, '2001:db8:11::1'],
  ['IPv6, IPv4 inside', underlay6, TARGETS, '11.1.1.1'],
] as const) {
  const prefix = inside === '11.1.1.1' ? '50.1.1.0/24' : '2001:db8:50::/64'
  t.test(`outside ${name}: flows to one MAC go to both endpoints, and on when one goes`, skip, async (t) => {
    await using lab = await Lab.create({ hosts: hosts(11, 12, 13) })
    const sites = [11, 12, 13].map((n) => lab.hosts[`h${n}`] as Site)
    const [near, ...far] = sites as [Site, Site, Site]
    const tunnels = await Promise.all(
      sites.map((site, i) => vxlan(site, 0, { local: address(11 + i), ...(i === 0 ? {} : { address: MAC }) } as never)),
    )
    for (const site of far) {
      const back = await open(site, { strategy: 'fdb', source: targets[0]! })
      await back.add({ endpoint: address(11), prefixes: [inside], mac: tunnels[0]!.address! })
    }
    const overlay = await open(near, { source: inside })
    t.match(overlay.explain(), /strategy nexthop.*\n.*fdb: .*group of nexthop objects/)
    const peers = [12, 13].map((n): Peer => ({ endpoint: address(n), prefixes: [prefix], mac: MAC }))
    t.match(await overlay.sync(peers), { added: 2, failures: { length: 0 } })
    t.match(await overlay.sync(peers), { unchanged: 2, messages: 0 })
    t.same(await told(near), { [MAC]: [`${address(12)}*1`, `${address(13)}*1`] })
    t.same(await peersOf(overlay), peers)

    const reached = async (): Promise<Set<string | undefined>> => {
      await using capture = await near.capture({ device: 'eth1', filter: 'udp port 4789' })
      for (const target of targets)
        t.equal((await near.ping(target, { source: inside, timeout: 1000 })).received, 1, target)
      const packets = await capture.flush()
      return new Set(packets.filter(({ outer }) => outer?.src === address(11)).map(({ outer }) => outer!.dst))
    }
    t.same([...(await reached())].sort(), [address(12), address(13)], 'both get some')
    t.match(await overlay.remove(address(12)), { removed: 1 })
    t.same(await told(near), { [MAC]: [`${address(13)}*1`] })
    t.same([...(await reached())], [address(13)], 'the other one goes on')
    await overlay.add(peers[0]!)
    t.same(await told(near), { [MAC]: [`${address(12)}*1`, `${address(13)}*1`] })
    t.same([...(await reached())].sort(), [address(12), address(13)], 'both again')
    await overlay.sync([])
    t.same(await told(near), {})
    t.same(await json(near, 'ip', 'nexthop'), [])
    t.same((await near.exec('ip', ['neigh', 'show', 'dev', 'vx0', 'nud', 'permanent'])).stdout, '')
  })
}

t.test('a station with one gateway, a move of one message, drift', skip, async (t) => {
  await using lab = await Lab.create({ hosts: hosts(11) })
  const site = lab.hosts.h11 as Site
  await vxlan(site, 11)
  const overlay = await open(site)
  const prefixes = Array.from({ length: 200 }, (_, i) => `60.1.${i}.0/24`)
  const station = { mac: MAC, gateway: '50.1.1.1', prefixes }
  const single = { endpoint: underlay(14), prefixes: ['70.1.0.0/16'], mac: '02:00:00:00:00:70', weight: 1 }
  const peers = [{ endpoint: underlay(12), weight: 3, ...station }, { endpoint: underlay(13), ...station }, single]
  t.match(await overlay.sync(peers, { dryRun: true }), { added: 3, messages: 0, requests: { length: 212 } })
  t.same(await told(site), {}, 'a dry run does nothing')
  t.match(await overlay.sync(peers), { added: 3, failures: { length: 0 }, messages: 212 })
  t.match(await overlay.sync(peers), { unchanged: 3, messages: 0 })
  const before = { [MAC]: [`${underlay(12)}*3`, `${underlay(13)}*1`], [single.mac]: [`${underlay(14)}*1`] }
  t.same(await told(site), before)
  t.match((await site.exec('ip', ['neigh', 'show', '50.1.1.1'])).stdout, `dev vx0 lladdr ${MAC} PERMANENT`)
  t.match(await peersOf(overlay), [
    { endpoint: underlay(12), weight: 3, mac: MAC, gateway: '50.1.1.1', prefixes: { length: 200 } },
    { endpoint: underlay(13), mac: MAC, gateway: '50.1.1.1', prefixes: { length: 200 } },
    { endpoint: underlay(14), mac: single.mac, prefixes: ['70.1.0.0/16'] },
  ])
  const moved = await overlay.update({ endpoint: underlay(15), ...station }, { from: underlay(13) })
  t.match(moved, { changed: 1, messages: 1 })
  t.same((await told(site))[MAC], [`${underlay(12)}*3`, `${underlay(15)}*1`])
  await overlay.update({ endpoint: underlay(13), ...station }, { from: underlay(15) })
  t.same(await told(site), before)

  const stop = new AbortController()
  const watch = overlay.watch({ signal: stop.signal, repair: true })
  const first = watch.next()
  const [entry] = (await json(site, 'bridge', 'fdb', 'show', 'dev', 'vx0')).filter(({ mac }) => mac === MAC)
  await overlay.sync(peers)
  await site.exec('ip', ['nexthop', 'delete', 'id', `${entry!.nhid}`])
  t.same((await told(site))[MAC], undefined, 'the kernel took the entry along')
  const events = [(await first).value]
  while (!events.some((one) => one?.event === 'repaired')) events.push((await watch.next()).value)
  t.ok(
    events.some((one) => one?.event === 'missing' && one.object === 'forward' && one.endpoint === underlay(12)),
    'it is told',
  )
  stop.abort()
  t.same(await told(site), before, 'it is put back')
  t.match(await overlay.remove([underlay(12), underlay(13)]), { removed: 2 })
  t.same(await told(site), { [single.mac]: [`${underlay(14)}*1`] })
  t.same((await site.exec('ip', ['neigh', 'show', '50.1.1.1'])).stdout, '')
})

t.test('other entries and objects are left alone, of other devices of the same protocol too', skip, async (t) => {
  await using lab = await Lab.create({ hosts: hosts(11) })
  const site = lab.hosts.h11 as Site
  await vxlan(site, 11)
  await vxlan(site, 11, { ifname: 'vx1', vni: 43 })
  const run = (command: string, line: string) => site.exec(command, line.split(' '))
  await run('ip', 'nexthop add id 101 via 192.168.122.99 fdb')
  await run('ip', 'nexthop add id 102 group 101 fdb')
  await run('ip', `nexthop add id 103 via 192.168.122.98 fdb protocol ${PROTOCOL}`)
  await run('ip', `nexthop add id 104 group 103 fdb protocol ${PROTOCOL}`)
  await run('bridge', 'fdb add 02:00:00:00:00:99 dev vx0 nhid 102 self extern_learn')
  await run('bridge', 'fdb add 02:00:00:00:00:98 dev vx0 nhid 104 self')
  await run('bridge', 'fdb add 02:00:00:00:00:97 dev vx0 dst 192.168.122.97 self')
  const foreign = async (): Promise<string> =>
    JSON.stringify([
      (await json(site, 'bridge', 'fdb', 'show', 'dev', 'vx0')).filter(({ mac }) => /:9\d$/.test(mac as string)),
      (await json(site, 'ip', 'nexthop')).filter(({ id }) => (id as number) < 200),
    ])
  const before = await foreign()
  const [one, other] = await Promise.all([open(site), open(site, { device: 'vx1' })])
  const peers = (shift: number): Peer[] =>
    [12, 13].map((n) => ({ endpoint: underlay(n + shift), prefixes: [], mac: MAC }))
  await Promise.all([one.sync(peers(0)), other.sync(peers(0))])
  const both = { [MAC]: [`${underlay(12)}*1`, `${underlay(13)}*1`] }
  t.same(await told(site, 'vx1'), both)
  t.match(await told(site), both)
  t.match(await one.sync(peers(0)), { messages: 0 })
  t.match(await other.sync(peers(0)), { messages: 0 })
  await one.update({ ...peers(0)[0]!, endpoint: underlay(20) }, { from: underlay(12) })
  t.same(await told(site, 'vx1'), both, 'a move on one device is none on the other')
  const taken = await one.sync([
    ...peers(0),
    { endpoint: underlay(14), prefixes: [], mac: '02:00:00:00:00:99' },
    { endpoint: underlay(15), prefixes: [], mac: '02:00:00:00:00:98' },
    { endpoint: underlay(97), prefixes: [], mac: '02:00:00:00:00:97' },
  ])
  t.same(
    taken.failures.map(({ endpoint, error }) => `${endpoint}: ${error.message.replace(/.*says that/, '')}`),
    [
      '192.168.122.14:  02:00:00:00:00:99 is at nexthop group 102, not 192.168.122.14',
      '192.168.122.15:  02:00:00:00:00:98 is at nexthop group 104, not 192.168.122.15',
    ],
  )
  t.equal(await foreign(), before)
  await one.sync([])
  t.same(await told(site, 'vx1'), both)
  t.equal(await foreign(), before)
  await other.sync([])
  t.equal((await json(site, 'ip', 'nexthop')).length, 4)
})

t.test('from addresses to groups and back', skip, async (t) => {
  await using lab = await Lab.create({ hosts: hosts(11) })
  const site = lab.hosts.h11 as Site
  await vxlan(site, 11)
  const peers = [12, 13].map(
    (n): Peer => ({ endpoint: underlay(n), prefixes: [`${n}.0.0.0/8`], mac: `02:00:00:00:00:${n}` }),
  )
  for (const strategy of ['fdb', 'nexthop', 'fdb', 'nexthop'] as const) {
    const overlay = await open(site, { strategy })
    t.match(await overlay.sync(peers), { failures: { length: 0 } })
    t.match(await overlay.sync(peers), { messages: 0, unchanged: 2 }, strategy)
    const entries = (await json(site, 'bridge', 'fdb', 'show', 'dev', 'vx0')).filter(({ mac }) => /^02/.test(`${mac}`))
    t.equal(entries.length, 2)
    t.ok(entries.every(({ dst, nhid }) => (strategy === 'fdb' ? dst : nhid) !== undefined))
    t.equal((await site.rt.list(nexthop.list())).length, strategy === 'fdb' ? 0 : 6)
    t.same(await peersOf(overlay), peers)
  }
  const overlay = await open(site)
  await t.rejects((await open(site, { strategy: 'fdb' })).sync(peers.map((one) => ({ ...one, mac: MAC }))), {
    path: 'peers[1].mac',
    message: /strategy 'nexthop'/,
  })
  const bare = [{ endpoint: underlay(12), prefixes: ['12.0.0.0/8'] }]
  await overlay.sync(bare)
  t.match((await site.exec('ip', ['route', 'show', '12.0.0.0/8'])).stdout, /nhid \d+ via 192\.168\.122\.12 dev vx0/)
  t.match(await overlay.sync(bare), { messages: 0 }, 'a peer without a MAC has its routes alone')
})
