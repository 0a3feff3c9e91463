import type { KindData } from '../../lib/schema/kinds.js'
import { dotted, hex, type NameOf, padded, told, unlessZero, whenSet } from './text.js'

/** `info_data` of tunnels: ip/link_*.c, ip/iplink_vxlan.c and ip/iplink_geneve.c of iproute2 6.1.0. */

type Ipip = KindData<'ipip'>
type Sit = KindData<'sit'>
type Ip6tnl = KindData<'ip6tnl'>
type Gre = KindData<'gre'> | KindData<'gretap'> | KindData<'erspan'>
type Ip6gre = KindData<'ip6gre'> | KindData<'ip6gretap'> | KindData<'ip6erspan'>
type Vti = KindData<'vti'> | KindData<'vti6'>

const endpoint = (address: string | undefined): string =>
  address === undefined || address === '0.0.0.0' || address === '::' ? 'any' : address

/** The names of IFLA_IPTUN_PROTO over IPv4 and over IPv6; what iproute2 has no name for it does not print. */
const PROTO: Readonly<Record<string, string>> = { ip: 'any', ipip: 'ipip', ipv6: 'ip6ip', mpls: 'mplsip' }
const PROTO6: Readonly<Record<string, string>> = { ip: 'any', ipip: 'ipip6', ipv6: 'ip6ip6' }

/** tnl_print_encap(): nothing without an encapsulation, whatever else is set. */
function encap({ encapType, encapFlags = [], encapSport = 0, encapDport = 0 }: Ipip | Gre) {
  if (encapType === undefined || encapType === 'none') return undefined
  return {
    type: encapType,
    sport: encapSport,
    dport: encapDport,
    csum: encapFlags.includes('csum'),
    csum6: encapFlags.includes('csum6'),
    remcsum: encapFlags.includes('remcsum'),
  }
}

const ends = (data: Ipip | Sit | Ip6tnl | Gre | Ip6gre | Vti, nameOf: NameOf) => ({
  remote: endpoint(data.remote),
  local: endpoint(data.local),
  link: unlessZero(data.link, nameOf),
})

export const ipip = (data: Ipip, nameOf: NameOf) => ({
  external: whenSet(data.collectMetadata),
  proto: told(data.proto, (proto) => PROTO[proto]),
  ...ends(data, nameOf),
  ttl: data.ttl ?? 0,
  tos: unlessZero(data.tos, hex),
  pmtudisc: data.pmtudisc ?? false,
  fwmark: unlessZero(data.fwmark, hex),
  encap: encap(data),
})

export const sit = (data: Sit, nameOf: NameOf) => ({
  ...ipip(data, nameOf),
  isatap: whenSet(data.flags?.includes('isatap')),
  ...(data.sixRdPrefixlen && { prefix: data.sixRdPrefix, prefixlen: data.sixRdPrefixlen }),
  ...(data.sixRdPrefixlen &&
    data.sixRdRelayPrefix !== '0.0.0.0' && {
      relay_prefix: data.sixRdRelayPrefix,
      relay_prefixlen: data.sixRdRelayPrefixlen,
    }),
})

/** What the flags say replaces the value that it makes meaningless. */
function over6(data: Ip6tnl | Ip6gre) {
  const has = (flag: (typeof data.flags & object)[number]) => data.flags?.includes(flag) ?? false
  const { encapLimit, flowinfo, fwmark } = data
  return {
    ttl: data.ttl ?? 0,
    ...(has('ign_encap_limit') ? { ip6_tnl_f_ign_encap_limit: true } : { encap_limit: encapLimit }),
    ...(has('use_orig_tclass')
      ? { ip6_tnl_f_use_orig_tclass: true }
      : { tclass: told(flowinfo, (word) => padded(word >>> 20, 2)) }),
    ...(has('use_orig_flowlabel')
      ? { ip6_tnl_f_use_orig_flowlabel: true }
      : { flowlabel: told(flowinfo, (word) => padded(word & 0xfffff, 5)) }),
    ip6_tnl_f_rcv_dscp_copy: whenSet(has('rcv_dscp_copy')),
    ip6_tnl_f_allow_local_remote: whenSet(has('allow_local_remote')),
    ...(has('use_orig_fwmark') ? { ip6_tnl_f_use_orig_fwmark: true } : { fwmark: unlessZero(fwmark, hex) }),
  }
}

export const ip6tnl = (data: Ip6tnl, nameOf: NameOf) => ({
  external: whenSet(data.collectMetadata),
  proto: told(data.proto, (proto) => PROTO6[proto]),
  ...ends(data, nameOf),
  ...over6(data),
  ip6_tnl_f_mip6_dev: whenSet(data.flags?.includes('mip6_dev')),
  encap: encap(data),
})

