import type { Request } from '../wire/request.js'
import type { Member } from './peer.js'
import type { Wanted } from './wanted.js'

/**
 * From what is there to what is wanted, message by message.
 * @module
 */

/** What is wanted. */
export interface Target {
  readonly wanted: Wanted
  /** Only of these peers something may be taken away; undefined: of all. */
  readonly scope?: ReadonlySet<string>
  /** A peer that was elsewhere before. */
  readonly moved?: { readonly from: string; readonly to: Member }
}

/** What is wrong with the kernel's state that a message puts right. */
export type Wrong = 'missing' | 'different' | 'surplus'

/** One message, and the peers that it is about. */
export interface Step {
  readonly request: Request
  readonly wrong: Wrong
  /** Endpoints, the first one standing for a message that is about one peer. */
  readonly endpoints: readonly string[]
  readonly prefix?: string
}

/** Somebody else's neighbour or forwarding entry where ours would be. */
export interface Obstacle {
  readonly endpoint: string
  readonly message: string
}

/** How many prefixes or peers are looked at before the reader of the steps may do something else. */
export const STRIDE = 64

/** A message about peers. */
export function about(request: Request, wrong: Wrong, members: readonly Member[], prefix?: string): Step {
  for (const member of members) member.touched = true
  const endpoints = members.map(({ endpoint }) => endpoint)
  return prefix === undefined ? { request, wrong, endpoints } : { request, wrong, endpoints, prefix }
}

/** A message that takes away what a peer has. */
export function without(request: Request, endpoint: string, { members }: Wanted): Step {
  const member = members.get(endpoint)
  if (member !== undefined) member.touched = true
  return { request, wrong: 'surplus', endpoints: endpoint === '' ? [] : [endpoint] }
}
