import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { FAMILIES, INET, INET6 } from '../../lib/schema/af-spec.js'
import { BRIDGE, BRIDGE_PORT } from '../../lib/schema/bridge.js'
import { GENEVE } from '../../lib/schema/geneve.js'
import { ERSPAN, GRE_TUNNEL, GRETAP, IP6ERSPAN, IP6GRE, IP6GRETAP } from '../../lib/schema/gre.js'
import { IP6TNL, IPIP, SIT_TUNNEL } from '../../lib/schema/iptun.js'
import { VLAN, VRF } from '../../lib/schema/lan.js'
import { LINK, LINKINFO } from '../../lib/schema/link.js'
import { VTI, VTI6 } from '../../lib/schema/vti.js'
import { linkAddress, mac } from '../../lib/wire/addresses.js'
import type { AnyCodec, Context } from '../../lib/wire/codec.js'
import { flag, uint } from '../../lib/wire/scalars.js'
import { type Table, VIRTUAL } from '../../lib/wire/table.js'
import { Writer } from '../../lib/wire/writer.js'
import { NEWER } from './link-newer.js'

/** The kernel's own description of rtnetlink, where it lies beside the project. */
const SPEC = resolve('../shared/specs/rt-link.yaml')

interface Attribute {
  name: string
  type?: string
  value?: number
  struct?: string
  'byte-order'?: string
  'display-hint'?: string
}
interface AttributeSet {
  name: string
  'subset-of'?: string
  attributes: Attribute[]
}
interface Spec {
  definitions: { name: string; type: string; members?: { name: string; type: string; len?: number }[] }[]
  'attribute-sets': AttributeSet[]
}

/** The sets of the specification and the tables that stand for them. */
const SETS: Readonly<Record<string, readonly Table[]>> = Object.fromEntries(
  Object.entries({
    'link-attrs': [LINK],
    'af-spec-attrs': [FAMILIES],
    'linkinfo-attrs': [LINKINFO],
    'linkinfo-bridge-attrs': [BRIDGE],
    'linkinfo-brport-attrs': [BRIDGE_PORT],
    'linkinfo-gre-attrs': [GRE_TUNNEL, GRETAP, ERSPAN],
    'linkinfo-gre6-attrs': [IP6GRE, IP6GRETAP, IP6ERSPAN],
    'linkinfo-vti-attrs': [VTI],
    'linkinfo-vti6-attrs': [VTI6],
    'linkinfo-geneve-attrs': [GENEVE],
    'linkinfo-iptun-attrs': [IPIP, SIT_TUNNEL],
    'linkinfo-ip6tnl-attrs': [IP6TNL],
    'linkinfo-vlan-attrs': [VLAN],
    'linkinfo-vrf-attrs': [VRF],
    'ifla-attrs': [INET],
    'ifla6-attrs': [INET6],
    'xdp-attrs': [LINK.rows.xdp.codec],
    'link-dpll-pin-attrs': [LINK.rows.dpllPin.codec],
    'prop-list-link-attrs': [LINK.rows.propList.codec],
    'ifla-vlan-qos': [VLAN.rows.egressQos.codec],
  }).map(([set, list]) => [set, list as unknown as readonly Table[]]),
)

/** Attributes that have no row, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'link-attrs cost': 'the kernel neither reads nor sends it',
  'link-attrs priority': 'the kernel neither reads nor sends it',
  'link-attrs wireless': 'events of wireless extensions',
  'link-attrs vfinfo-list': 'virtual functions of hardware',
  'link-attrs vf-ports': 'virtual functions of hardware',
  'link-attrs port-self': 'virtual functions of hardware',
  'af-spec-attrs mctp': 'not for tunnels',
  'ifla6-attrs mcast': 'the kernel neither reads nor sends it',
  'linkinfo-iptun-attrs encap-limit': 'of ip6tnl alone',
  'linkinfo-iptun-attrs flowinfo': 'of ip6tnl alone',
  'linkinfo-gre-attrs encap-limit': 'of GRE over IPv6 alone',
  'linkinfo-gre-attrs flowinfo': 'of GRE over IPv6 alone',
  'linkinfo-gre-attrs flags': 'of GRE over IPv6 alone',
}

/** Attributes whose payload is not as the specification says: what it says, what we do, and why. */
const DEVIATIONS: Readonly<Record<string, readonly [spec: string, ours: string, reason: string]>> = {
  'link-attrs protinfo': ['string', 'nest', 'br_fill_ifinfo() and inet6_fill_ifinfo() nest attributes in it'],
  'link-attrs proto-down-reason': ['string', 'nest', 'IFLA_PROTO_DOWN_REASON_MASK and _VALUE, nested'],
  'link-attrs devlink-port': ['binary', 'nest', 'rtnl_devlink_port_fill() nests DEVLINK_ATTR_*'],
  'linkinfo-bridge-attrs vlan-protocol': ['u16', 'be16', 'br_fill_info() puts be16'],
  'linkinfo-bridge-attrs fdb-flush': ['binary', 'flag', 'br_changelink() looks whether it is there'],
  'linkinfo-bridge-attrs mcast-querier-state': [
    'binary',
    'nest',
    'br_multicast_dump_querier_state() nests BRIDGE_QUERIER_*',
  ],
  'link-attrs map': ['28 bytes', '32 bytes', 'struct rtnl_link_ifmap ends in padding'],
  'ifla6-attrs token': ['binary', '16 bytes', 'a struct in6_addr'],
  'linkinfo-iptun-attrs flags': ['be16', 'u16', 'SIT_ISATAP is compared without swapping, and ip sends host order'],
}
/** Names that the specification does not give in full. */
const NAMES: Readonly<Record<string, string>> = { DPLL_A_ID: 'DPLL_A_PIN_ID' }

