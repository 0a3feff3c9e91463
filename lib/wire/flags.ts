import {
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_APPEND,
  NLM_F_BULK,
  NLM_F_CAPPED,
  NLM_F_CREATE,
  NLM_F_DUMP_FILTERED,
  NLM_F_DUMP_INTR,
  NLM_F_EXCL,
  NLM_F_MATCH,
  NLM_F_MULTI,
  NLM_F_NONREC,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  NLM_F_ROOT,
} from './frame.js'
import type { Operation } from './message.js'
import { type Bits, bits, type Names, u16 } from './scalars.js'

/**
 * Names of NLM_F_* bits, which mean different things on different messages (linux/netlink.h).
 * @module
 */

const COMMON = {
  request: NLM_F_REQUEST,
  multi: NLM_F_MULTI,
  ack: NLM_F_ACK,
  echo: 0x08,
  dump_intr: NLM_F_DUMP_INTR,
  dump_filtered: NLM_F_DUMP_FILTERED,
}

/** By what the message does; `error` is NLMSG_ERROR. */
export const NLM_F: Readonly<Record<Operation | 'error', Bits<Names>>> = {
  new: flags({ replace: NLM_F_REPLACE, excl: NLM_F_EXCL, create: NLM_F_CREATE, append: NLM_F_APPEND }),
  set: flags({ replace: NLM_F_REPLACE, excl: NLM_F_EXCL, create: NLM_F_CREATE, append: NLM_F_APPEND }),
  del: flags({ nonrec: NLM_F_NONREC, bulk: NLM_F_BULK }),
  get: flags({ root: NLM_F_ROOT, match: NLM_F_MATCH, atomic: 0x400 }),
  command: flags({ root: NLM_F_ROOT, match: NLM_F_MATCH }),
  error: flags({ capped: NLM_F_CAPPED, ack_tlvs: NLM_F_ACK_TLVS }),
}

function flags(names: Names): Bits<Names> {
  return bits<Names>(u16, { ...COMMON, ...names })
}
