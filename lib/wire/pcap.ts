/** A netlink datagram as it went by. */
export interface Captured {
  /** Its bytes. */
  readonly bytes: Uint8Array
  /** True if this process sent it, false if the kernel did. */
  readonly sent: boolean
  /** When, in milliseconds since 1970; 0 by default. */
  readonly time?: number
  /** NETLINK_ROUTE (0) by default, NETLINK_GENERIC (16), … */
  readonly protocol?: number
}

const MAGIC = 0xa1b2c3d4
const LINKTYPE_NETLINK = 253
const ARPHRD_NETLINK = 824
const PACKET_HOST = 0
const PACKET_OUTGOING = 4
const SNAPLEN = 262_144

/**
 * Datagrams as a capture file that Wireshark and tshark open (pcap-savefile(5), link type LINKTYPE_NETLINK).
 * @example
 * const session: Captured[] = []
 * await using rt = await Rtnetlink.open({ tap: (datagram) => session.push(datagram) })
 * await rt.list(link.list())
 * await writeFile('session.pcap', toPcap(session)) // tshark -r session.pcap -V
 */
export function toPcap(datagrams: Iterable<Captured>): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32BE(MAGIC, 0)
  header.writeUInt16BE(2, 4)
  header.writeUInt16BE(4, 6)
  header.writeUInt32BE(SNAPLEN, 16)
  header.writeUInt32BE(LINKTYPE_NETLINK, 20)
  const parts: Uint8Array[] = [header]
  for (const { bytes, sent, time = 0, protocol = 0 } of datagrams) {
    const record = Buffer.alloc(32)
    const length = 16 + bytes.length
    record.writeUInt32BE(Math.floor(time / 1000), 0)
    record.writeUInt32BE(Math.floor((time % 1000) * 1000), 4)
    record.writeUInt32BE(length, 8)
    record.writeUInt32BE(length, 12)
    record.writeUInt16BE(sent ? PACKET_OUTGOING : PACKET_HOST, 16)
    record.writeUInt16BE(ARPHRD_NETLINK, 18)
    record.writeUInt16BE(protocol, 30)
    parts.push(record, bytes)
  }
  return Buffer.concat(parts)
}
