import t, { type Test } from 'tap'
import { Connection } from '../../lib/netlink/connection.js'
import { NetlinkSocket } from '../../lib/netlink/socket.js'
import type { Receiver, Transport } from '../../lib/netlink/transport.js'
import type { Namespace } from '../../lib/netns/namespace.js'
import { link } from '../../lib/rtnl/link.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { KINDS, type KindInput } from '../../lib/schema/kinds.js'
import type { LinkinfoInput } from '../../lib/schema/link.js'
import { type FallbackKind, TUNNEL_KINDS, type TunnelKind } from '../../lib/tunnel/kinds.js'
import { Tunnel, type TunnelChanges } from '../../lib/tunnel/tunnel.js'
import { frames } from '../../lib/wire/frame.js'
import { readU16, writeU16 } from '../../lib/wire/host.js'
import { Registry } from '../../lib/wire/registry.js'
import { attributes, find, type RawAttribute } from '../helpers/attributes.js'
import { needsNamespaces, testNamespace } from '../helpers/kernel.js'
import type { Case, KindCases } from '../readback/cases.js'
import { KIND_CASES } from '../readback/kinds.js'

/**
 * `Tunnel.set` changes what it is told and nothing else: the bytes of all other attributes are what they were. Runs in a
 * kernel that has the tunnels: `node tools/uml.mjs -- node …`.
 */

t.setTimeout(120_000)
const options = { skip: needsNamespaces, timeout: 60_000 }

const RTM_NEWLINK = 16
const NLMSG_HDRLEN = 16
const IFINFOMSG = 16
const IFLA_LINKINFO = 18
const IFLA_INFO_DATA = 2
const DATA = [IFLA_LINKINFO, IFLA_INFO_DATA]

/** Attributes outside the kind's data that are counters, or follow from it: the addresses of L3 tunnels and the link. */
const IFLA = { address: 1, broadcast: 2, link: 5, stats: 7, stats64: 23, afSpec: 26 }
const FOLLOWING: readonly number[] = [...Object.values(IFLA), IFLA_LINKINFO]

type Data = Readonly<Record<string, unknown>>
interface Changes {
  /** What can be changed, one after the other. */
  readonly changed: Data
  /** What the kernel says that it cannot change. */
  readonly refused?: Data
  /** What the kernel leaves as it is without a word. */
  readonly kept?: Data
  /** Attributes that are not tried: the reason. */
  readonly never?: Readonly<Record<string, string>>
}

const ends4 = { local: '192.0.2.77', remote: '198.51.100.77' }
const ends6 = { local: '2001:db8::77', remote: '2001:db8:1::77' }
const udp = { encapFlags: ['remcsum'], encapSport: 7, encapDport: 8 }
const ipv4 = { ...ends4, tos: 1, fwmark: 9, ...udp, ttl: 9 }
const ipv6 = { ...ends6, ttl: 9, encapLimit: 9, flowinfo: 0x0ff54321, flags: ['use_orig_tclass'], fwmark: 9, ...udp }
const keys = { ikey: 9, okey: 10, iflags: ['key'], oflags: ['csum', 'key'] }
const session = { ikey: 9, okey: 10 }

const ONE_KIND = { collectMetadata: 'makes it another device', encapType: 'needs CONFIG_NET_FOU_IP_TUNNELS' }
const VERSION = 'of one version of ERSPAN'
const SIX_RD = 'needs CONFIG_IPV6_SIT_6RD'
const versions = { erspanVer: VERSION, erspanIndex: VERSION, erspanDir: VERSION, erspanHwid: VERSION }
const OVER_IPV6 = 'tried on devices over IPv6'
const LATER = 'not in Linux 6.1'
const NO_SWITCH = 'an attribute without a value cannot say no'

