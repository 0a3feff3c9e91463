import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import { type Extack, KernelError } from '../errors.js'
import { align, type Frame, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_HDRLEN } from '../wire/frame.js'
import { hostIsLittle, readU16, readU32 } from '../wire/host.js'
import type { Protocol } from '../wire/protocol.js'
import type { Request } from '../wire/request.js'

/**
 * What the kernel said when it refused (NLMSG_ERROR with extended acknowledgement, netlink(7)), as a
 * {@link KernelError} that a person can act on. Where the kernel gives no reason, {@link WORDS} has one.
 * @module
 */

/** NLMSGERR_ATTR_* (linux/netlink.h). */
const ATTR_MSG = 1
const ATTR_OFFS = 2
const ATTR_POLICY = 4
const ATTR_MISS_TYPE = 5
const ATTR_MISS_NEST = 6

/** NL_POLICY_TYPE_ATTR_* (linux/netlink.h). */
const POLICY_TYPE = 1
const POLICY_MIN_S = 2
const POLICY_MAX_S = 3
const POLICY_MIN_U = 4
const POLICY_MAX_U = 5
const POLICY_MIN_LENGTH = 6
const POLICY_MAX_LENGTH = 7
const POLICY_BITFIELD32_MASK = 10
const POLICY_MASK = 12
/** NL_ATTR_TYPE_U8, _U16, _U32 and _U64, and their bytes. */
const UNSIGNED = new Map<number | undefined, bigint>([
  [2, 1n],
  [3, 2n],
  [4, 4n],
  [5, 8n],
])
/** NL_ATTR_TYPE_STRING and _NUL_STRING, whose lengths are in characters. */
const STRINGS: readonly (number | undefined)[] = [11, 12]

const NLA_HDRLEN = 4
const AF_BRIDGE = 7
const NLA_TYPE_MASK = 0x3fff

/** An NLMSG_ERROR or NLMSG_DONE, read but not yet put into words. */
export interface Answer {
  /** Positive; 0 for an acknowledgement. */
  readonly errno: number
  /** The kernel's words: a reason, or on an acknowledgement a warning. */
  message?: string
  /** Bytes from the start of the request's nlmsghdr to the attribute that was meant. */
  offset?: number
  /** What the kernel's policy allows, in words. */
  allowed?: string
  /** The number of an attribute that should have been there. */
  missType?: number
  /** Where the nest starts that it should have been in, in bytes from the start of the request's nlmsghdr. */
  missNest?: number
}

const ACK: Answer = { errno: 0 }

/**
 * Reads an NLMSG_ERROR: `struct nlmsgerr` (an int, then the request's header, or the whole request unless capped),
 * then attributes if NLM_F_ACK_TLVS says so.
 * @returns undefined if the bytes are not one
 */
export function readAnswer(frame: Frame): Answer | undefined {
  const { bytes, end, flags } = frame
  const start = frame.start + NLMSG_HDRLEN
  const header = start + 4
  if (end < header + NLMSG_HDRLEN) return undefined
  const errno = -(readU32(bytes, start) | 0)
  if (errno < 0) return undefined
  if ((flags & NLM_F_ACK_TLVS) === 0) return errno === 0 ? ACK : { errno }
  const echo = flags & NLM_F_CAPPED ? NLMSG_HDRLEN : align(readU32(bytes, header))
  return readAttributes({ errno }, bytes, header + echo, end)
}

/**
 * Reads an NLMSG_DONE: an int, the dump's error if negative, then attributes if NLM_F_ACK_TLVS says so.
 * @returns undefined if the bytes are not one
 */
export function readDone(frame: Frame): Answer | undefined {
  const { bytes, end, flags } = frame
  const start = frame.start + NLMSG_HDRLEN
  if (end < start + 4) return undefined
  const errno = Math.max(0, -(readU32(bytes, start) | 0))
  return flags & NLM_F_ACK_TLVS ? readAttributes({ errno }, bytes, start + 4, end) : { errno }
}

/** Calls `each` for every attribute; one that cannot be ends it, what was good before it counts. */
function attributes(
  bytes: Buffer,
  start: number,
  end: number,
  each: (type: number, at: number, end: number) => void,
): void {
  while (start + NLA_HDRLEN <= end) {
    const length = readU16(bytes, start)
    if (length < NLA_HDRLEN || start + length > end) return
    each(readU16(bytes, start + 2) & NLA_TYPE_MASK, start + NLA_HDRLEN, start + length)
    start += align(length)
  }
}

