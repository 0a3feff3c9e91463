import { formatIpv4, formatIpv6, formatLinkAddress } from '../address.js'
import type { Layer } from './layer.js'

/**
 * Bytes of a packet → its headers.
 * @module
 */

/** The headers of a packet, the outermost first; `linkType` is a DLT_* of pcap-linktype(7). */
export function dissect(bytes: Buffer, linkType: number): Layer[] {
  const layers: Layer[] = []
  let next: Next | undefined = [LINK_TYPES[linkType]?.(), 0]
  try {
    for (let rest = bytes; next?.[0]; ) {
      rest = rest.subarray(next[1])
      next = next[0](rest, layers)
    }
  } catch (error) {
    // A header that is cut short.
    if (!(error instanceof RangeError)) throw error
  }
  return layers
}

/** Reads one header and names the reader of what follows it. */
type Reader = (bytes: Buffer, layers: Layer[]) => Next | undefined
type Next = readonly [reader: Reader | undefined, offset: number]

const ETHERTYPES: Record<number, () => Reader> = {
  2048: () => ipv4,
  34525: () => ipv6,
  25944: () => ethernet,
  34887: () => mpls,
  35006: () => erspan,
  8939: () => erspan,
}
const PROTOCOLS: Record<number, () => Reader> = {
  1: () => icmp('icmp'),
  4: () => ipv4,
  6: () => ports('tcp'),
  17: () => ports('udp'),
  41: () => ipv6,
  47: () => gre,
  50: () => esp,
  58: () => icmp('icmpv6'),
  137: () => mpls,
}
const UDP_PORTS: Record<number, () => Reader> = { 4789: () => vxlan, 8472: () => vxlan, 6081: () => geneve }
/** Readers by DLT_*: Ethernet, raw IP (two numbers), Linux "cooked" 1 and 2 (device `any`, gre devices). */
const LINK_TYPES: Record<number, () => Reader> = {
  1: () => ethernet,
  12: () => ip,
  101: () => ip,
  113: () => (bytes) => [ETHERTYPES[bytes.readUInt16BE(14)]?.(), 16],
  276: () => (bytes) => [ETHERTYPES[bytes.readUInt16BE(0)]?.(), 20],
}

const ip: Reader = (bytes, layers) => (bytes.readUInt8(0) >> 4 === 6 ? ipv6 : ipv4)(bytes, layers)

const ethernet: Reader = (bytes, layers) => {
  let at = 12
  let protocol = bytes.readUInt16BE(at)
  let vlan: number | undefined
  while (protocol === 0x8100 || protocol === 0x88a8) {
    vlan = bytes.readUInt16BE(at + 2) & 0xfff
    at += 4
    protocol = bytes.readUInt16BE(at)
  }
  const src = formatLinkAddress(bytes, 6, 12)
  const dst = formatLinkAddress(bytes, 0, 6)
  layers.push({ kind: 'ethernet', src, dst, protocol, ...(vlan === undefined ? {} : { vlan }) })
  return [ETHERTYPES[protocol]?.(), at + 2]
}

const ipv4: Reader = (bytes, layers) => {
  const header = (bytes.readUInt8(0) & 0xf) * 4
  const [tos, ttl, protocol] = [bytes.readUInt8(1), bytes.readUInt8(8), bytes.readUInt8(9)]
  const [length, fragment] = [bytes.readUInt16BE(2), bytes.readUInt16BE(6)]
  bytes.readUInt32BE(16)
  const [src, dst] = [formatIpv4(bytes, 12), formatIpv4(bytes, 16)]
  layers.push({ kind: 'ipv4', src, dst, protocol, ttl, tos, df: (fragment & 0x4000) !== 0, length })
  return (fragment & 0x1fff) === 0 ? [PROTOCOLS[protocol]?.(), header] : undefined
}

