import { netnsId } from '../../lib/rtnl/netns.js'
import { rule } from '../../lib/rtnl/rule.js'
import type { Captured } from './capture.js'
import type { Equivalents } from './equivalents.js'

/** Rules, and the ids of namespaces. */

const GRE = 47
const TCP = 6

const rules: Equivalents = {
  'ip rule add from 192.0.2.0/24 lookup 100': () => rule.add({ src: '192.0.2.0/24', table: 100 }),
  'ip rule add to 10.0.0.0/8 table 1000 pref 500': () => rule.add({ dst: '10.0.0.0/8', table: 1000, priority: 500 }),
  'ip rule add from all lookup main': () => rule.add({ table: 'main' }),
  'ip rule add iif eth0 oif eth1 lookup 100': () => rule.add({ iifname: 'eth0', oifname: 'eth1', table: 100 }),
  'ip rule add fwmark 0x10/0xff lookup 100': () => rule.add({ fwmark: 0x10, fwmask: 0xff, table: 100 }),
  'ip rule add fwmark 5 lookup 100 protocol 78': () => rule.add({ fwmark: 5, table: 100, protocol: 78 }),
  'ip rule add tos 0x10 lookup 100': () => rule.add({ tos: 0x10, table: 100 }),
  'ip rule add uidrange 1000-2000 lookup 100': () => rule.add({ uidRange: { start: 1000, end: 2000 }, table: 100 }),
  'ip rule add ipproto tcp sport 1000-2000 dport 80 lookup 100': () =>
    rule.add({ ipProto: TCP, sportRange: { start: 1000, end: 2000 }, dportRange: { start: 80, end: 80 }, table: 100 }),
  'ip rule add ipproto gre lookup 100': () => rule.add({ ipProto: GRE, table: 100 }),
  'ip rule add tun_id 5 lookup 100': () => rule.add({ tunId: 5n, table: 100 }),
  'ip rule add l3mdev pref 1000': () => rule.add({ l3mdev: true, priority: 1000 }),
  'ip rule add not fwmark 5 lookup 100': () => rule.add({ flags: ['invert'], fwmark: 5, table: 100 }),
  'ip rule add pref 100 goto 32766': () => rule.add({ priority: 100, action: 'goto', goto: 32766 }),
  'ip rule add pref 100 nop': () => rule.add({ priority: 100, action: 'nop' }),
  'ip rule add from 192.0.2.1 blackhole': () => rule.add({ src: '192.0.2.1', action: 'blackhole' }),
  'ip rule add from 192.0.2.1 unreachable': () => rule.add({ src: '192.0.2.1', action: 'unreachable' }),
  'ip rule add from 192.0.2.1 prohibit': () => rule.add({ src: '192.0.2.1', action: 'prohibit' }),
  'ip rule add lookup main suppress_prefixlength 0': () => rule.add({ table: 'main', suppressPrefixlen: 0 }),
  'ip rule add lookup main suppress_prefixlength 16 suppress_ifgroup 5': () =>
    rule.add({ table: 'main', suppressPrefixlen: 16, suppressIfgroup: 5 }),
  'ip rule add from 192.0.2.1 lookup 100 realms 1/2': () =>
    rule.add({ src: '192.0.2.1', table: 100, flow: (1 << 16) | 2 }),
  'ip rule add from 192.0.2.1 type unicast lookup 100': () =>
    rule.add({ src: '192.0.2.1', action: 'to_tbl', table: 100 }),
  'ip -6 rule add from 2001:db8::/32 to 2001:db8:1::/48 lookup 100': () =>
    rule.add({ src: '2001:db8::/32', dst: '2001:db8:1::/48', table: 100 }),
  'ip -6 rule add lookup 1000 pref 7 iif lo': () =>
    rule.add({ family: 'inet6', table: 1000, priority: 7, iifname: 'lo' }),
  'ip rule delete from 192.0.2.0/24 lookup 100 pref 9': () =>
    rule.delete({ src: '192.0.2.0/24', table: 100, priority: 9 }),
  'ip rule delete pref 9': () => rule.delete({ priority: 9 }),
  'ip rule list': () => rule.list({ family: 'inet' }),
  'ip -6 rule list': () => rule.list({ family: 'inet6' }),
}

/** Which descriptor `ip` had open on the namespace: only its message tells. */
function descriptor({ messages }: Captured): number | undefined {
  const [, digit] = /080003000(\d)000000/.exec(messages.join()) ?? []
  return digit === undefined ? undefined : Number(digit)
}

const netnsIds: Equivalents = {
  'ip netns set blue 7': (_, capture) => netnsId.add({ fd: descriptor(capture), nsid: 7 }),
  'ip netns set blue auto': (_, capture) => netnsId.add({ fd: descriptor(capture) }),
  'ip netns list-id': () => netnsId.list(),
  'ip netns list-id nsid 7': () => netnsId.get({ nsid: 7 }),
  'ip netns list-id target-nsid 7': () => netnsId.list({ targetNsid: 7 }),
  'ip netns list-id target-nsid 7 nsid 3': () => netnsId.get({ targetNsid: 7, nsid: 3 }),
}

export const ruleEquivalents: Equivalents = { ...rules, ...netnsIds }
