import t from 'tap'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import type { Row, Table } from '../../lib/wire/table.js'
import { commands } from './commands.js'
import { compare, meaning } from './compare.js'
import { equivalents, OUT_OF_SCOPE } from './equivalents.js'
import { fixture } from './fixture.js'
import { attributesOf, BEYOND, tables } from './rows.js'
import { understood } from './same.js'
import { partsOf, treeOf } from './tree.js'

const SLAVE_DATA =
  'only with IFLA_INFO_SLAVE_KIND, which the kernel sends and `ip` does not, is it known what the data is'

/** Commands whose attributes are not all known, and why. */
const UNKNOWN: Readonly<Record<string, string>> = {
  'ip link add tun0 type sit external': 'the kernel does not know it either',
  'ip link set eth0 vf 0 mac 02:00:00:00:00:04 vlan 5 qos 3 spoofchk on state auto trust on':
    'virtual functions are of hardware',
  'ip link set eth0 type bridge_slave state 3 priority 8 cost 50 guard on hairpin on fastleave on root_block on learning off flood off proxy_arp on proxy_arp_wifi on mcast_router 2 mcast_fast_leave on mcast_flood off bcast_flood off mcast_to_unicast on group_fwd_mask 8 neigh_suppress on vlan_tunnel on isolated on locked on fdb_flush':
    SLAVE_DATA,
  'ip link set eth0 type bridge_slave backup_port eth1': SLAVE_DATA,
  'ip link set eth0 type bridge_slave nobackup_port': SLAVE_DATA,
  'ip rule add from all lookup main': 'a prefix of no bytes at all, which only `ip` sends and the kernel does not read',
}

const { captures } = fixture
const bytes = (message: string): Buffer => Buffer.from(message, 'hex')
const known = (message: Buffer): boolean => rtnetlink.kind(message.readUInt16LE(4)) !== undefined

t.test('every command has an equivalent, or a reason why not', async (t) => {
  const names = new Set(captures.map(({ command }) => command))
  t.strictSame([...names].sort(), [...new Set(commands.map(({ command }) => command))].sort(), 'all were captured')
  for (const name of names) {
    t.ok(Object.hasOwn(equivalents, name) !== Object.hasOwn(OUT_OF_SCOPE, name), `either of both: ${name}`)
  }
  for (const name of [...Object.keys(equivalents), ...Object.keys(OUT_OF_SCOPE)]) {
    t.ok(names.has(name), `is a command: ${name}`)
  }
})

t.test('builders send what iproute2 sends', async (t) => {
  for (const captured of captures) if (Object.hasOwn(equivalents, captured.command)) compare(t, captured)
})

t.test('what iproute2 sends is decoded, and encoded the same', async (t) => {
  for (const { command, messages } of captures) {
    for (const message of messages.map(bytes)) {
      try {
        const [decoded] = rtnetlink.decode(message)
        const encoded = rtnetlink.encode(decoded!)
        if (known(message)) t.strictSame(meaning(encoded), meaning(message), command)
        else t.strictSame(encoded, message, command)
        t.strictSame(unknown(decoded!.value).length > 0, Object.hasOwn(UNKNOWN, command), `all known: ${command}`)
      } catch (error) {
        t.error(error, command)
      }
    }
  }
})

/** The paths of attributes that no row knows. */
function unknown(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([key, item]) =>
    key === 'unknown' ? [`${path}${key}`] : unknown(item, `${path}${key}.`),
  )
}

t.test('every attribute is in a command, or there is a reason why not', async (t) => {
  const reachable = tables()
  const seen = new Set<Row<unknown>>()
  const visit = (table: Table, row?: Row<unknown>): void => {
    if (!reachable.has(table)) t.fail(`the table ${table.prefix} is among those looked at`)
    if (row) seen.add(row)
  }
  for (const message of captures.flatMap(({ messages }) => messages.map(bytes))) {
    if (known(message)) treeOf(understood(partsOf(message)), visit)
  }
  const missing = new Set<string>()
  for (const table of reachable) {
    for (const row of attributesOf(table)) if (!seen.has(row)) missing.add(table.nameOf(row.type))
  }
  const excused = Object.values(BEYOND).flat()
  t.strictSame(
    excused.filter((name, i) => excused.indexOf(name) !== i),
    [],
    'nothing is excused twice',
  )
  t.strictSame(
    [...missing].filter((name) => !excused.includes(name)),
    [],
    'nothing is missing',
  )
  t.strictSame(
    excused.filter((name) => !missing.has(name)),
    [],
    'nothing is excused without need',
  )
})
