import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { UnsupportedError } from '../../lib/errors.js'
import { link } from '../../lib/rtnl/link.js'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import type { Host } from '../../lib/testing/host.js'
import { Lab } from '../../lib/testing/lab.js'
import type { OverlayOptions } from '../../lib/tunnel/options.js'
import { Overlay } from '../../lib/tunnel/overlay.js'
import type { Peer } from '../../lib/tunnel/peer.js'
import { Tunnel } from '../../lib/tunnel/tunnel.js'
import type { OverlayEvent } from '../../lib/tunnel/watch.js'
import { needsNamespaces } from '../helpers/kernel.js'

/** Overlays over the devices that every kernel has: veth and vxlan. */

t.setTimeout(300_000)
const skip = { skip: needsNamespaces, timeout: 120_000 }

const PROTOCOL = 78
const underlay = (n: number): string => `192.168.122.${n}`
const inside = (n: number): string => `${n}.1.1.1`

const hosts = (...numbers: readonly number[]) =>
  Object.fromEntries(
    numbers.map((n) => [
      `h${n}`,
      { eth1: [`${underlay(n)}/24`, `fd00::${n}/64`], lo: [`${inside(n)}/32`, `2001:db8:${n}::1/128`] },
    ]),
  )

type Site = Host<'eth1'>
const one = async (): Promise<{ lab: Lab; site: Site }> => {
  const lab = await Lab.create({ hosts: hosts(11) })
  return { lab, site: lab.hosts.h11 as Site }
}

const open = (site: Site, options: Partial<OverlayOptions> = {}): Promise<Overlay> =>
  Overlay.open(site.rt, { device: 'eth1', protocol: PROTOCOL, strategy: 'onlink', ...options })

const lines = async (site: Site, ...args: string[]): Promise<string[]> =>
  (await site.exec('ip', args)).stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

const peersOf = async (overlay: Overlay): Promise<Peer[]> => {
  const all: Peer[] = []
  for await (const peer of overlay.peers()) all.push(peer)
  return all.sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1))
}

t.test('onlink: what the kernel has', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const overlay = await open(site, { source: ['11.1.1.1', '2001:db8:11::1'], mtu: 1400, advmss: 1360 })
  t.match(await overlay.add({ endpoint: underlay(12), prefixes: ['12.1.1.1', '2001:db8:12::/48'] }), {
    added: 1,
    messages: 2,
  })
  const [four] = await lines(site, 'route', 'show', 'proto', '78')
  const [six] = await lines(site, '-6', 'route', 'show', 'proto', '78')
  t.equal(
    four,
    '12.1.1.1 via 192.168.122.12 dev eth1 src 11.1.1.1 metric 17609508 onlink mtu 1400 advmss 1360'.replace(
      '17609508',
      four!.match(/metric (\d+)/)![1]!,
    ),
  )
  t.match(
    six,
    /^2001:db8:12::\/48 via ::192\.168\.122\.12 dev eth1 src 2001:db8:11::1 metric \d+ onlink mtu 1400 advmss 1360/,
  )
  t.match(await overlay.sync([{ endpoint: underlay(12), prefixes: ['12.1.1.1', '2001:db8:12::/48'] }]), {
    unchanged: 1,
    messages: 0,
  })
})

t.test('a prefix of several peers has one route over all of them', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  for (const strategy of ['onlink', 'nexthop'] as const) {
    const overlay = await open(site, { strategy })
    const shared = ['10.0.0.0/8', '2001:db8::/32']
    await overlay.sync([12, 13, 14].map((n) => ({ endpoint: underlay(n), prefixes: shared, weight: n - 11 })))
    for (const family of ['-4', '-6']) {
      const text = (await lines(site, family, 'route', 'show', 'proto', '78')).join(' ')
      for (const n of [12, 13, 14])
        t.match(text, new RegExp(`via [:]*${underlay(n)} dev eth1 weight ${n - 11} onlink`), `${strategy} ${family}`)
    }
    t.same(
      (await peersOf(overlay)).map(({ weight = 1 }) => weight),
      [1, 2, 3],
    )
    await overlay.remove(underlay(13))
    await overlay.remove(underlay(14))
    const text = (await lines(site, 'route', 'show', 'proto', '78')).join(' ')
    t.match(text, /^10\.0\.0\.0\/8 .*via 192\.168\.122\.12 dev eth1 metric/, 'one nexthop when one is left')
    await overlay.sync([])
    t.same(await lines(site, 'nexthop'), [])
  }
})

