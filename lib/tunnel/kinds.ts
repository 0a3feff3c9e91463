import type { DeviceFacts, Family, KindRow, Refusal, Way } from './way.js'

export type { Carriage, DeviceFacts, Family, KindRow, Refusal, Way } from './way.js'

/**
 * What each kind of tunnel is like, and how a packet to a peer leaves it: one table. What stands here was seen with
 * packets on Linux 6.1 and 6.12; the reasons are those of the kernel's transmit functions (net/ipv4/ip_tunnel.c,
 * ip_gre.c, ipip.c, net/ipv6/sit.c, ip6_tunnel.c, ip6_gre.c, drivers/net/vxlan, geneve.c).
 * @module
 */

const V4: readonly Family[] = ['inet']
const V6: readonly Family[] = ['inet6']
const BOTH: readonly Family[] = ['inet', 'inet6']
const ETHERNET = 14
const WORDS: Record<Family, string> = { inet: 'IPv4', inet6: 'IPv6' }
const PROTO: Record<Family, { name: string; number: number }> = {
  inet: { name: 'ipip', number: 4 },
  inet6: { name: 'ipv6', number: 41 },
}

const refuse = (refused: string): Refusal => ({ refused })
const flags = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** FOU and GUE put UDP in between. */
const udp = ({ data }: DeviceFacts): number => (data.encapType === 'fou' ? 8 : data.encapType === 'gue' ? 12 : 0)

function gre({ data }: DeviceFacts): number {
  const optional = flags(data.oflags).filter((flag) => flag === 'csum' || flag === 'key' || flag === 'seq')
  return 4 + 4 * optional.length
}

function erspan({ data }: DeviceFacts): number {
  return data.erspanVer === 0 ? 4 : data.erspanVer === 2 ? 20 : 16
}

/** The outer IPv6 header, with the option that limits nesting unless it is switched off. */
const outer6 = ({ data }: DeviceFacts): number => (flags(data.flags).includes('ign_encap_limit') ? 40 : 48)

const isIpv6 = (value: unknown): boolean => typeof value === 'string' && value.includes(':')

/** Whether a device with IFLA_IPTUN_PROTO takes packets of this family. */
const takes = ({ data }: DeviceFacts, inner: Family): boolean =>
  data.proto === undefined ||
  data.proto === 'ip' ||
  data.proto === 0 ||
  data.proto === PROTO[inner].name ||
  data.proto === PROTO[inner].number

const wrongMode = ({ ifname, data }: DeviceFacts, inner: Family): Refusal =>
  refuse(`${ifname} carries ${data.proto} only: for ${WORDS[inner]} make a device with proto 'ip' (mode any)`)

const pointToPoint = ({ ifname, remote }: DeviceFacts): Refusal =>
  refuse(`${ifname} has the remote ${remote}: it leads to one peer; leave the remote out for many`)

const ENCAP: Way = {
  carriage: 'encap',
  gateway: 'none',
  why: 'the device is external: the encap on each route says where its packets go',
}
const ENCAP_MAC: Way = {
  carriage: 'encap',
  gateway: 'any',
  lladdr: 'mac',
  why: 'the device is external and carries Ethernet: the encap on each route says where its packets go, a permanent neighbour entry whose MAC they bear',
}

const onlyExternal = (device: DeviceFacts, why: string): Refusal =>
  refuse(`${device.ifname} is not external and ${why}: make a ${device.kind} device that is external`)

/** Whether received packets must come in the order of their sequence numbers, which each peer counts for itself. */
const counts = ({ data }: DeviceFacts): boolean => flags(data.iflags).includes('seq')

const mixed = ({ ifname, kind }: DeviceFacts): Refusal =>
  refuse(
    `${ifname} checks sequence numbers, which are counted for the device and not for each peer: packets of all peers but one are dropped; ${
      kind === 'erspan' ? 'make one with erspanVer 0, or external' : "leave 'seq' out of iflags"
    }`,
  )

/** Ethernet over GRE over IPv4. */
function ethernetOverGre(device: DeviceFacts): Way | Refusal {
  if (device.external) return ENCAP_MAC
  if (device.remote !== undefined) return pointToPoint(device)
  if (counts(device)) return mixed(device)
  return {
    carriage: 'onlink',
    gateway: 'endpoint',
    lladdr: 'mac',
    why: 'without a remote the kernel takes the gateway of the route for the outer destination; a permanent neighbour entry has its MAC, because ARP cannot leave the device',
  }
}

/** Anything over GRE over IPv6. */
const overIp6gre =
  (external: Way) =>
  (device: DeviceFacts): Way | Refusal => {
    if (device.external) return external
    if (device.remote !== undefined) return pointToPoint(device)
    return onlyExternal(device, 'has no remote, without which the kernel cannot send (ip6_tnl_xmit_ctl)')
  }

const VTI = (device: DeviceFacts): Way | Refusal => {
  if (device.remote !== undefined) return pointToPoint(device)
  if (device.local === undefined)
    return refuse(`${device.ifname} has no local address: no XFRM state can match it, and all packets are dropped`)
  return {
    carriage: 'onlink',
    gateway: 'endpoint',
    why: 'the XFRM policies with the mark of the device pick the peer by the inner addresses; the gateway of the route says which peer was meant (the XFRM states need the flag af-unspec where inner and outer addresses are of different families)',
  }
}

