import { inspect } from 'node:util'
import t from 'tap'
import type { OverlayOptions } from '../../lib/tunnel/options.js'
import { Overlay } from '../../lib/tunnel/overlay.js'
import { PeersError } from '../../lib/tunnel/result.js'
import { ModelKernel, type Value } from './model.js'

/** Single cases against the model of the kernel. */

const SIT = { linkinfo: { kind: 'sit', data: { local: '192.168.122.11' } } }
const GRE = { linkinfo: { kind: 'gre', data: { local: '192.168.122.11' } } }
const VXLAN = { linkinfo: { kind: 'vxlan', data: { id: 5, local: '192.168.122.11' } } }
const peer = (n: number, ...prefixes: string[]) => ({ endpoint: `192.168.122.${n}`, prefixes })

const open = (kernel: ModelKernel, options: Partial<OverlayOptions> = {}): Promise<Overlay> =>
  Overlay.open(kernel.connect(), { device: 'tun', protocol: 78, ...options })

const gateways = (kernel: ModelKernel): unknown[] => kernel.routes.map(({ dst, gateway }) => `${dst} ${gateway}`).sort()

t.test('add adds, remove removes, each as often as you like', async (t) => {
  const kernel = new ModelKernel(SIT)
  const overlay = await open(kernel)
  t.match(await overlay.add([peer(12, '10.1.0.0/16'), peer(13, '10.2.0.0/16')]), { added: 2, changed: 0, messages: 2 })
  t.match(await overlay.add(peer(12, '10.1.0.0/16')), { added: 0, unchanged: 1, messages: 0 })
  t.match(await overlay.add(peer(12, '10.3.0.0/16')), { added: 0, changed: 1, messages: 1 })
  t.same(gateways(kernel), ['10.1.0.0/16 192.168.122.12', '10.2.0.0/16 192.168.122.13', '10.3.0.0/16 192.168.122.12'])
  t.match(await overlay.remove(peer(12)), { removed: 1, messages: 2 })
  t.match(await overlay.remove(['192.168.122.12', peer(13)]), { removed: 1, messages: 1 })
  t.match(await overlay.remove('192.168.122.12'), { removed: 0, messages: 0 })
  t.same(kernel.routes, [])
})

t.test('update replaces the prefixes, and with `from` the endpoint', async (t) => {
  const kernel = new ModelKernel(SIT)
  const overlay = await open(kernel)
  await overlay.add(peer(12, '10.1.0.0/16', '10.2.0.0/16'))
  t.match(await overlay.update(peer(12, '10.2.0.0/16', '10.3.0.0/16')), { changed: 1, messages: 2 })
  t.same(gateways(kernel), ['10.2.0.0/16 192.168.122.12', '10.3.0.0/16 192.168.122.12'])
  t.match(await overlay.update(peer(13, '10.2.0.0/16', '10.3.0.0/16'), { from: '192.168.122.12' }), {
    changed: 1,
    added: 0,
    removed: 0,
    messages: 4,
  })
  t.same(
    kernel.sent.slice(-4).map(({ operation }) => operation),
    ['RTM_NEWROUTE', 'RTM_NEWROUTE', 'RTM_DELROUTE', 'RTM_DELROUTE'],
  )
  t.match(await overlay.update(peer(14, '10.9.0.0/16')), { added: 1 }, 'one that was not there is added')
})

t.test('other attributes are put right in place', async (t) => {
  const kernel = new ModelKernel(SIT)
  await (await open(kernel)).sync([peer(12, '10.1.0.0/16')])
  const overlay = await open(kernel, { source: '192.168.122.11', mtu: 1300 })
  t.match(await overlay.sync([peer(12, '10.1.0.0/16')]), { changed: 1, messages: 1 })
  t.match(kernel.routes, [{ prefsrc: '192.168.122.11', metrics: { mtu: 1300 } }])
  t.equal(kernel.routes.length, 1)
  t.match(await overlay.sync([peer(12, '10.1.0.0/16')]), { unchanged: 1, messages: 0 })
})