t.test('nexthop objects: a move is one message, whatever the number of prefixes', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const overlay = await open(site, { strategy: 'nexthop' })
  const prefixes = Array.from({ length: 1000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`)
  await overlay.sync([{ endpoint: underlay(12), prefixes }])
  const result = await overlay.update({ endpoint: underlay(13), prefixes }, { from: underlay(12) })
  t.match(result, { messages: 1, changed: 1, added: 0, removed: 0 })
  t.equal((await lines(site, 'route', 'show', 'via', underlay(13))).length, 1000)
  const moved = await peersOf(overlay)
  t.same(
    moved.map(({ endpoint, prefixes }) => [endpoint, prefixes.length]),
    [[underlay(13), 1000]],
  )
  t.match(await overlay.sync([{ endpoint: underlay(13), prefixes }]), { messages: 0, unchanged: 1 }, 'the id stays')
})

t.test('onlink: a move of 1,000 prefixes leaves none without a route', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const overlay = await open(site)
  const prefixes = Array.from({ length: 1000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`)
  await overlay.sync([{ endpoint: underlay(12), prefixes }])
  const monitor = site.rt.monitor(['ipv4-route'])
  await overlay.update({ endpoint: underlay(13), prefixes }, { from: underlay(12) })
  const count = new Map(prefixes.map((prefix) => [prefix, 1]))
  let least = 1
  let seen = 0
  for await (const { event, message } of monitor) {
    if (message === undefined) t.fail('announcements were lost')
    const dst = (message as { dst: string }).dst
    count.set(dst, count.get(dst)! + (event === 'RTM_NEWROUTE' ? 1 : -1))
    least = Math.min(least, count.get(dst)!)
    if (++seen === 2000) break
  }
  t.equal(least, 1, 'each prefix had a route at any moment')
  t.ok([...count.values()].every((n) => n === 1))
})

t.test('nobody else is touched', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const { index } = site.devices.eth1
  const foreign = [
    route.add({ dst: '10.1.0.0/16', gateway: underlay(99), oif: index, protocol: 'static', priority: 3 }),
    route.add({ dst: '10.2.0.0/16', gateway: underlay(99), oif: index, protocol: 79 }),
    route.add({ dst: '10.3.0.0/16', gateway: underlay(99), oif: index, protocol: PROTOCOL, table: 100 }),
    nexthop.add({ id: 5, gateway: underlay(99), oif: index, protocol: 'static' }),
    neighbour.add({ ifindex: index, dst: underlay(99), lladdr: '02:00:00:00:00:99' }),
  ]
  await site.rt.batch(foreign)
  const others = async (): Promise<string> =>
    [
      ...(await lines(site, 'route', 'show', 'table', 'all', 'via', underlay(99))),
      ...(await lines(site, 'nexthop')),
      ...(await lines(site, 'neigh', 'show', 'nud', 'permanent')),
    ].join('\n')
  const before = await others()
  t.equal(before.split('\n').length, 5)
  for (const strategy of ['onlink', 'nexthop'] as const) {
    const overlay = await open(site, { strategy })
    const peers = [{ endpoint: underlay(12), prefixes: ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16'] }]
    const result = await overlay.sync(peers)
    t.match(result, { added: 1, failures: { length: 0 } })
    t.same(result.foreign.map(({ prefix, endpoints, route }) => [prefix, endpoints, route.priority]).sort(), [
      ['10.1.0.0/16', [underlay(12)], 3],
      ['10.2.0.0/16', [underlay(12)], undefined],
    ])
    t.match(await overlay.sync([]), { removed: 1 })
  }
  t.equal(await others(), before)
})

t.test('foreign routes go where that is asked for', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const overlay = await open(site, { metric: { base: 500, width: 1 } })
  const prefixes = ['10.1.0.0/16', '10.2.0.0/16', '2001:db8:1::/48', '192.168.122.0/24', '10.3.0.0/16']
  for (const [family, prefix, metric] of [
    ['-4', '10.1.0.0/16', '3'],
    ['-4', '10.2.0.0/16', '500'],
    ['-6', '2001:db8:1::/48', '500'],
  ] as const)
    await site.exec('ip', [family, 'route', 'add', prefix, 'dev', 'eth1', 'metric', metric])
  const peers = [{ endpoint: '203.0.113.1', prefixes }]
  const result = await overlay.sync(peers, { takeOver: true })
  t.match(result, { added: 1, failures: { length: 0 } })
  t.equal(result.foreign.length, 4, 'they are listed')
  t.same(
    (await lines(site, 'route', 'show', 'proto', 'boot')).concat(
      await lines(site, '-6', 'route', 'show', 'proto', 'boot'),
    ),
    [],
  )
  t.equal((await lines(site, 'route', 'show', '192.168.122.0/24')).length, 2, "the kernel's own stays")
  t.match(await overlay.sync(peers), { unchanged: 1, messages: 0, foreign: { length: 1 } })
})

