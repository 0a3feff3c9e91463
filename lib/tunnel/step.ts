import type { Request } from '../wire/request.js'
import type { Member } from './member.js'
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
  /** Other people's routes to the wanted prefixes go, once ours are there. */
  readonly takeOver?: boolean
}

/** What is wrong with the kernel's state that a message puts right. */
export type Wrong = 'missing' | 'different' | 'surplus'

/** Whoever has an endpoint. */
interface Named {
  readonly endpoint: string
}

/** One message, and the peers that it is about. */
export interface Step {
  readonly request: Request
  readonly wrong: Wrong
  /** One peer, or several, or none. */
  readonly who: Named | readonly Named[]
  readonly prefix: string | undefined
}

/** The peers that a message is about; '' where there are none. */
export function endpointsOf({ who }: Step): readonly string[] {
  if (!('length' in who)) return [who.endpoint]
  return who.length === 0 ? [''] : who.map(({ endpoint }) => endpoint)
}

/** Somebody else's neighbour or forwarding entry where ours would be. */
export interface Obstacle {
  readonly endpoint: string
  readonly message: string
}

/** How many prefixes or peers are looked at before the reader of the steps may do something else. */
export const STRIDE = 64

/** A message about a peer. */
export function about(request: Request, wrong: Wrong, who: Member, prefix?: string): Step {
  who.touch()
  return { request, wrong, who, prefix }
}

/** A message about several peers. */
export function aboutAll(request: Request, wrong: Wrong, who: readonly Member[], prefix?: string): Step {
  for (const member of who) member.touch()
  return { request, wrong, who, prefix }
}

/** A message that takes away what a peer has. */
export function without(request: Request, endpoint: string, { members }: Wanted): Step {
  members.get(endpoint)?.touch()
  return { request, wrong: 'surplus', who: { endpoint }, prefix: undefined }
}

/** Steps some at a time: a generator that hands over each costs more than all else. `undefined` ends a portion. */
export function* inPortions(steps: Iterable<Step | undefined>): Generator<Step[], void> {
  let portion: Step[] = []
  for (const step of steps) {
    if (step !== undefined && portion.push(step) < STRIDE) continue
    yield portion
    portion = []
  }
  yield portion
}