const ipv6: Reader = (bytes, layers) => {
  const tos = (bytes.readUInt16BE(0) >> 4) & 0xff
  const length = bytes.readUInt16BE(4) + 40
  const ttl = bytes.readUInt8(7)
  bytes.readUInt32BE(36)
  const [src, dst] = [formatIpv6(bytes, 8), formatIpv6(bytes, 24)]
  let protocol = bytes.readUInt8(6)
  let at = 40
  // Hop-by-hop, routing and destination options: an ip6tnl puts its encapsulation limit there.
  while (protocol === 0 || protocol === 43 || protocol === 60) {
    protocol = bytes.readUInt8(at)
    at += (bytes.readUInt8(at + 1) + 1) * 8
  }
  layers.push({ kind: 'ipv6', src, dst, protocol, ttl, tos, df: false, length })
  return [PROTOCOLS[protocol]?.(), at]
}

const gre: Reader = (bytes, layers) => {
  const flags = bytes.readUInt16BE(0)
  const protocol = bytes.readUInt16BE(2)
  let at = 4
  const checksum = (flags & 0x8000) !== 0
  if (checksum) at += 4
  const word = (flag: number): number | undefined => {
    if ((flags & flag) === 0) return undefined
    at += 4
    return bytes.readUInt32BE(at - 4)
  }
  const key = word(0x2000)
  const sequence = word(0x1000)
  layers.push({
    kind: 'gre',
    protocol,
    checksum,
    ...(key === undefined ? {} : { key }),
    ...(sequence === undefined ? {} : { sequence }),
  })
  // ERSPAN type I, a mirrored frame without a header of its own, has no sequence number.
  return [protocol === 0x88be && sequence === undefined ? ethernet : ETHERTYPES[protocol]?.(), at]
}

const erspan: Reader = (bytes, layers) => {
  const version = bytes.readUInt8(0) >> 4
  layers.push({ kind: 'erspan', version, session: bytes.readUInt16BE(2) & 0x3ff })
  return [ethernet, version === 1 ? 8 : 12 + (bytes.readUInt32BE(8) & 1) * 8]
}

const ports =
  (kind: 'udp' | 'tcp'): Reader =>
  (bytes, layers) => {
    const [sport, dport] = [bytes.readUInt16BE(0), bytes.readUInt16BE(2)]
    layers.push({ kind, sport, dport })
    return kind === 'udp' ? [UDP_PORTS[dport]?.(), 8] : undefined
  }

const vxlan: Reader = (bytes, layers) => {
  layers.push({ kind: 'vxlan', vni: bytes.readUInt32BE(4) >>> 8 })
  // The generic protocol extension (VXLAN-GPE) says what follows; otherwise it is Ethernet.
  const gpe: Record<number, Reader> = { 1: ipv4, 2: ipv6 }
  return [((bytes.readUInt8(0) & 4) !== 0 && gpe[bytes.readUInt8(3)]) || ethernet, 8]
}

const geneve: Reader = (bytes, layers) => {
  layers.push({ kind: 'geneve', vni: bytes.readUInt32BE(4) >>> 8 })
  return [ETHERTYPES[bytes.readUInt16BE(2)]?.(), 8 + (bytes.readUInt8(0) & 0x3f) * 4]
}

const icmp =
  (kind: 'icmp' | 'icmpv6'): Reader =>
  (bytes, layers) => {
    const [id, sequence] = [bytes.readUInt16BE(4), bytes.readUInt16BE(6)]
    layers.push({ kind, type: bytes.readUInt8(0), code: bytes.readUInt8(1), id, sequence })
    return undefined
  }

const esp: Reader = (bytes, layers) => {
  layers.push({ kind: 'esp', spi: bytes.readUInt32BE(0) })
  return undefined
}

const mpls: Reader = (bytes, layers) => {
  const word = bytes.readUInt32BE(0)
  layers.push({ kind: 'mpls', label: word >>> 12 })
  return [(word & 0x100) === 0 ? mpls : ip, 4]
}