t.test('another strategy takes over without a gap', async (t) => {
  const kernel = new ModelKernel(SIT)
  const peers = [peer(12, '10.1.0.0/16', '2001:db8::/32'), peer(13, '10.1.0.0/16')]
  kernel.changed = () => {
    if (kernel.sent.length > 3 && !kernel.routes.some(({ dst }) => dst === '10.1.0.0/16')) t.fail('a gap')
  }
  for (const strategy of ['onlink', 'nexthop', 'onlink', 'nexthop'] as const) {
    await (await open(kernel, { strategy })).sync(peers)
    t.equal(kernel.routes.length, 2, strategy)
    t.equal(kernel.nexthops.length, strategy === 'nexthop' ? 4 : 0)
  }
})

t.test('nexthop ids that collide, and a range that is full', async (t) => {
  const kernel = new ModelKernel(SIT)
  kernel.nexthops.push({
    family: 'inet',
    scope: 'link',
    protocol: 'static',
    flags: [],
    id: 101,
    gateway: '192.168.122.99',
    oif: 7,
  })
  const options = { strategy: 'nexthop', nexthopIds: { base: 100, width: 4 } } as const
  const overlay = await open(kernel, options)
  await overlay.sync([12, 13, 14].map((n) => peer(n, `10.${n}.0.0/16`)))
  t.same(kernel.nexthops.map(({ id }) => id as number).sort(), [100, 101, 102, 103])
  const ids = (): unknown[] => kernel.nexthops.map(({ id, gateway }) => `${id} ${gateway}`).sort()
  const before = ids()
  t.match(await (await open(kernel, options)).sync([14, 13, 12].map((n) => peer(n, `10.${n}.0.0/16`))), { messages: 0 })
  t.same(ids(), before, 'they stay')
  await t.rejects(overlay.add(peer(15, '10.15.0.0/16')), {
    code: 'NBMA_IDS',
    message: /all 4 ids from 100 on are taken/,
  })
  await overlay.remove('192.168.122.12')
  t.match(await overlay.add(peer(15, '10.15.0.0/16')), { added: 1 }, 'there is room again')
})

t.test("somebody else's neighbour and forwarding entries are left alone", async (t) => {
  const kernel = new ModelKernel(GRE)
  const entry = { family: 'inet', ifindex: 7, state: ['permanent'], flags: [], type: 'unspec', protocol: 'static' }
  kernel.neighbours.push({ ...entry, dst: '192.168.122.12', lladdr: '192.168.122.99' })
  kernel.neighbours.push({ ...entry, dst: '192.168.122.13', lladdr: '192.168.122.13' })
  kernel.neighbours.push({ ...entry, dst: '192.168.122.14', lladdr: '0.0.0.0', state: ['noarp'], protocol: undefined })
  const result = await (await open(kernel)).sync([12, 13, 14].map((n) => peer(n, `10.${n}.0.0/16`)))
  t.match(result, {
    added: 2,
    failures: [
      { endpoint: '192.168.122.12', error: { code: 'EEXIST', message: /192\.168\.122\.12 is at 192\.168\.122\.99/ } },
    ],
  })
  t.same(
    kernel.neighbours.map(({ dst, lladdr, protocol }) => [dst, lladdr, protocol]),
    [
      ['192.168.122.12', '192.168.122.99', 'static'],
      ['192.168.122.13', '192.168.122.13', 'static'],
      ['192.168.122.14', '192.168.122.14', 78],
    ],
    'one that the kernel has made by itself is replaced',
  )

  const vxlan = new ModelKernel(VXLAN)
  const forward = { family: 'bridge', ifindex: 7, state: ['permanent'], flags: ['self'], type: 'unspec' }
  vxlan.forwards.push({ ...forward, lladdr: '02:00:00:00:00:12', dst: '192.168.122.99' })
  const overlay = await open(vxlan)
  await t.rejects(overlay.add({ ...peer(12, '10.12.0.0/16'), mac: '02:00:00:00:00:12' }), {
    code: 'EEXIST',
    message: /02:00:00:00:00:12 is at 192\.168\.122\.99/,
  })
  t.match(vxlan.forwards, [{ dst: '192.168.122.99' }])
})