const context: Context = { family: 0, header: 0, owner: {}, companion: undefined, partial: false }

/** What a codec does with a small value, in the words of the specification. */
function shape(codec: AnyCodec): string {
  if (codec.nested === true) return 'nest'
  if (codec === flag) return 'flag'
  if (codec === uint) return 'uint'
  if (codec === mac || codec === linkAddress) return 'mac'
  const w = new Writer(1024)
  const written = (value: unknown): Buffer | undefined => {
    w.pos = 0
    try {
      codec.write(w, value, context)
      return Buffer.from(w.bytes.subarray(0, w.pos))
    } catch {
      return undefined
    }
  }
  const one = written(1)
  if (one !== undefined) {
    const signed = one.length === 4 && codec.read(Buffer.alloc(4, 0xff), 0, 4, context) === -1
    const big = one.length > 1 && one.at(-1) === 1
    return `${signed ? 's' : big ? 'be' : 'u'}${one.length * 8}`
  }
  if (codec.size !== undefined) return `${codec.size} bytes`
  return written('x')?.equals(Buffer.from('x\0')) ? 'string' : 'binary'
}

/** The same of an attribute of the specification. */
function specified(attribute: Attribute, spec: Spec): string {
  const { type = '', struct } = attribute
  if (type === 'sub-message') return 'nest'
  if (struct !== undefined) {
    const { members = [] } = spec.definitions.find((one) => one.name === struct) ?? {}
    const sizes = members.map((one) => one.len ?? Number(one.type.slice(1)) / 8)
    return `${sizes.reduce((sum, size) => sum + size, 0)} bytes`
  }
  const hint = attribute['display-hint']
  if (hint === 'mac') return 'mac'
  if (hint === 'ipv4') return '4 bytes'
  if (hint === 'ipv6') return '16 bytes'
  return attribute['byte-order'] === 'big-endian' ? type.replace('u', 'be') : type
}

/** The attributes of a set with their numbers; a subset takes over what it does not say. */
function numbered(name: string, spec: Spec): { prefix: string; attributes: (Attribute & { value: number })[] } {
  const set = spec['attribute-sets'].find((one) => one.name === name) as AttributeSet & { 'name-prefix'?: string }
  const parent = set['subset-of'] === undefined ? undefined : numbered(set['subset-of'], spec)
  let next = 1
  const list = set.attributes.map((one) => {
    const inherited = parent?.attributes.find((other) => other.name === one.name)
    const whole = one.type === undefined ? { ...inherited, ...one } : { value: inherited?.value, ...one }
    const value = whole.value ?? next
    next = value + 1
    return { ...whole, value }
  })
  return { prefix: parent?.prefix ?? set['name-prefix'] ?? '', attributes: list }
}

t.test('attributes are those of the specification', async (t) => {
  if (!existsSync(SPEC)) return t.pass(`not compared: ${SPEC} is not there`)
  const spec = parse(readFileSync(SPEC, 'utf8')) as Spec
  const used = new Set<string>()
  for (const [set, tables] of Object.entries(SETS)) {
    const { prefix, attributes } = numbered(set, spec)
    for (const attribute of attributes) {
      if (attribute.type === 'pad') continue
      const id = `${set} ${attribute.name}`
      const rows = tables.flatMap((table) => table.find(attribute.value) ?? [])
      if (rows.length === 0) {
        t.ok(id in LEFT_OUT, `${id} has a row, or a reason to have none`)
        used.add(id)
        continue
      }
      const name = `${prefix}${attribute.name}`.replaceAll('-', '_').toUpperCase()
      const ours = new Set(rows.map(({ row }) => shape(row.codec as AnyCodec)))
      const says = specified(attribute, spec)
      const deviation = DEVIATIONS[id]
      t.equal(tables.find((one) => one.find(attribute.value))?.nameOf(attribute.value), NAMES[name] ?? name, id)
      if (deviation !== undefined) {
        used.add(id)
        t.same([says, ...ours], deviation.slice(0, 2), `${id}: ${deviation[2]}`)
      } else if (set === 'linkinfo-brport-attrs' && says === 'flag' && attribute.name !== 'flush') {
        t.same([...ours], ['u8'], `${id}: a byte, as br_port_fill_attrs() puts it`)
      } else t.same([...ours], [says], id)
    }
    for (const table of tables) {
      for (const row of Object.values(table.rows) as { type: number }[]) {
        if (row.type === VIRTUAL || attributes.some((one) => one.value === row.type)) continue
        t.ok(table.nameOf(row.type) in NEWER, `${table.nameOf(row.type)} is newer than the specification`)
      }
    }
  }
  for (const id of [...Object.keys(LEFT_OUT), ...Object.keys(DEVIATIONS)]) t.ok(used.has(id), `${id} still differs`)
})
