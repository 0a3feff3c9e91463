import { ipv4, ipv6 } from '../wire/addresses.js'
import { body, type InputOf, type ValueOf } from '../wire/body.js'
import { be16, enumeration, flag, type Names, s32, string, u8, u16, u32 } from '../wire/scalars.js'
import { pad, struct } from '../wire/struct.js'
import { attr } from '../wire/table.js'
import { AF } from './constants.js'

/**
 * Generic netlink, as far as tunnels need it: the controller, which knows the numbers of the families, and fou, whose
 * ports receive ipip, sit and gre inside UDP (linux/genetlink.h, linux/fou.h, ip-fou(8)).
 * @module
 */

/** GENL_ID_CTRL: the one family whose number is fixed. */
export const GENL_ID_CTRL = 16

/** `struct genlmsghdr`. */
const genlmsghdr = <N extends Names>(commands: N) =>
  struct('genlmsghdr', {
    /** What to do. */
    cmd: enumeration(u8, commands),
    /** Version of the family's interface. */
    version: u8,
    reserved: pad(2),
  })

/** CTRL_ATTR_*: a family. */
export const CTRL = body('CTRL_ATTR_', genlmsghdr({ newfamily: 1, delfamily: 2, getfamily: 3 }), {
  /** Its number, which is the nlmsg_type of its messages. */
  familyId: attr(1, u16),
  /** Its name. */
  familyName: attr(2, string(15)),
  /** Version of its interface. */
  familyVersion: attr(3, u32, 'VERSION'),
  /** Bytes of its own header. */
  hdrsize: attr(4, u32),
  /** Largest attribute number. */
  maxattr: attr(5, u32),
})

/** FOU_ATTR_*: a port. Linux 3.18. */
export const FOU = body('FOU_ATTR_', genlmsghdr({ add: 1, del: 2, get: 3 }), {
  /** UDP port to listen on, network byte order. */
  port: attr(1, be16),
  /** Address family, `inet` by default. */
  af: attr(2, enumeration(u8, AF)),
  /** IP protocol inside (direct): 4 for ipip, 41 for sit, 47 for gre. */
  ipproto: attr(3, u8),
  /** `direct` (FOU), or `gue`, which tells the protocol in a header of its own. */
  type: attr(4, enumeration(u8, { direct: 1, gue: 2 })),
  /** Remote checksum offload without partial checksums. Linux 4.0. */
  remcsumNopartial: attr(5, flag),
  /** Local address, IPv4. Linux 5.2. */
  localV4: attr(6, ipv4),
  /** Local address, IPv6. Linux 5.2. */
  localV6: attr(7, ipv6),
  /** Only from this address, IPv4. Linux 5.2. */
  peerV4: attr(8, ipv4),
  /** Only from this address, IPv6. Linux 5.2. */
  peerV6: attr(9, ipv6),
  /** Only from this port, network byte order. Linux 5.2. */
  peerPort: attr(10, be16),
  /** Only on this device. Linux 5.2. */
  ifindex: attr(11, s32),
})

/** A port as the kernel tells it. */
export interface FouPort extends ValueOf<typeof FOU> {}
/** A port as it is asked for. */
export interface FouPortInput extends Omit<InputOf<typeof FOU>, 'cmd' | 'version'> {}
