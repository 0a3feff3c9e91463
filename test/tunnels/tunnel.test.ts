import t from 'tap'
import { link } from '../../lib/rtnl/link.js'
import { Lab } from '../../lib/testing/lab.js'
import { type FallbackKind, TUNNEL_KINDS, type TunnelKind } from '../../lib/tunnel/kinds.js'
import { Tunnel, type TunnelOptions } from '../../lib/tunnel/tunnel.js'
import { setForAll } from '../helpers/uml.js'

/** Tunnel devices of every kind. Runs in a kernel that has them: `node tools/uml.mjs -- node …`. */

t.setTimeout(600_000)
const skip = { timeout: 120_000 }

const hosts = { h11: { eth1: ['192.168.122.11/24', 'fd00::11/64'] } } as const
const IPV4 = '192.168.122.11'
const IPV6 = 'fd00::11'

const FALLBACKS = Object.entries(TUNNEL_KINDS).flatMap(([kind, row]) =>
  'fallback' in row ? [[kind as FallbackKind, row.fallback as string] as const] : [],
)

t.test('fallback devices are found, whether or not the module is there yet', skip, async (t) => {
  await using lab = await Lab.create({ hosts })
  const { rt } = lab.hosts.h11
  for (const [kind, ifname] of FALLBACKS) {
    const tunnel = await Tunnel.fallback(rt, kind)
    t.match(tunnel, { kind, ifname, fallback: true, external: false, up: true, local: undefined }, kind)
    t.equal((await Tunnel.fallback(rt, kind)).index, tunnel.index, `${kind} again`)
    await t.rejects(tunnel.delete(), { name: 'UnsupportedError', message: /fallback device/ }, `${kind} is not deleted`)
    t.equal((await tunnel.refresh()).ifname, ifname, `${kind} is still there`)
  }
})

t.test('a fallback device under another name is found by its kind', skip, async (t) => {
  await using lab = await Lab.create({ hosts })
  const { rt } = lab.hosts.h11
  const tunnel = await Tunnel.fallback(rt, 'ipip')
  await tunnel.set({ up: false })
  await rt.request(link.change({ index: tunnel.index, ifname: 'odd0' }))
  t.match(await Tunnel.fallback(rt, 'ipip'), { ifname: 'odd0', fallback: true, up: true })
})

t.test('fallback devices are not changed', skip, async (t) => {
  await using lab = await Lab.create({ hosts })
  const { rt } = lab.hosts.h11
  for (const kind of ['ipip', 'gre', 'sit'] as const) {
    const tunnel = await Tunnel.fallback(rt, kind)
    await t.rejects(tunnel.set({ ttl: 9 } as never), { name: 'UnsupportedError', message: /fallback device/ }, kind)
    await tunnel.set({ up: false })
    t.notOk(tunnel.up)
    await tunnel.set({ mtu: 1400 })
    t.equal(tunnel.mtu, 1400, 'what is not of the kind is')
  }
})

for (const mode of [1, 2]) {
  t.test(`net.core.fb_tunnels_only_for_init_net ${mode}: a device like it is made`, skip, async (t) => {
    setForAll(t, 'net.core.fb_tunnels_only_for_init_net', mode)
    await using lab = await Lab.create({ hosts })
    const { rt } = lab.hosts.h11
    for (const kind of ['ipip', 'gre', 'sit'] as const) {
      const { fallback: ifname } = TUNNEL_KINDS[kind]
      await t.rejects(Tunnel.open(rt, ifname), { code: 'ENODEV' }, `there is no ${ifname}`)
      const tunnel = await Tunnel.fallback(rt, kind)
      t.match(tunnel, { kind, ifname, up: true })
      await tunnel.delete()
      await t.rejects(Tunnel.open(rt, ifname), { code: 'ENODEV' }, `${ifname} was deleted`)
    }
  })
}

/** A device of each kind with as much of its own as it takes. */
const RICH: { [K in TunnelKind]: Omit<TunnelOptions<K>, 'kind' | 'ifname'> } = {
  ipip: { local: IPV4, tos: 8, fwmark: 5 },
  sit: { local: IPV4, tos: 8, sixRdPrefix: '2001:db8::', sixRdPrefixlen: 32 },
  ip6tnl: { local: IPV6, encapLimit: 2, flowinfo: 0x12345, flags: ['use_orig_tclass'] },
  gre: { local: IPV4, key: 5, tos: 8, fwmark: 5 },
  gretap: { local: IPV4, key: 6, tos: 8, address: '02:00:00:00:00:01' },
  erspan: { local: IPV4, key: 7, erspanIndex: 9 },
  ip6gre: { local: IPV6, key: 8, encapLimit: 2 },
  ip6gretap: { local: IPV6, key: 9, flowinfo: 0x12345 },
  ip6erspan: { local: IPV6, key: 10, erspanVer: 2, erspanDir: 1, erspanHwid: 3 },
  vti: { local: IPV4, ikey: 11, okey: 12 },
  vti6: { local: IPV6, ikey: 11, okey: 12 },
  vxlan: { vni: 42, local: IPV4, tos: 8, df: 'set', ageing: 100, portRange: { low: 5000, high: 6000 } },
  geneve: { vni: 43, remote: '192.168.122.12', tos: 8, df: 'set' },
}