/** What becomes of the device "with everything" of each kind. */
const CHANGES: Readonly<Record<TunnelKind, Changes>> = {
  ipip: {
    changed: { ...ipv4, link: 0 },
    kept: { proto: 'ip' },
    never: { ...ONE_KIND, pmtudisc: 'follows from the TTL' },
  },
  sit: {
    changed: { ...ipv4, link: 0 },
    kept: { proto: 'ipip', flags: ['isatap'] },
    never: {
      ...ONE_KIND,
      pmtudisc: 'follows from the TTL',
      sixRdPrefix: SIX_RD,
      sixRdPrefixlen: SIX_RD,
      sixRdRelayPrefix: SIX_RD,
      sixRdRelayPrefixlen: SIX_RD,
    },
  },
  gre: { changed: { ...ipv4, ...keys, link: 0, pmtudisc: false, ignoreDf: true }, never: ONE_KIND },
  gretap: { changed: { ...ipv4, ...keys, link: 0, pmtudisc: false, ignoreDf: true }, never: ONE_KIND },
  erspan: {
    changed: { ...ipv4, ...session, link: 0, erspanIndex: 9, pmtudisc: false, ignoreDf: true },
    never: { ...ONE_KIND, iflags: 'all that it can have', oflags: 'all that it can have', ...versions },
  },
  ip6tnl: { changed: { ...ipv6, link: 0, proto: 'ipv6' }, never: ONE_KIND },
  ip6gre: { changed: { ...ipv6, ...keys, link: 0 }, never: { ...ONE_KIND, ...versions } },
  ip6gretap: { changed: { ...ipv6, ...keys, link: 0 }, never: { ...ONE_KIND, ...versions } },
  ip6erspan: {
    changed: { ...ipv6, ...session, link: 0, erspanIndex: 9 },
    never: { ...ONE_KIND, iflags: 'all that it can have', oflags: 'all that it can have', ...versions },
  },
  vti: { changed: { ...ends4, link: 0, ikey: 9, okey: 10, fwmark: 11 } },
  vti6: { changed: { ...ends6, link: 0, ikey: 9, okey: 10, fwmark: 11 } },
  vxlan: {
    changed: {
      group: '198.51.100.77',
      local: '192.0.2.77',
      ttl: 9,
      tos: 1,
      learning: true,
      ageing: 9,
      df: 'inherit',
    },
    refused: {
      ttlInherit: true,
      id: 9,
      limit: 9,
      port: 9999,
      portRange: { low: 7, high: 8 },
      proxy: false,
      rsc: false,
      l2miss: false,
      l3miss: false,
      udpCsum: true,
      udpZeroCsum6Tx: false,
      udpZeroCsum6Rx: false,
      remcsumTx: false,
      remcsumRx: false,
      collectMetadata: true,
      vnifilter: true,
      gpe: true,
    },
    never: {
      group6: OVER_IPV6,
      local6: OVER_IPV6,
      label: OVER_IPV6,
      link: OVER_IPV6,
      gbp: NO_SWITCH,
      remcsumNopartial: NO_SWITCH,
      localbypass: LATER,
      labelPolicy: LATER,
      reservedBits: LATER,
      mcRoute: LATER,
    },
  },
  geneve: {
    changed: { remote: '198.51.100.77', ttl: 9, tos: 1, df: 'inherit', ttlInherit: true },
    refused: { id: 9, port: 9999, udpCsum: false, udpZeroCsum6Rx: false, collectMetadata: true },
    never: {
      remote6: OVER_IPV6,
      label: OVER_IPV6,
      udpZeroCsum6Tx: OVER_IPV6,
      innerProtoInherit: NO_SWITCH,
      portRange: LATER,
      groHint: LATER,
      local: LATER,
      local6: LATER,
    },
  },
}

/**
 * Devices that the kernel does not let be changed: it takes no message that says that they are external, or takes them
 * for the fallback device.
 */
const REFUSES = new Set(['ipip', 'ip6tnl', 'ip6gretap', 'ip6erspan', 'geneve'].map((kind) => `${kind}, external`))

/** A connection that leaves what it is told in bytes. */
const rawly = (namespace: Namespace): Connection => new Connection(NetlinkSocket.open({ namespace }), new Registry([]))

/** The attributes of a device, as bytes. */
async function bytesOf(raw: Connection, index: number): Promise<Buffer> {
  const [{ data }] = (await raw.get(link.get({ index }))) as unknown as [{ data: Buffer }]
  return data.subarray(IFINFOMSG)
}