t.test("a foreign route with the overlay's own metric is a failure, and stays", skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const overlay = await open(site, { metric: { base: 500, width: 1 } })
  await site.exec('ip', ['route', 'add', '10.1.0.0/16', 'via', underlay(99), 'dev', 'eth1', 'metric', '500'])
  const peer = { endpoint: underlay(12), prefixes: ['10.1.0.0/16', '10.2.0.0/16'] }
  const result = await overlay.sync([peer])
  t.match(result, {
    added: 0,
    failures: [{ endpoint: underlay(12), prefix: '10.1.0.0/16', error: { code: 'EEXIST' } }],
  })
  t.match(result.foreign, [{ prefix: '10.1.0.0/16' }])
  await t.rejects(overlay.add(peer), { code: 'EEXIST' })
  t.match((await lines(site, 'route', 'show', '10.1.0.0/16')).join(), new RegExp(`via ${underlay(99)}`))
  t.match((await lines(site, 'route', 'show', '10.2.0.0/16')).join(), /proto 78/)
})

t.test('vxlan with forwarding entries: packets, a peer that moves, flooding', skip, async (t) => {
  await using lab = await Lab.create({ hosts: hosts(11, 12, 13) })
  const numbers = [11, 12, 13] as const
  const sites = numbers.map((n) => lab.hosts[`h${n}`] as Site)
  const tunnels = await Promise.all(
    sites.map((site, i) =>
      Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx0', vni: 42, local: underlay(numbers[i]!) }),
    ),
  )
  t.match(tunnels[0], {
    kind: 'vxlan',
    key: 42,
    external: false,
    fallback: false,
    overhead: 50,
    mtu: 1450,
    data: { port: 4789, learning: false },
  })
  const peers = numbers.map(
    (n, i): Peer => ({
      endpoint: underlay(n),
      prefixes: [`${inside(n)}/32`, `2001:db8:${n}::/48`],
      mac: tunnels[i]!.address,
    }),
  )
  const overlays = await Promise.all(
    sites.map(async (site, i) => {
      const overlay = await Overlay.open(site.rt, {
        device: tunnels[i]!,
        protocol: PROTOCOL,
        source: [inside(numbers[i]!), `2001:db8:${numbers[i]}::1`],
        flood: true,
      })
      await overlay.add(peers.filter((_, j) => j !== i))
      return overlay
    }),
  )
  const [overlay] = overlays as [Overlay]
  t.equal(overlay.strategy, 'fdb')
  t.match(overlay.explain(), /IPv4: fdb: a forwarding entry/)
  await using capture = await sites[0]!.capture({ device: 'eth1', filter: 'udp port 4789' })
  for (const n of [12, 13]) {
    t.equal((await sites[0]!.ping(inside(n), { source: inside(11) })).received, 1, `IPv4 to ${n}`)
    t.equal((await sites[0]!.ping(`2001:db8:${n}::1`, { source: '2001:db8:11::1' })).received, 1, `IPv6 to ${n}`)
  }
  const packets = await capture.flush()
  for (const n of [12, 13])
    t.ok(
      packets.some(({ outer, vxlan }) => outer?.src === underlay(11) && outer.dst === underlay(n) && vxlan?.vni === 42),
      `to ${underlay(n)}`,
    )
  const { stdout: fdb } = await sites[0]!.exec('bridge', ['fdb', 'show', 'dev', 'vx0'])
  t.match(fdb, /00:00:00:00:00:00 dst 192\.168\.122\.12 self extern_learn permanent/)
  t.match(await overlay.sync(peers.slice(1)), { unchanged: 2, messages: 0 })
  t.same(
    await peersOf(overlay),
    peers.slice(1).map(({ endpoint, prefixes, mac }) => ({ endpoint, prefixes, mac })),
  )

  t.match(await overlay.update({ ...peers[1]!, endpoint: underlay(14) }, { from: underlay(12) }), { changed: 1 })
  t.match(
    (await sites[0]!.exec('bridge', ['fdb', 'show', 'dev', 'vx0'])).stdout,
    new RegExp(`${tunnels[1]!.address} dst ${underlay(14)}`),
  )
  t.equal((await sites[0]!.ping(inside(12), { source: inside(11), timeout: 200 })).received, 0)
  await overlay.update(peers[1]!, { from: underlay(14) })
  t.equal((await sites[0]!.ping(inside(12), { source: inside(11) })).received, 1)
  await overlay.sync([])
  t.same(await lines(sites[0]!, 'neigh', 'show', 'dev', 'vx0', 'nud', 'permanent'), [])
  t.notMatch((await sites[0]!.exec('bridge', ['fdb', 'show', 'dev', 'vx0'])).stdout, / dst /)
})

