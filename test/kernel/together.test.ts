import { spawn } from 'node:child_process'
import t from 'tap'
import type { Host } from '../../lib/testing/host.js'
import { Lab } from '../../lib/testing/lab.js'
import type { OverlayOptions } from '../../lib/tunnel/options.js'
import { Overlay } from '../../lib/tunnel/overlay.js'
import type { Peer } from '../../lib/tunnel/peer.js'
import { Tunnel } from '../../lib/tunnel/tunnel.js'
import { needsNamespaces } from '../helpers/kernel.js'

/** Several overlays on one host, and one overlay that several change at once. */

t.setTimeout(300_000)
const skip = { skip: needsNamespaces, timeout: 120_000 }

type Site = Host<'eth1'>
type Settings = Omit<OverlayOptions, 'device'> & { readonly device: string }

const COUNT = 40

/** Peers of overlay `own`, some of whose prefixes are announced by all: `shift` moves them to other peers. */
const world = (own: number, shift: number, count: number): Peer[] =>
  Array.from({ length: count }, (_, i) => {
    const at = (i + shift) % count
    return {
      endpoint: `192.168.123.${i + 1}`,
      prefixes: [`20.${own}.${at}.0/24`, `2001:db8:${own + 1}:${at + 1}::/64`, `30.${own}.${at % 5}.0/24`],
      mac: `02:00:00:00:0${own % 10}:${(10 + at).toString(16)}`,
    }
  })

/** A process that goes from world to world, and ends with world 0. */
const PROGRAM = `
const { Rtnetlink } = await import(LIB + 'rtnl/rtnetlink.js')
const { Overlay } = await import(LIB + 'tunnel/overlay.js')
const { Namespace } = await import(LIB + 'netns/namespace.js')
const world = ${world}
const rt = await Rtnetlink.open({ namespace: Namespace.open(NAMESPACE) })
const overlay = await Overlay.open(rt, SETTINGS)
for (const shift of SHIFTS) await overlay.sync(shift < 0 ? [] : world(OWN, shift, COUNT))
console.log(JSON.stringify((await overlay.sync(world(OWN, 0, COUNT))).failures.map(({ error }) => error.message)))
rt.close()
`

