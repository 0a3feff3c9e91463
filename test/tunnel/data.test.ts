import t from 'tap'
import { changedData, creationData } from '../../lib/tunnel/data.js'
import type { TunnelKind } from '../../lib/tunnel/kinds.js'

t.test('what a new device has unless told otherwise', (t) => {
  const cases: [TunnelKind, object, object][] = [
    ['ipip', { local: '192.0.2.1' }, { proto: 'ip', pmtudisc: true, local: '192.0.2.1' }],
    ['ipip', { external: true }, { proto: 'ip', collectMetadata: true }],
    ['sit', { local: '192.0.2.1', proto: 'ipv6' }, { proto: 'ipv6', pmtudisc: true, local: '192.0.2.1' }],
    ['gre', { key: 5 }, { pmtudisc: true, ikey: 5, okey: 5, iflags: ['key'], oflags: ['key'] }],
    [
      'gre',
      { key: 0, iflags: ['csum'], oflags: ['csum'] },
      { pmtudisc: true, ikey: 0, okey: 0, iflags: ['csum', 'key'], oflags: ['csum', 'key'] },
    ],
    [
      'gre',
      { ikey: 1, okey: 2, iflags: ['key'], oflags: ['key'] },
      { pmtudisc: true, ikey: 1, okey: 2, iflags: ['key'], oflags: ['key'] },
    ],
    ['gre', { external: true }, { collectMetadata: true }],
    ['gre', { ignoreDf: true }, { ignoreDf: true }],
    ['erspan', { local: '192.0.2.1' }, { pmtudisc: true, erspanVer: 0, local: '192.0.2.1' }],
    [
      'erspan',
      { key: 5 },
      { pmtudisc: true, erspanVer: 1, ikey: 5, okey: 5, iflags: ['seq', 'key'], oflags: ['seq', 'key'] },
    ],
    ['ip6tnl', { local: '2001:db8::1' }, { proto: 'ip', ttl: 64, encapLimit: 4, local: '2001:db8::1' }],
    ['ip6gre', { ttl: 9 }, { ttl: 9, encapLimit: 4 }],
    ['vti', { key: 5 }, { ikey: 5, okey: 5 }],
    ['vxlan', { vni: 42, local: '192.0.2.1' }, { port: 4789, learning: false, local: '192.0.2.1', id: 42 }],
    [
      'vxlan',
      { key: 42, local: '2001:db8::1', port: 8472 },
      { port: 8472, learning: false, local6: '2001:db8::1', id: 42 },
    ],
    ['vxlan', { external: true }, { port: 4789, learning: false, collectMetadata: true }],
    ['geneve', {}, { id: 0, collectMetadata: true }],
    ['geneve', { vni: 5, remote: '192.0.2.2' }, { remote: '192.0.2.2', id: 5 }],
    ['geneve', { external: true, port: 7000 }, { id: 0, port: 7000, collectMetadata: true }],
  ]
  for (const [kind, options, expected] of cases)
    t.strictSame(creationData(kind, options as never), expected, `${kind} ${JSON.stringify(options)}`)
  t.end()
})

t.test('a change names all that the device has, but for kinds that remember', (t) => {
  const gre = {
    link: 0,
    iflags: ['key'],
    oflags: ['key'],
    ikey: 5,
    okey: 5,
    local: '192.0.2.1',
    remote: '0.0.0.0',
    ttl: 0,
    pmtudisc: true,
    unknown: [{ type: 99, data: Buffer.of(1) }],
  }
  const { remote: _, ...rest } = gre
  t.strictSame(changedData('gre', gre, { ttl: 9 }), { ...rest, ttl: 9 })
  t.strictSame(changedData('gre', gre, { ttl: undefined, key: 7 }), { ...rest, ikey: 7, okey: 7 })
  t.strictSame(changedData('gre', { ...gre, remote: '192.0.2.9' }, { tos: 1 }), { ...gre, remote: '192.0.2.9', tos: 1 })
  t.strictSame(changedData('vti', { ikey: 1, okey: 1, local: '192.0.2.1', remote: '0.0.0.0' }, { key: 2 }), {
    ikey: 2,
    okey: 2,
    local: '192.0.2.1',
  })
  t.strictSame(changedData('vxlan', { id: 5, port: 4789, learning: false }, { ttl: 9 }), { ttl: 9 })
  t.strictSame(changedData('geneve', { id: 5 }, { tos: 1 }), { tos: 1 })
  t.end()
})
