/**
 * Network namespaces for integration tests: hosts, LANs, ping and captured packets.
 * @packageDocumentation
 */
export { Capture, type CaptureOptions } from './capture.js'
export { Host, type LabDevice } from './host.js'
export { type DeviceDescription, type HostDescription, Lab, type LabDescription, type LabHosts } from './lab.js'
export {
  type Erspan,
  type Ethernet,
  type Gre,
  type Icmp,
  type Ip,
  type Layer,
  type Other,
  Packet,
  type Ports,
  type Vni,
} from './packet.js'
export type { PingOptions, PingResult } from './ping.js'
