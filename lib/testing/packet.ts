import { dissect } from './dissect.js'
import { describe, type Gre, type Icmp, type Ip, type Layer, type Vni } from './layer.js'

/** A captured packet. Headers that are cut short, and what follows them, are left out. */
export class Packet {
  /** When it was seen, in milliseconds since 1970. */
  readonly time: number
  /** All that was captured, from the link-layer header on. */
  readonly bytes: Buffer
  /** Its headers, the outermost first. */
  readonly layers: readonly Layer[]

  /** @param linkType DLT_* of pcap-linktype(7): 1 is Ethernet */
  constructor(bytes: Buffer, linkType: number, time: number) {
    this.bytes = bytes
    this.time = time
    this.layers = dissect(bytes, linkType)
  }

  /** The outermost IP header: of a packet in a tunnel that of the underlay. */
  get outer(): Ip | undefined {
    return this.#ip()[0]
  }

  /** The innermost IP header of a packet in a tunnel; undefined where there is only one. */
  get inner(): Ip | undefined {
    return this.#ip().slice(1).at(-1)
  }

  get gre(): Gre | undefined {
    return this.#first('gre')
  }

  get vxlan(): Vni | undefined {
    return this.#first('vxlan')
  }

  get geneve(): Vni | undefined {
    return this.#first('geneve')
  }

  get icmp(): Icmp | undefined {
    return this.#first('icmp') ?? this.#first('icmpv6')
  }

  /** `192.168.122.11 > 192.168.122.12 proto 4 | 11.1.1.1 > 12.1.1.1 proto 1 | icmp type 8 code 0 seq 1` */
  toString(): string {
    const layers = this.layers[0]?.kind === 'ethernet' && this.layers.length > 1 ? this.layers.slice(1) : this.layers
    return layers.map(describe).join(' | ')
  }

  #ip(): Ip[] {
    return this.layers.filter((layer) => layer.kind === 'ipv4' || layer.kind === 'ipv6') as Ip[]
  }

  #first<K extends Layer['kind']>(kind: K): Extract<Layer, { kind: K }> | undefined {
    return this.layers.find((layer): layer is Extract<Layer, { kind: K }> => layer.kind === kind)
  }
}
