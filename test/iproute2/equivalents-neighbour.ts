import { neighbour } from '../../lib/rtnl/neighbour.js'
import type { NeighbourInput } from '../../lib/schema/neighbour.js'
import type { Request } from '../../lib/wire/request.js'
import type { Devices, Equivalents } from './equivalents.js'

/** Neighbours, and the entries of forwarding databases. */

const TWO = '02:00:00:00:00:02'
const ZERO = '00:00:00:00:00:00'

const add = (dev: Devices, value: NeighbourInput): Request =>
  neighbour.add({ ifindex: dev.eth0, dst: '192.0.2.2', ...value })

const neighbours: Equivalents = {
  'ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0': (dev) => add(dev, { lladdr: TWO }),
  'ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud reachable': (dev) =>
    add(dev, { lladdr: TWO, state: ['reachable'] }),
  'ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud stale protocol 78': (dev) =>
    add(dev, { lladdr: TWO, state: ['stale'], protocol: 78 }),
  'ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud noarp': (dev) =>
    add(dev, { lladdr: TWO, state: ['noarp'] }),
  'ip neighbour add 192.0.2.2 dev eth0 nud none': (dev) => add(dev, { state: [] }),
  'ip neighbour add 192.0.2.2 dev eth0 nud incomplete': (dev) => add(dev, { state: ['incomplete'] }),
  'ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud delay': (dev) =>
    add(dev, { lladdr: TWO, state: ['delay'] }),
  'ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud probe': (dev) =>
    add(dev, { lladdr: TWO, state: ['probe'] }),
  'ip neighbour add 192.0.2.2 dev eth0 nud failed': (dev) => add(dev, { state: ['failed'] }),
  'ip neighbour add 192.0.2.2 dev eth0 use': (dev) => add(dev, { flags: ['use'] }),
  'ip neighbour add 192.0.2.2 dev eth0 managed': (dev) => add(dev, { flagsExt: ['managed'] }),
  'ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 extern_learn': (dev) =>
    add(dev, { lladdr: TWO, flags: ['ext_learned'] }),
  'ip neighbour add proxy 192.0.2.9 dev eth0': (dev) => add(dev, { dst: '192.0.2.9', flags: ['proxy'] }),
  'ip neighbour add 2001:db8::2 lladdr 02:00:00:00:00:02 dev eth0 router': (dev) =>
    add(dev, { dst: '2001:db8::2', lladdr: TWO, flags: ['router'] }),
  'ip neighbour add proxy 2001:db8::9 dev eth0': (dev) => add(dev, { dst: '2001:db8::9', flags: ['proxy'] }),
  'ip neighbour replace 192.0.2.2 lladdr 02:00:00:00:00:03 dev eth0': (dev) =>
    neighbour.replace({ ifindex: dev.eth0, dst: '192.0.2.2', lladdr: '02:00:00:00:00:03' }),
  'ip neighbour change 192.0.2.2 lladdr 02:00:00:00:00:04 dev eth0': (dev) =>
    neighbour.change({ ifindex: dev.eth0, dst: '192.0.2.2', lladdr: '02:00:00:00:00:04' }),
  'ip neighbour delete 192.0.2.2 dev eth0': (dev) => neighbour.delete({ ifindex: dev.eth0, dst: '192.0.2.2' }),
  'ip neighbour delete proxy 192.0.2.9 dev eth0': (dev) =>
    neighbour.delete({ ifindex: dev.eth0, dst: '192.0.2.9', flags: ['proxy'] }),
  'ip neighbour get 192.0.2.2 dev eth0': (dev) => neighbour.get({ ifindex: dev.eth0, dst: '192.0.2.2' }),
  'ip neighbour get proxy 192.0.2.9 dev eth0': (dev) =>
    neighbour.get({ ifindex: dev.eth0, dst: '192.0.2.9', flags: ['proxy'] }),
  'ip neighbour show': () => neighbour.list(),
  'ip neighbour show dev eth0': (dev) => neighbour.list({ viaIfindex: dev.eth0 }),
  'ip -4 neighbour show': () => neighbour.list({ family: 'inet' }),
  // Which are permanent it finds out itself.
  'ip -6 neighbour show dev eth0 nud permanent': (dev) => neighbour.list({ family: 'inet6', viaIfindex: dev.eth0 }),
  'ip neighbour show proxy': () => neighbour.list({ flags: ['proxy'] }),
  'ip neighbour show master red': (dev) => neighbour.list({ master: dev.red }),
  'ip neighbour show nomaster': () => neighbour.list({ master: 0xffffffff }),

  'ip neighbour add 11.1.1.2 lladdr 192.0.2.2 dev gre1': (dev) =>
    neighbour.add({ ifindex: dev.gre1, dst: '11.1.1.2', lladdr: '192.0.2.2' }),
  'ip neighbour replace 11.1.1.2 lladdr 192.0.2.3 dev gre1 nud permanent protocol 78': (dev) =>
    neighbour.replace({
      ifindex: dev.gre1,
      dst: '11.1.1.2',
      lladdr: '192.0.2.3',
      state: ['permanent'],
      protocol: 78,
    }),
  'ip neighbour add 2001:db8:1::2 lladdr 192.0.2.2 dev gre1': (dev) =>
    neighbour.add({ ifindex: dev.gre1, dst: '2001:db8:1::2', lladdr: '192.0.2.2' }),
  'ip neighbour delete 11.1.1.2 dev gre1': (dev) => neighbour.delete({ ifindex: dev.gre1, dst: '11.1.1.2' }),
  'ip neighbour add 11.1.1.2 lladdr 20:01:0d:b8:00:00:00:00:00:00:00:00:00:00:00:02 dev gre6': (dev) =>
    neighbour.add({ ifindex: dev.gre6, dst: '11.1.1.2', lladdr: '2001:db8::2' }),
}

