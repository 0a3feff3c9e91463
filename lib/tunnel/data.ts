import { link } from '../rtnl/link.js'
import type { KindInput } from '../schema/kinds.js'
import type { LinkinfoInput } from '../schema/link.js'
import { isAny } from './device.js'
import type { TunnelKind } from './kinds.js'

/**
 * The attributes of a kind (IFLA_INFO_DATA) that a tunnel is made and changed with.
 * @module
 */

/** Attributes that every kind understands in its own way. */
export interface CommonOptions {
  /** Own underlay address. */
  readonly local?: string | undefined
  /** GRE: key of both directions (and the flags that switch it on). vti: mark of both. vxlan, geneve: the VNI. */
  readonly key?: number | undefined
  /** The same as `id`: VNI of vxlan and geneve. */
  readonly vni?: number | undefined
  /** Each route's encap says where packets go (collect_metadata). One such device of a kind a namespace. */
  readonly external?: boolean | undefined
}

/** The attributes of a kind, and the common ones. */
export type DataOptions<K extends TunnelKind> = CommonOptions &
  Omit<KindInput<K>, keyof CommonOptions | 'collectMetadata'>

type Data = Record<string, unknown>

const IPIP: Data = { proto: 'ip', pmtudisc: true }
const GRE: Data = { pmtudisc: true }
const OVER_IPV6: Data = { ttl: 64, encapLimit: 4 }
const ERSPAN: Data = { erspanVer: 1, iflags: ['seq', 'key'], oflags: ['seq', 'key'] }
/** ERSPAN type I has no sequence numbers, which several peers would confuse, and no key. Linux 5.17. */
const ERSPAN_I: Data = { ...GRE, erspanVer: 0 }

/**
 * What a new device has unless told otherwise: as `ip link add` does with a local address, but that vxlan listens on
 * IANA's port (the kernel's own is 8472) and does not learn, because its peers are given to it.
 */
const DEFAULTS: Readonly<Record<TunnelKind, Data>> = {
  ipip: IPIP,
  sit: IPIP,
  ip6tnl: { proto: 'ip', ...OVER_IPV6 },
  gre: GRE,
  gretap: GRE,
  erspan: { ...GRE, ...ERSPAN },
  ip6gre: OVER_IPV6,
  ip6gretap: OVER_IPV6,
  ip6erspan: { ...OVER_IPV6, ...ERSPAN },
  vti: {},
  vti6: {},
  vxlan: { port: 4789, learning: false },
  geneve: {},
}

/** What an external device has instead. */
const EXTERNAL: Partial<Record<TunnelKind, Data>> = {
  ipip: { proto: 'ip' },
  ip6tnl: { proto: 'ip' },
  vxlan: DEFAULTS.vxlan,
  geneve: { id: 0 },
}

const hasGreKey = (kind: TunnelKind): boolean => /gre|erspan/.test(kind)

/** Spells the common options as the kind does. */
function common(kind: TunnelKind, { local, key, vni, external }: CommonOptions, own: Data): Data {
  const data: Data = {}
  const underIpv6 = (kind === 'vxlan' || kind === 'geneve') && local?.includes(':')
  if (local !== undefined) data[underIpv6 ? 'local6' : 'local'] = local
  const id = vni ?? key
  if (id !== undefined && (kind === 'vxlan' || kind === 'geneve')) data.id = id
  else if (key !== undefined) {
    data.ikey = data.okey = key
    if (hasGreKey(kind)) {
      data.iflags = withKey(own.iflags ?? DEFAULTS[kind].iflags)
      data.oflags = withKey(own.oflags ?? DEFAULTS[kind].oflags)
    }
  }
  if (external !== undefined) data.collectMetadata = external
  return data
}

const withKey = (flags: unknown): unknown[] => [...new Set([...(Array.isArray(flags) ? flags : []), 'key'])]

const defined = (data: object): Data =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined))

/** The attributes of a new device. What they cannot be is said when they are encoded. */
export function creationData<K extends TunnelKind>(kind: K, options: DataOptions<K>): KindInput<K> {
  const { local, key, vni, external, ...rest } = options as CommonOptions & Data
  const own = defined(rest)
  const alone = kind === 'geneve' && own.remote === undefined && own.remote6 === undefined
  const metadata =
    external ?? (alone && key === undefined && vni === undefined && own.id === undefined ? true : undefined)
  const session =
    key !== undefined || own.ikey !== undefined || own.erspanVer !== undefined || own.erspanIndex !== undefined
  const base = kind === 'erspan' && !session ? ERSPAN_I : DEFAULTS[kind]
  const defaults: Data = { ...(metadata ? EXTERNAL[kind] : base) }
  // The kernel refuses both at once.
  if (own.ignoreDf) delete defaults.pmtudisc
  const given = common(kind, { local, key, vni, external: metadata }, own)
  return { ...defaults, ...own, ...given } as KindInput<K>
}

/**
 * Kinds whose driver starts from what the device has when it is changed, and refuses some attributes even where they
 * are what they were; all others take each attribute that is left out for its default.
 */
const INCREMENTAL: ReadonlySet<TunnelKind> = new Set(['vxlan', 'geneve'])

/** TTL of a sit device that is given none. */
const SIT_TTL = 64

/** The attributes to send so that a device has `changes` and keeps all else. */
export function changedData<K extends TunnelKind>(kind: K, present: Data, changes: DataOptions<K>): KindInput<K> {
  const { local, key, vni, external, ...rest } = changes as CommonOptions & Data
  const own = defined(rest)
  const flags = { iflags: own.iflags ?? present.iflags, oflags: own.oflags ?? present.oflags }
  const wanted = { ...own, ...common(kind, { local, key, vni, external }, flags) }
  if (INCREMENTAL.has(kind)) return wanted as KindInput<K>
  const data = { ...present, ...wanted }
  // A TTL that is sent switches path MTU discovery on, one that is left out does not.
  if (kind === 'sit' && data.ttl === SIT_TTL && data.pmtudisc === false) delete data.ttl
  // "No remote" is told as 0.0.0.0, which Ethernet over GRE refuses to hear.
  if (isAny(data.remote)) delete data.remote
  return data as KindInput<K>
}

/** The attributes that were to become something else and are what they were. */
export function untouched(kind: string, changes: object, before: Data, after: Data): string[] {
  const bytes = (key: string, value: unknown): string =>
    link.change({ linkinfo: { kind, data: { [key]: value } } as LinkinfoInput }).bytes.toString('hex')
  return Object.entries(defined(changes))
    .filter(([key]) => before[key] !== undefined && after[key] !== undefined)
    .filter(
      ([key, value]) =>
        bytes(key, before[key]) === bytes(key, after[key]) && bytes(key, value) !== bytes(key, after[key]),
    )
    .map(([key]) => key)
}
