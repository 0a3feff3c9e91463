import { body, type InputOf, type ValueOf } from '../wire/body.js'
import { message } from '../wire/message.js'
import { enumeration, s32, u8, u32 } from '../wire/scalars.js'
import { struct } from '../wire/struct.js'
import { attr } from '../wire/table.js'
import { AF } from './constants.js'

/** `struct rtgenmsg` (linux/rtnetlink.h). */
export const RTGENMSG = struct('rtgenmsg', {
  /** Always `unspec`. */
  family: enumeration(u8, AF),
})

/** The id by which one namespace knows another (linux/net_namespace.h, ip-netns(8)). Linux 4.0. */
export const NETNS = body('NETNSA_', RTGENMSG, {
  /** The id; -1 is "none" in replies and "choose one" in requests. */
  nsid: attr(1, s32),
  /** The namespace of this process. */
  pid: attr(2, u32),
  /** The namespace that this descriptor of our process is open on. */
  fd: attr(3, u32),
  /** Ask as this namespace would. Linux 4.20. */
  targetNsid: attr(4, s32),
  /** The id in the asking namespace. Linux 4.20. */
  currentNsid: attr(5, s32),
})

/** RTM_NEWNSID, RTM_DELNSID, RTM_GETNSID. */
export const NETNS_MESSAGES = message('NSID', 88, NETNS)

/** A namespace id as the kernel tells it. */
export interface Netns extends ValueOf<typeof NETNS> {}
/** A namespace id as a builder takes it. */
export interface NetnsInput extends InputOf<typeof NETNS> {}