const STATIC = ['noarp', 'reachable'] as const

const fdb = (ifindex: number | undefined, value: NeighbourInput): NeighbourInput => ({
  family: 'bridge',
  ifindex,
  lladdr: TWO,
  ...value,
})

const vxlan: Equivalents = {
  'bridge fdb add 02:00:00:00:00:02 dev vxlan0 dst 192.0.2.2': (dev) =>
    neighbour.add(fdb(dev.vxlan0, { dst: '192.0.2.2' })),
  'bridge fdb add 02:00:00:00:00:02 dev vxlan0 dst 192.0.2.2 self permanent': (dev) =>
    neighbour.add(fdb(dev.vxlan0, { dst: '192.0.2.2', flags: ['self'] })),
  'bridge fdb add 02:00:00:00:00:02 dev vxlan0 dst 192.0.2.2 port 4790 vni 6 via eth0': (dev) =>
    neighbour.add(fdb(dev.vxlan0, { dst: '192.0.2.2', port: 4790, vni: 6, viaIfindex: dev.eth0 })),
  'bridge fdb add 02:00:00:00:00:02 dev vxlan0 dst 192.0.2.2 self static': (dev) =>
    neighbour.add(fdb(dev.vxlan0, { dst: '192.0.2.2', state: STATIC })),
  'bridge fdb add 02:00:00:00:00:02 dev vxlan0 dst 192.0.2.2 self dynamic': (dev) =>
    neighbour.add(fdb(dev.vxlan0, { dst: '192.0.2.2', state: ['reachable'] })),
  'bridge fdb add 02:00:00:00:00:02 dev vxlan0 dst 192.0.2.2 router extern_learn': (dev) =>
    neighbour.add(fdb(dev.vxlan0, { dst: '192.0.2.2', flags: ['self', 'router', 'ext_learned'] })),
  'bridge fdb append 00:00:00:00:00:00 dev vxlan0 dst 192.0.2.2': (dev) =>
    neighbour.append(fdb(dev.vxlan0, { lladdr: ZERO, dst: '192.0.2.2' })),
  'bridge fdb append 00:00:00:00:00:00 dev vxlan0 dst 192.0.2.3 self permanent': (dev) =>
    neighbour.append(fdb(dev.vxlan0, { lladdr: ZERO, dst: '192.0.2.3', flags: ['self'] })),
  'bridge fdb replace 02:00:00:00:00:02 dev vxlan0 dst 192.0.2.3': (dev) =>
    neighbour.replace(fdb(dev.vxlan0, { dst: '192.0.2.3' })),
  'bridge fdb delete 02:00:00:00:00:02 dev vxlan0': (dev) => neighbour.delete(fdb(dev.vxlan0, {})),
  'bridge fdb delete 00:00:00:00:00:00 dev vxlan0 dst 192.0.2.2 self': (dev) =>
    neighbour.delete(fdb(dev.vxlan0, { lladdr: ZERO, dst: '192.0.2.2', flags: ['self'] })),
  'bridge fdb get 02:00:00:00:00:02 dev vxlan0 self': (dev) => neighbour.get(fdb(dev.vxlan0, { flags: ['self'] })),
  'bridge fdb get to 02:00:00:00:00:02 dev vxlan0 vni 5 self': (dev) =>
    neighbour.get(fdb(dev.vxlan0, { vni: 5, flags: ['self'] })),
  'bridge fdb add 02:00:00:00:00:02 dev vxlan1 dst 192.0.2.2 src_vni 7 vni 7': (dev) =>
    neighbour.add(fdb(dev.vxlan1, { dst: '192.0.2.2', srcVni: 7, vni: 7 })),
  'bridge fdb add 02:00:00:00:00:02 dev vxlan6 dst 2001:db8::2': (dev) =>
    neighbour.add(fdb(dev.vxlan6, { dst: '2001:db8::2' })),
  'bridge fdb add 02:00:00:00:00:02 dev vxlan0 nhid 100': (dev) => neighbour.add(fdb(dev.vxlan0, { nhId: 100 })),
}