/** Attributes by number: the text says all of them. */
const shown = (list: readonly RawAttribute[], except: readonly number[] = []): Record<string, string> =>
  Object.fromEntries(
    list.filter(({ type }) => !except.includes(type)).map(({ type, payload }) => [type, payload.toString('hex')]),
  )

interface Snapshot {
  /** The kind's data. */
  readonly data: readonly RawAttribute[]
  /** All else that nothing but a request changes. */
  readonly device: Record<string, string>
}

async function snapshot(raw: Connection, index: number): Promise<Snapshot> {
  const bytes = await bytesOf(raw, index)
  return { data: attributes(find(bytes, DATA)!), device: shown(attributes(bytes), FOLLOWING) }
}

/** Nothing but the attributes with these numbers differs. */
function same(t: Test, before: Snapshot, after: Snapshot, except: readonly number[], what: string): void {
  t.same(shown(after.data, except), shown(before.data, except), `${what}: the rest of the data`)
  t.same(after.device, before.device, `${what}: the rest of the device`)
}

const numberOf = (kind: TunnelKind, key: string): number =>
  (KINDS[kind].rows as Readonly<Record<string, { type: number }>>)[key]!.type

interface Scene {
  readonly ns: Namespace
  readonly rt: Rtnetlink
  readonly raw: Connection
  readonly lower: number
}

async function scene(t: Test): Promise<Scene> {
  const ns = testNamespace(t)
  const rt = await Rtnetlink.open({ namespace: ns })
  const raw = rawly(ns)
  t.teardown(() => {
    rt.close()
    raw.close()
  })
  await rt.request(link.add({ ifname: 'lower', linkinfo: { kind: 'veth', data: { peer: { ifname: 'other' } } } }))
  const [lower] = await rt.get(link.get({ ifname: 'lower' }))
  return { ns, rt, raw, lower: lower!.index }
}

const casesOf = (kind: TunnelKind): KindCases => KIND_CASES.find((one) => one.kind === kind)!

/** Makes the device of a case, with an MTU that the kernel would not choose. */
async function create({ rt, lower }: Scene, kind: TunnelKind, { asked }: Case<TunnelKind>): Promise<void> {
  const data = (typeof asked === 'function' ? asked({ lower }) : asked) as KindInput<TunnelKind>
  const linkinfo = { kind, data } as LinkinfoInput
  await rt.request(link.add({ ifname: 'x', mtu: 1300, txqlen: 77, ifalias: 'kept', group: 5, linkinfo }))
}

for (const [kind, { changed, refused = {}, kept = {}, never = {} }] of Object.entries(CHANGES) as [
  TunnelKind,
  Changes,
][]) {
  t.test(`${kind}: one attribute at a time`, options, async (t) => {
    const tried = { ...changed, ...refused, ...kept, ...never }
    t.same(
      Object.keys(KINDS[kind].rows).filter((key) => !Object.hasOwn(tried, key)),
      [],
      'every attribute',
    )
    const here = await scene(t)
    const { rt, raw } = here
    await create(here, kind, casesOf(kind).cases[0]! as Case<TunnelKind>)
    const tunnel = await Tunnel.open(rt, 'x')
    const { index } = tunnel
    for (const [key, value] of Object.entries(changed)) {
      const before = await snapshot(raw, index)
      await tunnel.set({ [key]: value } as TunnelChanges)
      t.match((tunnel.data as Data)[key], value, `${key} is changed`)
      same(t, before, await snapshot(raw, index), [numberOf(kind, key)], key)
    }
    const refusals = [
      ...Object.entries(refused).map(([key, value]) => [key, value, { code: 'EOPNOTSUPP' }] as const),
      ...Object.entries(kept).map(
        ([key, value]) =>
          [
            key,
            value,
            { name: 'UnsupportedError', message: `x: the kernel said yes, and kept ${key} as it was` },
          ] as const,
      ),
    ]
    for (const [key, value, error] of refusals) {
      const before = await snapshot(raw, index)
      const { collectMetadata, ...rest } = { [key]: value } as Data
      const changes = collectMetadata === undefined ? rest : { external: collectMetadata }
      await t.rejects(tunnel.set(changes as TunnelChanges), error, `${key} is not changed`)
      same(t, before, await snapshot(raw, index), [], key)
    }
    const before = await snapshot(raw, index)
    await tunnel.set({ mtu: 1280, up: true })
    t.match(tunnel, { mtu: 1280, up: true })
    t.same(
      shown((await snapshot(raw, index)).data),
      shown(before.data),
      'what is not of the kind leaves its data alone',
    )
  })
}

