/**
 * Headers of packets.
 * @module
 */

/** An Ethernet header. */
export interface Ethernet {
  readonly kind: 'ethernet'
  readonly src: string
  readonly dst: string
  /** Ethertype of what follows. */
  readonly protocol: number
  /** VLAN id of the (last) tag. */
  readonly vlan?: number
}

/** An IPv4 or IPv6 header. */
export interface Ip {
  readonly kind: 'ipv4' | 'ipv6'
  readonly src: string
  readonly dst: string
  /** Protocol of what follows: 1 ICMP, 4 IPv4, 41 IPv6, 47 GRE, … */
  readonly protocol: number
  /** Time to live, hop limit. */
  readonly ttl: number
  /** Type of service, traffic class. */
  readonly tos: number
  /** Don't fragment (IPv4). */
  readonly df: boolean
  /** Bytes of the packet, this header included. */
  readonly length: number
}

/** A GRE header. */
export interface Gre {
  readonly kind: 'gre'
  /** Ethertype of what follows: 0x0800 IPv4, 0x86dd IPv6, 0x6558 Ethernet. */
  readonly protocol: number
  /** Whether it has a checksum. */
  readonly checksum: boolean
  readonly key?: number
  readonly sequence?: number
}

/** A UDP or TCP header. */
export interface Ports {
  readonly kind: 'udp' | 'tcp'
  readonly sport: number
  readonly dport: number
}

/** A VXLAN or Geneve header, known by the UDP port (4789 and 8472, 6081). */
export interface Vni {
  readonly kind: 'vxlan' | 'geneve'
  readonly vni: number
}

/** An ERSPAN header, version 1 or 2. */
export interface Erspan {
  readonly kind: 'erspan'
  readonly version: number
  readonly session: number
}

/** An ICMP or ICMPv6 header; `id` and `sequence` are those of an echo. */
export interface Icmp {
  readonly kind: 'icmp' | 'icmpv6'
  readonly type: number
  readonly code: number
  readonly id: number
  readonly sequence: number
}

/** A header of another kind: an ESP header with its SPI, an MPLS label. */
export type Other = { readonly kind: 'esp'; readonly spi: number } | { readonly kind: 'mpls'; readonly label: number }

/** One header of a packet. */
export type Layer = Ethernet | Ip | Gre | Ports | Vni | Erspan | Icmp | Other

/** A header as a few words. */
export function describe(layer: Layer): string {
  switch (layer.kind) {
    case 'ethernet':
      return `${layer.src} > ${layer.dst} type 0x${layer.protocol.toString(16).padStart(4, '0')}`
    case 'ipv4':
    case 'ipv6':
      return `${layer.src} > ${layer.dst} proto ${layer.protocol}`
    case 'gre':
      return layer.key === undefined ? 'gre' : `gre key ${layer.key}`
    case 'udp':
    case 'tcp':
      return `${layer.kind} ${layer.sport} > ${layer.dport}`
    case 'vxlan':
    case 'geneve':
      return `${layer.kind} vni ${layer.vni}`
    case 'icmp':
    case 'icmpv6':
      return `${layer.kind} type ${layer.type} code ${layer.code} seq ${layer.sequence}`
    case 'erspan':
      return `erspan session ${layer.session}`
    case 'esp':
      return `esp spi ${layer.spi}`
    case 'mpls':
      return `mpls label ${layer.label}`
  }
}