t.test('vxlan, external: the encap on the route', skip, async (t) => {
  await using lab = await Lab.create({ hosts: hosts(11, 12) })
  const sites = [lab.hosts.h11, lab.hosts.h12] as Site[]
  const tunnels = await Promise.all(
    sites.map((site) => Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx0', external: true })),
  )
  for (const strategy of ['auto', 'nexthop'] as const) {
    const overlays = await Promise.all(
      sites.map((site, i) =>
        Overlay.open(site.rt, {
          device: tunnels[i]!,
          protocol: PROTOCOL,
          strategy,
          encap: { id: 43 },
          source: inside(11 + i),
        }),
      ),
    )
    for (const [i, overlay] of overlays.entries()) {
      const n = 12 - i
      await overlay.add({ endpoint: underlay(n), prefixes: [`${inside(n)}/32`], mac: tunnels[1 - i]!.address })
    }
    t.equal(overlays[0]!.strategy, strategy === 'auto' ? 'encap' : 'nexthop')
    await using capture = await sites[1]!.capture({ device: 'eth1', filter: 'udp port 4789' })
    t.equal((await sites[0]!.ping(inside(12), { source: inside(11) })).received, 1)
    const [packet] = await capture.wait(1)
    t.match(packet, { outer: { src: underlay(11), dst: underlay(12) }, vxlan: { vni: 43 } })
    for (const overlay of overlays) t.match(await overlay.sync([]), { removed: 1 })
  }
})

t.test('peers that cannot be are refused before anything is sent', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const overlay = await open(site)
  const good: Peer = { endpoint: underlay(12), prefixes: ['12.1.1.1/32'] }
  const bad: [Peer, string, RegExp][] = [
    [{ ...good, endpoint: underlay(11) }, 'peers[1].endpoint', /it is on eth1/],
    [{ ...good, endpoint: '192.168.122.255' }, 'peers[1].endpoint', /broadcast/],
    [{ ...good, endpoint: '224.0.0.1' }, 'peers[1].endpoint', /multicast/],
    [{ ...good, endpoint: '127.0.0.1' }, 'peers[1].endpoint', /this host/],
    [{ ...good, endpoint: 'fe80::1' }, 'peers[1].endpoint', /link-local/],
    [{ ...good, endpoint: '::192.168.122.12' }, 'peers[1].endpoint', /stands for/],
    [good, 'peers[1].endpoint', /one peer only \(it is that of peers\[0\] too\)/],
    [
      { endpoint: underlay(13), prefixes: ['10.0.0.1/8'] },
      'peers[1].prefixes[0]',
      /without host bits \(10\.0\.0\.0\/8\)/,
    ],
    [{ endpoint: underlay(13), prefixes: ['10.0.0.0/8', '10.0.0.0/33'] }, 'peers[1].prefixes[1]', /length 0 to 32/],
    [{ endpoint: underlay(13), prefixes: ['2001:db8::1/32'] }, 'peers[1].prefixes[0]', /2001:db8::\/32/],
    [{ endpoint: underlay(13), prefixes: ['192.168.0.0/16'] }, 'peers[1].prefixes[0]', /own endpoint/],
    [{ ...good, endpoint: underlay(13), weight: 0 }, 'peers[1].weight', /1 to 256/],
    [{ ...good, endpoint: underlay(13), mac: '01:00:00:00:00:01' }, 'peers[1].mac', /MAC/],
  ]
  for (const [peer, path, message] of bad)
    await t.rejects(overlay.sync([good, peer]), { name: 'EncodeError', path, message })
  t.same(await lines(site, 'route', 'show', 'proto', '78'), [])
  await t.rejects(overlay.add({ endpoint: underlay(13), prefixes: ['nonsense'] }), {
    name: 'EncodeError',
    path: 'peer.prefixes[0]',
  })
  await t.resolves(
    overlay.add({ endpoint: underlay(13), prefixes: ['default'] }),
    'the endpoint is on a connected network',
  )
  await t.rejects(
    overlay.add({ endpoint: '203.0.113.1', prefixes: ['default'] }),
    { name: 'EncodeError', path: 'peer.prefixes[0]' },
    'this one is not',
  )
})

