import type { Address } from '../schema/address.js'
import type { Link } from '../schema/link.js'
import type { Neighbour } from '../schema/neighbour.js'
import type { Netns } from '../schema/netns.js'
import type { Nexthop } from '../schema/nexthop.js'
import type { Route } from '../schema/route.js'
import { rtnetlink } from '../schema/rtnetlink.js'
import type { Rule } from '../schema/rule.js'
import type { Message } from '../wire/protocol.js'
import type { Envelope } from '../wire/registry.js'
import type { Request } from '../wire/request.js'

/** What each kind of message is about, by the kernel's name of the kind. */
export interface Objects {
  LINK: Link
  LINKPROP: Link
  ADDR: Address
  ROUTE: Route
  NEIGH: Neighbour
  RULE: Rule
  NSID: Netns
  NEXTHOP: Nexthop
  NEXTHOPBUCKET: Nexthop
}

/** The names of a kind's messages: `RTM_NEWROUTE`, `RTM_DELROUTE`, … */
export type MessageName<K extends keyof Objects> = `RTM_${'NEW' | 'DEL' | 'GET' | 'SET'}${K}`

/** A decoded message; `value` follows from `type`. */
export type RtMessage =
  | { [K in keyof Objects]: Message<Objects[K]> & { readonly type: MessageName<K> } }[keyof Objects]
  | (Message<{ error?: number; data: Buffer }> & {
      readonly type: 'NLMSG_NOOP' | 'NLMSG_ERROR' | 'NLMSG_DONE' | 'NLMSG_OVERRUN' | number
    })

/**
 * A request, or a decoded message, in bytes.
 * @throws {EncodeError}
 * @example
 * encode(route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12', oif: 7, flags: ['onlink'] }), { seq: 1 })
 */
export const encode = (message: Request | Omit<RtMessage, 'seq' | 'pid'>, envelope?: Envelope): Buffer =>
  rtnetlink.encode(message as Parameters<typeof rtnetlink.encode>[0], envelope)

/**
 * The messages of a datagram. What the tables do not know is kept in `unknown`.
 * @throws {DecodeError}
 * @example
 * for (const { type, value } of decode(datagram)) if (type === 'RTM_NEWROUTE') console.log(value.dst)
 */
export const decode = (bytes: Uint8Array): RtMessage[] => rtnetlink.decode(bytes) as unknown as RtMessage[]

/** The messages of a datagram as text, attribute by attribute, with the kernel's names. Never throws. */
export const inspect = (bytes: Uint8Array): string =>
  rtnetlink.inspect(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
