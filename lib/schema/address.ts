import { ip, prefix } from '../wire/addresses.js'
import { body, type InputOf, type ValueOf } from '../wire/body.js'
import { widened } from '../wire/fields.js'
import { message } from '../wire/message.js'
import { bits, enumeration, s32, string, u8, u32 } from '../wire/scalars.js'
import { hidden, struct } from '../wire/struct.js'
import { attr } from '../wire/table.js'
import { AF, IFA_F, IFAPROT, RT_SCOPE } from './constants.js'

/** `struct ifaddrmsg` (linux/if_addr.h). */
export const IFADDRMSG = struct('ifaddrmsg', {
  /** Address family; follows from the address. */
  family: enumeration(u8, AF),
  prefixlen: hidden(u8),
  flags: hidden(u8),
  /** Where the address is valid. */
  scope: enumeration(u8, RT_SCOPE),
  /** Index of the device. */
  index: u32,
})

/** `struct ifa_cacheinfo`: lifetimes. 0xffffffff is for ever. */
export const IFA_CACHEINFO = struct('ifa_cacheinfo', {
  /** Seconds for which the address is preferred (kernel spelling). */
  prefered: u32,
  /** Seconds for which it is valid. */
  valid: u32,
  /** When it was made, in 1/100 s since boot. */
  cstamp: u32,
  /** When it was last changed, in 1/100 s since boot. */
  tstamp: u32,
})

/** An interface address: header and IFA_* attributes (ip-address(8)). */
export const ADDRESS = body('IFA_', IFADDRMSG, {
  /** The address with the length of its network; the far end's where `local` differs. */
  address: attr(1, prefix({ length: IFADDRMSG.offset('prefixlen'), hostBits: true })),
  /** The near end's address, without length. A builder takes it from `address`. */
  local: attr(2, ip),
  /** Label, a device name with `:` and more (IPv4). */
  label: attr(3, string(15)),
  /** Broadcast address (IPv4). */
  broadcast: attr(4, ip),
  /** Anycast address (IPv6). */
  anycast: attr(5, ip),
  /** Lifetimes. */
  cacheinfo: attr(6, IFA_CACHEINFO),
  /** Multicast address (IPv6). */
  multicast: attr(7, ip),
  /** IFA_F_*; those above 0xff are sent as an attribute. */
  flags: attr(8, widened(IFADDRMSG.offset('flags'), bits(u32, IFA_F))),
  /** Metric of the route to the network. Linux 4.18. */
  rtPriority: attr(9, u32),
  /** Namespace to work in. Linux 4.20. */
  targetNetnsid: attr(10, s32),
  /** Who installed it. Linux 5.18. */
  proto: attr(11, enumeration(u8, IFAPROT)),
})

/** RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR. */
export const ADDRESS_MESSAGES = message('ADDR', 20, ADDRESS)

/** An address as the kernel tells it. */
export interface Address extends ValueOf<typeof ADDRESS> {}
/** An address as a builder takes it. */
export interface AddressInput extends InputOf<typeof ADDRESS> {}
