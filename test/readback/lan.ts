import { casesOf, type Told } from './cases.js'

/** Devices beside tunnels: net/bridge/br_netlink.c, net/8021q/vlan_netlink.c, drivers/net/{veth,macvlan,vrf,dummy,ifb}.c. */

const STATE = 'read-only'
const ORDER = 'an order, of which nothing stays'
const NEWER = 'Linux 7, which no test has'

const nobody = { prio: 0x8000, addr: '00:00:00:00:00:00' } as const

const BRIDGE: Told<'bridge'> = {
  forwardDelay: 1500,
  helloTime: 200,
  maxAge: 2000,
  ageingTime: 30_000,
  stpState: 0,
  priority: 0x8000,
  vlanFiltering: false,
  groupFwdMask: 0,
  rootId: nobody,
  bridgeId: nobody,
  rootPort: 0,
  rootPathCost: 0,
  topologyChange: false,
  topologyChangeDetected: false,
  helloTimer: 0n,
  tcnTimer: 0n,
  topologyChangeTimer: 0n,
  groupAddr: '01:80:c2:00:00:00',
  mcastRouter: 'temp_query',
  mcastSnooping: true,
  mcastQueryUseIfaddr: false,
  mcastQuerier: false,
  mcastHashElasticity: 16,
  mcastHashMax: 4096,
  mcastLastMemberCnt: 2,
  mcastStartupQueryCnt: 2,
  mcastLastMemberIntvl: 100n,
  mcastMembershipIntvl: 26_000n,
  mcastQuerierIntvl: 25_500n,
  mcastQueryIntvl: 12_500n,
  mcastQueryResponseIntvl: 1000n,
  mcastStatsEnabled: false,
  mcastIgmpVersion: 2,
  mcastMldVersion: 1,
  nfCallIptables: false,
  nfCallIp6tables: false,
  nfCallArptables: false,
}

export const bridge = casesOf({
  kind: 'bridge',
  bare: { name: 'bare', asked: {}, told: BRIDGE },
  newer: { '6.7': { fdbNLearned: 0, fdbMaxLearned: 0 } },
  cases: [
    {
      name: 'with everything',
      asked: {
        forwardDelay: 1400,
        helloTime: 300,
        maxAge: 2100,
        ageingTime: 12_300,
        stpState: 1,
        priority: 0x1000,
        groupFwdMask: 8,
        groupAddr: '01:80:c2:00:00:0e',
        mcastRouter: 'perm',
        mcastSnooping: false,
        mcastQueryUseIfaddr: true,
        mcastQuerier: true,
        mcastHashMax: 512,
        mcastLastMemberCnt: 3,
        mcastStartupQueryCnt: 4,
        mcastLastMemberIntvl: 200n,
        mcastMembershipIntvl: 27_000n,
        mcastQuerierIntvl: 24_000n,
        mcastQueryIntvl: 13_000n,
        mcastQueryResponseIntvl: 900n,
        mcastStartupQueryIntvl: 3000n,
        mcastStatsEnabled: true,
        mcastIgmpVersion: 3,
        mcastMldVersion: 2,
        nfCallIptables: true,
        nfCallIp6tables: true,
        nfCallArptables: true,
        multiBoolopt: { optval: ['no_ll_learn'], optmask: ['no_ll_learn'] },
      },
      but: 'the priority is part of the identifier',
      told: { rootId: { ...nobody, prio: 0x1000 }, bridgeId: { ...nobody, prio: 0x1000 } },
    },
    { name: 'with a limit to what it learns', since: '6.7', asked: { fdbMaxLearned: 1000 } },
  ],
  optional: [
    {
      config: 'CONFIG_BRIDGE_VLAN_FILTERING',
      told: { vlanProtocol: '8021q', vlanDefaultPvid: 1, vlanStatsEnabled: false, vlanStatsPerPort: false },
      cases: [
        {
          name: 'with VLANs',
          asked: {
            vlanFiltering: true,
            vlanProtocol: '8021ad',
            vlanDefaultPvid: 7,
            vlanStatsEnabled: true,
            vlanStatsPerPort: true,
          },
          but: 'that of a provider bridge has another group address',
          told: { groupAddr: '01:80:c2:00:00:08' },
        },
      ],
    },
  ],
  free: {
    gcTimer: 'runs down from the ageing time',
    mcastStartupQueryIntvl: 'a quarter of the query interval, to within a tick of the clock',
    multiBoolopt: 'its mask has all options that the kernel knows',
  },
  never: {
    rootId: STATE,
    bridgeId: STATE,
    rootPort: STATE,
    rootPathCost: STATE,
    topologyChange: STATE,
    topologyChangeDetected: STATE,
    helloTimer: STATE,
    tcnTimer: STATE,
    topologyChangeTimer: STATE,
    gcTimer: STATE,
    mcastQuerierState: STATE,
    fdbNLearned: STATE,
    fdbFlush: ORDER,
    mcastHashElasticity: 'without effect since Linux 5.0',
    stpMode: NEWER,
  },
})