t.test('what cannot be carried is refused with the reason', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  await t.rejects(Overlay.open(site.rt, { device: 'eth1', protocol: PROTOCOL }), {
    name: 'UnsupportedError',
    message: /eth1 is of kind veth, no tunnel/,
  })
  await t.rejects(Overlay.open(site.rt, { device: 'eth1', protocol: PROTOCOL, strategy: 'fdb' }), UnsupportedError)
  await t.rejects(Overlay.open(site.rt, { device: 'nope', protocol: PROTOCOL }), {
    code: 'ENODEV',
    message: 'there is no device nope',
  })
  await t.rejects(open(site, { protocol: 4 }), { name: 'EncodeError', path: 'protocol' })
  const vx = await Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx0', vni: 1, local: underlay(11) })
  const overlay = await Overlay.open(site.rt, { device: vx, protocol: PROTOCOL })
  await t.rejects(overlay.add({ endpoint: underlay(12), prefixes: ['12.1.1.1/32'] }), {
    name: 'EncodeError',
    path: 'peer.mac',
  })
  await t.rejects(overlay.add({ endpoint: 'fd00::12', prefixes: [], mac: '02:00:00:00:00:01' }), {
    path: 'peer.endpoint',
    message: /IPv4 outside/,
  })
  const objects = await open(site, { strategy: 'nexthop' })
  const many = Array.from({ length: 5001 }, (_, i) => ({
    endpoint: `10.9.${i >> 8}.${i & 255}`.replace('10.9.0.0', '10.8.0.0'),
    prefixes: [],
  }))
  await t.rejects(objects.sync(many), { name: 'UnsupportedError', message: /5001 peers with nexthop objects/ })
})

t.test('a device that is down, gone, or another one', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const make = (): Promise<Tunnel> =>
    Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx0', vni: 1, local: underlay(11) }) as Promise<Tunnel>
  const tunnel = await make()
  const overlay = await Overlay.open(site.rt, { device: tunnel, protocol: PROTOCOL, strategy: 'onlink' })
  const peer = { endpoint: underlay(12), prefixes: ['12.1.1.1/32'] }
  await tunnel.set({ up: false })
  await t.rejects(overlay.add(peer), { code: 'ENETDOWN', message: /vx0 is down/ })
  await tunnel.set({ up: true })
  await overlay.add(peer)
  await tunnel.set({ up: false })
  await tunnel.set({ up: true, ifname: 'other0' })
  t.equal(tunnel.ifname, 'other0')
  t.match(await overlay.sync([peer]), { added: 1 }, 'what went with link down is made again, under any name')
  await tunnel.delete()
  await t.rejects(overlay.add(peer), {
    code: 'ENODEV',
    message: 'device vx0 (index 4) is gone'.replace('4', String(tunnel.index)),
  })
  await make()
  await t.rejects(overlay.add(peer), {
    code: 'ENODEV',
    message: /the vx0 of now \(index \d+\) is another: open it anew/,
  })
  await t.rejects(tunnel.refresh(), { code: 'ENODEV' })
})

