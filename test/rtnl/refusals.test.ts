import t from 'tap'
import { EncodeError } from '../../lib/errors.js'
import { address } from '../../lib/rtnl/address.js'
import { link } from '../../lib/rtnl/link.js'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { netnsId } from '../../lib/rtnl/netns.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import { rule } from '../../lib/rtnl/rule.js'
import { LINK } from '../../lib/schema/link.js'
import { ROUTE } from '../../lib/schema/route.js'
import type { Request } from '../../lib/wire/request.js'

/** Builders as JavaScript has them: whatever is given. */
type Loose = (value: unknown) => Request
const loose = <B extends object>(builder: B) => builder as { readonly [K in keyof B]: Loose }
const [r, l, a, n, h, u] = [loose(route), loose(link), loose(address), loose(neighbour), loose(nexthop), loose(rule)]

const tunnel = (kind: string, data: object): Request => l.add({ ifname: 'x', linkinfo: { kind, data } })
const peer = { dst: '12.1.1.1/32', gateway: '192.168.122.12', oif: 7 }
const hop = { gateway: '192.0.2.1', oif: 1 }

/** What is refused: the path, what makes it, and the whole message. */
const CASES: readonly [path: string, make: () => Request, message: string][] = [
  // Addresses and prefixes.
  ['dst', () => r.add({ dst: '10.0.0.1/8' }), 'dst: "10.0.0.1/8" is not a prefix without host bits (10.0.0.0/8)'],
  [
    'dst',
    () => r.add({ dst: '2001:db8::1/64' }),
    'dst: "2001:db8::1/64" is not a prefix without host bits (2001:db8::/64)',
  ],
  ['dst', () => r.add({ dst: '10.0.0.0/33' }), 'dst: "10.0.0.0/33" is not a prefix of length 0 to 32'],
  ['dst', () => r.add({ dst: 'tunl0' }), 'dst: "tunl0" is not an IPv4 prefix or \'default\''],
  ['dst', () => r.add({ dst: 5 }), "dst: 5 is not an IPv4 prefix or 'default'"],
  ['src', () => u.add({ src: '10.0.0.1/8' }), 'src: "10.0.0.1/8" is not a prefix without host bits (10.0.0.0/8)'],
  ['gateway', () => r.add({ ...peer, gateway: '192.168.122' }), 'gateway: "192.168.122" is not an IPv4 address'],
  ['gateway', () => r.add({ ...peer, gateway: 'fe80::1' }), 'gateway: "fe80::1" is not an IPv4 address'],
  ['gateway', () => r.add({ ...peer, dst: '2001:db8::/32' }), 'gateway: "192.168.122.12" is not an IPv6 address'],
  ['prefsrc', () => r.add({ ...peer, prefsrc: '11.1.1.1/32' }), 'prefsrc: "11.1.1.1/32" is not an IPv4 address'],
  [
    'gateway',
    () => h.add({ id: 1, family: 'inet6', gateway: '192.0.2.1' }),
    'gateway: "192.0.2.1" is not an IPv6 address',
  ],
  ['address', () => a.add({ address: '10.0.0.1/x' }), 'address: "10.0.0.1/x" is not a prefix of length 0 to 32'],
  ['address', () => a.add({ address: 5 }), 'address: 5 is not an IPv4 or IPv6 prefix'],
  ['local', () => a.add({ local: 5 }), 'local: 5 is not an IPv4 or IPv6 address'],
  ['local', () => a.delete({ local: null }), 'local: null is not an IPv4 or IPv6 address'],
  ['local', () => a.add({ address: '10.0.0.1/8', local: '::1' }), 'local: "::1" is not an IPv4 address'],
  [
    'lladdr',
    () => n.add({ ifindex: 1, lladdr: '52:54:00' + ':' }),
    'lladdr: "52:54:00:" is not a link-layer address: a MAC, IPv4 or IPv6 address',
  ],
  [
    'via.address',
    () => r.add({ dst: 'default', via: { family: 'inet6', address: '192.0.2.1' } }),
    'via.address: "192.0.2.1" is not an IPv6 address',
  ],
  ['linkinfo.data.local', () => tunnel('gre', { local: '::1' }), 'linkinfo.data.local: "::1" is not an IPv4 address'],
  [
    'linkinfo.data.local',
    () => tunnel('ip6gre', { local: '192.0.2.1' }),
    'linkinfo.data.local: "192.0.2.1" is not an IPv6 address',
  ],
  [
    'linkinfo.data.remote',
    () => tunnel('gretap', { remote: '0.0.0.0' }),
    'linkinfo.data.remote: "0.0.0.0" is not an IPv4 address other than 0.0.0.0 (leave it out for none)',
  ],
  ['encap.dst', () => r.add({ ...peer, encap: { type: 'ip', dst: '::1' } }), 'encap.dst: "::1" is not an IPv4 address'],
  ['family', () => r.add({ family: 'ipv4', dst: 'default' }), 'family: "ipv4" is not one of …, or a number'],
  ['family', () => u.list({ family: 256 }), 'family: 256 is not a whole number from 0 to 255'],
  // Device names.
  [
    'ifname',
    () => l.add({ ifname: 'sixteen-bytes-xy' }),
    "ifname: \"sixteen-bytes-xy\" is not a device name of 1 to 15 bytes without '/', ':' or spaces, and not '.' or '..'",
  ],
  [
    'ifname',
    () => l.add({ ifname: 'a/b' }),
    "ifname: \"a/b\" is not a device name of 1 to 15 bytes without '/', ':' or spaces, and not '.' or '..'",
  ],
  [
    'ifname',
    () => l.add({ ifname: 'a b' }),
    "ifname: \"a b\" is not a device name of 1 to 15 bytes without '/', ':' or spaces, and not '.' or '..'",
  ],
  [
    'ifname',
    () => l.get({ ifname: '' }),
    "ifname: \"\" is not a device name of 1 to 15 bytes without '/', ':' or spaces, and not '.' or '..'",
  ],
  [
    'iifname',
    () => u.add({ iifname: 'eth0:1' }),
    "iifname: \"eth0:1\" is not a device name of 1 to 15 bytes without '/', ':' or spaces, and not '.' or '..'",
  ],
  // Numbers out of range.
  ['linkinfo.data.ttl', () => tunnel('ipip', { ttl: 256 }), 'linkinfo.data.ttl: 256 is not a TTL from 0 to 255'],
  ['linkinfo.data.ttl', () => tunnel('vxlan', { id: 1, ttl: -1 }), 'linkinfo.data.ttl: -1 is not a TTL from 0 to 255'],
  [
    'linkinfo.data.ikey',
    () => tunnel('gre', { ikey: 2 ** 32 }),
    'linkinfo.data.ikey: 4294967296 is not a key from 0 to 4294967295',
  ],
  [
    'linkinfo.data.okey',
    () => tunnel('vti', { okey: '5' }),
    'linkinfo.data.okey: "5" is not a key from 0 to 4294967295',
  ],
  [
    'linkinfo.data.id',
    () => tunnel('vxlan', { id: 2 ** 24 }),
    'linkinfo.data.id: 16777216 is not a VNI from 0 to 16777215',
  ],
  ['linkinfo.data.id', () => tunnel('geneve', { id: 1.5 }), 'linkinfo.data.id: 1.5 is not a VNI from 0 to 16777215'],
  [
    'linkinfo.data.port',
    () => tunnel('vxlan', { id: 1, port: 65_536 }),
    'linkinfo.data.port: 65536 is not a port from 0 to 65535',
  ],
  [
    'linkinfo.data.portRange.high',
    () => tunnel('vxlan', { id: 1, portRange: { low: 1, high: 65_536 } }),
    'linkinfo.data.portRange.high: 65536 is not a port from 0 to 65535',
  ],
  [
    'linkinfo.data.encapDport',
    () => tunnel('ipip', { encapDport: -1 }),
    'linkinfo.data.encapDport: -1 is not a port from 0 to 65535',
  ],
  [
    'linkinfo.data.learning',
    () => tunnel('vxlan', { id: 1, learning: 2 }),
    'linkinfo.data.learning: 2 is not true or false (1 or 0)',
  ],
  [
    'linkinfo.data.collectMetadata',
    () => tunnel('gre', { collectMetadata: 1 }),
    'linkinfo.data.collectMetadata: 1 is not true or false',
  ],
  ['vni', () => n.add({ family: 'bridge', ifindex: 1, vni: 2 ** 24 }), 'vni: 16777216 is not a VNI from 0 to 16777215'],
  ['srcVni', () => n.add({ family: 'bridge', ifindex: 1, srcVni: -1 }), 'srcVni: -1 is not a VNI from 0 to 16777215'],
  [
    'port',
    () => n.add({ family: 'bridge', ifindex: 1, port: 65_536 }),
    'port: 65536 is not a whole number from 0 to 65535',
  ],
  ['vlan', () => n.add({ family: 'bridge', ifindex: 1, vlan: 4095 }), 'vlan: 4095 is not a VLAN id from 0 to 4094'],
  ['oif', () => r.add({ ...peer, oif: Number.NaN }), 'oif: NaN is not a whole number from 0 to 4294967295'],
  ['oif', () => r.add({ ...peer, oif: '7' }), 'oif: "7" is not a whole number from 0 to 4294967295'],
  ['oif', () => r.add({ ...peer, oif: null }), 'oif: null is not a whole number from 0 to 4294967295'],
  ['priority', () => r.add({ ...peer, priority: 1n }), 'priority: 1n is not a whole number from 0 to 4294967295'],
  ['table', () => r.add({ ...peer, table: 2 ** 32 }), 'table: 4294967296 is not a whole number from 0 to 4294967295'],
  [
    'table',
    () => r.add({ ...peer, table: 'mian' }),
    'table: "mian" is not a whole number from 0 to 4294967295, or one of unspec, compat, default, main, local',
  ],
  ['index', () => l.delete({ index: -1 }), 'index: -1 is not a device index from 0 to 2147483647'],
  [
    'encap.id',
    () => r.add({ ...peer, encap: { type: 'ip', id: -1n } }),
    'encap.id: -1n is not a whole number from 0 to 2^64 - 1',
  ],
  [
    'encap.ttl',
    () => r.add({ ...peer, encap: { type: 'ip', ttl: 300 } }),
    'encap.ttl: 300 is not a whole number from 0 to 255',
  ],
  [
    'encap.dst[1]',
    () => r.add({ ...peer, encap: { type: 'mpls', dst: [1, 2 ** 20] } }),
    'encap.dst[1]: 1048576 is not a label from 0 to 1048575',
  ],
  [
    'group[1].weight',
    () => h.add({ id: 1, group: [{ id: 2 }, { id: 3, weight: 0 }] }),
    'group[1].weight: 0 is not a whole number from 1 to 65536',
  ],
  [
    'multipath[0].weight',
    () => r.add({ dst: 'default', multipath: [{ ...hop, weight: 257 }] }),
    'multipath[0].weight: 257 is not a whole number from 1 to 256',
  ],
  ['dscp', () => u.add({ dscp: 64 }), 'dscp: 64 is not a DSCP from 0 to 63'],
  [
    'flowlabel',
    () => r.get({ dst: '::1', flowlabel: 2 ** 20 }),
    'flowlabel: 1048576 is not a flow label from 0 to 1048575',
  ],
  // Names.
  ['type', () => r.add({ ...peer, type: 'blackhol' }), 'type: "blackhol" is not one of …, or a number'],
  ['scope', () => r.add({ ...peer, scope: 'global' }), 'scope: "global" is not one of …, or a number'],
  ['flags', () => r.add({ ...peer, flags: ['onlnk'] }), 'flags: "onlnk" is not a list of …, or a number'],
  ['flags', () => n.add({ ifindex: 1, flags: 'self' }), 'flags: "self" is not a list of …, or a number'],
  [
    'linkinfo.data.iflags',
    () => tunnel('gre', { iflags: ['keys'] }),
    'linkinfo.data.iflags: "keys" is not a list of …, or a number',
  ],
  [
    'linkinfo.data',
    () => tunnel('grre', {}),
    "linkinfo.data: an object is not known for kind 'grre' (known are …; others take 'unknown')",
  ],
  [
    'encap.type',
    () => r.add({ ...peer, encap: { type: 'vxlan' } }),
    'encap.type: "vxlan" is not one of mpls, ip, ip6, or a number with data',
  ],
  ['up', () => l.add({ ifname: 'x', up: 'yes' }), 'up: "yes" is not true or false (1 or 0)'],
  // Shapes.
  [
    'multipath',
    () => r.add({ dst: 'default', multipath: [] }),
    'multipath: a list of 0 is not a list of at least one object',
  ],
  [
    'multipath',
    () => r.add({ dst: 'default', multipath: hop }),
    'multipath: an object is not a list of at least one object',
  ],
  ['multipath[1]', () => r.add({ dst: 'default', multipath: [hop, null] }), 'multipath[1]: null is not an object'],
  [
    'multipath[1].gateway',
    () => r.add({ dst: 'default', multipath: [hop, { gateway: 'x' }] }),
    'multipath[1].gateway: "x" is not an IPv4 address',
  ],
  [
    'multipath[0].encap.dst',
    () => r.add({ dst: 'default', multipath: [{ encap: { type: 'ip6', dst: '1.2.3.4' } }] }),
    'multipath[0].encap.dst: "1.2.3.4" is not an IPv6 address',
  ],
  [
    'encap.opts.geneve[1].data',
    () => r.add({ ...peer, encap: { type: 'ip', opts: { geneve: [{}, { data: 'x' }] } } }),
    'encap.opts.geneve[1].data: "x" is not a Buffer of up to 127 bytes',
  ],
  ['metrics', () => r.add({ ...peer, metrics: [1400] }), 'metrics: a list of 1 is not an object'],
  ['metrics', () => r.add({ ...peer, metrics: new Map([['mtu', 1400]]) }), 'metrics: a Map is not an object'],
  ['linkinfo', () => l.add({ ifname: 'x', linkinfo: 'gre' }), 'linkinfo: "gre" is not an object'],
  [
    'linkinfo.data',
    () => l.add({ ifname: 'x', linkinfo: { data: {} } }),
    "linkinfo.data: an object is not possible without 'kind', which says what it holds",
  ],
  // Properties that there are not.
  [
    'gatway',
    () => r.add({ dst: 'default', gatway: '192.0.2.1' }),
    "gatway is not a known property (did you mean 'gateway'?)",
  ],
  [
    'multipath[0].gatway',
    () => r.add({ dst: 'default', multipath: [{ gatway: 'x' }] }),
    "multipath[0].gatway is not a known property (did you mean 'gateway'?)",
  ],
  [
    'linkinfo.data.keey',
    () => tunnel('gre', { keey: 5 }),
    "linkinfo.data.keey is not a known property (did you mean 'ikey'?)",
  ],
  [
    'linkinfo.data.tos',
    () => tunnel('ip6gre', { tos: 1 }),
    "linkinfo.data.tos is not a known property (did you mean 'ttl'?)",
  ],
  [
    'linkinfo.kid',
    () => l.add({ linkinfo: { kid: 'gre' } }),
    "linkinfo.kid is not a known property (did you mean 'kind'?)",
  ],
  [
    'metrics.mut',
    () => r.add({ ...peer, metrics: { mut: 1400 } }),
    "metrics.mut is not a known property (did you mean 'mtu'?)",
  ],
  [
    'group[0].wieght',
    () => h.add({ group: [{ wieght: 1 }] }),
    "group[0].wieght is not a known property (did you mean 'weight'?)",
  ],
  ['dstLen', () => r.add({ dstLen: 8 }), "dstLen is not a known property (did you mean 'dst'?)"],
  [
    '__proto__',
    () => r.add(JSON.parse('{"__proto__":{"dst":"default"}}')),
    "__proto__ is not a known property (did you mean 'ipProto'?)",
  ],
  ['toString', () => l.add({ toString: 1 }), 'toString is not a known property'],
  ['constructor', () => n.add({ ifindex: 1, constructor: 1 }), 'constructor is not a known property'],
]

