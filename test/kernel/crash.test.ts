import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import type { Host } from '../../lib/testing/host.js'
import { Lab } from '../../lib/testing/lab.js'
import { Overlay } from '../../lib/tunnel/overlay.js'
import type { Peer } from '../../lib/tunnel/peer.js'
import { Tunnel } from '../../lib/tunnel/tunnel.js'
import { needsNamespaces } from '../helpers/kernel.js'

/**
 * Processes that are killed in the middle of a change, and hosts that keep talking while their peers move. `NBMA_KILLS`
 * says how often: 300 take a few minutes.
 */

t.setTimeout(1_800_000)
const KILLS = Number(process.env.NBMA_KILLS ?? 4)
const skip = { skip: needsNamespaces, timeout: 1_700_000 }

const PROTOCOL = 78
const hosts = { h11: { eth1: '192.168.122.11/24', lo: '11.1.1.1/32' } } as const

/** What peers there are: `shift` moves each prefix to another one. */
const world = (count: number, shift: number): Peer[] =>
  Array.from({ length: count }, (_, i) => {
    const at = (i + shift) % count
    return {
      endpoint: `10.9.${i >> 8}.${i & 255}`.replace('10.9.0.0', '10.8.0.1'),
      prefixes: [`20.0.${at >> 8}.${at & 255}/32`, `2001:db8:${(at + 1).toString(16)}::/48`, `30.${at % 50}.0.0/16`],
    }
  })

/** Goes from one world to the next for ever. */
const PROGRAM = `
const { Rtnetlink } = await import(LIB + 'rtnl/rtnetlink.js')
const { Overlay } = await import(LIB + 'tunnel/overlay.js')
const { Namespace } = await import(LIB + 'netns/namespace.js')
const rt = await Rtnetlink.open({ namespace: Namespace.open(NAMESPACE) })
const overlay = await Overlay.open(rt, { device: 'eth1', protocol: ${PROTOCOL}, strategy: STRATEGY })
const world = ${world}
const began = performance.now()
await overlay.sync(world(COUNT, SEED))
console.log(performance.now() - began)
for (let shift = SEED + 1; ; shift++) await overlay.sync(shift % 4 === 3 ? [] : world(COUNT, shift))
`

/** Resolves when it is on its way, with the milliseconds that one change takes it. */
async function start(
  namespace: string,
  strategy: string,
  count: number,
  seed: number,
): Promise<{ child: ChildProcess; pace: number }> {
  const lib = new URL('../../lib/', import.meta.url).href
  const constants = { LIB: lib, NAMESPACE: namespace, STRATEGY: strategy, COUNT: count, SEED: seed }
  const preamble = Object.entries(constants)
    .map(([name, value]) => `const ${name} = ${JSON.stringify(value)}\n`)
    .join('')
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(process.execPath, ['--input-type=module', '-e', preamble + PROGRAM], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(child.stdout!, 'data')
  return { child, pace: Number(said) }
}

const LONG = KILLS >= 100
for (const [strategy, count] of [
  ['onlink', LONG ? 5000 : 1500],
  ['nexthop', LONG ? 2000 : 300],
] as const) {
  t.test(`${strategy}: killed at any moment, the next sync converges`, skip, async (t) => {
    await using lab = await Lab.create({ hosts })
    const { rt, ns, devices, exec } = lab.hosts.h11 as Host<'eth1'>
    const ip = async (...args: string[]): Promise<string> => (await exec.call(lab.hosts.h11, 'ip', args)).stdout
    const overlay = await Overlay.open(rt, { device: 'eth1', protocol: PROTOCOL, strategy })
    const foreign = [
      route.add({
        dst: '20.0.0.1/32',
        gateway: '192.168.122.99',
        oif: devices.eth1.index,
        protocol: 'static',
        priority: 5,
      }),
      nexthop.add({ id: 5, gateway: '192.168.122.99', oif: devices.eth1.index, protocol: 'static' }),
    ]
    await rt.batch(foreign)
    let interrupted = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const { child, pace } = await start(ns.name!, strategy, count, kill)
      await sleep(Math.random() * pace)
      child.kill('SIGKILL')
      await once(child, 'close')
      const before = (await rt.list(route.list({ table: 254 }))).filter(({ protocol }) => protocol === PROTOCOL).length
      if (before !== 0 && before !== 2 * count + 50) interrupted++
      const wanted = world(count, kill * 7)
      const result = await overlay.sync(wanted)
      if (result.failures.length > 0) t.fail(`failures: ${result.failures[0]!.error.message}`)
      const expected = new Map(wanted.map(({ endpoint, prefixes }) => [endpoint, [...prefixes].sort()]))
      let found = 0
      for await (const { endpoint, prefixes } of overlay.peers()) {
        found++
        if (JSON.stringify(expected.get(endpoint)) !== JSON.stringify([...prefixes].sort()))
          t.fail(`${endpoint} has ${prefixes}`)
      }
      if (found !== count) t.fail(`${found} peers`)
      const again = await overlay.sync(wanted)
      if (again.messages !== 0) t.fail(`a sync without changes sent ${again.messages} messages`)
      const groups = strategy === 'nexthop' ? count * 2 + 50 : 0
      const objects = (await rt.list(nexthop.list())).length
      if (objects !== groups + 1) t.fail(`${objects} nexthop objects`)
    }
    t.pass(`${KILLS} processes were killed, ${interrupted} of them on the way`)
    t.match(await ip('route', 'show', 'proto', 'static'), /20\.0\.0\.1 via 192\.168\.122\.99/)
    t.match(await ip('nexthop', 'show', 'id', '5'), /192\.168\.122\.99/)
    await overlay.sync([])
  })
}