function readAttributes(answer: Answer, bytes: Buffer, start: number, end: number): Answer {
  attributes(bytes, start, end, (type, at, stop) => {
    if (type === ATTR_MSG) answer.message = bytes.toString('utf8', at, stop).replace(/\0.*$/s, '').trim()
    else if (type === ATTR_POLICY) answer.allowed = readPolicy(bytes, at, stop)
    else if (stop - at < 4) return
    else if (type === ATTR_OFFS) answer.offset = readU32(bytes, at)
    else if (type === ATTR_MISS_TYPE) answer.missType = readU32(bytes, at)
    else if (type === ATTR_MISS_NEST) answer.missNest = readU32(bytes, at)
  })
  if (answer.message === '') delete answer.message
  return answer
}

/** The policy in words: `1 to 255`, `at most 15 characters`. */
function readPolicy(bytes: Buffer, start: number, end: number): string | undefined {
  const limits = new Map<number, bigint>()
  attributes(bytes, start, end, (type, at, stop) => {
    if (stop - at >= 8) limits.set(type, limit64(bytes, at, type === POLICY_MIN_S || type === POLICY_MAX_S))
    else if (stop - at >= 4) limits.set(type, BigInt(readU32(bytes, at)))
  })
  const kind = limits.get(POLICY_TYPE)
  const type = kind === undefined ? undefined : Number(kind)
  const size = UNSIGNED.get(type)
  // All that fits: then it is the length that was wrong.
  if (size !== undefined && limits.get(POLICY_MIN_U) === 0n && limits.get(POLICY_MAX_U) === 2n ** (8n * size) - 1n)
    return `a number of ${size} byte${size === 1n ? '' : 's'}`
  const unit = STRINGS.includes(type) ? 'characters' : 'bytes'
  const mask = limits.get(POLICY_MASK) ?? limits.get(POLICY_BITFIELD32_MASK)
  return (
    range(limits.get(POLICY_MIN_U) ?? limits.get(POLICY_MIN_S), limits.get(POLICY_MAX_U) ?? limits.get(POLICY_MAX_S)) ??
    range(limits.get(POLICY_MIN_LENGTH), limits.get(POLICY_MAX_LENGTH), ` ${unit}`) ??
    (mask === undefined ? undefined : `bits of 0x${mask.toString(16)}`)
  )
}

function range(min: bigint | undefined, max: bigint | undefined, unit = ''): string | undefined {
  if (min === undefined) return max === undefined ? undefined : `at most ${max}${unit}`
  if (max === undefined) return `at least ${min}${unit}`
  return min === max ? `exactly ${max}${unit}` : `${min} to ${max}${unit}`
}

const limit64 = (bytes: Buffer, at: number, signed: boolean): bigint => {
  const value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, hostIsLittle)
  return signed ? BigInt.asIntN(64, value) : value
}

/** errno → name. Numbers with two names get the one that man pages use; the kernel also lets a few of its own out. */
const NAMES = new Map<number, string>([
  ...Object.entries(constants.errno).map(([name, value]): [number, string] => [value, name]),
  [11, 'EAGAIN'],
  [76, 'ENOTUNIQ'],
  [95, 'EOPNOTSUPP'],
  [96, 'EPFNOSUPPORT'],
  [524, 'ENOTSUPP'],
])

/** The name of an errno: `EEXIST`; `errno 999` if it has none. */
export const errnoName = (errno: number): string => NAMES.get(errno) ?? `errno ${errno}`

interface Words {
  /** The operations it is about; all if absent. */
  readonly on?: RegExp
  /** Only about entries of a forwarding database. */
  readonly fdb?: true
  /** Only beside these words of the kernel's; absent: only where it is silent. */
  readonly beside?: RegExp
  /** What to say. `{path}` stands for that part of the request's value; a request without it takes the next row. */
  readonly say: string
}

const UNREACHED = 'cannot be reached: give the device (oif) and the onlink flag, or a route to it first'
const UNREACHABLE: readonly Words[] = [{ on: /ROUTE|NEXTHOP/, say: `gateway {gateway} ${UNREACHED}` }]

