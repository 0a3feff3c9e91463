import { prefix } from '../wire/addresses.js'
import { body, type InputOf, type ValueOf } from '../wire/body.js'
import { widened } from '../wire/fields.js'
import { message } from '../wire/message.js'
import { be64, bits, bool, enumeration, ifname, named, range, s32, u8, u16, u32 } from '../wire/scalars.js'
import { hidden, pad, struct } from '../wire/struct.js'
import { attr } from '../wire/table.js'
import { AF, FIB_RULE, FR_ACT, RT_TABLE, RTPROT } from './constants.js'
import { label } from './tunnel-fields.js'

/** `struct fib_rule_hdr` (linux/fib_rules.h). */
export const FIB_RULE_HDR = struct('fib_rule_hdr', {
  /** Address family; follows from the prefixes where they tell. */
  family: enumeration(u8, AF),
  dstLen: hidden(u8),
  srcLen: hidden(u8),
  /** Type of service that a packet must have. */
  tos: u8,
  table: hidden(u8),
  res1: pad(1),
  res2: pad(1),
  /** What to do: `to_tbl` looks in `table`. */
  action: enumeration(u8, FR_ACT),
  /** FIB_RULE_*: `invert` is "not". */
  flags: bits(u32, FIB_RULE),
})

/** A routing rule: header and FRA_* attributes (ip-rule(8)). */
export const RULE = body('FRA_', FIB_RULE_HDR, {
  /** Destination prefix. */
  dst: attr(1, prefix({ length: FIB_RULE_HDR.offset('dstLen') })),
  /** Source prefix. */
  src: attr(2, prefix({ length: FIB_RULE_HDR.offset('srcLen') })),
  /** Incoming device, by name. */
  iifname: attr(3, ifname),
  /** Priority of the rule to go on with, for action `goto`. */
  goto: attr(4, u32),
  /** Order of the rule: lower ones are asked first. */
  priority: attr(6, u32),
  /** Firewall mark. */
  fwmark: attr(10, u32),
  /** Realms. */
  flow: attr(11, u32),
  /** Tunnel key, 64 bits in network byte order. Linux 4.3. */
  tunId: attr(12, be64),
  /** Device group whose routes are ignored. */
  suppressIfgroup: attr(13, u32),
  /** Ignore routes with a prefix of this length or shorter; -1 switches it off. */
  suppressPrefixlen: attr(14, s32),
  /** Table to look in: 254 is main. */
  table: attr(15, widened(FIB_RULE_HDR.offset('table'), named(u32, RT_TABLE))),
  /** Which bits of the mark count. */
  fwmask: attr(16, u32),
  /** Outgoing device, by name. */
  oifname: attr(17, ifname),
  /** Look in the table of the packet's VRF. Linux 4.8. */
  l3mdev: attr(19, bool),
  /** User ids. Linux 4.10. */
  uidRange: attr(20, struct('fib_rule_uid_range', { start: u32, end: u32 })),
  /** Who installed the rule. Linux 4.17. */
  protocol: attr(21, enumeration(u8, RTPROT)),
  /** IP protocol of the packet. Linux 4.17. */
  ipProto: attr(22, u8),
  /** Source ports, host byte order. Linux 4.17. */
  sportRange: attr(23, struct('fib_rule_port_range', { start: u16, end: u16 })),
  /** Destination ports, host byte order. Linux 4.17. */
  dportRange: attr(24, struct('fib_rule_port_range', { start: u16, end: u16 })),
  /** DSCP of the packet. Linux 6.13. */
  dscp: attr(25, range(u8, 0, 63, 'a DSCP')),
  /** IPv6 flow label, network byte order. Linux 6.14. */
  flowlabel: attr(26, label),
  /** Which bits of it count, network byte order. Linux 6.14. */
  flowlabelMask: attr(27, label),
  /** Which bits of the source port count. Linux 6.15. */
  sportMask: attr(28, u16),
  /** Which bits of the destination port count. Linux 6.15. */
  dportMask: attr(29, u16),
  /** Which bits of the DSCP count. Linux 6.15. */
  dscpMask: attr(30, range(u8, 0, 63, 'a DSCP mask')),
})

/** RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE. */
export const RULE_MESSAGES = message('RULE', 32, RULE)

/** A rule as the kernel tells it. */
export interface Rule extends ValueOf<typeof RULE> {}
/** A rule as a builder takes it. */
export interface RuleInput extends InputOf<typeof RULE> {}
