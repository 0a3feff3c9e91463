import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import { ack, dump, FakeTransport, refuse, reply, type Script } from '../../lib/testing/fake.js'
import type { Frame } from '../../lib/wire/frame.js'
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLMSG_HDRLEN } from '../../lib/wire/frame.js'

/**
 * A kernel with one tunnel device, as far as overlays can tell: routes, nexthop objects, neighbour and forwarding
 * entries, with the kernel's answers to what is there, is not there, or is in the way.
 * @module
 */

export type Value = Record<string, unknown>

/** What happens to a message beside what it asks for. */
export type Fault =
  /** Refused without a reason that anybody could foresee. */
  | 'refused'
  /** Done, but the answer is lost. */
  | 'unheard'
  /** The process dies before it. */
  | 'killed'

const ZERO_MAC = '00:00:00:00:00:00'
const TYPE = { link: 16, address: 20, route: 24, neighbour: 28, nexthop: 104 } as const

/** The state, and what it answers. */
export class ModelKernel {
  readonly links: Value[] = []
  readonly addresses: Value[] = []
  readonly routes: Value[] = []
  readonly nexthops: Value[] = []
  readonly neighbours: Value[] = []
  readonly forwards: Value[] = []
  /** Messages that change something, in order, as they were sent. */
  readonly sent: { readonly operation: string; readonly value: Value }[] = []
  /** Asked before each message that changes something. */
  fault: (operation: string, value: Value) => Fault | undefined = () => undefined
  /** Told after each message that changes something. */
  changed: () => void = () => {}

  constructor(device: Value) {
    this.links.push({ index: 7, ifname: 'tun', up: true, mtu: 1400, ...device })
    this.addresses.push({
      family: 'inet',
      address: '192.168.122.11/24',
      local: '192.168.122.11',
      index: 2,
      label: 'eth1',
    })
  }

  /** A connection to it, as a new process has one. */
  connect(): Rtnetlink {
    const fake = new FakeTransport({ script: this.#script })
    return Rtnetlink.over(fake, { timeout: 50 })
  }

  readonly #script: Script = (frame, fake) => {
    const { operation, value } = decode(frame)
    if (operation.startsWith('RTM_GET')) return this.#get(frame, operation, value)
    const fault = this.fault(operation, value)
    if (fault === 'killed') {
      this.fault = () => 'killed'
      fake.closed = true
    }
    if (fake.closed) return undefined
    this.sent.push({ operation, value })
    const code = fault === 'refused' ? 'ENOBUFS' : this.#execute(frame, operation, value)
    this.changed()
    if (fault === 'unheard' && (code !== undefined || frame.flags & NLM_F_ACK)) {
      fake.drop()
      return undefined
    }
    if (code !== undefined) return refuse(frame, code)
    return frame.flags & NLM_F_ACK ? ack(frame) : undefined
  }

  #get(frame: Frame, operation: string, value: Value): Buffer | Buffer[] {
    if ((frame.flags & NLM_F_DUMP) === 0) {
      const found = this.links.find((one) => one.index === value.index || one.ifname === value.ifname)
      if (operation !== 'RTM_GETLINK' || found === undefined) return refuse(frame, 'ENODEV')
      return [reply(frame, TYPE.link, body('RTM_NEWLINK', found)), ack(frame)]
    }
    const all = (type: number, name: string, values: readonly Value[]): Buffer[] =>
      dump(frame, type, chunks(values.map((one) => body(name, one))))
    switch (operation) {
      case 'RTM_GETLINK':
        return all(TYPE.link, 'RTM_NEWLINK', this.links)
      case 'RTM_GETADDR':
        return all(TYPE.address, 'RTM_NEWADDR', this.addresses)
      case 'RTM_GETROUTE':
        return all(
          TYPE.route,
          'RTM_NEWROUTE',
          this.routes.filter((one) => one.family === value.family && one.table === value.table),
        )
      case 'RTM_GETNEXTHOP':
        return all(TYPE.nexthop, 'RTM_NEWNEXTHOP', this.nexthops)
      default:
        return all(TYPE.neighbour, 'RTM_NEWNEIGH', value.family === 'bridge' ? this.forwards : this.neighbours)
    }
  }

