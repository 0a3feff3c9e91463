import type { Neighbour } from '../schema/neighbour.js'
import type { Nexthop } from '../schema/nexthop.js'
import { standsFor } from './carriage.js'
import type { Stripe } from './ids.js'
import { groupText } from './present.js'

/**
 * MACs that forwarding entries of vxlan lead to through nexthop objects, as the kernel has them: a MAC has a group, the
 * group one object for each endpoint that the MAC is behind (ip-nexthop(8), `fdb`). Such objects name no device, so
 * what tells one overlay's from another's of the same protocol is whose forwarding entries use them, and before any does
 * their ids.
 * @module
 */

/** A group, and how often each of its objects is taken. */
export interface FdbGroup {
  readonly id: number
  readonly text: string
  readonly parts: readonly { readonly id: number; readonly weight: number }[]
}

/** An endpoint of several, and its share. */
export interface Share {
  readonly endpoint: string
  readonly weight: number
}

/** All of them that are ours. */
export class Stations {
  /** Id of an object → endpoint. */
  readonly nexthops = new Map<number, string>()
  readonly groups = new Map<number, FdbGroup>()
  /** MAC → id of its group. */
  readonly entries = new Map<string, number>()
  /** MAC → id of the group of somebody else's entry. */
  readonly foreign = new Map<string, number>()
  readonly #protocol: string | number
  readonly #stripe: Stripe
  /** Entries on our device that bear the mark of ours; whether they are is seen by their groups. */
  readonly #marked = new Map<string, number>()
  /** Groups that somebody else's entries use. */
  readonly #used = new Set<number>()
  readonly #strange: FdbGroup[] = []

  constructor(protocol: string | number, stripe: Stripe) {
    this.#protocol = protocol
    this.#stripe = stripe
  }

  /** Takes a forwarding entry with a group. */
  addForward(mac: string, nhId: number, marked: boolean): void {
    if (marked) this.#marked.set(mac, nhId)
    else this.#addForeign(mac, nhId)
  }

  #addForeign(mac: string, nhId: number): void {
    this.foreign.set(mac, nhId)
    this.#used.add(nhId)
  }

  /** Takes a forwarding entry of another device. */
  addElsewhere({ nhId }: Neighbour): void {
    if (nhId !== undefined) this.#used.add(nhId)
  }

  /** Takes an object or group for forwarding entries. */
  addNexthop({ id, group, gateway, protocol }: Nexthop): void {
    if (id === undefined) return
    const ours = protocol === this.#protocol
    if (group !== undefined) {
      const parts = group.map((one) => ({ id: one.id, weight: one.weight }))
      const found = { id, text: groupText(parts), parts }
      if (ours) this.groups.set(id, found)
      else this.#strange.push(found)
    } else if (ours && gateway !== undefined) this.nexthops.set(id, gateway)
  }

  /** Parts with what others use. Comes after the last entry and object. */
  settle(): void {
    for (const [mac, nhId] of this.#marked) {
      if (this.groups.has(nhId)) this.entries.set(mac, nhId)
      else this.#addForeign(mac, nhId)
    }
    for (const id of this.#used) {
      const group = this.groups.get(id)
      if (group === undefined) continue
      this.#strange.push(group)
      this.groups.delete(id)
    }
    for (const { parts } of this.#strange) for (const { id } of parts) this.nexthops.delete(id)
    const leading = new Set(this.entries.values())
    const known = new Set<number>()
    for (const { id, parts } of this.groups.values()) {
      const ours = leading.has(id) || this.#stripe.has(id)
      if (!ours || parts.some((part) => !this.nexthops.has(part.id))) this.groups.delete(id)
      else for (const part of parts) known.add(part.id)
    }
    for (const id of this.nexthops.keys()) if (!known.has(id) && !this.#stripe.has(id)) this.nexthops.delete(id)
  }

  /** The endpoints that a gateway with this MAC leads to: the one that it stands for, or all. */
  sharing(mac: string, gateway: string): readonly Share[] {
    const all = this.behind(mac)
    const own = all.length > 1 ? all.filter(({ endpoint }) => standsFor(gateway, endpoint)) : all
    return own.length > 0 ? own : all
  }

  /** The endpoints of a MAC; none where it is not ours. */
  behind(mac: string): readonly Share[] {
    const parts = this.groups.get(this.entries.get(mac) ?? 0)?.parts ?? []
    return parts.map(({ id, weight }) => ({ endpoint: this.nexthops.get(id)!, weight }))
  }
}