t.test('over IPv6', options, async (t) => {
  const here = await scene(t)
  const [other] = await here.rt.get(link.get({ ifname: 'other' }))
  const changes: Partial<Record<TunnelKind, Data>> = {
    vxlan: { group6: 'ff05::77', local6: '2001:db8::77', label: 9, link: other!.index },
    geneve: { remote6: '2001:db8:1::77', label: 9, ttl: 5 },
  }
  for (const [kind, changed] of Object.entries(changes) as [TunnelKind, Data][]) {
    const over = casesOf(kind).cases.find(({ name }) => name.startsWith('over IPv6'))
    await create(here, kind, over as Case<TunnelKind>)
    const tunnel = await Tunnel.open(here.rt, 'x')
    for (const [key, value] of Object.entries(changed)) {
      const before = await snapshot(here.raw, tunnel.index)
      await tunnel.set({ [key]: value } as TunnelChanges)
      t.equal((tunnel.data as Data)[key], value, `${kind}: ${key} is changed`)
      same(t, before, await snapshot(here.raw, tunnel.index), [numberOf(kind, key)], `${kind}: ${key}`)
    }
    await tunnel.delete()
  }
})

t.test('attributes that every kind understands in its own way', options, async (t) => {
  const here = await scene(t)
  const changes: Partial<Record<TunnelKind, readonly [change: object, keys: readonly string[], told: Data]>> = {
    gre: [{ key: 77 }, ['ikey', 'okey'], { ikey: 77, okey: 77, iflags: ['csum', 'key', 'seq'] }],
    ip6gre: [{ key: 77 }, ['ikey', 'okey'], { ikey: 77, okey: 77, oflags: ['csum', 'key', 'seq'] }],
    ipip: [{ local: '192.0.2.99' }, ['local'], { local: '192.0.2.99' }],
    vti: [{ key: 77 }, ['ikey', 'okey'], { ikey: 77, okey: 77 }],
  }
  for (const [kind, [change, keys, told]] of Object.entries(changes) as [
    TunnelKind,
    readonly [object, readonly string[], Data],
  ][]) {
    await create(here, kind, casesOf(kind).cases[0]! as Case<TunnelKind>)
    const tunnel = await Tunnel.open(here.rt, 'x')
    const before = await snapshot(here.raw, tunnel.index)
    await tunnel.set(change as TunnelChanges)
    t.match(tunnel.data, told, kind)
    const numbers = keys.map((key) => numberOf(kind, key))
    same(t, before, await snapshot(here.raw, tunnel.index), numbers, kind)
    await tunnel.delete()
  }
})

t.test('what several devices have of one kind', options, async (t) => {
  /** Devices of all other cases, and one attribute that each can have changed. */
  const changes = (kind: TunnelKind, { data }: Tunnel): Data => {
    if (kind === 'vxlan' || kind === 'geneve') return { tos: 5 }
    if (kind === 'vti' || kind === 'vti6') return { fwmark: 5 }
    return 'encapDport' in data ? { encapDport: 5 } : { fwmark: 5 }
  }
  for (const kind of Object.keys(CHANGES) as TunnelKind[]) {
    const here = await scene(t)
    const { bare, cases } = casesOf(kind)
    for (const one of [bare, ...cases.slice(1)].filter(({ since }) => since === undefined)) {
      await create(here, kind, one as Case<TunnelKind>)
      const tunnel = await Tunnel.open(here.rt, 'x')
      const [[key, value]] = Object.entries(changes(kind, tunnel)) as [[string, unknown]]
      const before = await snapshot(here.raw, tunnel.index)
      const what = `${kind}, ${one.name}`
      if (REFUSES.has(what))
        await t.rejects(tunnel.set({ [key]: value } as TunnelChanges), { name: 'UnsupportedError' }, what)
      else {
        await tunnel.set({ [key]: value } as TunnelChanges)
        t.match((tunnel.data as Data)[key], value, what)
      }
      const except = REFUSES.has(what) ? [] : [numberOf(kind, key)]
      same(t, before, await snapshot(here.raw, tunnel.index), except, what)
      await tunnel.delete()
    }
  }
})

