import t from 'tap'
import { route } from '../../lib/rtnl/route.js'
import type { RouteInput } from '../../lib/schema/route.js'
import { body, does, value } from '../helpers/request.js'

const peer: RouteInput = { dst: '12.1.1.1/32', gateway: '192.168.122.12', oif: 7, flags: ['onlink'] }

t.test('what each does', async (t) => {
  t.equal(does(route.add(peer)), 'RTM_NEWROUTE request ack excl create')
  t.equal(does(route.replace(peer)), 'RTM_NEWROUTE request ack replace create')
  t.equal(does(route.change(peer)), 'RTM_NEWROUTE request ack replace')
  t.equal(does(route.append(peer)), 'RTM_NEWROUTE request ack create append')
  t.equal(does(route.prepend(peer)), 'RTM_NEWROUTE request ack create')
  t.equal(does(route.delete(peer)), 'RTM_DELROUTE request ack')
  t.equal(does(route.get({ dst: '12.1.1.1' })), 'RTM_GETROUTE request')
  t.equal(does(route.list()), 'RTM_GETROUTE request root match')
})

t.test('the bytes of a peer', async (t) => {
  // struct rtmsg: inet, dst 32, src 0, tos 0; main, boot (3), universe, unicast (1); RTNH_F_ONLINK.
  t.equal(body(route.add(peer)), '02200000 fe030001 04000000 08000100 0c010101 08000500 c0a87a0c 08000400 07000000')
  // Scope nowhere (255) and type unspecified stand for any.
  t.equal(body(route.delete({ dst: '12.1.1.1/32' })), '02200000 fe00ff00 00000000 08000100 0c010101')
  // RTM_F_LOOKUP_TABLE.
  t.equal(body(route.get({ dst: '12.1.1.1' })), '02200000 00000000 00100000 08000100 0c010101')
  t.equal(body(route.list()), '00000000 00000000 00000000')
  t.equal(
    body(route.list({ family: 'inet', table: 1000, protocol: 78 })),
    '02000000 004e0000 00000000 08000f00 e8030000',
  )
})

t.test('what is left out is what `ip route` would send', async (t) => {
  const header = (given: RouteInput, make = route.add): unknown[] => {
    const { family, table, scope, type, protocol } = value(make(given))
    return [family, table, scope, type, protocol]
  }
  t.same(header({ dst: 'default', gateway: '192.0.2.1' }), ['inet', 254, 'universe', 'unicast', 'boot'])
  t.same(header({ dst: '10.0.0.0/8', oif: 7 }), ['inet', 254, 'link', 'unicast', 'boot'], 'on the link')
  t.same(header({ dst: '10.0.0.0/8', oif: 7, type: 1 }), ['inet', 254, 'link', 'unicast', 'boot'])
  t.same(header({ dst: '10.0.0.0/8', nhId: 7 }), ['inet', 254, 'universe', 'unicast', 'boot'])
  t.same(header({ dst: '10.0.0.0/8', via: { address: 'fe80::1' } }), ['inet', 254, 'universe', 'unicast', 'boot'])
  t.same(header({ dst: '10.0.0.0/8', multipath: [{ oif: 7 }] }), ['inet', 254, 'universe', 'unicast', 'boot'])
  for (const type of ['local', 2, 'nat', 10] as const) {
    t.same(header({ dst: '10.0.0.1', type }).slice(1, 3), [255, 'host'], `${type}`)
    t.equal(header({ dst: '10.0.0.1', type }, route.delete)[2], 'host')
  }
  for (const type of ['broadcast', 3, 'anycast', 4] as const)
    t.same(header({ dst: '10.0.0.1', type }).slice(1, 3), [255, 'link'])
  for (const type of ['multicast', 5] as const) t.same(header({ dst: '10.0.0.1', type }).slice(1, 3), [254, 'link'])
  for (const type of ['blackhole', 'unreachable', 'prohibit', 'throw'] as const) {
    t.same(header({ dst: '10.0.0.1', type }).slice(1, 3), [254, 'universe'])
    t.same(header({ dst: '10.0.0.1', type }, route.delete).slice(1, 4), [254, 'nowhere', type])
  }
  t.same(header({ dst: '2001:db8::/32', oif: 7 }), ['inet6', 254, 'universe', 'unicast', 'boot'], 'IPv6 has no scopes')
  t.same(header({ dst: '2001:db8::/32' }, route.delete), ['inet6', 254, 'universe', 'unspec', 'unspec'])
  t.same(header({ family: 'mpls', dst: '100', oif: 7 }), ['mpls', 254, 'universe', 'unicast', 'boot'])
  t.same(header({ family: 28, dst: '100' }, route.delete), ['mpls', 254, 'universe', 'unicast', 'unspec'])
})