function keys({ iflags = [], oflags = [], ikey, okey }: Gre | Ip6gre) {
  return {
    ikey: iflags.includes('key') ? told(ikey, dotted) : undefined,
    okey: oflags.includes('key') ? told(okey, dotted) : undefined,
    iseq: whenSet(iflags.includes('seq')),
    oseq: whenSet(oflags.includes('seq')),
    icsum: whenSet(iflags.includes('csum')),
    ocsum: whenSet(oflags.includes('csum')),
  }
}

const erspan = (data: KindData<'erspan'> | KindData<'ip6erspan'>) => ({
  erspan_index: data.erspanIndex,
  erspan_ver: data.erspanVer,
  erspan_dir: told(data.erspanDir, (egress) => (egress ? 'egress' : 'ingress')),
  erspan_hwid: told(data.erspanHwid, hex),
})

export const gre = (data: Gre, nameOf: NameOf) => ({
  external: whenSet(data.collectMetadata),
  ...ends(data, nameOf),
  ttl: data.ttl ?? 0,
  tos: unlessZero(data.tos, hex),
  pmtudisc: data.pmtudisc,
  ignore_df: whenSet(data.ignoreDf),
  ...keys(data),
  fwmark: unlessZero(data.fwmark, hex),
  ...erspan(data),
  encap: encap(data),
})

export const ip6gre = (data: Ip6gre, nameOf: NameOf) => ({
  external: whenSet(data.collectMetadata),
  ...ends(data, nameOf),
  ...over6(data),
  ...keys(data),
  ...erspan(data),
  encap: encap(data),
})

export const vti = (data: Vti, nameOf: NameOf) => ({
  ...ends(data, nameOf),
  ikey: unlessZero(data.ikey, dotted),
  okey: unlessZero(data.okey, dotted),
  fwmark: unlessZero(data.fwmark, hex),
})

/** An address by one of two keys, unless it is none. */
function address(keys: readonly [unicast: string, multicast: string], value: string | undefined) {
  if (value === undefined || endpoint(value) === 'any') return {}
  const multicast = value.includes(':') ? /^ff/.test(value) : Number.parseInt(value, 10) >> 4 === 14
  return { [keys[multicast ? 1 : 0]]: value }
}

const ttl = ({ ttlInherit, ttl }: KindData<'vxlan'> | KindData<'geneve'>) => (ttlInherit ? undefined : ttl)

export const vxlan = (data: KindData<'vxlan'>, nameOf: NameOf) => ({
  external: whenSet(data.collectMetadata),
  vnifilter: whenSet(data.vnifilter),
  id: data.id,
  ...address(['remote', 'group'], data.group),
  ...address(['remote6', 'group6'], data.group6),
  ...address(['local', 'local'], data.local),
  ...address(['local6', 'local6'], data.local6),
  link: unlessZero(data.link, nameOf),
  port_range: data.portRange,
  port: data.port,
  learning: data.learning,
  proxy: whenSet(data.proxy),
  rsc: whenSet(data.rsc),
  l2miss: whenSet(data.l2miss),
  l3miss: whenSet(data.l3miss),
  tos: unlessZero(data.tos, hex),
  ttl: ttl(data),
  df: data.df,
  label: unlessZero(data.label, hex),
  ageing: data.ageing,
  limit: unlessZero(data.limit, Number),
  udp_csum: data.udpCsum,
  udp_zero_csum6_tx: data.udpZeroCsum6Tx,
  udp_zero_csum6_rx: data.udpZeroCsum6Rx,
  remcsum_tx: whenSet(data.remcsumTx),
  remcsum_rx: whenSet(data.remcsumRx),
  gbp: whenSet(data.gbp),
  gpe: whenSet(data.gpe),
})

export const geneve = (data: KindData<'geneve'>) => ({
  external: whenSet(data.collectMetadata),
  id: data.id,
  ...address(['remote', 'remote'], data.remote),
  ...address(['remote6', 'none'], data.remote6),
  ttl: ttl(data),
  tos: unlessZero(data.tos, hex),
  df: data.df,
  label: unlessZero(data.label, hex),
  port: data.port,
  udp_csum: data.udpCsum,
  udp_zero_csum6_tx: data.udpZeroCsum6Tx,
  udp_zero_csum6_rx: data.udpZeroCsum6Rx,
  inner_proto_inherit: whenSet(data.innerProtoInherit),
})
