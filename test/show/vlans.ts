import type { Link } from '../../lib/schema/link.js'
import { bridgePort } from './lan.js'
import { type Devices, flags, lower } from './link.js'
import { flagsIn, told } from './text.js'

/** A bridge's ports and their VLANs: bridge/link.c and bridge/vlan.c of iproute2 6.1.0. */

/** `bridge -d -j link`, one port. */
export const port = (one: Link, devices: Devices) => ({
  ifindex: one.index,
  ...lower(one, devices),
  ifname: one.ifname,
  flags: flags(one, devices),
  mtu: one.mtu,
  master: told(one.master, devices.nameOf),
  ...(one.protinfo && bridgePort(one.protinfo, devices.nameOf)),
})

const vlanFlags = flagsIn({ pvid: 'PVID', untagged: 'Egress Untagged' })

interface Entry {
  readonly vid?: number
  readonly flags?: readonly (string | number)[]
}

/** Ranges are two entries: each entry but the first of those with the one before it. */
const ranges = <E extends Entry>(entries: readonly E[]): [first: E, last: E][] =>
  entries.flatMap((one, i): [E, E][] => {
    if (one.flags?.includes('range_begin')) return []
    return [[one.flags?.includes('range_end') ? entries[i - 1]! : one, one]]
  })

const range = (name: string, first: number | undefined, last: number | undefined) => ({
  [name]: first,
  [`${name}End`]: first === last ? undefined : last,
})

/** `bridge -compressvlans -j vlan`, one port. */
export const vlans = (one: Link) => ({
  ifname: one.ifname,
  vlans: ranges(one.afSpec?.vlanInfo ?? []).map(([first, last]) => {
    const named = vlanFlags(last.flags)
    const any = last.flags.length > (last.flags.includes('range_end') ? 1 : 0)
    return { ...range('vlan', first.vid, last.vid), flags: any || last !== first ? named : undefined }
  }),
})

/** `bridge -compressvlans -j vlan tunnelshow`, one port. */
export const tunnels = (one: Link) => ({
  ifname: one.ifname,
  tunnels: ranges(one.afSpec?.vlanTunnelInfo ?? []).map(([first, last]) => ({
    ...range('vlan', first.vid, last.vid),
    ...range('tunid', first.id, last.id),
  })),
})
