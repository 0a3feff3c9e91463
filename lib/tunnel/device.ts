import { KernelError, NbmaError } from '../errors.js'
import { link } from '../rtnl/link.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Link } from '../schema/link.js'
import { type DeviceFacts, kindRow } from './kinds.js'

/**
 * Looking devices up, and what their attributes say about peers.
 * @module
 */

/** No address at all, in either family. */
export const isAny = (address: unknown): boolean => address === '0.0.0.0' || address === '::'

const addressOf = (...candidates: readonly unknown[]): string | undefined =>
  candidates.find((one): one is string => typeof one === 'string' && !isAny(one))

function keyOf(kind: string, data: Readonly<Record<string, unknown>>): number | undefined {
  if (kind === 'vxlan' || kind === 'geneve') return data.id as number | undefined
  if (kind === 'vti' || kind === 'vti6') return (data.okey as number | undefined) || undefined
  const used = Array.isArray(data.oflags) && data.oflags.includes('key')
  return used ? (data.okey as number | undefined) : undefined
}

/** What a link says about itself. */
export function factsOf(found: Link): DeviceFacts {
  const kind = found.linkinfo?.kind ?? ''
  const data = (found.linkinfo?.data ?? {}) as Readonly<Record<string, unknown>>
  const local = addressOf(data.local, data.local6)
  const remote = addressOf(data.remote, data.remote6)
  const key = keyOf(kind, data)
  const external = data.collectMetadata === true
  // No other device of the kind can be without any address, key and encap while the fallback device is there.
  // erspan0 is told with a key of 0, which it does not have.
  const keyless = key === undefined || (key === 0 && kind === 'erspan')
  const anonymous = local === undefined && remote === undefined && keyless && !external
  return {
    index: found.index,
    ifname: found.ifname ?? `#${found.index}`,
    kind,
    up: found.up ?? false,
    mtu: found.mtu ?? 0,
    external,
    fallback: anonymous && kindRow(kind)?.fallback !== undefined && found.netnsImmutable !== false,
    data,
    ...(local === undefined ? {} : { local }),
    ...(remote === undefined ? {} : { remote }),
    ...(key === undefined ? {} : { key }),
    ...(found.address === undefined ? {} : { address: found.address }),
  }
}

/**
 * A device by name or index.
 * @returns undefined if there is none
 */
export async function findLink(rt: Rtnetlink, which: string | number): Promise<Link | undefined> {
  try {
    const [found] = await rt.get(link.get(typeof which === 'string' ? { ifname: which } : { index: which }))
    return found
  } catch (error) {
    if (error instanceof KernelError && error.code === 'ENODEV') return undefined
    throw error
  }
}

/**
 * A device by name or index.
 * @throws {NbmaError} ENODEV if there is none
 */
export async function getLink(rt: Rtnetlink, which: string | number): Promise<Link> {
  const found = await findLink(rt, which)
  if (found === undefined)
    throw new NbmaError('ENODEV', `there is no device ${typeof which === 'string' ? which : `with index ${which}`}`)
  return found
}

/**
 * A device that was looked up before, as it is now: it may have another name or be down.
 * @throws {NbmaError} ENODEV if it is gone, and whether its name means another device now
 */
export async function refreshLink(rt: Rtnetlink, { index, ifname, kind }: DeviceFacts): Promise<Link> {
  const found = await findLink(rt, index)
  if (found !== undefined && (found.linkinfo?.kind ?? '') === kind) return found
  const namesake = await findLink(rt, ifname)
  const anew = namesake === undefined ? '' : `; the ${ifname} of now (index ${namesake.index}) is another: open it anew`
  throw new NbmaError('ENODEV', `device ${ifname} (index ${index}) is gone${anew}`)
}