t.test('a MAC or gateway that goes to another peer', async (t) => {
  const kernel = new ModelKernel(VXLAN)
  const overlay = await open(kernel)
  const mac = '02:00:00:00:00:01'
  await overlay.sync([{ ...peer(12, '10.1.0.0/16'), mac, gateway: '10.255.0.1' }])
  t.match(await overlay.sync([{ ...peer(13, '10.1.0.0/16'), mac, gateway: '10.255.0.1' }]), {
    added: 1,
    removed: 1,
    failures: { length: 0 },
  })
  t.match(kernel.forwards, [{ lladdr: mac, dst: '192.168.122.13' }])
  t.equal(kernel.neighbours.length, 1)
  t.match(await overlay.sync([{ ...peer(13, '10.1.0.0/16'), mac, gateway: '10.255.0.1' }]), {
    messages: 0,
    unchanged: 1,
  })
  await t.rejects(
    overlay.sync([
      { ...peer(13), mac },
      { ...peer(14), mac },
    ]),
    { path: 'peers[1].mac' } as never,
  )
  await t.rejects(
    overlay.sync([
      { ...peer(13), mac, gateway: '10.255.0.1' },
      { ...peer(14), mac: '02:00:00:00:00:02', gateway: '10.255.0.1' },
    ]),
    { path: 'peers[1].gateway' } as never,
  )
})

t.test('what the kernel refuses: the one error, or all of them', async (t) => {
  const kernel = new ModelKernel(SIT)
  const overlay = await open(kernel)
  const refuse = (_: string, { dst }: Value) => (`${dst}`.startsWith('10.') ? ('refused' as const) : undefined)
  kernel.fault = refuse
  await t.rejects(overlay.add(peer(12, '10.1.0.0/16', '20.1.0.0/16')), {
    name: 'KernelError',
    code: 'ENOBUFS',
    message: /RTM_NEWROUTE 10\.1\.0\.0\/16/,
  })
  t.same(gateways(kernel), ['20.1.0.0/16 192.168.122.12'], 'the rest was done')
  const error = await overlay.add([peer(12, '10.1.0.0/16'), peer(13, '10.2.0.0/16'), peer(14, '20.2.0.0/16')]).then(
    () => undefined,
    (caught: unknown) => caught,
  )
  t.ok(error instanceof PeersError)
  t.notMatch(inspect(error), /failures/, 'a thousand failures are not printed')
  t.match(error, {
    code: 'NBMA_PEERS',
    message: /^192\.168\.122\.12: .*\(and 1 more\)$/,
    result: { added: 1, failures: { length: 2 } },
  })
  const result = await overlay.sync([peer(12, '10.1.0.0/16'), peer(14, '20.2.0.0/16')])
  t.match(result, {
    added: 0,
    changed: 0,
    unchanged: 1,
    failures: [{ endpoint: '192.168.122.12', prefix: '10.1.0.0/16' }],
  })
})

t.test('answers that are lost are looked up', async (t) => {
  const kernel = new ModelKernel(SIT)
  const overlay = await open(kernel)
  let lost = 0
  kernel.fault = () => (lost++ === 0 ? 'unheard' : undefined)
  t.match(
    await overlay.sync([peer(12, '10.1.0.0/16')]),
    { added: 1, failures: { length: 0 }, messages: 1 },
    'it was done',
  )
  kernel.fault = () => 'unheard'
  const result = await overlay.sync([peer(12, '10.1.0.0/16'), peer(13, '10.2.0.0/16')])
  t.match(result, { added: 1, unchanged: 1, failures: { length: 0 } })
  t.equal(kernel.routes.length, 2)
})

