import { u32, u64 } from '../wire/scalars.js'
import { struct } from '../wire/struct.js'

/**
 * Packet counters of a device: the same in four and in eight bytes each (linux/if_link.h).
 * @module
 */

const counters = <W>(word: W) => ({
  /** Packets received. */
  rxPackets: word,
  /** Packets sent. */
  txPackets: word,
  /** Bytes received. */
  rxBytes: word,
  /** Bytes sent. */
  txBytes: word,
  /** Bad packets received. */
  rxErrors: word,
  /** Packets that could not be sent: on a tunnel without a way to the peer these count. */
  txErrors: word,
  /** Good packets received and dropped. */
  rxDropped: word,
  /** Packets dropped on their way out. */
  txDropped: word,
  /** Multicast packets received. */
  multicast: word,
  /** Collisions on the medium. */
  collisions: word,
  /** Received with a wrong length. */
  rxLengthErrors: word,
  /** Receiver overflows. */
  rxOverErrors: word,
  /** Received with a wrong checksum. */
  rxCrcErrors: word,
  /** Received misaligned. */
  rxFrameErrors: word,
  /** Receive queue overflows; on GRE packets out of sequence. */
  rxFifoErrors: word,
  /** Missed by the receiver. */
  rxMissedErrors: word,
  /** Transmissions given up; on a tunnel of packets that looped. */
  txAbortedErrors: word,
  /** No carrier; on a tunnel no route to the peer. */
  txCarrierErrors: word,
  /** Send queue underruns. */
  txFifoErrors: word,
  /** Heartbeat errors. */
  txHeartbeatErrors: word,
  /** Late collisions. */
  txWindowErrors: word,
  /** Compressed packets received. */
  rxCompressed: word,
  /** Compressed packets sent. */
  txCompressed: word,
  /** Received and taken by nobody. */
  rxNohandler: word,
})

/** `struct rtnl_link_stats`: counters that wrap at 2^32. */
export const STATS = struct('rtnl_link_stats', counters(u32), { growing: true })

/** `struct rtnl_link_stats64`. */
export const STATS64 = struct(
  'rtnl_link_stats64',
  {
    ...counters(u64),
    /** Received for another station's address. Linux 5.19. */
    rxOtherhostDropped: u64,
  },
  { growing: true },
)
