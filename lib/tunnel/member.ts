import { AddressMap } from './address-map.js'
import type { Family } from './kinds.js'
import { fmix32, hashAddress } from './metric.js'
import { canonicalBytes, type Hop } from './peer.js'
import { quad, readQuad } from './quad.js'

/** Who announces a prefix. */
export interface Claim {
  readonly prefix: string
  /** One peer, or several; none where nobody announces it any more. */
  readonly who: Member | readonly Member[]
  /** All of them. */
  readonly members: readonly Member[]
  /** The kernel has just this route. */
  settled: boolean
}

/** What few peers have. */
interface Rare {
  weight: number
  mac: string | undefined
  gateway: string | undefined
  /** Nexthops of its routes, where they are not just the endpoint; made when they are needed. */
  hop: Hop | undefined
  hop6: Hop | undefined
}

const COMMON: Readonly<Rare> = { weight: 1, mac: undefined, gateway: undefined, hop: undefined, hop6: undefined }

/** What a change does to a peer, by two bits of its state. */
const FATES = [undefined, 'added', 'changed', 'unchanged'] as const
const [ADDED, CHANGED, UNCHANGED, FATE] = [1, 2, 3, 3] as const
const SETTLED = 4
const INET6 = 8

/**
 * Peers by their endpoints, in the order in which they came. A hundred thousand pass through here before anything is
 * sent: what is known of them stands in columns, because as many objects would have to be moved by the collector, twice.
 */
export class Members {
  readonly endpoints: AddressMap<string>
  /** Without repetition, with lengths; one alone stands for itself. */
  readonly prefixes: (string | readonly string[])[]
  /** The one prefix as a word, where it is a single address of IPv4 and was read when it was set; else 0. */
  hosts: Int32Array
  states: Uint8Array
  readonly #rare = new Map<number, Rare>()

  /** @param expected how many there will be, about */
  constructor(expected = 0) {
    this.endpoints = new AddressMap(expected)
    this.prefixes = new Array(expected)
    this.hosts = new Int32Array(Math.max(16, expected))
    this.states = new Uint8Array(this.hosts.length)
  }

  get size(): number {
    return this.endpoints.size
  }

  has(endpoint: string): boolean {
    return this.endpoints.has(endpoint)
  }

  get(endpoint: string): Member | undefined {
    const at = this.endpoints.find(endpoint)
    return at < 0 ? undefined : new Member(this, at)
  }

  /** In order. */
  *[Symbol.iterator](): Generator<Member, void> {
    for (let at = 0; at < this.size; at++) yield new Member(this, at)
  }

  /**
   * Adds a peer without prefixes, unless it is there.
   * @param word the endpoint, where it is one of IPv4
   * @returns where the one stands that is there, else -1
   */
  add(endpoint: string, family: Family, word: number): number {
    const { endpoints, size } = this
    const there = family === 'inet' ? endpoints.addHost(word, endpoint) : endpoints.add(endpoint, endpoint)
    if (there >= 0) return there
    if (size === this.states.length) this.#grow()
    this.prefixes[size] = NONE
    this.states[size] = family === 'inet' ? 0 : INET6
    return -1
  }

  #grow(): void {
    const { states, hosts } = this
    this.states = new Uint8Array(2 * states.length)
    this.states.set(states)
    this.hosts = new Int32Array(2 * hosts.length)
    this.hosts.set(hosts)
  }

  /** The peer with an endpoint, which is added where it is not there; undefined where the endpoint is no address. */
  at(endpoint: string): Member | undefined {
    if (canonicalBytes(endpoint) === undefined) return undefined
    this.add(endpoint, readQuad(endpoint) ? 'inet' : 'inet6', quad.word)
    return this.get(endpoint)
  }

  /** How many have each fate; those of which nothing was found nor made are added. */
  fates(): { added: number; changed: number; unchanged: number } {
    const { states, size } = this
    const counts = [0, 0, 0, 0]
    for (let at = 0; at < size; at++) counts[states[at]! & FATE]!++
    const [none, added, changed, unchanged] = counts as [number, number, number, number]
    return { added: none + added, changed, unchanged }
  }

  /** Nothing is known any more of what the kernel has. */
  unsettle(): void {
    const { states } = this
    for (let at = 0; at < this.size; at++) states[at]! &= ~SETTLED
  }

  /** What few have, of the one that stands somewhere. */
  rareOf(at: number): Readonly<Rare> {
    return this.#rare.size === 0 ? COMMON : (this.#rare.get(at) ?? COMMON)
  }

  /** Notes what is known of a peer beside its endpoint and prefixes. */
  know(at: number, what: Partial<Rare>): void {
    this.#rare.set(at, { ...this.rareOf(at), ...what })
  }

  /** These and others: of those that are in both, what `join` makes of them. */
  with(others: Members, join: (before: Member, member: Member) => Details): Members {
    const all = new Members(this.size + others.size)
    for (const member of this) {
      const other = others.get(member.endpoint)
      all.at(member.endpoint)!.set(other === undefined ? member : join(member, other))
    }
    for (const member of others) if (!this.has(member.endpoint)) all.at(member.endpoint)!.set(member)
    return all
  }

  /** These but for some. */
  without(endpoints: ReadonlySet<string>): Members {
    const rest = new Members(this.size)
    for (const member of this) if (!endpoints.has(member.endpoint)) rest.at(member.endpoint)!.set(member)
    return rest
  }
}