t.test('what an overlay can be opened with', async (t) => {
  const kernel = new ModelKernel(SIT)
  const bad: [Partial<OverlayOptions>, string][] = [
    [{ protocol: 0 }, 'protocol'],
    [{ protocol: 256 }, 'protocol'],
    [{ protocol: 'boot' }, 'protocol'],
    [{ protocol: 'nonsense' as 'bgp' }, 'protocol'],
    [{ table: 0 }, 'table'],
    [{ source: 'x' }, 'source'],
    [{ source: ['10.0.0.1', '10.0.0.2'] }, 'source'],
    [{ strategy: 'x' as 'auto' }, 'strategy'],
    [{ metric: { base: 0 } }, 'metric.base'],
    [{ metric: { base: 0xfffffff0, width: 100 } }, 'metric.width'],
    [{ nexthopIds: { width: 0 } }, 'nexthopIds.width'],
    [{ mtu: 10 }, 'mtu'],
    [{ advmss: 0 }, 'advmss'],
  ]
  for (const [options, path] of bad)
    await t.rejects(open(kernel, options), { name: 'EncodeError', path } as never, JSON.stringify(options))
  await t.rejects(open(kernel, { flood: true }), { name: 'UnsupportedError', message: /flood/ })
  const overlay = await open(kernel, { protocol: 'bgp', table: 1000 })
  await overlay.add(peer(12, '10.1.0.0/16', '192.168.0.0/16'))
  t.match(kernel.routes, [{ protocol: 'bgp', table: 1000 }, {}], 'in a table of its own a prefix may hold the endpoint')
  t.match(await overlay.sync([peer(12, '10.1.0.0/16', '192.168.0.0/16')]), { messages: 0 })
  t.equal(overlay.strategy, 'onlink')
  t.equal(overlay.device.ifname, 'tun')
  t.match(overlay.explain(), /^tun \(sit\): strategy onlink\nIPv4: onlink: .*\nIPv6: onlink: .*::a\.b\.c\.d/)
})

t.test('peers that share a MAC and its gateway share what is behind it', async (t) => {
  const kernel = new ModelKernel(VXLAN)
  const overlay = await open(kernel, { strategy: 'nexthop' })
  const station = { mac: '02:00:00:00:00:01', gateway: '10.255.0.1' }
  await overlay.add({ ...peer(12, '10.1.0.0/16'), ...station })
  t.match(await overlay.add({ ...peer(13, '10.1.0.0/16'), ...station }), { added: 1, messages: 4 })
  t.equal(kernel.routes.length, 1)
  t.same(
    kernel.forwards.flatMap((one) => kernel.behind(one)),
    ['192.168.122.12*1', '192.168.122.13*1'],
  )
  t.match(await overlay.remove('192.168.122.12'), { removed: 1, messages: 4 })
  t.same(
    kernel.routes.map(({ dst }) => dst),
    ['10.1.0.0/16'],
    'the other one still has it',
  )
  t.match(kernel.neighbours, [{ dst: '10.255.0.1', lladdr: station.mac }])
  await overlay.remove('192.168.122.13')
  t.same(kernel.state, [])
  await t.rejects(
    overlay.sync([
      { ...peer(13), ...station },
      { ...peer(14), ...station, mac: '02:00:00:00:00:02' },
    ]),
    { path: 'peers[1].gateway' } as never,
    'of another MAC it cannot be',
  )
})

t.test(
  'external: a prefix of IPv6 that several peers announce has gateways, which the kernel needs there',
  async (t) => {
    const kernel = new ModelKernel({ linkinfo: { kind: 'gre', data: { collectMetadata: true } } })
    const overlay = await open(kernel)
    const prefixes = ['10.1.0.0/16', '2001:db8::/32']
    const peers = [12, 13].map((n) => peer(n, ...prefixes))
    await overlay.sync(peers)
    t.match(kernel.routes, [
      { multipath: [{ gateway: undefined }, { gateway: undefined }] },
      { multipath: [{ gateway: '::192.168.122.12' }, { gateway: '::192.168.122.13' }] },
    ])
    t.match(await overlay.sync(peers), { messages: 0, unchanged: 2 })
    const found = []
    for await (const one of overlay.peers()) found.push(one)
    t.same(found, peers, 'they are no gateways of the peers')
  },
)
