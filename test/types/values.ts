import {
  type Address,
  address,
  decode,
  encode,
  type Link,
  type LinkInput,
  link,
  type Neighbour,
  type Netns,
  type Nexthop,
  neighbour,
  netnsId,
  nexthop,
  type Request,
  type Route,
  type RouteInput,
  type Rtnetlink,
  type Rule,
  route,
  rule,
} from '../../lib/index.js'

/**
 * What the compiler must accept and what it must refuse. Compiling this file is the test: a line that is marked as an
 * error and is none fails as much as an error that is not marked. Nothing here is run.
 * @module
 */

/** True where two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>): void => {}

/** The data of a kind, as a link is told with it. */
type DataOf<K> = Extract<NonNullable<Link['linkinfo']>, { kind: K }>['data']

export function dataFollowsFromKind(told: Link): void {
  link.add({ ifname: 'gre1', linkinfo: { kind: 'gre', data: { local: '192.0.2.1', ikey: 5, iflags: ['key', 0x100] } } })
  link.add({ linkinfo: { kind: 'vxlan', data: { id: 5, learning: false, portRange: { low: 1, high: 2 }, gbp: true } } })
  link.add({ linkinfo: { kind: 'dummy' } })
  link.add({ linkinfo: { kind: 'wireguard' } })
  link.add({ linkinfo: { kind: 'wireguard', unknown: [{ type: 2, data: Buffer.alloc(0) }] } })
  link.add({ linkinfo: { kind: 'veth', data: { peer: { ifname: 'b', up: true, netNsPid: 1 } } } })
  link.add({ master: 5, linkinfo: { slaveKind: 'bridge', slaveData: { learning: false } } })
  // @ts-expect-error: of vxlan
  link.add({ linkinfo: { kind: 'gre', data: { learning: false } } })
  // @ts-expect-error: of gre
  link.add({ linkinfo: { kind: 'vxlan', data: { ikey: 5 } } })
  // @ts-expect-error: GRE over IPv6 has flowinfo instead
  link.add({ linkinfo: { kind: 'ip6gre', data: { tos: 1 } } })
  // @ts-expect-error: a kind without a table has no data
  link.add({ linkinfo: { kind: 'wireguard', data: {} } })
  // @ts-expect-error: data without kind
  link.add({ linkinfo: { data: { ikey: 5 } } })
  // @ts-expect-error: a peer has no linkinfo
  link.add({ linkinfo: { kind: 'veth', data: { peer: { linkinfo: { kind: 'veth' } } } } })
  const { linkinfo } = told
  if (linkinfo?.kind === 'gre') {
    same<number | undefined, NonNullable<typeof linkinfo.data>['ikey']>(true)
    // @ts-expect-error: not of gre
    linkinfo.data?.learning
  }
  same<boolean | undefined, NonNullable<DataOf<'vxlan'>>['learning']>(true)
  same<boolean | undefined, NonNullable<DataOf<'vxlan'>>['collectMetadata']>(true)
  same<boolean | undefined, NonNullable<DataOf<'gre'>>['collectMetadata']>(true)
  same<bigint | undefined, NonNullable<DataOf<'vxlan'>>['reservedBits']>(true)
  same<string | undefined, NonNullable<DataOf<'ip6tnl'>>['remote']>(true)
}

export function wrongPropertiesAndUnits(): void {
  // @ts-expect-error: no such property
  route.add({ dst: '10.0.0.0/8', gatway: '192.0.2.1' })
  // @ts-expect-error: text for a number
  route.add({ dst: '10.0.0.0/8', oif: '7' })
  // @ts-expect-error: a number for an address
  route.add({ dst: '10.0.0.0/8', gateway: 0xc0000201 })
  // @ts-expect-error: no such flag
  route.add({ dst: '10.0.0.0/8', flags: ['onlnk'] })
  // @ts-expect-error: no such type
  route.add({ dst: '10.0.0.0/8', type: 'unicst' })
  // @ts-expect-error: null is not absent
  route.add({ dst: '10.0.0.0/8', gateway: null })
  // @ts-expect-error: the length of a prefix is in the prefix
  route.add({ dst: '10.0.0.0', dstLen: 8 })
  // @ts-expect-error: no such name of a table
  route.add({ dst: '10.0.0.0/8', table: 'mian' })
  // @ts-expect-error: a hop has no prefix
  route.add({ multipath: [{ dst: '10.0.0.0/8' }] })
  // @ts-expect-error: metrics have names
  route.add({ metrics: { mtuu: 1400 } })
  // @ts-expect-error: an MPLS encap has no id
  route.add({ encap: { type: 'mpls', id: 5n } })
  // @ts-expect-error: an encap has a type
  route.add({ encap: { dst: '192.0.2.1' } })
  // @ts-expect-error: one of a type without a table has data
  route.add({ encap: { type: 6, ttl: 1 } })
  // @ts-expect-error: a switch is no text
  link.add({ linkinfo: { kind: 'vxlan', data: { udpCsum: 'on' } } })
  // @ts-expect-error: a flag is there or not
  link.add({ linkinfo: { kind: 'gre', data: { collectMetadata: 1 } } })
  // @ts-expect-error: up is a switch
  link.change({ index: 1, up: 'yes' })
  // @ts-expect-error: a group has ids
  nexthop.add({ group: [7] })
  // @ts-expect-error: no such state
  neighbour.add({ ifindex: 1, state: ['perm'] })
  // @ts-expect-error: no such property of an address
  address.add({ index: 1, addres: '10.0.0.1/8' })
  // @ts-expect-error: no such action
  rule.add({ action: 'drop' })
  // @ts-expect-error: an id is a number
  netnsId.add({ nsid: '5' })
  // @ts-expect-error: something is to be added
  route.add()
}