/** Runs it to its end; what failed in its last sync. */
async function run(site: Site, settings: Settings, own: number, shifts: readonly number[]): Promise<string[]> {
  const constants = {
    LIB: new URL('../../lib/', import.meta.url).href,
    NAMESPACE: site.ns.name,
    SETTINGS: settings,
    OWN: own,
    SHIFTS: shifts,
    COUNT,
  }
  const preamble = Object.entries(constants).map(([name, value]) => `const ${name} = ${JSON.stringify(value)}\n`)
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(process.execPath, ['--input-type=module', '-e', preamble.join('') + PROGRAM], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  return JSON.parse(text)
}

const host = async (): Promise<{ lab: Lab; site: Site }> => {
  const lab = await Lab.create({
    hosts: { h11: { eth1: ['192.168.122.11/24', '192.168.123.254/24'], lo: '11.1.1.1/32' } },
  })
  return { lab, site: lab.hosts.h11 as Site }
}

const read = async (overlay: Overlay): Promise<string[]> => {
  const found: string[] = []
  for await (const { endpoint, prefixes } of overlay.peers()) found.push(`${endpoint} ${[...prefixes].sort()}`)
  return found.sort()
}

const asRead = (peers: readonly Peer[]): string[] =>
  peers.map(({ endpoint, prefixes }) => `${endpoint} ${[...prefixes].sort()}`).sort()

t.test('overlays of other devices, protocols and tables, each in a process of its own', skip, async (t) => {
  const { lab, site } = await host()
  await using _ = lab
  for (const vni of [1, 2, 3])
    await Tunnel.create(site.rt, { kind: 'vxlan', ifname: `vx${vni}`, vni, local: '192.168.122.11' })
  const all: Settings[] = [
    { device: 'eth1', protocol: 78, strategy: 'onlink' },
    { device: 'eth1', protocol: 79, strategy: 'nexthop' },
    { device: 'eth1', protocol: 80, strategy: 'neighbour', table: 1000 },
    { device: 'vx1', protocol: 78, flood: true },
    { device: 'vx2', protocol: 78, strategy: 'nexthop' },
    { device: 'vx3', protocol: 78, strategy: 'nexthop' },
  ].map((settings) => (settings.strategy === 'neighbour' ? { ...settings, strategy: 'onlink' } : settings) as Settings)
  // Other people's routes, objects and entries.
  for (const line of [
    'ip route add 99.0.0.0/8 via 192.168.122.99 dev eth1 proto 81',
    'ip nexthop add id 7 via 192.168.122.99 dev eth1 proto 81',
    'ip nexthop add id 8 via 192.168.122.99 fdb proto 81',
    'ip nexthop add id 9 group 8 fdb proto 81',
    'ip neigh add 192.168.122.99 lladdr 02:00:00:00:99:99 dev eth1 nud permanent proto 81',
    'bridge fdb add 02:00:00:00:99:99 dev vx2 nhid 9 self',
  ])
    await site.exec(line.split(' ')[0]!, line.split(' ').slice(1))
  const foreign = async (): Promise<string> => {
    const said = []
    for (const line of [
      'ip route show proto 81',
      'ip nexthop show proto 81',
      'ip neigh show 192.168.122.99',
      'bridge fdb show dev vx2',
    ])
      said.push((await site.exec(line.split(' ')[0]!, line.split(' ').slice(1))).stdout)
    return said
      .join('')
      .split('\n')
      .filter((line) => /99|proto 81/.test(line))
      .join('\n')
  }
  const before = await foreign()
  t.equal(before.split('\n').length, 6)
  const failures = await Promise.all(all.map((settings, own) => run(site, settings, own, [3, -1, 7, 1])))
  t.same(
    failures,
    all.map(() => []),
  )
  const overlays = await Promise.all(all.map((settings) => Overlay.open(site.rt, settings)))
  for (const [own, overlay] of overlays.entries()) {
    t.same(await read(overlay), asRead(world(own, 0, COUNT)), JSON.stringify(all[own]))
    t.match(await overlay.sync(world(own, 0, COUNT)), { messages: 0, unchanged: COUNT })
  }
  for (const [own, overlay] of overlays.entries()) {
    t.match(await overlay.sync([]), { removed: COUNT, failures: { length: 0 } })
    for (const [i, other] of overlays.entries())
      t.same(await read(other), i <= own ? [] : asRead(world(i, 0, COUNT)), `${i} after ${own} is gone`)
  }
  t.equal(await foreign(), before)
  t.equal((await site.exec('ip', ['nexthop'])).stdout.trim().split('\n').length, 3)
})

for (const settings of [
  { device: 'eth1', protocol: 78, strategy: 'onlink' },
  { device: 'eth1', protocol: 78, strategy: 'nexthop' },
  { device: 'vx1', protocol: 78, strategy: 'fdb' },
  { device: 'vx1', protocol: 78, strategy: 'nexthop' },
] as const) {
  const name = `${settings.device}, ${settings.strategy}`
  t.test(`${name}: processes that want different things, and the same in the end`, skip, async (t) => {
    const { lab, site } = await host()
    await using _ = lab
    await Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx1', vni: 1, local: '192.168.122.11' })
    const shifts = [
      [1, -1, 9, 30],
      [-1, 17, 33, 11],
      [25, 8, 2, -1],
    ]
    const failures = await Promise.all(shifts.map((list) => run(site, settings, 0, list)))
    t.same(failures, [[], [], []])
    const overlay = await Overlay.open(site.rt, settings)
    t.same(await read(overlay), asRead(world(0, 0, COUNT)))
    t.match(await overlay.sync(world(0, 0, COUNT)), { messages: 0 }, 'nothing is left to do')
    await overlay.sync([])
    t.equal((await site.exec('ip', ['nexthop'])).stdout, '')
    t.equal((await site.exec('ip', ['route', 'show', 'proto', '78'])).stdout, '')
  })

  t.test(`${name}: one process, two objects: one change after the other`, skip, async (t) => {
    const { lab, site } = await host()
    await using _ = lab
    await Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx1', vni: 1, local: '192.168.122.11' })
    const objects = [await Overlay.open(site.rt, settings), await Overlay.open(site.rt, settings)] as const
    for (const shift of [1, 2, 3]) {
      const lists = [world(0, shift, COUNT), world(0, shift + 10, COUNT / 2)] as const
      const extra = { ...lists[0][COUNT - 1]!, mac: '02:00:00:00:99:99' }
      const results = await Promise.all([objects[0].sync(lists[0]), objects[1].sync(lists[1]), objects[0].add(extra)])
      for (const { failures } of results) t.same(failures, [])
      t.match(results[1], { removed: COUNT / 2 }, 'it found what the first one had done')
      t.same(await read(objects[0]), asRead([...lists[1], extra]))
    }
  })
}