t.test('changes one after the other, dry runs, progress, abort', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const overlay = await open(site)
  const peers = Array.from({ length: 3000 }, (_, i) => ({
    endpoint: `10.9.${i >> 8}.${i & 255 || 1}${i & 255 ? '' : ''}`,
    prefixes: [`20.0.${i >> 8}.${i & 255}/32`],
  }))
  const unique = [...new Map(peers.map((peer) => [peer.endpoint, peer])).values()]
  const dry = await overlay.sync(unique, { dryRun: true })
  t.match(dry, { added: unique.length, messages: 0 })
  t.equal(dry.requests?.length, unique.length)
  t.match(`${dry.requests![0]}`, /^RTM_NEWROUTE 20\.0\.0\.\d+\/32$/)
  t.same(await lines(site, 'route', 'show', 'proto', '78'), [])

  const progress: number[] = []
  const both = await Promise.all([
    overlay.sync(unique, { onProgress: ({ sent, done, total }) => progress.push(sent, done, total) }),
    overlay.sync(unique),
  ])
  t.match(
    both,
    [{ added: unique.length }, { added: 0, unchanged: unique.length, messages: 0 }],
    'the second one finds it done',
  )
  t.same(progress.slice(-3), [unique.length, unique.length, unique.length])

  const controller = new AbortController()
  const aborted = overlay.sync([], {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('enough')),
  })
  await t.rejects(aborted, { message: 'enough' })
  t.match(await overlay.sync([]), { failures: { length: 0 } })
  t.same(await lines(site, 'route', 'show', 'proto', '78'), [])
  async function* stream(): AsyncGenerator<Peer> {
    for (const peer of unique.slice(0, 10)) yield peer
  }
  t.match(await overlay.sync(stream()), { added: 10 }, 'peers may come one by one')
  t.match(await overlay.add(stream()), { unchanged: 10, messages: 0 })
  overlay.close()
  await t.rejects(overlay.add(unique[0]!), { code: 'NBMA_CLOSED' })
})

t.test('two processes that want the same come to it', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  await using second = await Rtnetlink.open({ namespace: site.ns })
  for (const strategy of ['onlink', 'nexthop'] as const) {
    const overlays = [
      await open(site, { strategy }),
      await Overlay.open(second, { device: 'eth1', protocol: PROTOCOL, strategy }),
    ] as const
    const peers = Array.from({ length: 500 }, (_, i) => ({
      endpoint: `10.9.${i >> 8}.${i & 255}`.replace('.0.0', '.8.1'),
      prefixes: [`20.0.${i >> 8}.${i & 255}/32`, '30.0.0.0/8'],
    }))
    const results = await Promise.all(overlays.map((overlay) => overlay.sync(peers)))
    for (const { failures } of results) t.same(failures, [])
    t.equal((await lines(site, 'route', 'show', 'proto', '78', 'root', '20.0.0.0/8')).length, 500)
    t.match(await overlays[0].sync(peers), { messages: 0, unchanged: 500 })
    await Promise.all(overlays.map((overlay) => overlay.sync([])))
    t.same(await lines(site, 'route', 'show', 'proto', '78'), [])
    t.same(await lines(site, 'nexthop'), [])
  }
})

t.test('watch: what others change is told, and put back', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const { index } = site.devices.eth1
  for (const strategy of ['onlink', 'nexthop'] as const) {
    const overlay = await open(site, { strategy })
    const peers = [12, 13].map((n) => ({ endpoint: underlay(n), prefixes: [`${inside(n)}/32`] }))
    await overlay.sync(peers)
    const controller = new AbortController()
    const events: OverlayEvent[] = []
    const ended = (async () => {
      for await (const event of overlay.watch({ signal: controller.signal, repair: true })) events.push(event)
    })()
    const until = async (what: string, test: (event: OverlayEvent) => boolean): Promise<void> => {
      for (let i = 0; i < 200; i++) {
        const at = events.findIndex(test)
        if (at !== -1) {
          events.splice(0, at + 1)
          t.pass(what)
          return
        }
        await sleep(20)
      }
      t.fail(`${what}: ${JSON.stringify(events)}`)
    }
    await sleep(100)
    await site.exec('ip', ['route', 'del', `${inside(12)}/32`, 'proto', '78'])
    await until(
      'a deleted route',
      (one) => one.event === 'missing' && one.prefix === `${inside(12)}/32` && /deleted/.test(one.cause),
    )
    await until('is put back', (one) => one.event === 'repaired' && one.messages === 1)
    await site.rt.request(
      route.add({ dst: '99.0.0.0/8', gateway: underlay(99), oif: index, protocol: PROTOCOL, priority: 77 }),
    )
    await until('a route too many', (one) => one.event === 'surplus' && one.prefix === '99.0.0.0/8')
    await until('is removed', (one) => one.event === 'repaired')
    await site.rt.request(link.change({ index, up: false }))
    await until('link down', (one) => one.event === 'device' && one.state === 'down')
    await until('takes routes', (one) => one.event === 'missing' && one.object === 'route' && /down/.test(one.cause))
    await site.rt.request(link.change({ index, up: true }))
    await until('link up', (one) => one.event === 'device' && one.state === 'up')
    await until('brings them back', (one) => one.event === 'repaired')
    t.same(await peersOf(overlay), peers)
    if (strategy === 'nexthop') {
      const [object] = await site.rt.list(nexthop.list())
      await site.rt.request(nexthop.delete({ id: object!.id! }))
      await until('a deleted nexthop takes routes', (one) => one.event === 'missing' && one.object === 'route')
      await until('both are put back', (one) => one.event === 'repaired')
      t.same(
        (await peersOf(overlay)).map(({ endpoint }) => endpoint),
        [underlay(12), underlay(13)],
      )
    }
    events.length = 0
    await overlay.add({ endpoint: underlay(14), prefixes: ['14.1.1.1/32'] })
    await overlay.remove(underlay(13))
    await sleep(200)
    t.same(events, [], 'own changes are not drift')
    controller.abort()
    await ended
    await overlay.sync([])
  }
})

