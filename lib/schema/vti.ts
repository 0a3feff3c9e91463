import { ipv4, ipv6 } from '../wire/addresses.js'
import { u32 } from '../wire/scalars.js'
import { attr, table } from '../wire/table.js'
import { key } from './tunnel-fields.js'

/**
 * IFLA_VTI_*: IPsec tunnels as devices (linux/if_tunnel.h). XFRM policies say what becomes of a packet; the keys are
 * the marks by which they know the device.
 * @module
 */

const COMMON = {
  /** Index of the device that the tunnel's packets leave by; 0 for whichever the route says. */
  link: attr(1, u32),
  /** Mark of received packets, network byte order. Not part of a device's identity: two need different addresses. */
  ikey: attr(2, key),
  /** Mark of sent packets, network byte order. */
  okey: attr(3, key),
  /** Firewall mark of the outer packets. Linux 4.12. */
  fwmark: attr(6, u32),
}

/** Over IPv4: kind `vti`, fallback device ip_vti0. */
export const VTI = table('IFLA_VTI_', {
  ...COMMON,
  /** Own address. */
  local: attr(4, ipv4),
  /** The one peer; left out (or 0.0.0.0) the policies choose. */
  remote: attr(5, ipv4),
})

/** Over IPv6: kind `vti6`, fallback device ip6_vti0. */
export const VTI6 = table('IFLA_VTI_', {
  ...COMMON,
  /** Own address. */
  local: attr(4, ipv6),
  /** The one peer; left out (or ::) the policies choose. */
  remote: attr(5, ipv6),
})
