/** Something that keeps packets from peers, or may do so. */
export interface Finding {
  /** Stable name of the case. */
  readonly code:
    | 'device-gone'
    | 'device-down'
    | 'no-addresses'
    | 'source-missing'
    | 'endpoint-local'
    | 'gateway-local'
    | 'no-underlay-route'
    | 'underlay-loop'
    | 'mtu'
    | 'pmtu'
    | 'rp-filter'
    | 'forwarding'
    | 'neighbour-table'
    | 'nexthop-objects'
    | 'foreign-route'
    | 'fallback-shared'
    | 'fallback-absent'
    | 'device-clash'
    | 'external-shared'
  /** `error`: packets are lost now; `warning`: some may be; `note`: worth knowing. */
  readonly severity: 'error' | 'warning' | 'note'
  /** What is the matter, and what to do about it. */
  readonly message: string
  /** The peer that it is about, where it is about one. */
  readonly endpoint?: string
}

/** Notes a finding. */
export type Add = (
  code: Finding['code'],
  severity: Finding['severity'],
  message: string,
  endpoint?: string | undefined,
) => void
