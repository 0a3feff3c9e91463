import { prefixLength, writeIpv4 } from '../address.js'
import { EncodeError, KernelError } from '../errors.js'
import { address } from '../rtnl/address.js'
import { route } from '../rtnl/route.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Address } from '../schema/address.js'
import { AddressMap } from './address-map.js'
import type { Roster } from './roster.js'
import type { Scheme } from './scheme.js'

/**
 * What must be known of the network that carries the tunnel.
 * @module
 */

/** Reads the addresses that no peer can have. */
export const readUnderlay = async (rt: Rtnetlink): Promise<AddressMap<string>> =>
  underlayOf(await rt.list(address.list()))

/** Those that follow from the addresses of this host. */
export function underlayOf(addresses: Iterable<Address>): AddressMap<string> {
  const taken = new AddressMap<string>()
  for (const found of addresses) {
    const own = found.local ?? found.address?.replace(/\/.*/, '')
    const last = found.family === 'inet' && found.address !== undefined ? lastOf(found.address) : undefined
    for (const one of [found.broadcast, last])
      if (one !== undefined && !taken.has(one)) taken.set(one, 'it is the broadcast address of a network here')
    if (own !== undefined) taken.set(own, `it is on ${found.label ?? `device ${found.index}`}`)
  }
  return taken
}

/** The directed broadcast address of a network of IPv4, where it has one. */
function lastOf(prefix: string): string | undefined {
  const length = prefixLength(prefix)
  const bytes = Buffer.alloc(4)
  if (length === undefined || length === 0 || length > 30 || !writeIpv4(prefix.replace(/\/.*/, ''), bytes, 0))
    return undefined
  bytes.writeUInt32BE((bytes.readUInt32BE(0) | (0xffffffff >>> length)) >>> 0)
  return bytes.join('.')
}

/**
 * Sees that packets to a peer do not go into the tunnel that they come out of, where a prefix of length 0 holds the
 * peer's own endpoint: then something more specific must lead there.
 * @throws {EncodeError} where nothing does
 */
export async function checkLoops(rt: Rtnetlink, { table, force }: Scheme, covering: Roster['covering']): Promise<void> {
  if (force || (table !== 254 && table !== 253 && table !== 255)) return
  for (const { path, prefix, endpoint } of covering) {
    if (await hasWayTo(rt, endpoint)) continue
    throw new EncodeError(
      path,
      prefix,
      `possible while no other route leads to the peer's own endpoint ${endpoint} (its packets would go into the tunnel that they come out of)`,
    )
  }
}

async function hasWayTo(rt: Rtnetlink, endpoint: string): Promise<boolean> {
  try {
    const [found] = await rt.get(route.get({ dst: endpoint, flags: ['fib_match'] }))
    return found?.dst !== undefined && found.dst !== 'default'
  } catch (error) {
    if (error instanceof KernelError && (error.code === 'ENETUNREACH' || error.code === 'EHOSTUNREACH')) return false
    throw error
  }
}
