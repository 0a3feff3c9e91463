/**
 * What is known of a device, and how packets leave it for peers.
 * @module
 */

/** Family of an address, as rtnetlink names it. */
export type Family = 'inet' | 'inet6'

/** Where the peer's underlay address is put: see {@link Way}. */
export type Carriage = 'onlink' | 'encap' | 'fdb'

/** How packets of one inner family reach a peer. */
export interface Way {
  /**
   * `onlink`: the route's gateway is the peer's underlay address (or the address of a neighbour that has it);
   * `encap`: the route says what to put around the packet; `fdb`: the gateway's MAC leads to a forwarding entry.
   */
  readonly carriage: Carriage
  /**
   * What the route names as gateway: the peer's underlay address (`endpoint`), any address that its neighbour entry
   * leads to the peer (`any`), or nothing (`none`).
   */
  readonly gateway: 'endpoint' | 'any' | 'none'
  /** The gateway needs a permanent neighbour entry with this link-layer address. */
  readonly lladdr?: 'endpoint' | 'mac'
  /** Several peers may have one MAC. */
  readonly shared?: true
  /** Why, in words. */
  readonly why: string
}

/** Why packets of one inner family never reach a peer, although the kernel may accept the routes. */
export interface Refusal {
  readonly refused: string
}

/** What is known of a device that decides about peers. */
export interface DeviceFacts {
  readonly index: number
  readonly ifname: string
  /** Kind of the device, '' where it has none. */
  readonly kind: string
  /** Administratively up. */
  readonly up: boolean
  /** In bytes. */
  readonly mtu: number
  /** `external`, that is collect_metadata: each route's encap says where packets go. */
  readonly external: boolean
  /** The device that the kind's module makes by itself (tunl0, gre0, …). */
  readonly fallback: boolean
  /** Own underlay address, where it has one. */
  readonly local?: string
  /** The one peer of a device that is not NBMA. */
  readonly remote?: string
  /** GRE key, or mark of a vti; VNI of vxlan and geneve. */
  readonly key?: number
  /** Link-layer address. */
  readonly address?: string
  /** The kind's own attributes as the kernel tells them. */
  readonly data: Readonly<Record<string, unknown>>
}

/** One kind of tunnel. */
export interface KindRow {
  /** Name of the device that the kind's module makes in a namespace by itself. */
  readonly fallback?: string
  /** Layer that it carries: 3 is bare IP, 2 is Ethernet. */
  readonly layer: 2 | 3
  /** What the outer addresses can be. */
  readonly underlay: (device: DeviceFacts) => readonly Family[]
  /** Bytes from the start of the outer IP header to the inner IP header. */
  readonly overhead: (device: DeviceFacts) => number
  /** How packets of a family are carried. */
  readonly way: (device: DeviceFacts, inner: Family) => Way | Refusal
}
