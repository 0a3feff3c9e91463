import { randomBytes } from 'node:crypto'
import { KernelError, UnsupportedError } from '../errors.js'
import { address } from '../rtnl/address.js'
import { link } from '../rtnl/link.js'
import type { Rtnetlink } from '../rtnl/rtnetlink.js'
import type { Link, LinkInput, LinkinfoInput } from '../schema/link.js'
import { factsOf, findLink } from './device.js'
import type { FallbackKind } from './kinds.js'

/**
 * What making a tunnel device takes beside the message.
 * @module
 */

/** MTU of an underlay that is not known. */
export const ETHERNET_MTU = 1500
/** What gretap0 and erspan0 are made with. */
export const NO_MAC = '00:00:00:00:00:00'

/** A MAC of nobody's in particular: locally administered, of one station. */
export const randomMac = (): string =>
  Array.from(randomBytes(6), (byte, i) => (i === 0 ? (byte & 0xfc) | 2 : byte).toString(16).padStart(2, '0')).join(':')

/** MTU of the device that has an address; undefined if none has. */
export async function mtuOfAddress(rt: Rtnetlink, local: string): Promise<number | undefined> {
  for (const found of await rt.list(address.list()))
    if ((found.local ?? found.address?.replace(/\/.*/, '')) === local) return (await findLink(rt, found.index))?.mtu
  return undefined
}

/** The kernel does not have the kind. */
export const noSuchKind = (kind: string, cause: unknown): UnsupportedError =>
  new UnsupportedError(
    `this kernel has no tunnels of kind ${kind}: no module for rtnl-link-${kind}, or it could not be loaded`,
    { cause },
  )

/** The fallback device, which may have been given another name. */
export async function findFallback(rt: Rtnetlink, kind: FallbackKind, ifname: string): Promise<Link | undefined> {
  const named = await findLink(rt, ifname)
  if (named?.linkinfo?.kind === kind) return named
  const all = await rt.list(link.list({ linkinfo: { kind } as LinkinfoInput }))
  return all.find((one) => one.linkinfo?.kind === kind && factsOf(one).fallback)
}

/** Why a device could not be made, where the kernel's answer does not say. */
export async function explainCreation(rt: Rtnetlink, error: unknown, wanted: LinkInput): Promise<unknown> {
  if (!(error instanceof KernelError)) return error
  const kind = wanted.linkinfo!.kind!
  if (error.code === 'EOPNOTSUPP' && error.extack?.attribute === undefined) return noSuchKind(kind, error)
  if (error.code !== 'EEXIST' && error.code !== 'EBUSY') return error
  const { code, errno, extack, request } = error
  const said = (why: string): KernelError =>
    new KernelError(
      request,
      { code, errno, message: `${error.message}: ${why}`, ...(extack ? { extack } : {}) },
      { cause: error },
    )
  if ((await findLink(rt, wanted.ifname!)) !== undefined) return said('the name is taken')
  const data = (wanted.linkinfo as { data?: Readonly<Record<string, unknown>> }).data ?? {}
  const others = (await rt.list(link.list({ linkinfo: { kind } as LinkinfoInput }))).map(factsOf)
  const external = others.find((one) => one.external)
  if (data.collectMetadata && external)
    return said(`${external.ifname} is external, and a kind has one such device a namespace`)
  const fallback = others.find((one) => one.fallback)
  if (fallback && data.local === undefined)
    return said(
      `${fallback.ifname} is the device without addresses: give this one a local address or a key, or use Tunnel.fallback`,
    )
  return said(`another device of kind ${kind} is the same to the kernel (local, remote, key and link)`)
}