export function whatIsAccepted(): void {
  route.add({ dst: 'default', table: 'main', protocol: 78, type: 1, scope: 'link', flags: 4 })
  route.add({ dst: 'default', encap: { type: 'ip', id: 5, flags: ['key'] } })
  route.add({ dst: 'default', encap: { type: 2, id: 5n } })
  route.add({ dst: 'default', encap: { type: 6, data: new Uint8Array(4) } })
  route.add({ dst: 'default', gateway: undefined, metrics: undefined, unknown: undefined })
  route.add({ dst: 'default', via: { address: 'fe80::1' } })
  link.add({ linkinfo: { kind: 'vxlan', data: { id: 1, learning: 0, udpCsum: 1, proxy: true, gbp: false } } })
  link.change({ index: 1, up: 0 })
  nexthop.add({ id: 1, blackhole: false })
  neighbour.add({ ifindex: 1, state: 0x80, flags: ['self', 0x80] })
  route.list()
  // What was made once and for all is accepted too, lists and all.
  const once = {
    dst: '10.0.0.0/8',
    flags: ['onlink'],
    multipath: [{ gateway: '192.0.2.1', oif: 1, flags: ['onlink'], encap: { type: 'mpls', dst: [100] } }],
    unknown: [{ type: 99, data: new Uint8Array(1) }],
  } as const satisfies RouteInput
  route.add(once)
  const frozen: Readonly<RouteInput> = Object.freeze({ dst: 'default' })
  route.add(frozen)
  const device = { linkinfo: { kind: 'gre', data: { iflags: ['key'] } } } as const satisfies LinkInput
  link.add(device)
}

export async function repliesAreTyped(rt: Rtnetlink): Promise<void> {
  same<Request<Link>, ReturnType<typeof link.get>>(true)
  same<Request<Address>, ReturnType<typeof address.list>>(true)
  same<Request<Route>, ReturnType<typeof route.add>>(true)
  same<Request<Nexthop>, ReturnType<typeof nexthop.get>>(true)
  same<Request<Neighbour>, ReturnType<typeof neighbour.get>>(true)
  same<Request<Rule>, ReturnType<typeof rule.list>>(true)
  same<Request<Netns>, ReturnType<typeof netnsId.get>>(true)
  const links = await rt.get(link.get({ ifname: 'tunl0' }))
  same<Link[], typeof links>(true)
  for await (const one of rt.dump(route.list({ table: 254 }))) {
    same<Route, typeof one>(true)
    same<string | undefined, typeof one.dst>(true)
    same<number | undefined, typeof one.table>(true)
    // @ts-expect-error: not of a route
    one.ifname
  }
  const rules: Rule[] = await rt.list(rule.list())
  // @ts-expect-error: rules are not routes
  const routes: Route[] = await rt.list(rule.list())
  void [rules, routes]
}

export function whatIsReadCanBeSent(told: {
  link: Link
  route: Route
  nexthop: Nexthop
  neighbour: Neighbour
  rule: Rule
}): void {
  link.change({ ...told.link, up: false })
  route.replace({ ...told.route, priority: 5 })
  nexthop.replace(told.nexthop)
  neighbour.replace(told.neighbour)
  rule.add(told.rule)
}

export function requestsDoNotChange(request: Request): void {
  // @ts-expect-error: read-only
  request.flags = 0
  // @ts-expect-error: read-only
  request.value.dst = 'default'
}

export function messagesFollowFromTheirType(bytes: Uint8Array): void {
  for (const message of decode(bytes)) {
    if (message.type === 'RTM_NEWROUTE' || message.type === 'RTM_DELROUTE') {
      same<string | undefined, typeof message.value.gateway>(true)
    } else if (message.type === 'RTM_NEWLINK') {
      same<string | undefined, typeof message.value.ifname>(true)
      // @ts-expect-error: not of a link
      message.value.gateway
    } else if (message.type === 'NLMSG_ERROR') same<number | undefined, typeof message.value.error>(true)
    encode(message, { seq: 1 })
    encode(message)
  }
  // @ts-expect-error: no such message
  encode({ type: 'RTM_NEWROUT', flags: [], value: {} })
}