const bridge: Equivalents = {
  'bridge fdb add 02:00:00:00:00:02 dev eth0 master': (dev) => neighbour.add(fdb(dev.eth0, { flags: ['master'] })),
  'bridge fdb add 02:00:00:00:00:02 dev eth0 master static vlan 1': (dev) =>
    neighbour.add(fdb(dev.eth0, { flags: ['master'], state: STATIC, vlan: 1 })),
  'bridge fdb add 02:00:00:00:00:02 dev eth0 master dynamic': (dev) =>
    neighbour.add(fdb(dev.eth0, { flags: ['master'], state: ['reachable'] })),
  'bridge fdb add 02:00:00:00:00:02 dev eth0 master local': (dev) =>
    neighbour.add(fdb(dev.eth0, { flags: ['master'] })),
  'bridge fdb add 02:00:00:00:00:02 dev eth0 master dynamic extern_learn': (dev) =>
    neighbour.add(fdb(dev.eth0, { flags: ['master', 'ext_learned'], state: ['reachable'] })),
  'bridge fdb add 02:00:00:00:00:02 dev eth0 master static sticky': (dev) =>
    neighbour.add(fdb(dev.eth0, { flags: ['master', 'sticky'], state: STATIC })),
  'bridge fdb replace 02:00:00:00:00:02 dev eth0 master dynamic use': (dev) =>
    neighbour.replace(fdb(dev.eth0, { flags: ['master', 'use'], state: ['reachable'] })),
  'bridge fdb add 02:00:00:00:00:02 dev br0 self local': (dev) => neighbour.add(fdb(dev.br0, {})),
  'bridge fdb add 02:00:00:00:00:02 dev eth0 self master permanent': (dev) =>
    neighbour.add(fdb(dev.eth0, { flags: ['self', 'master'] })),
  'bridge fdb delete 02:00:00:00:00:02 dev eth0 master vlan 1': (dev) =>
    neighbour.delete(fdb(dev.eth0, { flags: ['master'], vlan: 1 })),
  'bridge fdb get 02:00:00:00:00:02 br br0 vlan 1': (dev) =>
    neighbour.get({ family: 'bridge', lladdr: TWO, master: dev.br0, vlan: 1 }),
  'bridge fdb get 02:00:00:00:00:02 brport eth0 master': (dev) => neighbour.get(fdb(dev.eth0, { flags: ['master'] })),
  'bridge fdb show': () => neighbour.list({ family: 'bridge' }),
  'bridge fdb show dev eth0': (dev) => neighbour.list({ family: 'bridge', ifindex: dev.eth0 }),
  'bridge fdb show br br0': (dev) => neighbour.list({ family: 'bridge', master: dev.br0 }),
  // VLAN and state it finds out itself.
  'bridge fdb show br br0 brport eth0 vlan 1 state permanent': (dev) =>
    neighbour.list({ family: 'bridge', master: dev.br0, ifindex: dev.eth0 }),
  'bridge fdb flush dev br0': (dev) => neighbour.flush({ family: 'bridge', ifindex: dev.br0 }),
  // A permanent entry is one of noarp and permanent, added by a user one of use.
  'bridge fdb flush dev br0 brport eth0 vlan 5 nopermanent nostatic noadded_by_user noextern_learn nosticky nooffloaded':
    (dev) =>
      neighbour.flush({
        family: 'bridge',
        ifindex: dev.br0,
        viaIfindex: dev.eth0,
        vlan: 5,
        ndmStateMask: ['permanent', 'noarp'],
        ndmFlagsMask: ['use', 'ext_learned', 'sticky', 'offloaded'],
      }),
  'bridge fdb flush dev br0 static sticky extern_learn added_by_user': (dev) =>
    neighbour.flush({
      family: 'bridge',
      ifindex: dev.br0,
      state: ['noarp'],
      ndmStateMask: ['noarp', 'permanent'],
      flags: ['self', 'sticky', 'ext_learned', 'use'],
      ndmFlagsMask: ['sticky', 'ext_learned', 'use'],
    }),
  'bridge fdb flush dev eth0 master dynamic': (dev) =>
    neighbour.flush({
      family: 'bridge',
      ifindex: dev.eth0,
      flags: ['master'],
      state: [],
      ndmStateMask: ['noarp', 'permanent'],
    }),
}

export const neighbourEquivalents: Equivalents = { ...neighbours, ...vxlan, ...bridge }