t.test('a change keeps all that it does not name', skip, async (t) => {
  await using lab = await Lab.create({ hosts })
  const { rt } = lab.hosts.h11
  for (const kind of Object.keys(RICH) as TunnelKind[]) {
    const tunnel = await Tunnel.create(rt, { kind, ifname: 'x0', mtu: 1300, ...RICH[kind] } as TunnelOptions)
    const before = tunnel.data
    const change = /^vti/.test(kind) ? { fwmark: 9 } : { ttl: 33 }
    await tunnel.set(change as never)
    t.same(tunnel.data, { ...before, ...change }, kind)
    t.equal(tunnel.mtu, 1300, `${kind}: MTU`)
    await tunnel.set({ up: false })
    t.same(tunnel.data, { ...before, ...change }, `${kind}: down`)
    if (/gre/.test(kind)) {
      await tunnel.set({ key: 77 } as never)
      t.match(tunnel.data, { ikey: 77, okey: 77 }, `${kind}: key`)
      t.equal(tunnel.key, 77)
    }
    await tunnel.delete()
  }
})

t.test('overhead is what the kernel reckons with', skip, async (t) => {
  await using lab = await Lab.create({ hosts })
  const { rt } = lab.hosts.h11
  const expected: Partial<Record<TunnelKind, number>> = {
    ipip: 20,
    sit: 20,
    gre: 28,
    gretap: 42,
    ip6tnl: 48,
    ip6gre: 56,
    ip6gretap: 70,
    vxlan: 50,
  }
  for (const [kind, overhead] of Object.entries(expected) as [TunnelKind, number][]) {
    await using tunnel = await Tunnel.create(rt, { kind, ifname: 'x0', ...RICH[kind] } as TunnelOptions)
    t.equal(tunnel.overhead, overhead, `${kind}: overhead`)
    t.equal(tunnel.mtu, 1500 - overhead, `${kind}: MTU`)
  }
  await using under = await Tunnel.create(rt, { kind: 'ipip', ifname: 'small0', local: IPV4 })
  await lab.hosts.h11.exec('ip', ['link', 'set', 'eth1', 'mtu', '1400'])
  await using small = await Tunnel.create(rt, { kind: 'gre', ifname: 'small1', local: IPV4 })
  t.equal(under.mtu, 1480)
  t.equal(small.mtu, 1376, 'the underlay device counts')
})

t.test('why a device cannot be made', skip, async (t) => {
  await using lab = await Lab.create({ hosts })
  const { rt } = lab.hosts.h11
  await Tunnel.fallback(rt, 'ipip')
  await t.rejects(Tunnel.create(rt, { kind: 'ipip', ifname: 'x0' }), {
    code: 'EEXIST',
    message: /tunl0 is the device without addresses/,
  })
  await using a = await Tunnel.create(rt, { kind: 'gre', ifname: 'x0', local: IPV4, key: 5 })
  await t.rejects(Tunnel.create(rt, { kind: 'gre', ifname: 'x1', local: IPV4, key: 5 }), {
    code: 'EEXIST',
    message: /is the same to the kernel/,
  })
  await t.rejects(Tunnel.create(rt, { kind: 'gre', ifname: 'x0', local: IPV4, key: 6 }), {
    code: 'EEXIST',
    message: /the name is taken/,
  })
  await using b = await Tunnel.create(rt, { kind: 'gre', ifname: 'x2', external: true })
  await t.rejects(Tunnel.create(rt, { kind: 'gre', ifname: 'x3', external: true }), {
    code: 'EEXIST',
    message: /x2 is external/,
  })
  t.match(
    [a, b],
    [
      { external: false, key: 5 },
      { external: true, key: undefined },
    ],
  )
  await t.rejects(Tunnel.create(rt, { kind: 'nonsense' as 'gre', ifname: 'x4' }), { name: 'UnsupportedError' })
})
