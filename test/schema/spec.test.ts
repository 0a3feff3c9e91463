import t, { type Test } from 'tap'
import { ADDRESS, ADDRESS_MESSAGES, IFA_CACHEINFO, IFADDRMSG } from '../../lib/schema/address.js'
import { FR_ACT, IFA_F, NTF, NTF_EXT, NUD, RTN, RTNLGRP } from '../../lib/schema/constants.js'
import { NDA_CACHEINFO, NDMSG, NEIGHBOUR, NEIGHBOUR_MESSAGES } from '../../lib/schema/neighbour.js'
import { ROUTE, ROUTE_MESSAGES, RTA_CACHEINFO, RTAX, RTMSG } from '../../lib/schema/route.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import { FIB_RULE_HDR, RULE, RULE_MESSAGES } from '../../lib/schema/rule.js'
import type { Struct } from '../../lib/wire/struct.js'
import type { Table } from '../../lib/wire/table.js'
import {
  type Comparison,
  compareAttributes,
  compareNames,
  compareStruct,
  readSpec,
  type Spec,
} from '../helpers/spec.js'

const tables = (...list: unknown[]): readonly Table[] => list as Table[]
const struct = (one: unknown): Struct => one as Struct

/** Runs `compare` with a specification, if it is there. */
function against(name: string, compare: (t: Test, spec: Spec) => void): void {
  const spec = readSpec(name)
  t.test(name, { skip: typeof spec === 'string' ? spec : false }, async (t) => compare(t, spec as Spec))
}

const EITHER = ['4 bytes', 'binary', 'an address of the family of the message'] as const
const UNUSED = 'not used, says the specification'

against('rt-route', (t, spec) => {
  const route: Comparison = {
    sets: { 'route-attrs': tables(ROUTE), metrics: tables(RTAX) },
    leftOut: {
      'route-attrs protoinfo': UNUSED,
      'route-attrs session': UNUSED,
      'route-attrs mp-algo': UNUSED,
      'route-attrs encap-type': 'written and read with encap',
      'route-attrs pad': 'padding before counters on machines that must align them',
    },
    deviations: {
      'route-attrs dst': EITHER,
      'route-attrs src': EITHER,
      'route-attrs gateway': EITHER,
      'route-attrs prefsrc': EITHER,
      'route-attrs cacheinfo': ['20 bytes', '32 bytes', 'struct rta_cacheinfo goes on with rta_id, rta_ts, rta_tsage'],
      'route-attrs mfc-stats': ['binary', '24 bytes', 'struct rta_mfc_stats'],
      'route-attrs encap': ['binary', 'nest', 'lwtunnel_fill_encap() nests the attributes of the type'],
      'route-attrs sport': ['u16', 'be16', 'inet_rtm_valid_getroute_req() and its kin read a __be16'],
      'route-attrs dport': ['u16', 'be16', 'inet_rtm_valid_getroute_req() and its kin read a __be16'],
    },
  }
  compareAttributes(t, spec, route)
  compareStruct(t, spec, 'rtmsg', struct(RTMSG), 'rtm-')
  compareStruct(t, spec, 'rta-cacheinfo', struct(RTA_CACHEINFO), 'rta-', 12)
  compareNames(t, spec, 'rtm-type', RTN)
})

against('rt-addr', (t, spec) => {
  compareAttributes(t, spec, {
    sets: { 'addr-attrs': tables(ADDRESS) },
    leftOut: {},
    deviations: { 'addr-attrs target-netnsid': ['binary', 's32', 'NLA_S32 in the policy of the kernel'] },
  })
  compareStruct(t, spec, 'ifaddrmsg', struct(IFADDRMSG), 'ifa-')
  compareStruct(t, spec, 'ifa-cacheinfo', struct(IFA_CACHEINFO), 'ifa-')
  compareNames(t, spec, 'ifa-flags', IFA_F)
})

against('rt-neigh', (t, spec) => {
  compareAttributes(t, spec, {
    sets: { 'neighbour-attrs': tables(NEIGHBOUR) },
    leftOut: {},
    deviations: {
      'neighbour-attrs dst': EITHER,
      'neighbour-attrs port': ['u16', 'be16', 'vxlan_fdb_parse() reads a __be16'],
      'neighbour-attrs fdb-ext-attrs': ['binary', 'nest', 'NFEA_*, nested'],
    },
  })
  compareStruct(t, spec, 'ndmsg', struct(NDMSG), 'ndm-')
  compareStruct(t, spec, 'nda-cacheinfo', struct(NDA_CACHEINFO), '')
  compareNames(t, spec, 'nud-state', NUD)
  compareNames(t, spec, 'ntf-flags', NTF)
  compareNames(t, spec, 'ntf-ext-flags', NTF_EXT)
  compareNames(t, spec, 'rtm-type', RTN)
})

against('rt-rule', (t, spec) => {
  compareAttributes(t, spec, {
    sets: { 'fib-rule-attrs': tables(RULE) },
    leftOut: {},
    deviations: {
      'fib-rule-attrs dst': ['u32', 'binary', 'a prefix of the family of the message'],
      'fib-rule-attrs src': ['u32', 'binary', 'a prefix of the family of the message'],
      'fib-rule-attrs tun-id': ['u64', 'be64', 'fib_nl2rule() reads a __be64'],
      'fib-rule-attrs suppress-prefixlen': ['u32', 's32', '-1 switches it off'],
    },
  })
  const { uidRange, sportRange, dportRange } = RULE.rows
  compareStruct(t, spec, 'fib-rule-hdr', struct(FIB_RULE_HDR), '')
  compareStruct(t, spec, 'fib-rule-uid-range', struct(uidRange.codec), '')
  for (const { codec } of [sportRange, dportRange]) compareStruct(t, spec, 'fib-rule-port-range', struct(codec), '')
  compareNames(t, spec, 'fr-act', FR_ACT)
})

t.test('numbers of messages and groups', async (t) => {
  for (const name of ['rt-route', 'rt-addr', 'rt-neigh', 'rt-rule', 'rt-link']) {
    const spec = readSpec(name)
    if (typeof spec === 'string') {
      t.comment(spec)
      continue
    }
    const others = /neightbl|multicast|getstats|-ntf$/
    for (const { name: operation, ...how } of spec.operations.list) {
      const value = how.do?.request?.value ?? how.dump?.request?.value
      if (value === undefined || others.test(operation)) continue
      t.equal(rtnetlink.operation(value), `RTM_${operation.toUpperCase()}`, `message ${value}`)
    }
    for (const { name: group, value } of spec['mcast-groups']?.list ?? []) {
      const key = group.replace('rtnlgrp-', '') as keyof typeof RTNLGRP
      t.equal(RTNLGRP[key], value, group)
    }
  }
  const bases = [ROUTE_MESSAGES, ADDRESS_MESSAGES, NEIGHBOUR_MESSAGES, RULE_MESSAGES].map(({ base }) => base)
  t.same(bases, [24, 20, 28, 32], 'RTM_BASE 16 and multiples of four')
})