export const veth = casesOf({
  kind: 'veth',
  bare: { name: 'bare', asked: {}, told: {} },
  cases: [],
  never: { peer: 'told as a device of its own: see the test of pairs' },
})

/** Told of every VLAN: each switch counts. */
const ALL_FLAGS = ['reorder_hdr', 'gvrp', 'loose_binding', 'mvrp', 'bridge_binding', 0xffffffe0] as const

export const vlan = casesOf({
  kind: 'vlan',
  bare: {
    name: 'bare',
    asked: { id: 1 },
    link: ({ lower }) => ({ link: lower }),
    told: { protocol: '8021q', flags: { flags: ['reorder_hdr'], mask: ALL_FLAGS } },
  },
  cases: [
    {
      name: 'with everything',
      link: ({ lower }) => ({ link: lower }),
      asked: {
        id: 4094,
        protocol: '8021ad',
        flags: { flags: ['gvrp', 'loose_binding', 'mvrp'], mask: ['reorder_hdr', 'gvrp', 'loose_binding', 'mvrp'] },
        egressQos: { mapping: [{ from: 1, to: 2 }] },
        ingressQos: {
          mapping: [
            { from: 3, to: 4 },
            { from: 5, to: 6 },
          ],
        },
      },
      but: 'the mask is told in full',
      told: { flags: { flags: ['gvrp', 'loose_binding', 'mvrp'], mask: ALL_FLAGS } },
    },
  ],
})

export const macvlan = casesOf({
  kind: 'macvlan',
  bare: {
    name: 'bare',
    asked: {},
    link: ({ lower }) => ({ link: lower }),
    told: { mode: 'vepa', flags: [], macaddrCount: 0, bcQueueLen: 1000, bcQueueLenUsed: 1000 },
  },
  cases: [
    {
      name: 'of chosen sources',
      link: ({ lower }) => ({ link: lower }),
      asked: {
        mode: 'source',
        flags: ['nopromisc', 'nodst'],
        macaddrMode: 'set',
        macaddrData: { macaddr: ['02:00:00:00:00:02', '02:00:00:00:00:01'] },
        bcQueueLen: 2000,
      },
      but: 'what was to be done with the addresses is not told (and they come in the order of a hash)',
      told: { macaddrMode: undefined, macaddrCount: 2, bcQueueLenUsed: 2000 },
    },
    {
      name: 'with a cutoff',
      since: '6.5',
      link: ({ lower }) => ({ link: lower }),
      asked: { mode: 'private', bcCutoff: 7 },
      but: 'the queue is that of all devices on the lower one',
      told: { bcQueueLenUsed: 2000 },
    },
  ],
  never: { macaddrMode: ORDER, macaddr: 'told among all: see macaddrData' },
})

export const vrf = casesOf({
  kind: 'vrf',
  bare: { name: 'bare', asked: { table: 1000 }, told: {} },
  cases: [{ name: 'of another table', asked: { table: 4_000_000_000 } }],
})

export const dummy = casesOf({ kind: 'dummy', bare: { name: 'bare', asked: {}, told: {} }, cases: [] })
export const ifb = casesOf({ kind: 'ifb', bare: { name: 'bare', asked: {}, told: {} }, cases: [] })