  /** Does what a message asks for, or says why not. */
  #execute({ flags }: Frame, operation: string, value: Value): string | undefined {
    const { up } = this.links[0]!
    const mode = {
      create: (flags & NLM_F_CREATE) !== 0,
      excl: (flags & NLM_F_EXCL) !== 0,
      replace: (flags & NLM_F_REPLACE) !== 0,
    }
    const bridge = value.family === 'bridge'
    switch (operation) {
      case 'RTM_NEWROUTE':
        if (value.nhId !== undefined && !this.#has(value.nhId)) return 'EINVAL'
        if (!up) return 'ENETDOWN'
        return put(this.routes, value, (a, b) => same(a, b, ['family', 'table', 'dst', 'priority']), mode)
      case 'RTM_DELROUTE':
        return drop(
          this.routes,
          (one) =>
            same(one, value, ['family', 'table', 'dst', 'priority', 'protocol', 'nhId'], true) &&
            (value.oif === undefined || value.oif === (one.oif ?? (one.multipath as Value[] | undefined)?.[0]?.oif)),
          'ESRCH',
        )
      case 'RTM_NEWNEXTHOP': {
        const parts = value.group as { id: number }[] | undefined
        const fdb = (id: unknown): unknown => this.nexthops.find((one) => one.id === id)?.fdb ?? false
        if (parts?.some(({ id }) => !this.#has(id) || fdb(id) !== (value.fdb ?? false))) return 'EINVAL'
        if (value.fdb) return put(this.nexthops, value, (a, b) => a.id === b.id, mode)
        if (!up) return 'ENETDOWN'
        return put(this.nexthops, value, (a, b) => a.id === b.id, mode)
      }
      case 'RTM_DELNEXTHOP':
        return this.#dropNexthop(value.id as number)
      case 'RTM_NEWNEIGH': {
        if (!bridge) return put(this.neighbours, value, (a, b) => same(a, b, ['ifindex', 'dst']), mode)
        const flood = value.lladdr === ZERO_MAC
        const there = this.forwards.find(({ lladdr }) => lladdr === value.lladdr)
        if (value.nhId !== undefined) {
          if (!this.nexthops.some(({ id, group }) => id === value.nhId && group !== undefined)) return 'EINVAL'
          if (there !== undefined && there.nhId === undefined) return mode.excl ? 'EEXIST' : 'EOPNOTSUPP'
          // The kernel says that it did it, and leaves the group there.
        } else if (there?.nhId !== undefined) return mode.excl ? 'EEXIST' : undefined
        return put(
          this.forwards,
          value,
          (a, b) => a.lladdr === b.lladdr && (!flood || a.dst === b.dst),
          flood ? { ...mode, excl: true } : mode,
        )
      }
      case 'RTM_DELNEIGH':
        return drop(
          bridge ? this.forwards : this.neighbours,
          (one) => same(one, value, ['ifindex', 'dst', 'lladdr', 'nhId'], true),
          'ENOENT',
        )
      default:
        return 'EOPNOTSUPP'
    }
  }

  #has(id: unknown): boolean {
    return this.nexthops.some((one) => one.id === id)
  }

  /** Takes routes and group memberships along, without a word. */
  #dropNexthop(id: number): string | undefined {
    const code = drop(this.nexthops, (one) => one.id === id, 'ENOENT')
    if (code !== undefined) return code
    remove(this.routes, (one) => one.nhId === id)
    remove(this.forwards, (one) => one.nhId === id)
    for (const one of [...this.nexthops]) {
      if (!Array.isArray(one.group)) continue
      one.group = one.group.filter((part: { id: number }) => part.id !== id)
      if ((one.group as unknown[]).length === 0) this.#dropNexthop(one.id as number)
    }
    return undefined
  }

  /** Sets the device down or up: down takes routes and nexthops along. */
  setUp(up: boolean): void {
    this.links[0]!.up = up
    if (up) return
    remove(this.nexthops, (one) => one.oif === 7)
    remove(this.routes, (one) => one.oif === 7 || one.nhId !== undefined || one.multipath !== undefined)
  }