t.test('what is given is what is sent', async (t) => {
  const all: RouteInput = { dst: '10.0.0.0/8', table: 0, protocol: 'static', scope: 'site', type: 'prohibit', tos: 0 }
  t.match(value(route.add(all)), all)
  t.match(value(route.delete(all)), all)
  t.match(value(route.add({ dst: '10.0.0.0/8', protocol: undefined, table: undefined })), {
    protocol: 'boot',
    table: 254,
  })
  t.match(value(route.get({ dst: '10.0.0.1', flags: ['fib_match'] })), { flags: ['fib_match'] })
})

t.test('who asks says nothing by what is left out', async (t) => {
  const header = { family: 'unspec', tos: 0, protocol: 'unspec', scope: 'universe', type: 'unspec', flags: [] }
  t.same(value(route.list()), header, 'neither the default route nor table 0')
  t.same(value(route.list({ table: 254 })), { ...header, table: 254 })
  t.match(value(route.delete({})), { dst: 'default', table: 254 }, 'who deletes does')
})

t.test('the family', async (t) => {
  const family = (given: RouteInput): unknown => value(route.add(given)).family
  t.equal(family({ dst: 'default', oif: 7 }), 'inet')
  t.equal(family({ dst: 'default', gateway: 'fe80::1', oif: 7 }), 'inet6', 'of the gateway')
  t.equal(family({ dst: 'default', oif: 7, prefsrc: '2001:db8::1' }), 'inet6')
  t.equal(family({ dst: 'default', multipath: [{ oif: 7 }, { gateway: 'fe80::1', oif: 8 }] }), 'inet6', 'of a nexthop')
  t.equal(family({ dst: 'default', via: { family: 'inet6', address: 'fe80::1' }, oif: 7 }), 'inet', 'via is of another')
  t.equal(family({ family: 'inet6', dst: 'default', nhId: 7 }), 'inet6')
  t.equal(family({ dst: undefined, gateway: undefined, family: undefined, oif: 7 }), 'inet')
  t.equal(value(route.add({ family: 'inet6', dst: 'default', oif: 7 })).dst, 'default')
  t.equal(value(route.get({ dst: '2001:db8::1' })).flags?.toString(), '', 'for IPv6 the kernel refuses lookup_table')
})

t.test('each nexthop of a multipath route has its own', async (t) => {
  const given: RouteInput = {
    dst: '10.0.0.0/8',
    multipath: [
      { gateway: '192.0.2.1', oif: 1, flags: ['onlink'], weight: 256, encap: { type: 'ip', id: 5n, dst: '192.0.2.9' } },
      { via: { family: 'inet6', address: 'fe80::1' }, oif: 2, encap: { type: 'mpls', dst: [100, 200], ttl: 9 } },
    ],
  }
  t.match(value(route.add(given)), given)
  // struct rtnexthop: length, flags, hops (weight - 1), ifindex.
  t.match(body(route.add(given)), / 300004ff 01000000 08000500 c0000201 06001500 02000000 /)
})

t.test('metrics, options of encaps, MPLS', async (t) => {
  const given: RouteInput = {
    ...peer,
    metrics: { mtu: 1400, lock: ['mtu'], features: ['ecn'], ccAlgo: 'bbr', rtoMin: 5 },
    encap: {
      type: 'ip6',
      id: 2n ** 64n - 1n,
      dst: '2001:db8::2',
      hoplimit: 3,
      tc: 1,
      flags: ['csum', 'key'],
      opts: { vxlan: { gbp: 7 } },
    },
    pref: 'low',
    priority: 0,
    mark: 0,
  }
  t.match(value(route.add(given)), given)
  const mpls: RouteInput = {
    family: 'mpls',
    dst: '100',
    newdst: [200, 300],
    via: { family: 'inet', address: '192.0.2.1' },
    ttlPropagate: false,
  }
  t.match(value(route.add(mpls)), mpls)
  t.equal(
    body(route.add({ family: 'mpls', dst: '100', newdst: [200] })),
    '1c140000 fe030001 00000000 08000100 00064100 08001300 000c8100',
  )
})
