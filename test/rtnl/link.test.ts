import t from 'tap'
import { address } from '../../lib/rtnl/address.js'
import { link } from '../../lib/rtnl/link.js'
import { netnsId } from '../../lib/rtnl/netns.js'
import { body, does, value } from '../helpers/request.js'

t.test('links: what each does', async (t) => {
  t.equal(does(link.add({ ifname: 'x' })), 'RTM_NEWLINK request ack excl create')
  t.equal(does(link.change({ index: 1 })), 'RTM_NEWLINK request ack')
  t.equal(does(link.change({ index: 1, family: 'bridge' })), 'RTM_SETLINK request ack')
  t.equal(does(link.change({ index: 1, family: 7 })), 'RTM_SETLINK request ack')
  t.equal(does(link.delete({ index: 1 })), 'RTM_DELLINK request ack')
  t.equal(does(link.get({ ifname: 'x' })), 'RTM_GETLINK request')
  t.equal(does(link.list()), 'RTM_GETLINK request root match')
  t.equal(
    does(link.addProperties({ index: 1, propList: { altIfname: ['a'] } })),
    'RTM_NEWLINKPROP request ack excl create append',
  )
  t.equal(does(link.deleteProperties({ index: 1, propList: { altIfname: ['a'] } })), 'RTM_DELLINKPROP request ack')
})

t.test('links: bytes', async (t) => {
  // struct ifinfomsg: family, type; index; flags; change.
  t.equal(
    body(link.add({ ifname: 'gre1', up: true, linkinfo: { kind: 'gre', data: { ikey: 5, iflags: ['key'] } } })),
    '00000000 00000000 01000000 01000000 09000300 67726531 00000000' +
      ' 20001280 08000100 67726500 14000280 08000400 00000005 06000200 20000000',
  )
  t.equal(body(link.change({ index: 5, up: false })), '00000000 05000000 00000000 01000000')
  t.equal(body(link.delete({ index: 5 })), '00000000 05000000 00000000 00000000')
  t.equal(body(link.list()), '00000000 00000000 00000000 00000000')
})

t.test('links: read, changed and sent again', async (t) => {
  const read = value(link.add({ index: 5, ifname: 'x', flags: ['up', 'noarp'], change: 0 }))
  t.same(value(link.change({ ...read, up: false })), { ...read, flags: ['noarp'], up: false })
})

t.test('addresses: what each does', async (t) => {
  const given = { index: 1, address: '11.1.1.1/32' }
  t.equal(does(address.add(given)), 'RTM_NEWADDR request ack excl create')
  t.equal(does(address.replace(given)), 'RTM_NEWADDR request ack replace create')
  t.equal(does(address.change(given)), 'RTM_NEWADDR request ack replace')
  t.equal(does(address.delete(given)), 'RTM_DELADDR request ack')
  t.equal(does(address.list()), 'RTM_GETADDR request root match')
})

t.test('addresses: bytes', async (t) => {
  // struct ifaddrmsg: family, prefix length, flags, scope; index.
  t.equal(
    body(address.add({ index: 1, address: '11.1.1.1/32' })),
    '02200000 01000000 08000100 0b010101 08000200 0b010101',
  )
  t.equal(
    body(address.add({ index: 1, address: '127.0.0.2/8' })),
    '020800fe 01000000 08000100 7f000002 08000200 7f000002',
  )
  t.equal(body(address.delete({ index: 1, local: '11.1.1.1' })), '02000000 01000000 08000200 0b010101')
  t.equal(body(address.list({ index: 1 })), '00000000 01000000')
})

t.test('addresses: either end stands for both', async (t) => {
  t.match(value(address.add({ address: '10.0.0.1/8' })), {
    address: '10.0.0.1/8',
    local: '10.0.0.1',
    family: 'inet',
    scope: 'universe',
  })
  t.match(value(address.add({ local: '10.0.0.1' })), { address: '10.0.0.1/32', local: '10.0.0.1' })
  t.match(
    value(address.add({ address: '10.0.0.2/32', local: '10.0.0.1' })),
    { address: '10.0.0.2/32', local: '10.0.0.1' },
    'point to point',
  )
  t.match(value(address.add({ address: '2001:db8::1/64' })), {
    address: '2001:db8::1/64',
    local: '2001:db8::1',
    family: 'inet6',
  })
  t.match(value(address.delete({ local: '2001:db8::1' })), { address: '2001:db8::1/128', local: '2001:db8::1' })
  t.match(value(address.delete({ address: '10.0.0.1/8' })), { address: '10.0.0.1/8', local: '10.0.0.1' })
  t.match(value(address.add({ local: '127.0.0.1', scope: 'link' })), { scope: 'link' })
  t.same(
    value(address.delete({ index: 1 })),
    { family: 'unspec', scope: 'universe', index: 1, flags: [] },
    'nothing is made up',
  )
})

t.test('addresses: everything else', async (t) => {
  const given = {
    index: 1,
    address: '10.0.0.1/24',
    label: 'eth0:1',
    broadcast: '10.0.0.255',
    flags: ['noprefixroute', 'permanent'],
    cacheinfo: { prefered: 60, valid: 0xffffffff },
    rtPriority: 5,
    proto: 'kernel_lo',
    targetNetnsid: -1,
  } as const
  t.match(value(address.add(given)), { ...given, flags: ['permanent', 'noprefixroute'] })
  t.match(value(address.add({ address: '::1/128', flags: ['nodad'] })), { flags: ['nodad'] })
  t.equal(body(address.add({ index: 1, local: '::1', flags: ['nodad'] })).slice(0, 17), '0a800200 01000000')
})

t.test('namespace ids', async (t) => {
  t.equal(does(netnsId.add({ pid: 1 })), 'RTM_NEWNSID request ack')
  t.equal(does(netnsId.get({ pid: 1 })), 'RTM_GETNSID request')
  t.equal(does(netnsId.list()), 'RTM_GETNSID request root match')
  // struct rtgenmsg and its padding; -1 lets the kernel choose.
  t.equal(body(netnsId.add({ pid: 1 })), '00000000 08000200 01000000 08000100 ffffffff')
  t.equal(body(netnsId.add({ fd: 0, nsid: 5 })), '00000000 08000300 00000000 08000100 05000000')
  t.match(value(netnsId.get({ nsid: 7, targetNsid: 3 })), { nsid: 7, targetNsid: 3 })
})