  /** All of it, in an order that says nothing, for comparison. */
  get state(): readonly string[] {
    return [this.routes, this.nexthops, this.neighbours, this.forwards]
      .flatMap((list, i) => list.map((one) => `${i} ${JSON.stringify(one)}`))
      .sort()
  }

  /** What a route leads to: underlay addresses and weights. */
  resolve(route: Value): string[] {
    const { nhId, multipath } = route as { nhId?: number; multipath?: Value[] }
    if (nhId !== undefined) {
      const object = this.nexthops.find(({ id }) => id === nhId)
      const group = object?.group as { id: number; weight: number }[] | undefined
      if (group === undefined) return [`${this.#endpoint(object ?? {})}*1`]
      return group
        .map(({ id, weight }) => `${this.#endpoint(this.nexthops.find((one) => one.id === id) ?? {})}*${weight}`)
        .sort()
    }
    if (multipath !== undefined) return multipath.map((hop) => `${this.#endpoint(hop)}*${hop.weight}`).sort()
    return [`${this.#endpoint(route)}*1`]
  }

  #endpoint({ gateway, via, encap }: Value): string {
    const dst = (encap as { dst?: string } | undefined)?.dst
    if (dst !== undefined) return dst
    const address = (gateway ?? (via as { address: string } | undefined)?.address) as string
    const entry = this.neighbours.find((one) => one.dst === address)
    const forward = this.forwards.find(({ lladdr }) => lladdr === entry?.lladdr)
    const plain = address.startsWith('::') ? address.slice(2) : address
    if (forward?.nhId !== undefined) {
      const behind = this.behind(forward).map((one) => one.replace(/\*.*/, ''))
      return behind.includes(plain) ? plain : behind.join('+')
    }
    const found = (forward?.dst ?? entry?.lladdr ?? plain) as string
    return found.startsWith('::') ? found.slice(2) : found
  }

  /** Endpoints and weights that a forwarding entry leads to. */
  behind({ nhId, dst }: Value): string[] {
    if (nhId === undefined) return [`${dst}*1`]
    const { group } = this.nexthops.find(({ id }) => id === nhId) as { group: { id: number; weight: number }[] }
    return group.map(({ id, weight }) => `${this.nexthops.find((one) => one.id === id)!.gateway}*${weight}`).sort()
  }
}

function decode(frame: Frame): { operation: string; value: Value } {
  const { type, value } = rtnetlink.decodeFrame(frame)
  return { operation: `${type}`, value }
}

const body = (name: string, value: Value): Buffer =>
  rtnetlink.encode({ type: name, flags: [], value }).subarray(NLMSG_HDRLEN)

function chunks<T>(list: readonly T[]): T[][] {
  const out: T[][] = []
  for (let i = 0; i < list.length; i += 20) out.push(list.slice(i, i + 20))
  return out
}

const text = (value: unknown): string => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))

/** @param loose what the pattern leaves out matches anything */
const same = (one: Value, pattern: Value, fields: readonly string[], loose = false): boolean =>
  fields.every((field) => (loose && pattern[field] === undefined) || text(one[field]) === text(pattern[field]))

function put(
  list: Value[],
  value: Value,
  matches: (a: Value, b: Value) => boolean,
  { create, excl, replace }: { create: boolean; excl: boolean; replace: boolean },
): string | undefined {
  const at = list.findIndex((one) => matches(one, value))
  if (at === -1) {
    if (!create) return 'ENOENT'
    list.push(value)
  } else if (excl || !replace) return 'EEXIST'
  else list[at] = value
  return undefined
}

function drop(list: Value[], matches: (one: Value) => boolean, code: string): string | undefined {
  const at = list.findIndex(matches)
  if (at === -1) return code
  list.splice(at, 1)
  return undefined
}

function remove(list: Value[], matches: (one: Value) => boolean): void {
  for (let i = list.length - 1; i >= 0; i--) if (matches(list[i]!)) list.splice(i, 1)
}