/** What a caller says of a peer. */
export interface Details {
  readonly prefixes: readonly string[]
  readonly weight: number
  readonly mac: string | undefined
  readonly gateway: string | undefined
}

/**
 * A peer in the one spelling of each of its addresses, and what follows from them: a view of its place, which two may
 * have. It claims its one prefix itself.
 */
export class Member implements Claim {
  /** Where its columns are. */
  readonly all: Members
  /** Where it stands in the list that it came in. */
  readonly index: number

  constructor(all: Members, index: number) {
    this.all = all
    this.index = index
  }

  get endpoint(): string {
    return this.all.endpoints.values[this.index]!
  }

  get family(): Family {
    return this.all.states[this.index]! & INET6 ? 'inet6' : 'inet'
  }

  /** The endpoint as a word, where it is one of IPv4. */
  get word(): number {
    return this.all.endpoints.wordAt(this.index)
  }

  /** Hash of the endpoint. */
  get hash(): number {
    return this.family === 'inet' ? fmix32(this.word) : hashAddress(canonicalBytes(this.endpoint)!)
  }

  /** Without repetition, with lengths. */
  get prefixes(): readonly string[] {
    const prefixes = this.all.prefixes[this.index]!
    return typeof prefixes === 'string' ? [prefixes] : prefixes
  }

  set prefixes(prefixes: readonly string[]) {
    this.all.prefixes[this.index] = prefixes.length === 1 ? prefixes[0]! : prefixes
    this.all.hosts[this.index] = 0
  }

  /** Its prefix, where it has just one; '' where it has not. */
  get prefix(): string {
    const prefixes = this.all.prefixes[this.index]!
    return typeof prefixes === 'string' ? prefixes : ''
  }

  /** Its one prefix as a word, where that is known; else 0. */
  get host(): number {
    return this.all.hosts[this.index]!
  }

  get weight(): number {
    return this.all.rareOf(this.index).weight
  }

  get mac(): string | undefined {
    return this.all.rareOf(this.index).mac
  }

  get gateway(): string | undefined {
    return this.all.rareOf(this.index).gateway
  }

  /** Notes what is known of it beside its endpoint and prefixes. */
  know(what: Partial<Rare>): void {
    this.all.know(this.index, what)
  }

  /** Takes what another one has. */
  set({ prefixes, weight, mac, gateway }: Details): void {
    this.prefixes = prefixes
    if (weight !== 1 || mac !== undefined || gateway !== undefined) this.know({ weight, mac, gateway })
  }

  /** The nexthop of its routes of a family, where that is not just the endpoint and was made before. */
  hop(family: Family): Hop | undefined {
    return family === 'inet' ? this.all.rareOf(this.index).hop : this.all.rareOf(this.index).hop6
  }

  /** Whether it has something of a family inside. A gateway is reached by other people's routes too. */
  carries(inner: Family): boolean {
    const all = this.gateway === undefined ? this.prefixes : [...this.prefixes, this.gateway]
    return all.some((one) => one.includes(':') === (inner === 'inet6'))
  }

  /** What a change does to it; undefined as long as it was neither found in the kernel nor a message about it made. */
  get fate(): (typeof FATES)[number] {
    return FATES[this.all.states[this.index]! & FATE]
  }

  /** It was found in the kernel. */
  find(): void {
    if (this.fate === undefined) this.all.states[this.index]! |= UNCHANGED
  }

  /** A message about it was made. */
  touch(): void {
    const { fate } = this
    if (fate === undefined) this.all.states[this.index]! |= ADDED
    else if (fate === 'unchanged') this.all.states[this.index]! ^= UNCHANGED ^ CHANGED
  }

  get settled(): boolean {
    return (this.all.states[this.index]! & SETTLED) !== 0
  }

  set settled(settled: boolean) {
    const { states } = this.all
    const state = states[this.index]!
    states[this.index] = settled ? state | SETTLED : state & ~SETTLED
  }

  /** Whether another view is of the same peer. */
  is(other: Member): boolean {
    return this.all === other.all && this.index === other.index
  }

  get who(): Member {
    return this
  }

  get members(): readonly Member[] {
    return [this]
  }
}

const NONE: readonly string[] = []
