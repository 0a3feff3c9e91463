import { body, type InputOf, select, type ValueOf } from '../wire/body.js'
import type { Codec, InOf, OutOf } from '../wire/codec.js'
import { message } from '../wire/message.js'
import { bytes, string } from '../wire/scalars.js'
import { type AttributesIn, type AttributesOut, attr, table } from '../wire/table.js'
import { BRIDGE_PORT } from './bridge.js'
import { DEVICE_ROWS, IFINFOMSG } from './device.js'
import { KINDS, type Kind, type KindData, type KindInput } from './kinds.js'

/**
 * Links: devices of every kind (linux/if_link.h, ip-link(8)).
 * @module
 */

const text = string()

/** IFLA_INFO_KIND and IFLA_INFO_SLAVE_KIND: the attributes that say what the two selected ones are. */
const KIND = 1
const SLAVE_KIND = 4

/** Slave kinds and the tables of their data (IFLA_INFO_SLAVE_DATA). */
const SLAVE_KINDS = { bridge: BRIDGE_PORT }

const SLAVE_ROWS = {
  /** Counters of the kind, as bytes. Read-only. */
  xstats: attr(3, bytes()),
  /** Kind of the master that the device belongs to: `bridge`, `bond`, `vrf`. */
  slaveKind: attr(SLAVE_KIND, text),
  /** What the master keeps for the device, by `slaveKind`: `bridge` is known. */
  slaveData: attr(
    5,
    select('slaveKind', SLAVE_KIND, SLAVE_KINDS) as Codec<OutOf<typeof BRIDGE_PORT>, InOf<typeof BRIDGE_PORT>>,
  ),
}

const LINKINFO_ROWS = {
  /** Kind of the device: `gre`, `vxlan`, … */
  kind: attr(KIND, text),
  /** What the kind adds, by `kind`. */
  data: attr(2, select('kind', KIND, KINDS)),
  ...SLAVE_ROWS,
}

/** Kind and data as the kernel tells them: `data` follows from `kind`; a kind without a table has it in `unknown`. */
export type Linkinfo = AttributesOut<typeof SLAVE_ROWS> &
  (
    | { [K in Kind]: { kind: K; data?: KindData<K> } }[Kind]
    // Devices without a kind have linkinfo too, where they belong to a master.
    | { kind?: string; data?: undefined }
  )

/** Kind and data as a builder takes them. */
export type LinkinfoInput = AttributesIn<typeof SLAVE_ROWS> &
  (
    | { [K in Kind]: { readonly kind: K; readonly data?: KindInput<K> | undefined } }[Kind]
    | { readonly kind?: string | undefined; readonly data?: undefined }
  )

/** The table of `linkinfo`. The compiler cannot see `data` follow from `kind` in a table: this is where it is told. */
export const LINKINFO = table('IFLA_INFO_', LINKINFO_ROWS)

/** A link: header and IFLA_* attributes. */
export const LINK = body('IFLA_', IFINFOMSG, {
  ...DEVICE_ROWS,
  /** Kind of the device and what the kind adds. */
  linkinfo: attr(18, LINKINFO as Codec<Linkinfo, LinkinfoInput>),
})

/** RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK. */
export const LINK_MESSAGES = message('LINK', 16, LINK)
/** RTM_NEWLINKPROP, RTM_DELLINKPROP: a device's further names (`propList`). Linux 5.5. */
export const LINKPROP_MESSAGES = message('LINKPROP', 108, LINK)

/** A link as the kernel tells it. */
export interface Link extends ValueOf<typeof LINK> {}
/** A link as a builder takes it. */
export interface LinkInput extends InputOf<typeof LINK> {}
