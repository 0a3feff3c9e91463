import type { Request } from '../wire/request.js'
import type { Ids } from './ids.js'
import type { Family } from './kinds.js'
import type { Member } from './member.js'
import type { Messages, Weighted } from './messages.js'
import { hashSet } from './metric.js'
import type { Hop } from './peer.js'
import { groupText } from './present.js'
import type { Scheme } from './scheme.js'
import type { Snapshot } from './snapshot.js'
import { hopFor } from './wanted.js'

/**
 * Nexthop objects: which exist, which are needed, and their ids. An object that exists keeps its id whatever it leads
 * to.
 * @module
 */

/** The objects of one change. */
export class Objects {
  readonly #scheme: Scheme
  readonly #messages: Messages
  readonly #present: Snapshot
  readonly #ids = new Map<string, number>()
  readonly #free: Ids
  readonly #used = new Set<number>()

  constructor(scheme: Scheme, messages: Messages, free: Ids, present: Snapshot) {
    this.#scheme = scheme
    this.#messages = messages
    this.#present = present
    this.#free = free
    for (const { id, text } of present.nexthops.values()) if (!this.#ids.has(text)) this.#ids.set(text, id)
  }

  /** The object of a peer, and the message that makes it if it is not there. */
  single(member: Member, family: Family): { id: number; request?: Request } {
    const hop = hopFor(this.#scheme, member, family)
    const text = textOf(hop, family)
    const known = this.#ids.get(text)
    if (known !== undefined) return { id: this.#use(known) }
    const id = this.#allocate(text, member.hash)
    return { id, request: this.#messages.addNexthop(id, hop, family) }
  }

  /** The group of several peers, and the message that makes it if it is not there. Their own objects come first. */
  group(members: readonly Member[], family: Family): { id: number; request?: Request } {
    const parts: Weighted<number>[] = []
    for (const member of members) {
      const to = this.single(member, family).id
      // Peers with one gateway have one object.
      if (!parts.some((part) => part.to === to)) parts.push({ to, weight: member.weight })
    }
    if (parts.length === 1) return { id: parts[0]!.to }
    const text = groupText(parts.map(({ to, weight }) => ({ id: to, weight })))
    const known = this.#ids.get(text)
    if (known !== undefined) return { id: this.#use(known) }
    const id = this.#allocate(text, hashSet(members.map(({ hash }) => hash)))
    return { id, request: this.#messages.addGroup(id, parts) }
  }

  /** Lets the objects of an endpoint lead to a peer that has none: every route that uses them follows. */
  *move(from: string, member: Member): Generator<Request, void> {
    for (const { id, text, endpoint } of this.#present.nexthops.values()) {
      if (endpoint !== from) continue
      const family = text.startsWith('inet6 ') ? 'inet6' : 'inet'
      const hop = hopFor(this.#scheme, member, family)
      const moved = textOf(hop, family)
      if (this.#ids.has(moved)) continue
      this.#ids.delete(text)
      this.#ids.set(moved, id)
      yield this.#messages.replaceNexthop(id, hop, family)
    }
  }

  /** Something else uses an object. */
  keep(id: number): void {
    if (this.#used.has(id)) return
    this.#used.add(id)
    for (const part of this.#present.nexthops.get(id)?.group ?? []) this.keep(part.id)
  }

  /** Messages that remove the objects that nothing uses any more, groups first. */
  *leftovers(): Generator<{ request: Request; endpoint: string }> {
    const all = [...this.#present.nexthops.values()].filter(({ id }) => !this.#used.has(id))
    for (const { id, group, endpoint } of [...all.filter(isGroup), ...all.filter((one) => !isGroup(one))])
      if (group !== undefined || endpoint !== undefined) yield { request: this.#messages.deleteNexthop(id), endpoint }
  }

  #use(id: number): number {
    this.keep(id)
    return id
  }

  #allocate(text: string, hash: number): number {
    const id = this.#free.take(hash)
    this.#ids.set(text, id)
    this.#used.add(id)
    return id
  }
}

/** Family and hop, as the snapshot has them: IPv4 routes can use objects of IPv6. */
const textOf = ({ gateway, text }: Hop, family: Family): string =>
  `${gateway?.includes(':') ? 'inet6' : family} ${text}`

const isGroup = ({ group }: { readonly group?: unknown }): boolean => group !== undefined