t.test('fallback devices refuse, and stay as they are', options, async (t) => {
  const { rt, raw } = await scene(t)
  for (const [kind, row] of Object.entries(TUNNEL_KINDS)) {
    if (!('fallback' in row)) continue
    const tunnel = await Tunnel.fallback(rt, kind as FallbackKind)
    const before = await snapshot(raw, tunnel.index)
    const error = { name: 'UnsupportedError', message: /fallback device/ }
    const changes = 'encapDport' in tunnel.data ? { encapDport: 5 } : { fwmark: 5 }
    await t.rejects(tunnel.set(changes as TunnelChanges<FallbackKind>), error, tunnel.ifname)
    same(t, before, await snapshot(raw, tunnel.index), [], tunnel.ifname)
  }
})

/** A transport on which the tables know none of the attributes of a kind but one: the others have other numbers. */
class Veil implements Transport {
  readonly portId: number
  readonly receiveBuffer: number
  readonly sendBuffer: number
  readonly #socket: NetlinkSocket
  readonly #known: number

  constructor(namespace: Namespace, known: number) {
    this.#socket = NetlinkSocket.open({ namespace })
    this.#known = known
    this.portId = this.#socket.portId
    this.receiveBuffer = this.#socket.receiveBuffer
    this.sendBuffer = this.#socket.sendBuffer
  }

  send(datagram: Buffer): Promise<void> {
    return this.#socket.send(this.#renumber(datagram, (type) => type & ~Veil.OTHER))
  }

  start(receiver: Receiver): void {
    const rename = (type: number): number => (type === this.#known ? type : type | Veil.OTHER)
    this.#socket.start({
      receive: (datagram) => receiver.receive(this.#renumber(datagram, rename)),
      fail: (error) => receiver.fail(error),
    })
  }

  /** A copy with other numbers for the attributes of a kind. */
  #renumber(datagram: Buffer, rename: (type: number) => number): Buffer {
    const copy = Buffer.from(datagram)
    for (const { type, start, end, bytes } of frames(copy)) {
      if (type !== RTM_NEWLINK) continue
      const data = find(bytes.subarray(start + NLMSG_HDRLEN + IFINFOMSG, end), DATA) ?? Buffer.alloc(0)
      for (const { payload } of attributes(data)) {
        const header = Buffer.from(payload.buffer, payload.byteOffset - 4, 4)
        writeU16(header, 2, rename(readU16(header, 2)))
      }
    }
    return copy
  }

  drops = (): number => this.#socket.drops()
  join = (group: number): void => this.#socket.join(group)
  check = (): void => this.#socket.check()
  openDump = (): never => {
    throw new Error('only lists are read here')
  }
  close = (): void => this.#socket.close()

  /** No attribute of a kind has this bit in its number. */
  static readonly OTHER = 0x200
}

t.test('attributes that the tables do not know are kept', options, async (t) => {
  for (const kind of Object.keys(CHANGES) as TunnelKind[]) {
    const here = await scene(t)
    await create(here, kind, casesOf(kind).cases[0]! as Case<TunnelKind>)
    const key = kind === 'vti' || kind === 'vti6' ? 'fwmark' : 'ttl'
    const number = numberOf(kind, key)
    const rt = Rtnetlink.over(new Veil(here.ns, number))
    t.teardown(() => rt.close())
    const tunnel = await Tunnel.open(rt, 'x')
    const { unknown = [] } = tunnel.data as { unknown?: unknown[] }
    t.same(Object.keys(tunnel.data).sort(), [key, 'unknown'], `${kind}: ${unknown.length} attributes are unknown`)
    const before = await snapshot(here.raw, tunnel.index)
    await tunnel.set({ [key]: 33 } as TunnelChanges)
    t.equal((tunnel.data as Data)[key], 33)
    same(t, before, await snapshot(here.raw, tunnel.index), [number], kind)
  }
})
