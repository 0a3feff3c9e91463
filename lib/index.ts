/**
 * Typed rtnetlink for Linux NBMA tunnels: one device without a remote address, any number of peers.
 * @packageDocumentation
 */
export {
  ClosedError,
  DecodeError,
  DumpInterruptedError,
  EncodeError,
  type Extack,
  type FailedRequest,
  KernelError,
  NamespaceGoneError,
  NbmaError,
  OutcomeUnknownError,
  OverrunError,
  UnsupportedError,
} from './errors.js'
export type { BatchOptions, BatchResult, BatchSource } from './netlink/batch.js'
export { Connection, type ConnectionOptions, type RequestOptions, type WaitOptions } from './netlink/connection.js'
export type { RequestResult } from './netlink/single.js'
export type { DumpTransport, Receiver, Transport } from './netlink/transport.js'
export { CommandError, type ExecOptions, type Finished, Namespace } from './netns/namespace.js'
export type { Place } from './netns/place.js'
export { address } from './rtnl/address.js'
export { Fou } from './rtnl/fou.js'
export { link } from './rtnl/link.js'
export { decode, encode, inspect, type MessageName, type Objects, type RtMessage } from './rtnl/messages.js'
export { neighbour } from './rtnl/neighbour.js'
export { netnsId } from './rtnl/netns.js'
export { nexthop } from './rtnl/nexthop.js'
export { route } from './rtnl/route.js'
export { type Group, type RtEvent, Rtnetlink, type RtnetlinkOptions } from './rtnl/rtnetlink.js'
export { rule } from './rtnl/rule.js'
export type { Address, AddressInput } from './schema/address.js'
export type { FouPort, FouPortInput } from './schema/generic.js'
export type { Link, LinkInput } from './schema/link.js'
export type { Neighbour, NeighbourInput } from './schema/neighbour.js'
export type { Netns, NetnsInput } from './schema/netns.js'
export type { Nexthop, NexthopInput } from './schema/nexthop.js'
export type { Route, RouteInput } from './schema/route.js'
export type { Rule, RuleInput } from './schema/rule.js'
export type { Finding } from './tunnel/check.js'
export type { ChangeOptions, SyncOptions } from './tunnel/converge.js'
export type { Progress } from './tunnel/deliver.js'
export type { Drift } from './tunnel/drift.js'
export { type DeviceFacts, type FallbackKind, TUNNEL_KINDS, type TunnelKind } from './tunnel/kinds.js'
export { METRICS, NEXTHOP_IDS, type Range } from './tunnel/metric.js'
export type { OverlayOptions } from './tunnel/options.js'
export { Overlay } from './tunnel/overlay.js'
export type { Peer } from './tunnel/peer.js'
export { type PeerFailure, PeersError, type SyncResult } from './tunnel/result.js'
export type { ForeignRoute } from './tunnel/routes.js'
export type { Strategy } from './tunnel/scheme.js'
export { Tunnel, type TunnelChanges, type TunnelOptions } from './tunnel/tunnel.js'
export type { OverlayEvent, WatchOptions } from './tunnel/watch.js'
export { type Captured, toPcap } from './wire/pcap.js'
export type { Envelope } from './wire/registry.js'
export { Request } from './wire/request.js'
export type { Series } from './wire/series.js'
export type { UnknownAttribute } from './wire/table.js'
