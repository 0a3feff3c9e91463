import { link } from '../rtnl/link.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import { factsOf } from './device.js'
import type { Add } from './finding.js'
import { type DeviceFacts, kindRow } from './kinds.js'
import { numberOf } from './limits.js'

/**
 * Other devices of the same kind, which may get the packets of peers. The kernel gives a packet to the device that fits
 * it best: local and remote address, remote, local, key alone, then the external device, then the fallback device
 * (net/ipv4/ip_tunnel.c, ip_tunnel_lookup).
 * @module
 */

/** Looks for devices that take what peers send, or that are not there to take it. */
export async function checkRivals(rt: Rtnetlink, now: DeviceFacts, add: Add): Promise<void> {
  const name = kindRow(now.kind)?.fallback
  if (name === undefined) return
  if (now.fallback)
    add(
      'fallback-shared',
      'note',
      `${now.ifname} is the fallback device of ${now.kind}: whoever uses ${now.kind} here shares it, and it cannot be deleted or changed`,
    )
  const others = (await rt.list(link.list()))
    .filter((one) => one.linkinfo?.kind === now.kind && one.index !== now.index)
    .map(factsOf)
  const fallback = others.find((one) => one.fallback)
  const only = numberOf(rt, 'net/core/fb_tunnels_only_for_init_net')
  if (!now.fallback && fallback === undefined && only !== undefined && only > 0)
    add(
      'fallback-absent',
      'note',
      `there is no ${name} here (net.core.fb_tunnels_only_for_init_net is ${only}): packets from peers whose address, key or remote no device has are answered with an error instead of being taken`,
    )
  if (fallback?.up && !now.external)
    add(
      'fallback-shared',
      'note',
      `${fallback.ifname} is up as well: packets that do not fit ${now.ifname} (key, flags, local address) come in there; set it down where nobody needs it`,
    )
  for (const other of others) if (other.up && !other.fallback && other.remote === undefined) checkRival(now, other, add)
}

function checkRival(now: DeviceFacts, other: DeviceFacts, add: Add): void {
  const { ifname } = other
  if (other.external)
    add(
      'external-shared',
      'note',
      `${ifname} is external, the one such device of kind ${now.kind} here: packets that do not fit ${now.ifname} (key, flags, local address) come in there`,
    )
  else if (now.external)
    add(
      'external-shared',
      'note',
      `${ifname} has no remote address either: packets with its key${toLocal(other)} come in there, and not at ${now.ifname}`,
    )
  else if (other.key === now.key && other.local !== now.local && (other.local ?? now.local) !== undefined) {
    if (now.local === undefined)
      add(
        'device-clash',
        'warning',
        `${ifname} has the ${keyText(now)} of ${now.ifname}: packets to ${other.local} come in there; give one of them another key`,
      )
    else if (other.local === undefined)
      add(
        'device-clash',
        'warning',
        `${ifname} has the ${keyText(now)} of ${now.ifname} and no local address: packets to other addresses than ${now.local} come in there; give one of them another key`,
      )
  }
}

const toLocal = ({ local }: DeviceFacts): string => (local === undefined ? '' : ` to ${local}`)

const keyText = ({ key }: DeviceFacts): string => (key === undefined ? 'missing key' : `key ${key}`)