t.test('watch: the end of the device is the end of the watch', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const tunnel = await Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx0', vni: 1, local: underlay(11) })
  const overlay = await Overlay.open(site.rt, { device: tunnel, protocol: PROTOCOL, strategy: 'onlink' })
  const events: OverlayEvent[] = []
  setTimeout(() => void tunnel.delete(), 100)
  for await (const event of overlay.watch()) events.push(event)
  t.match(events.at(-1), { event: 'device', state: 'gone', ifname: 'vx0' })
})

t.test('check: what is in the way', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const overlay = await open(site)
  const codes = async (): Promise<string[]> =>
    (await overlay.check()).filter(({ severity }) => severity !== 'note').map(({ code }) => code)
  await overlay.add([
    { endpoint: underlay(12), prefixes: ['12.1.1.1/32'] },
    { endpoint: '203.0.113.9', prefixes: ['13.1.1.1/32'] },
  ])
  t.same(await codes(), ['no-underlay-route'])
  await site.exec('ip', ['route', 'add', '12.1.1.1/32', 'via', underlay(99), 'dev', 'eth1', 'metric', '3'])
  await site.exec('ip', ['route', 'add', '203.0.113.0/24', 'via', underlay(1), 'dev', 'eth1'])
  t.same(await codes(), ['foreign-route'])
  await site.exec('ip', ['link', 'set', 'eth1', 'down'])
  t.ok((await codes()).includes('device-down'))
})

t.test('Tunnel: open, set without loss, delete', skip, async (t) => {
  const { lab, site } = await one()
  await using _ = lab
  const tunnel = await Tunnel.create(site.rt, {
    kind: 'vxlan',
    ifname: 'vx0',
    vni: 42,
    local: underlay(11),
    ttl: 9,
    df: 'set',
    mtu: 1400,
  })
  const before = tunnel.data
  await tunnel.set({ ttl: 10 })
  t.same(tunnel.data, { ...before, ttl: 10 })
  t.equal(tunnel.mtu, 1400)
  const again = await Tunnel.open(site.rt, 'vx0')
  t.equal(again.index, tunnel.index)
  await t.rejects(Tunnel.open(site.rt, 'eth1'), {
    name: 'UnsupportedError',
    message: 'eth1 is of kind veth: no tunnel',
  })
  await t.rejects(Tunnel.open(site.rt, 'lo'), { name: 'UnsupportedError', message: 'lo is no tunnel' })
  await t.rejects(Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx0', vni: 43 }), {
    code: 'EEXIST',
    message: /the name is taken/,
  })
  await t.rejects(Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx1', vni: 0x1000000 }), {
    name: 'EncodeError',
    path: 'linkinfo.data.id',
  })
  await tunnel.delete()
  await tunnel[Symbol.asyncDispose]()
  {
    await using short = await Tunnel.create(site.rt, { kind: 'vxlan', ifname: 'vx2', vni: 2, local: underlay(11) })
    t.ok(short.up)
  }
  await t.rejects(Tunnel.open(site.rt, 'vx2'), { code: 'ENODEV' })
})
