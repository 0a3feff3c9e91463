import { address } from '../../lib/rtnl/address.js'
import type { Equivalents } from './equivalents.js'

const FOREVER = 0xffffffff

/** Addresses. */
export const addressEquivalents: Equivalents = {
  'ip address add 11.1.1.1/32 dev eth0': (dev) => address.add({ address: '11.1.1.1/32', index: dev.eth0 }),
  'ip address add 11.1.1.1 dev eth0': (dev) => address.add({ address: '11.1.1.1', index: dev.eth0 }),
  'ip address add 11.1.1.1/24 brd + dev eth0': (dev) =>
    address.add({ address: '11.1.1.1/24', broadcast: '11.1.1.255', index: dev.eth0 }),
  'ip address add 11.1.1.1/24 brd - dev eth0': (dev) =>
    address.add({ address: '11.1.1.1/24', broadcast: '11.1.1.0', index: dev.eth0 }),
  'ip address add 11.1.1.1/24 broadcast 11.1.1.127 dev eth0 label eth0:1': (dev) =>
    address.add({ address: '11.1.1.1/24', broadcast: '11.1.1.127', label: 'eth0:1', index: dev.eth0 }),
  'ip address add 11.1.1.1 peer 11.1.1.2 dev eth0': (dev) =>
    address.add({ local: '11.1.1.1', address: '11.1.1.2', index: dev.eth0 }),
  'ip address add 11.1.1.1 peer 11.1.1.0/24 dev eth0': (dev) =>
    address.add({ local: '11.1.1.1', address: '11.1.1.0/24', index: dev.eth0 }),
  'ip address add 11.1.1.1/24 dev eth0 scope link': (dev) =>
    address.add({ address: '11.1.1.1/24', scope: 'link', index: dev.eth0 }),
  'ip address add 11.1.1.1/24 dev eth0 scope host metric 500': (dev) =>
    address.add({ address: '11.1.1.1/24', scope: 'host', rtPriority: 500, index: dev.eth0 }),
  'ip address add 127.0.0.2/8 dev lo': (dev) => address.add({ address: '127.0.0.2/8', index: dev.lo }),
  'ip address add 11.1.1.1/24 dev eth0 noprefixroute': (dev) =>
    address.add({ address: '11.1.1.1/24', flags: ['noprefixroute'], index: dev.eth0 }),
  'ip address add 11.1.1.1/24 dev eth0 valid_lft 3600 preferred_lft 1800': (dev) =>
    address.add({ address: '11.1.1.1/24', cacheinfo: { valid: 3600, prefered: 1800 }, index: dev.eth0 }),
  'ip address add 11.1.1.1/24 dev eth0 valid_lft forever preferred_lft 0': (dev) =>
    address.add({ address: '11.1.1.1/24', cacheinfo: { valid: FOREVER, prefered: 0 }, index: dev.eth0 }),
  'ip address add 224.1.1.10/24 dev eth0 autojoin': (dev) =>
    address.add({ address: '224.1.1.10/24', flags: ['mcautojoin'], index: dev.eth0 }),
  'ip address add 2001:db8:1::1/64 dev eth0': (dev) => address.add({ address: '2001:db8:1::1/64', index: dev.eth0 }),
  'ip address add 2001:db8:1::1/64 dev eth0 home nodad mngtmpaddr noprefixroute optimistic': (dev) =>
    address.add({
      address: '2001:db8:1::1/64',
      flags: ['homeaddress', 'nodad', 'managetempaddr', 'noprefixroute', 'optimistic'],
      index: dev.eth0,
    }),
  'ip address add 2001:db8:1::1/64 dev eth0 nodad': (dev) =>
    address.add({ address: '2001:db8:1::1/64', flags: ['nodad'], index: dev.eth0 }),
  'ip address add 2001:db8:1::1 peer 2001:db8:1::2 dev eth0 metric 77': (dev) =>
    address.add({ local: '2001:db8:1::1', address: '2001:db8:1::2', rtPriority: 77, index: dev.eth0 }),
  'ip address add 2001:db8:1::1/64 anycast 2001:db8:1:: dev eth0': (dev) =>
    address.add({ address: '2001:db8:1::1/64', anycast: '2001:db8:1::', index: dev.eth0 }),
  'ip address change 11.1.1.1/24 dev eth0 valid_lft 100 preferred_lft 50': (dev) =>
    address.change({ address: '11.1.1.1/24', cacheinfo: { valid: 100, prefered: 50 }, index: dev.eth0 }),
  'ip address replace 11.1.1.1/24 dev eth0': (dev) => address.replace({ address: '11.1.1.1/24', index: dev.eth0 }),
  'ip address replace 2001:db8:1::1/64 dev eth0 valid_lft 200 preferred_lft 100': (dev) =>
    address.replace({ address: '2001:db8:1::1/64', cacheinfo: { valid: 200, prefered: 100 }, index: dev.eth0 }),
  'ip address delete 11.1.1.1/24 dev eth0': (dev) => address.delete({ address: '11.1.1.1/24', index: dev.eth0 }),
  'ip address delete 11.1.1.1 dev eth0': (dev) => address.delete({ local: '11.1.1.1', index: dev.eth0 }),
  'ip address delete 2001:db8:1::1/64 dev eth0': (dev) =>
    address.delete({ address: '2001:db8:1::1/64', index: dev.eth0 }),
  'ip address show': () => address.list(),
  'ip address show dev eth0': (dev) => address.list({ index: dev.eth0 }),
  'ip -4 address show': () => address.list({ family: 'inet' }),
  'ip -6 address show dev eth0': (dev) => address.list({ family: 'inet6', index: dev.eth0 }),
}
