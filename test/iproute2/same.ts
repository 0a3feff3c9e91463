/** What the kernel takes for the same, although iproute2 and this library do not send the same. */
import { type Attribute, type Parts, parse, serialise } from './tree.js'

const RTM_NEWLINK = 16
const RTM_GETLINK = 18
const RTM_SETLINK = 19
const RTM_DELADDR = 21
const RTM_NEWROUTE = 24
const RTM_GETROUTE = 26
const RTM_DELNEIGH = 29
const RTM_NEWRULE = 32
const NLM_F_BULK = 0x200
const AF_UNSPEC = 0
const AF_INET = 2
const AF_BRIDGE = 7
const AF_PACKET = 17
const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const IFLA_INFO_SLAVE_KIND = 4
const IFA_ADDRESS = 1
const RTA_DST = 1
const RTA_TABLE = 15
const FRA_SRC = 2

type Rule = (parts: Parts) => Parts

const has = ({ attributes }: Parts, type: number): boolean => attributes.some((one) => one.type === type)

const withByte = (parts: Parts, offset: number, ...bytes: number[]): Parts => {
  const header = Buffer.from(parts.header)
  header.set(bytes, offset)
  return { ...parts, header }
}

const without = (parts: Parts, unwanted: (one: Attribute) => boolean): Parts => ({
  ...parts,
  attributes: parts.attributes.filter((one) => !unwanted(one)),
})

/** `ip link show` asks as AF_PACKET, for which the kernel has no answer of its own: it gives that of AF_UNSPEC. */
const linkFamily: Rule = (parts) =>
  parts.type === RTM_GETLINK && parts.header[0] === AF_PACKET ? withByte(parts, 0, AF_UNSPEC) : parts

/** `ip token set` sends RTM_SETLINK: to a device that is there the kernel does the same as for RTM_NEWLINK. */
const setLink: Rule = (parts) =>
  parts.type === RTM_SETLINK && parts.header[0] !== AF_BRIDGE ? { ...parts, type: RTM_NEWLINK } : parts

/** `ip address delete` of an IPv4 address without a length says 32, which counts only beside IFA_ADDRESS. */
const addressLength: Rule = (parts) =>
  parts.type === RTM_DELADDR && parts.header[0] === AF_INET && !has(parts, IFA_ADDRESS) ? withByte(parts, 1, 0) : parts

/** `ip` names a table to list in RTA_TABLE even where it fits into rtm_table: the kernel reads both. */
const routeTable: Rule = (parts) => {
  const table = parts.attributes.find((one) => one.type === RTA_TABLE)?.payload.readUInt32LE(0)
  if (parts.type !== RTM_GETROUTE || table === undefined || table > 255) return parts
  return without(withByte(parts, 4, table), (one) => one.type === RTA_TABLE)
}

/** `ip -6 route add default` sends RTA_DST ::, of which the kernel takes the first rtm_dst_len bits: none. */
const defaultRoute: Rule = (parts) =>
  parts.type >= RTM_NEWROUTE && parts.type <= RTM_GETROUTE && parts.header[1] === 0
    ? without(parts, ({ type, payload }) => type === RTA_DST && payload.every((byte) => byte === 0))
    : parts

/** `ip neighbour delete` and `bridge fdb delete` send the state of a new entry: the kernel reads none, unless in bulk. */
const dyingState: Rule = (parts) =>
  parts.type === RTM_DELNEIGH && (parts.flags & NLM_F_BULK) === 0 ? withByte(parts, 8, 0, 0) : parts

/** `ip rule add from all` sends an empty FRA_SRC: the kernel reads it only where the header has a length for it. */
const fromAll: Rule = (parts) =>
  parts.type === RTM_NEWRULE ? without(parts, (one) => one.type === FRA_SRC && one.payload.length === 0) : parts

/**
 * `ip link set type bridge_slave` sends that as IFLA_INFO_KIND, where the kernel itself sends IFLA_INFO_SLAVE_KIND: it
 * reads neither from a port, whose bridge it knows.
 */
const slaveKind: Rule = (parts) => {
  if (parts.type < RTM_NEWLINK || parts.type > RTM_SETLINK) return parts
  const rename = (info: Attribute): Attribute =>
    info.type === IFLA_INFO_KIND && /^bridge_slave\0?$/.test(info.payload.toString())
      ? { type: IFLA_INFO_SLAVE_KIND, payload: Buffer.from('bridge') }
      : info
  const attributes = parts.attributes.map((one) =>
    one.type === IFLA_LINKINFO ? { ...one, payload: serialise(parse(one.payload).map(rename)) } : one,
  )
  return { ...parts, attributes }
}

const RULES: readonly Rule[] = [
  linkFamily,
  setLink,
  addressLength,
  routeTable,
  defaultRoute,
  dyingState,
  fromAll,
  slaveKind,
]

/** The message as the kernel understands it. */
export const understood = (parts: Parts): Parts => RULES.reduce((before, rule) => rule(before), parts)