t.test('a prefix that moves between hosts loses no packet', skip, async (t) => {
  const numbers = [11, 12, 13] as const
  await using lab = await Lab.create({
    hosts: Object.fromEntries(
      numbers.map((n) => [`h${n}`, { eth1: `192.168.122.${n}/24`, lo: n === 11 ? '11.1.1.1/32' : '50.1.1.1/32' }]),
    ),
  })
  const sites = numbers.map((n) => lab.hosts[`h${n}`] as Host<'eth1'>)
  const tunnels = await Promise.all(
    sites.map((site, i) =>
      Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx0', vni: 5, local: `192.168.122.${numbers[i]}` }),
    ),
  )
  const peer = (i: number, prefixes: string[]): Peer => ({
    endpoint: `192.168.122.${numbers[i]}`,
    prefixes,
    mac: tunnels[i]!.address,
  })
  const overlays = await Promise.all(
    sites.map((site, i) =>
      Overlay.open(site.rt, { device: tunnels[i]!, protocol: PROTOCOL, source: i === 0 ? '11.1.1.1' : '50.1.1.1' }),
    ),
  )
  for (const overlay of overlays.slice(1)) await overlay.add(peer(0, ['11.1.1.1/32']))
  const [overlay] = overlays as [Overlay]
  const ways: (() => Promise<unknown>)[] = [
    () => overlay.sync([peer(1, ['50.1.1.1/32']), peer(2, [])]),
    () => overlay.sync([peer(1, []), peer(2, ['50.1.1.1/32'])]),
    () => overlay.sync([peer(1, ['50.1.1.1/32']), peer(2, ['50.1.1.1/32'])]),
    () => overlay.remove(`192.168.122.12`),
    () => overlay.add(peer(1, ['50.1.1.1/32'])),
    () => overlay.remove(`192.168.122.13`),
    () => overlay.update(peer(2, ['50.1.1.1/32']), { from: '192.168.122.12' }),
  ]
  await ways[0]!()
  let running = true
  const pinging = sites[0]!
    .ping('50.1.1.1', { source: '11.1.1.1', count: 3000, interval: 1, timeout: 1000 })
    .finally(() => {
      running = false
    })
  let moves = 0
  for (; running; moves++) {
    await ways[moves % ways.length]!()
    await sleep(3)
  }
  const { sent, received } = await pinging
  t.ok(moves >= 50, `${moves} moves`)
  t.equal(received, sent, `${received} of ${sent} packets came back`)
})
