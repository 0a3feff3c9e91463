/**
 * Network namespaces for integration tests: hosts, LANs, ping and captured packets.
 * @packageDocumentation
 */
export { Capture, type CaptureOptions } from './capture.js'
export { FakeTransport, refuse } from './fake.js'
export { Host, type LabDevice } from './host.js'
export { type DeviceDescription, type HostDescription, Lab, type LabDescription, type LabHosts } from './lab.js'
export type { Erspan, Ethernet, Gre, Icmp, Ip, Layer, Other, Ports, Vni } from './layer.js'
export { Packet } from './packet.js'
export type { PingOptions, PingResult } from './ping.js'