/** What an errno means for an operation, where the kernel does not say. The first row that fits is taken. */
const WORDS: Readonly<Record<string, readonly Words[]>> = {
  EPERM: [{ say: 'not permitted: this needs CAP_NET_ADMIN in the user namespace that owns the network namespace' }],
  EACCES: [{ say: 'not permitted: CAP_NET_ADMIN is missing, or a security module says no' }],

  EEXIST: [
    { on: /NEWLINKPROP/, say: 'a device has one of these names already' },
    {
      on: /NEWLINK/,
      say: 'a device named {ifname} exists already, or a {linkinfo.kind} device with the same parameters',
    },
    { on: /NEWLINK/, say: 'a device named {ifname} exists already' },
    { on: /NEWROUTE/, say: 'a route to {dst} with the same table, tos and metric exists already' },
    { on: /NEWNEXTHOP/, say: 'a nexthop with id {id} exists already' },
    { on: /NEWNEIGH/, fdb: true, say: 'an entry for {lladdr} on device {ifindex} exists already' },
    { on: /NEWNEIGH/, say: 'an entry for {dst} on device {ifindex} exists already' },
    { on: /NEWADDR/, say: 'device {index} has the address {address} already' },
    { on: /NEWRULE/, say: 'the same rule exists already' },
    { say: 'it exists already' },
  ],

  ENODEV: [
    { on: /ROUTE|NEXTHOP/, say: 'there is no device with index {oif}' },
    { on: /NEXTHOP/, say: 'the device of nexthop {id} is gone' },
    { on: /NEIGH/, say: 'there is no device with index {ifindex}' },
    { on: /LINK/, say: 'there is no device named {ifname}' },
    { on: /LINK|ADDR/, say: 'there is no device with index {index}' },
    { on: /ADDR/, beside: /^ipv[46]: device not found$/i, say: 'there is no device with index {index}' },
    { on: /NEIGH/, beside: /^unknown ifindex$/, say: 'there is no device with index {ifindex}' },
    { say: 'there is no such device' },
  ],
  ENXIO: [{ say: 'there is no such device or address' }],
  ESRCH: [
    { on: /DELROUTE/, say: 'there is no route to {dst} with these properties' },
    { on: /ROUTE/, say: 'there is no such route' },
    { on: /LINK/, say: 'there is no process {netNsPid}' },
    { say: 'there is no such thing' },
  ],
  ENOENT: [
    { on: /NEXTHOP/, say: 'there is no nexthop with id {id}' },
    { on: /NEXTHOP/, beside: /no entry exists$/, say: 'there is no nexthop with id {id}' },
    { on: /NEIGH/, fdb: true, say: 'there is no entry for {lladdr} on device {ifindex}' },
    { on: /NEIGH/, say: 'there is no entry for {dst} on device {ifindex}' },
    { on: /RULE/, say: 'there is no such rule' },
    { on: /GETROUTE/, say: 'nothing was ever put into table {table}' },
    { on: /NEWROUTE/, say: 'there is no route to {dst} to change' },
    { say: 'there is no such thing' },
  ],
  EADDRNOTAVAIL: [
    { on: /DELADDR/, say: 'device {index} does not have the address {address}' },
    {
      on: /DELADDR/,
      beside: /^ipv[46]: address not found$/i,
      say: 'device {index} does not have the address {address}',
    },
    { on: /LINK/, say: 'no device can have the address {address}: it is multicast, or zero' },
    { say: 'the address is not one of this machine, or cannot be used here' },
  ],
  EADDRINUSE: [{ say: 'the address or port is in use' }],

  ENETUNREACH: [
    ...UNREACHABLE,
    { on: /ROUTE|NEXTHOP/, beside: /^Nexthop has invalid gateway$/, say: `gateway {gateway} ${UNREACHED}` },
    {
      on: /ROUTE|NEXTHOP/,
      beside: /^Nexthop has invalid gateway$/,
      say: `gateway {multipath.0.gateway} or another ${UNREACHED}`,
    },
    { say: 'there is no route to it' },
  ],
  EHOSTUNREACH: [...UNREACHABLE, { say: 'there is no route to it, or a route that says unreachable' }],
  ENETDOWN: [{ on: /ROUTE|NEXTHOP/, say: 'device {oif} is down' }, { say: 'the device is down' }],
  EBUSY: [
    { on: /GET/, say: 'another dump is running on this socket' },
    { on: /LINK/, say: 'device {ifname} is in use, or must be down for this' },
    { on: /LINK/, say: 'device {index} is in use, or must be down for this' },
    { say: 'it is in use' },
  ],

  EOPNOTSUPP: [
    {
      on: /LINK/,
      beside: /^Unknown device type\b/,
      say: 'the kernel has no {linkinfo.kind} devices, and no module for them that it may load',
    },
    { on: /LINK/, beside: /^Unknown device type$/, say: 'linkinfo.kind is missing' },
    { on: /NEWLINK/, say: 'device {index} is not a {linkinfo.kind} device, or the kernel cannot do this with one' },
    { on: /NEWLINK/, say: 'the kernel cannot do this with a {linkinfo.kind} device' },
    { on: /NEWLINK/, say: 'device {master} cannot be its master, or the kernel cannot do this' },
    { on: /DELLINK/, say: 'this device cannot be deleted: it belongs to its module, as tunl0 does' },
    { on: /NEWROUTE/, say: 'the kernel has no lightweight tunnels of type {encap.type}' },
    { on: /NEXTHOP/, say: 'the kernel cannot do this, or has no nexthop objects at all: they came with Linux 5.3' },
    { on: /NEIGH/, say: 'device {ifindex} has no such table: only bridges and vxlan devices have an FDB' },
    { say: 'the kernel, or this device, cannot do this' },
  ],
  ENOTSUPP: [{ say: 'the kernel, or this device, cannot do this' }],
  EAFNOSUPPORT: [
    { on: /NEIGH/, say: 'device {ifindex} cannot send to {dst}: its remote addresses are of the other family' },
    { say: 'the kernel does not have this address family, or does not do this with it' },
  ],
  EPROTONOSUPPORT: [{ say: 'the kernel does not have this protocol, or its module is missing' }],

  EINVAL: [
    { on: /(NEW|SET)LINK/, say: 'the kernel takes no such device and does not say why: the name {ifname}, or a value' },
    { on: /NEWLINK/, say: 'the kernel does not say why; there may be no device with index {master} to be its master' },
    { on: /NEXTHOP/, beside: /^Invalid device index$/, say: 'there is no device with index {oif}' },
    { say: 'the kernel refuses a value, or the combination, and does not say which' },
  ],
  ERANGE: [{ say: 'a value is out of range' }],
  EMSGSIZE: [{ say: 'the message is too large, or its answer would be' }],
  ENOBUFS: [
    {
      on: /NEIGH/,
      say: 'the neighbour table is full (sysctl net.ipv4.neigh.default.gc_thresh3), or there is no memory',
    },
    { say: 'the kernel is out of buffers' },
  ],
  ENOMEM: [{ say: 'the kernel is out of memory, or a limit of its own was reached' }],
  ELOOP: [{ say: 'devices or tunnels would be nested too deeply, or in a circle' }],
  E2BIG: [{ say: 'there are too many of them' }],
  ENFILE: [{ say: 'there is no index left to give it' }],
  ENOSPC: [{ say: 'there is no number or room left for it' }],
}

