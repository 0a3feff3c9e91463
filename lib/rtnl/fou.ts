import { KernelError, UnsupportedError } from '../errors.js'
import { Connection, type ConnectionOptions, type WaitOptions } from '../netlink/connection.js'
import type { SocketNamespace } from '../netlink/descriptor.js'
import type { RequestResult } from '../netlink/single.js'
import { NetlinkSocket } from '../netlink/socket.js'
import { type Place, placeOf } from '../netns/place.js'
import { CTRL, FOU, type FouPort, type FouPortInput, GENL_ID_CTRL } from '../schema/generic.js'
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from '../wire/frame.js'
import { MessageKind } from '../wire/message.js'
import { Registry } from '../wire/registry.js'
import { Request } from '../wire/request.js'
import { withDefaults } from './builder.js'

const NETLINK_GENERIC = 16
const VERSION = 1

const kindOf = (type: number) => new MessageKind('fou', type, FOU, ['command'])

/**
 * Ports on which the kernel takes tunnel packets out of UDP (foo-over-udp), for ipip, sit and gre devices with
 * `encapType: 'fou'` or `'gue'`: ip-fou(8). Needs CAP_NET_ADMIN, and the kernel's module fou, which no request loads:
 * `modprobe fou`.
 * @example
 * await using fou = await Fou.open()
 * await fou.add({ port: 5555, ipproto: 4 })
 * await fou.add({ port: 5556, type: 'gue' })
 */
export class Fou extends Connection {
  readonly #kind: ReturnType<typeof kindOf>

  private constructor(type: number, namespace: SocketNamespace | undefined, options: ConnectionOptions) {
    const kind = kindOf(type)
    const { tap } = options
    super(NetlinkSocket.open({ namespace, protocol: NETLINK_GENERIC }), new Registry([kind]), {
      ...options,
      tap: tap && ((datagram) => tap({ ...datagram, protocol: NETLINK_GENERIC })),
    })
    this.#kind = kind
  }

  /**
   * Opens a generic netlink socket and asks for the number of fou.
   * @throws {UnsupportedError} where the kernel has no fou, or its module is not loaded
   */
  static async open(options: ConnectionOptions & { namespace?: Place | undefined } = {}): Promise<Fou> {
    const { namespace: place, ...rest } = options
    const namespace = placeOf(place)
    const control = new MessageKind('nlctrl', GENL_ID_CTRL, CTRL, ['command'])
    const socket = NetlinkSocket.open({ namespace, protocol: NETLINK_GENERIC })
    await using connection = new Connection(socket, new Registry([control]), rest)
    const value = { cmd: 'getfamily', version: VERSION, familyName: 'fou' } as const
    const bytes = control.encode(GENL_ID_CTRL, NLM_F_REQUEST, value)
    const request = new Request<{ familyId?: number }>(
      'CTRL_CMD_GETFAMILY',
      GENL_ID_CTRL,
      NLM_F_REQUEST,
      value,
      bytes,
      true,
    )
    try {
      const [family] = await connection.get(request)
      return new Fou(family!.familyId!, namespace, rest)
    } catch (cause) {
      /* c8 ignore next -- the controller has no other answer */
      if (!(cause instanceof KernelError) || cause.code !== 'ENOENT') throw cause
      throw new UnsupportedError('the kernel has no fou, or its module is not loaded (modprobe fou)', { cause })
    }
  }

  /** Listens on a port. Rejects with EADDRINUSE if something does, with an EncodeError before anything is sent. */
  async add(port: FouPortInput, options: WaitOptions = {}): Promise<RequestResult> {
    return this.request(this.#request('add', NLM_F_ACK, port), options)
  }

  /** Listens no more; give what `add` was given. */
  async delete(port: FouPortInput, options: WaitOptions = {}): Promise<RequestResult> {
    return this.request(this.#request('del', NLM_F_ACK, port), options)
  }

  /** The ports that there are. */
  async ports(options: WaitOptions = {}): Promise<FouPort[]> {
    return this.list(this.#request('get', NLM_F_DUMP, {}), options)
  }

  /** The message `ip fou add|del|show` would send. */
  #request(cmd: 'add' | 'del' | 'get', flags: number, port: FouPortInput): Request<FouPort> {
    // As `ip fou` has it: IPv4 unless said otherwise, plain encapsulation unless it is gue.
    const value =
      cmd === 'get'
        ? { cmd, version: VERSION }
        : { ...withDefaults(port, { af: 'inet', ...(cmd === 'add' && { type: 'direct' }) }), cmd, version: VERSION }
    const { base } = this.#kind
    const all = NLM_F_REQUEST | flags
    return new Request(
      `FOU_CMD_${cmd.toUpperCase()}`,
      base,
      all,
      value,
      this.#kind.encode(base, all, value),
      cmd === 'get',
    )
  }
}