/** All kinds of tunnel. */
export const TUNNEL_KINDS = {
  ipip: {
    fallback: 'tunl0',
    layer: 3,
    underlay: () => V4,
    overhead: (device) => 20 + udp(device),
    way(device, inner) {
      if (inner === 'inet6') return refuse(`${device.ifname}: ipip carries IPv4 only; IPv6 goes through sit or gre`)
      if (device.external) return ENCAP
      if (device.remote !== undefined) return pointToPoint(device)
      if (!takes(device, inner)) return wrongMode(device, inner)
      return {
        carriage: 'onlink',
        gateway: 'endpoint',
        why: 'without a remote ipip takes the gateway of the route for the outer destination',
      }
    },
  },
  sit: {
    fallback: 'sit0',
    layer: 3,
    underlay: () => V4,
    overhead: (device) => 20 + udp(device),
    way(device, inner) {
      if (device.remote !== undefined) return pointToPoint(device)
      if (!takes(device, inner)) return wrongMode(device, inner)
      const why =
        inner === 'inet'
          ? 'without a remote sit takes the gateway of the route for the outer destination'
          : 'without a remote sit takes the last four bytes of the gateway ::a.b.c.d for the outer destination'
      return { carriage: 'onlink', gateway: 'endpoint', why }
    },
  },
  gre: {
    fallback: 'gre0',
    layer: 3,
    underlay: () => V4,
    overhead: (device) => 20 + gre(device) + udp(device),
    way(device) {
      if (device.external) return ENCAP
      if (device.remote !== undefined) return pointToPoint(device)
      if (counts(device)) return mixed(device)
      return {
        carriage: 'onlink',
        gateway: 'any',
        lladdr: 'endpoint',
        why: 'without a remote gre takes the link-layer address of the gateway for the outer destination, and without a permanent neighbour entry that is its own',
      }
    },
  },
  gretap: {
    fallback: 'gretap0',
    layer: 2,
    underlay: () => V4,
    overhead: (device) => 20 + gre(device) + udp(device) + ETHERNET,
    way: ethernetOverGre,
  },
  erspan: {
    fallback: 'erspan0',
    layer: 2,
    underlay: () => V4,
    overhead: (device) => 20 + erspan(device) + ETHERNET,
    way: ethernetOverGre,
  },
  ip6tnl: {
    fallback: 'ip6tnl0',
    layer: 3,
    underlay: () => V6,
    overhead: (device) => outer6(device) + udp(device),
    way(device, inner) {
      if (device.external) return ENCAP
      if (device.remote !== undefined) return pointToPoint(device)
      if (device.local === undefined)
        return onlyExternal(device, 'has no local address, without which ip6tnl cannot send (ip6_tnl_xmit_ctl)')
      if (!takes(device, inner)) return wrongMode(device, inner)
      return {
        carriage: 'onlink',
        gateway: 'endpoint',
        why: 'without a remote ip6tnl takes the gateway of the route for the outer destination; the kernel refuses such a route where another route than the default one leads to the gateway, and then only an external device will do',
      }
    },
  },
  ip6gre: {
    fallback: 'ip6gre0',
    layer: 3,
    underlay: () => V6,
    overhead: (device) => outer6(device) + gre(device) + udp(device),
    way: overIp6gre(ENCAP),
  },
  ip6gretap: {
    layer: 2,
    underlay: () => V6,
    overhead: (device) => outer6(device) + gre(device) + udp(device) + ETHERNET,
    way: overIp6gre(ENCAP_MAC),
  },
  ip6erspan: {
    layer: 2,
    underlay: () => V6,
    overhead: (device) => outer6(device) + erspan(device) + ETHERNET,
    way: overIp6gre(ENCAP_MAC),
  },
  vti: {
    fallback: 'ip_vti0',
    layer: 3,
    underlay: () => V4,
    overhead: () => 20,
    way: VTI,
  },
  vti6: {
    fallback: 'ip6_vti0',
    layer: 3,
    underlay: () => V6,
    overhead: () => 40,
    way: VTI,
  },
  vxlan: {
    layer: 2,
    underlay: (device) => {
      if (device.external) return BOTH
      const known = device.local ?? device.data.group ?? device.data.group6
      return known === undefined ? BOTH : isIpv6(known) ? V6 : V4
    },
    overhead: (device) => (isIpv6(device.local) ? 40 : 20) + 16 + ETHERNET,
    way: (device) =>
      device.external
        ? ENCAP_MAC
        : {
            carriage: 'fdb',
            gateway: 'any',
            lladdr: 'mac',
            why: 'a forwarding entry leads from the MAC of the peer to its underlay address, a permanent neighbour entry from the gateway of the routes to that MAC',
          },
  },
  geneve: {
    layer: 2,
    underlay: () => BOTH,
    overhead: (device) => (isIpv6(device.local) ? 40 : 20) + 16 + ETHERNET,
    way(device) {
      if (device.external) return ENCAP_MAC
      if (device.remote !== undefined) return pointToPoint(device)
      return onlyExternal(device, 'geneve has no other way to more than one peer')
    },
  },
} as const satisfies Readonly<Record<string, KindRow>>

/** A kind of tunnel that can have many peers. */
export type TunnelKind = keyof typeof TUNNEL_KINDS

/** A kind that has a fallback device. */
export type FallbackKind = {
  [K in TunnelKind]: (typeof TUNNEL_KINDS)[K] extends { readonly fallback: string } ? K : never
}[TunnelKind]

/** The row of a kind; undefined for devices that are no tunnels. */
export const kindRow = (kind: string): KindRow | undefined =>
  Object.hasOwn(TUNNEL_KINDS, kind) ? TUNNEL_KINDS[kind as TunnelKind] : undefined
