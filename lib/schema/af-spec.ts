import { ipv6 } from '../wire/addresses.js'
import type { Codec } from '../wire/codec.js'
import { byFamily } from '../wire/family.js'
import { bits, enumeration, list, range, s32, u8, u16, u32, u64 } from '../wire/scalars.js'
import { struct } from '../wire/struct.js'
import { type AttributesIn, type AttributesOut, attr, attrs, table } from '../wire/table.js'
import { BRIDGE_PORT } from './bridge.js'
import { AF } from './constants.js'
import { BRIDGE_FLAGS, BRIDGE_MODE, BRIDGE_VLAN_INFO, IF_INET6, IN6_ADDR_GEN_MODE } from './link-constants.js'

/**
 * What address families add to a link: IFLA_AF_SPEC and IFLA_PROTINFO (linux/if_link.h, linux/if_bridge.h).
 * @module
 */

const vid = range(u16, 0, 4095, 'a VLAN id')

/** IFLA_INET_*: IPv4 of a device. */
export const INET = table('IFLA_INET_', {
  /** Settings of /proc/sys/net/ipv4/conf, in the order of IPV4_DEVCONF_* from `forwarding`. Read-only. */
  conf: attr(1, list(u32)),
})

const INET6_ROWS = {
  /** Router discovery, and whether addresses can be used. Read-only. */
  flags: attr(1, bits(u32, IF_INET6)),
  /** Settings of /proc/sys/net/ipv6/conf, in the order of DEVCONF_* (linux/ipv6.h). Read-only. */
  conf: attr(2, list(s32)),
  /** Counters, in the order of IPSTATS_MIB_* (linux/snmp.h), the first their number. Read-only. */
  stats: attr(3, list(u64)),
  /** Times of neighbour discovery. Read-only. */
  cacheinfo: attr(
    5,
    struct('ifla_cacheinfo', {
      /** Largest packet that can be reassembled, in bytes. */
      maxReasmLen: u32,
      /** When this was last changed, in hundredths of a second since boot. */
      tstamp: u32,
      /** How long a neighbour stays reachable, in milliseconds. */
      reachableTime: u32,
      /** Time between solicitations, in milliseconds. */
      retransTime: u32,
    }),
  ),
  /** Counters of ICMPv6, in the order of ICMP6_MIB_*, the first their number. Read-only. */
  icmp6stats: attr(6, list(u64)),
  /** Interface identifier for autoconfigured addresses; the upper half is 0. Linux 3.9. */
  token: attr(7, ipv6),
  /** How the device gets its link-local address: `none` for tunnels that want no such address. Linux 3.17. */
  addrGenMode: attr(8, enumeration(u8, IN6_ADDR_GEN_MODE)),
  /** MTU that a router advertised, 0 for none. Read-only, Linux 5.15. */
  raMtu: attr(9, u32),
}

/** IFLA_INET6_*: IPv6 of a device. */
export const INET6 = table('IFLA_INET6_', INET6_ROWS)

const FAMILIES_ROWS = {
  /** IPv4. */
  inet: attr(AF.inet, INET),
  /** IPv6. */
  inet6: attr(AF.inet6, INET6),
}

const VLAN_TUNNEL = table('IFLA_BRIDGE_VLAN_TUNNEL_', {
  /** Tunnel id (VNI), the first one of a range. */
  id: attr(1, u32),
  /** VLAN that it stands for. */
  vid: attr(2, vid),
  /** Whether this is the start or the end of a range. */
  flags: attr(3, bits(u16, BRIDGE_VLAN_INFO)),
})

const BRIDGE_ROWS = {
  /** Who the message is for: the bridge (`master`, also where this is left out), the device itself, or both. */
  flags: attr(0, bits(u16, BRIDGE_FLAGS)),
  /** Edge virtual bridging of hardware. */
  mode: attr(1, enumeration(u16, BRIDGE_MODE)),
  /** VLANs of the port, or of the bridge itself; ranges are two entries. */
  vlanInfo: attrs(
    2,
    struct('bridge_vlan_info', {
      /** How the VLAN is used. */
      flags: bits(u16, BRIDGE_VLAN_INFO),
      /** 1 to 4094. */
      vid,
    }),
  ),
  /** Tunnel ids that VLANs of the port stand for. */
  vlanTunnelInfo: attrs(3, VLAN_TUNNEL),
}

/** IFLA_AF_SPEC of every device. */
export const FAMILIES = table('AF_', FAMILIES_ROWS)

/** IFLA_AF_SPEC in messages of family `bridge`. */
export const BRIDGE_SPEC = table('IFLA_BRIDGE_', BRIDGE_ROWS)

type SpecRows = typeof FAMILIES_ROWS & typeof BRIDGE_ROWS
type PortRows = typeof BRIDGE_PORT.rows & typeof INET6_ROWS

/** `inet` and `inet6`; in messages of family `bridge` a port's `flags`, `mode`, `vlanInfo` and `vlanTunnelInfo`. */
export const AF_SPEC: Codec<AttributesOut<SpecRows>, AttributesIn<SpecRows>> = byFamily(
  AF,
  { bridge: BRIDGE_SPEC },
  FAMILIES,
)

/** A bridge's port in messages of family `bridge`, IPv6 in those of family `inet6`. */
export const PROTINFO: Codec<AttributesOut<PortRows>, AttributesIn<PortRows>> = byFamily(AF, {
  bridge: BRIDGE_PORT,
  inet6: INET6,
})
