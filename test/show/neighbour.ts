import type { Neighbour } from '../../lib/schema/neighbour.js'
import { flagsIn, type NameOf, nullWhen, told, unlessZero, wholeSeconds } from './text.js'

/** Neighbours and FDB entries: ip/ipneigh.c and bridge/fdb.c of iproute2 6.1.0. */

const STATES = ['incomplete', 'reachable', 'stale', 'delay', 'probe', 'failed', 'noarp', 'permanent']
const states = flagsIn(Object.fromEntries(STATES.map((name) => [name, name.toUpperCase()])))

/** `ip -s -j neigh`, one neighbour. */
export const neighbour = (one: Neighbour, nameOf: NameOf) => ({
  dst: one.dst,
  dev: nameOf(one.ifindex),
  lladdr: one.lladdr,
  router: nullWhen(one.flags.includes('router')),
  proxy: nullWhen(one.flags.includes('proxy')),
  managed: nullWhen(one.flagsExt?.includes('managed')),
  extern_learn: nullWhen(one.flags.includes('ext_learned')),
  offload: nullWhen(one.flags.includes('offloaded')),
  ...(one.cacheinfo && {
    refcnt: unlessZero(one.cacheinfo.refcnt, Number),
    used: wholeSeconds(one.cacheinfo.used),
    confirmed: wholeSeconds(one.cacheinfo.confirmed),
    updated: wholeSeconds(one.cacheinfo.updated),
  }),
  probes: one.probes,
  state: one.state.length === 0 ? undefined : states(one.state),
  protocol: one.protocol === 'unspec' ? undefined : told(one.protocol, String),
})

const fdbFlags = flagsIn({
  self: 'self',
  router: 'router',
  ext_learned: 'extern_learn',
  offloaded: 'offload',
  master: 'master',
  sticky: 'sticky',
})

/** state_n2a(): the first of these. */
function fdbState(state: Neighbour['state']): string {
  if (state.includes('permanent')) return 'permanent'
  if (state.includes('noarp')) return 'static'
  if (state.includes('stale')) return 'stale'
  return state.includes('reachable') ? '' : '0'
}

/** `bridge -s -j fdb`, one entry. */
export const fdbEntry = (one: Neighbour, nameOf: NameOf) => ({
  mac: one.lladdr,
  ifname: nameOf(one.ifindex),
  dst: one.dst,
  vlan: unlessZero(one.vlan, Number),
  port: one.port,
  vni: one.vni,
  src_vni: one.srcVni,
  ...(one.linkNetnsid === undefined
    ? { viaIf: told(one.viaIfindex, nameOf) }
    : { viaIfIndex: one.viaIfindex, linkNetNsId: one.linkNetnsid }),
  nhid: one.nhId,
  ...(one.cacheinfo && { used: wholeSeconds(one.cacheinfo.used), updated: wholeSeconds(one.cacheinfo.updated) }),
  flags: fdbFlags(one.flags),
  master: told(one.master, nameOf),
  state: fdbState(one.state),
})
