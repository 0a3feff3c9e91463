import type { Rule } from '../../lib/schema/rule.js'
import { hex, nullWhen, padded, split, told, unlessZero } from './text.js'

/** A rule as `ip -d -j rule` prints it: print_rule() of ip/iprule.c of iproute2 6.1.0. */

const TABLES: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' }
const NONE = 0xffffffff

const isWhole = (address: string, length: number): boolean => length === (address.includes(':') ? 128 : 32)

/** The address by one name, and its length by another unless it is that of a whole address. */
function prefix(names: readonly [address: string, length: string], value: string) {
  const [address, length] = split(value)
  return { [names[0]]: address, ...(isWhole(address, length) ? {} : { [names[1]]: length }) }
}

/** One port by one name, or a range by two. */
const ports = (name: string, range: { start: number; end: number } | undefined) =>
  range === undefined
    ? {}
    : range.start === range.end
      ? { [name]: range.start }
      : { [`${name}_start`]: range.start, [`${name}_end`]: range.end }

function action({ action, goto, flags }: Rule) {
  if (action === 'goto') return { goto: goto ?? 'none', unresolved: nullWhen(flags.includes('unresolved')) }
  if (action === 'nop') return { nop: null }
  return action === 'to_tbl' ? {} : { action }
}

const suppressed = ({ suppressPrefixlen, suppressIfgroup }: Rule) => ({
  suppress_prefixlen: suppressPrefixlen === -1 ? undefined : suppressPrefixlen,
  suppress_ifgroup: suppressIfgroup === NONE ? undefined : told(suppressIfgroup, String),
})

export const rule = (one: Rule) => ({
  priority: one.priority ?? 0,
  not: nullWhen(one.flags.includes('invert')),
  ...(one.src === undefined ? { src: 'all' } : prefix(['src', 'srclen'], one.src)),
  ...(one.dst !== undefined && prefix(['dst', 'dstlen'], one.dst)),
  tos: unlessZero(one.tos, (tos) => padded(tos, 2)),
  ...((one.fwmark !== undefined || one.fwmask !== undefined) && {
    fwmark: hex(one.fwmark ?? 0),
    fwmask: one.fwmask === NONE ? undefined : told(one.fwmask, hex),
  }),
  iif: one.iifname,
  iif_detached: nullWhen(one.flags.includes('iif_detached')),
  oif: one.oifname,
  oif_detached: nullWhen(one.flags.includes('oif_detached')),
  l3mdev: nullWhen(one.l3mdev),
  uid_start: one.uidRange?.start,
  uid_end: one.uidRange?.end,
  ipproto: told(one.ipProto, (number) => `ipproto-${number}`),
  ...ports('sport', one.sportRange),
  ...ports('dport', one.dportRange),
  tun_id: told(one.tunId, Number),
  table: unlessZero(one.table, (table) => TABLES[table] ?? String(table)),
  ...(one.table && suppressed(one)),
  ...(one.flow !== undefined && {
    flow_from: unlessZero(one.flow >>> 16, String),
    flow_to: String(one.flow & 0xffff),
  }),
  ...action(one),
  protocol: told(one.protocol, String),
})