/**
 * What the kernel's refusal means.
 * @param request what was refused; attribute paths are looked up in its bytes
 * @example `RTM_NEWROUTE 12.1.1.1/32: Nexthop has invalid gateway (EINVAL, attribute gateway)`
 */
export function kernelError(protocol: Protocol, request: Request, answer: Answer): KernelError<Request> {
  const code = errnoName(answer.errno)
  const extack = explain(protocol, request, answer)
  const own = words(code, request, answer.message)
  const said = answer.message?.replace(/\.$/, '')
  const reason = said === undefined ? (own ?? system(answer.errno)) : own === undefined ? said : `${said}: ${own}`
  const details = [
    code,
    ...(extack?.attribute === undefined ? [] : [`attribute ${extack.attribute}`]),
    ...(extack?.missing === undefined ? [] : [`missing ${extack.missing}`]),
    ...(extack?.allowed === undefined ? [] : [`allowed is ${extack.allowed}`]),
  ]
  return new KernelError(request, {
    code,
    errno: answer.errno,
    message: `${request}: ${reason} (${details.join(', ')})`,
    ...(extack && { extack }),
  })
}

function explain(protocol: Protocol, request: Request, answer: Answer): Extack | undefined {
  const { message, offset, allowed, missType, missNest } = answer
  const attribute = offset === undefined ? undefined : protocol.attributePath(request.bytes, offset)
  const missing = missType === undefined ? undefined : protocol.attributeName(request.bytes, missNest, missType)
  const extack: Extack = {
    ...(message !== undefined && { message }),
    ...(attribute !== undefined && { attribute }),
    ...(offset !== undefined && { offset }),
    ...(missing !== undefined && { missing }),
    ...(allowed !== undefined && { allowed }),
  }
  return Object.keys(extack).length > 0 ? extack : undefined
}

function words(code: string, request: Request, kernel: string | undefined): string | undefined {
  for (const row of WORDS[code] ?? []) {
    if (row.on?.test(request.operation) === false) continue
    if (row.fdb && request.value.family !== 'bridge' && request.value.family !== AF_BRIDGE) continue
    if (kernel === undefined ? row.beside : !row.beside?.test(kernel)) continue
    const text = fill(row.say, request.value)
    if (text !== undefined) return text
  }
  return undefined
}

/** Puts the request's values into the words; undefined if it lacks one. */
function fill(say: string, value: Readonly<Record<string, unknown>>): string | undefined {
  let whole = true
  const text = say.replace(/\{([^}]+)\}/g, (_, path: string) => {
    const part = path.split('.').reduce<unknown>((v, key) => (v as Record<string, unknown> | undefined)?.[key], value)
    if (typeof part !== 'string' && typeof part !== 'number') whole = false
    return String(part)
  })
  return whole ? text : undefined
}

const system = (errno: number): string => getSystemErrorMap().get(-errno)?.[1] ?? 'refused'