/** All the names of a set, which may become more. */
const ENUMERATION = /(is not (?:a list of|one of)|known are) [^;]+?(, or a number$|;)/

t.test('bad input is refused before anything is sent, with its path and what is allowed', async (t) => {
  for (const [path, make, message] of CASES) {
    let error: unknown
    try {
      make()
    } catch (caught) {
      error = caught
    }
    if (!(error instanceof EncodeError)) {
      t.fail(`${path}: ${message}`, { found: error })
      continue
    }
    t.equal(error.path, path)
    t.equal(error.message.replace(ENUMERATION, '$1 …$2'), message)
    t.equal(error.code, 'NBMA_ENCODE')
  }
})

t.test('every builder refuses what is no object', async (t) => {
  const builders = { route, link, address, neighbour, nexthop, rule, netnsId }
  for (const [name, builder] of Object.entries(builders)) {
    for (const [method, make] of Object.entries(builder) as [string, Loose][]) {
      for (const value of [null, 5, 'tunl0', [], Buffer.alloc(4), () => {}]) {
        t.throws(() => make(value), new EncodeError('', value, 'an object'), `${name}.${method}`)
      }
    }
  }
})

t.test('explicit undefined is the same as left out, everywhere', async (t) => {
  const nothing = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, undefined]))
  const everyRoute = nothing([
    ...Object.keys(ROUTE.rows),
    'family',
    'tos',
    'protocol',
    'scope',
    'type',
    'flags',
    'unknown',
  ])
  t.ok(r.add(everyRoute).bytes.equals(r.add({}).bytes))
  t.ok(r.delete(everyRoute).bytes.equals(r.delete({}).bytes))
  t.ok(r.get(everyRoute).bytes.equals(r.get({}).bytes))
  t.ok(l.add(nothing([...Object.keys(LINK.rows), 'family', 'index', 'type'])).bytes.equals(l.add({}).bytes))
  t.ok(a.add(nothing(['address', 'local', 'scope', 'flags', 'index'])).bytes.equals(a.add({}).bytes))
  t.ok(
    n
      .add({ family: 7, ...nothing(['flags', 'state', 'dst', 'lladdr', 'flagsExt']) })
      .bytes.equals(n.add({ family: 7 }).bytes),
  )
  t.ok(h.add(nothing(['gateway', 'group', 'family', 'oif'])).bytes.equals(h.add({}).bytes))
  t.ok(u.add(nothing(['action', 'table', 'goto', 'l3mdev', 'family', 'dst'])).bytes.equals(u.add({}).bytes))
  t.ok(loose(netnsId).add({ nsid: undefined }).bytes.equals(netnsId.add({}).bytes))
  t.ok(
    r.add({ ...peer, metrics: { mtu: undefined }, multipath: [{ ...hop, weight: undefined, encap: undefined }] }).bytes
      .length > 0,
  )
})

t.test('lists longer than an attribute can be', async (t) => {
  const group = Array.from({ length: 8192 }, (_, i) => ({ id: i + 1 }))
  t.throws(() => h.add({ id: 1, group }), {
    name: 'EncodeError',
    path: 'group',
    message: 'group: a list of 8192 is not an attribute of at most 65,535 bytes',
  })
  t.equal(h.add({ id: 1, group: group.slice(1) }).bytes.length, 16 + 8 + 8 + 4 + 8191 * 8)
  const multipath = Array.from({ length: 4096 }, () => hop)
  t.throws(() => r.add({ dst: 'default', multipath }), { name: 'EncodeError', path: 'multipath' })
})
