import {
  formatIpv4,
  formatIpv6,
  formatLinkAddress,
  hasHostBits,
  parseLinkAddress,
  prefixLength,
  writeIpv4,
  writeIpv6,
} from '../address.js'
import { EncodeError, UnsupportedError } from '../errors.js'
import type { Family } from './kinds.js'
import { hashAddress } from './metric.js'
import { canonicalAddress, Member, type Peer } from './peer.js'
import { isRefusal, type Scheme } from './scheme.js'

/** Addresses that no peer can have. */
export interface Underlay {
  /** Addresses of this host, and the device that each is on. */
  readonly local: ReadonlyMap<string, string>
  /** Broadcast addresses of its networks. */
  readonly broadcast: ReadonlySet<string>
}

const scratch = Buffer.alloc(16)

const familyOf = (text: string): Family => (text.includes(':') ? 'inet6' : 'inet')

/** Puts an address into `scratch`; false if it is none. */
const parse = (text: string, family: Family): boolean =>
  family === 'inet' ? writeIpv4(text, scratch, 0) : writeIpv6(text, scratch, 0)

/** What stands in `scratch`, in its one spelling: IPv4 addresses have no other. */
const canonical = (text: string, family: Family): string => (family === 'inet' ? text : formatIpv6(scratch, 0))

function notUnicast(family: Family): string | undefined {
  const first = scratch[0]!
  if (family === 'inet') {
    if (first === 0 || first === 127) return 'it is one of this host'
    if (first >= 224 && first < 240) return 'it is a multicast address'
    return scratch.readUInt32BE(0) === 0xffffffff ? 'it is the broadcast address' : undefined
  }
  if (first === 0xff) return 'it is a multicast address'
  if (first === 0xfe && (scratch[1]! & 0xc0) === 0x80) return 'it is a link-local address'
  for (let i = 0; i < 12; i++) if (scratch[i] !== 0) return undefined
  return 'it stands for an IPv4 address or this host'
}

const UNICAST = 'the unicast address of another host'

/** An endpoint in its one spelling. */
export function normalEndpoint(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new EncodeError(path, value, UNICAST)
  const family = familyOf(value)
  if (!parse(value, family)) throw new EncodeError(path, value, UNICAST)
  return canonical(value, family)
}

/** Checks peers one after the other and spells them in one way. */
export class Roster {
  /** By endpoint. */
  readonly members = new Map<string, Member>()
  /** Prefixes that hold the endpoint of their own peer, where that may be meant: of length 0, or in a table of their own. */
  readonly covering: { readonly path: string; readonly prefix: string; readonly endpoint: string }[] = []
  readonly #scheme: Scheme
  readonly #underlay: Underlay
  readonly #families: readonly Family[]
  readonly #gateways = new Map<string, Member>()
  readonly #macs = new Map<string, Member>()
  readonly #list: boolean
  #count = 0

  /**
   * @param families families that endpoints may have
   * @param list the peers come as a list: errors say which of it
   */
  constructor(scheme: Scheme, underlay: Underlay, families: readonly Family[], list = true) {
    this.#scheme = scheme
    this.#underlay = underlay
    this.#families = families
    this.#list = list
  }

  /** Paths are made only for errors: a hundred thousand peers pass through here. */
  #path(property: string, index = this.#count): string {
    return `${this.#list ? `peers[${index}]` : 'peer'}.${property}`
  }

  /**
   * Takes the next peer.
   * @throws {EncodeError} that says which property of which peer cannot be
   * @throws {UnsupportedError} if the device cannot carry it
   */
  add(peer: Peer): Member {
    if (typeof peer !== 'object' || peer === null)
      throw new EncodeError(this.#list ? `peers[${this.#count}]` : 'peer', peer, 'a peer { endpoint, prefixes }')
    const member = this.#endpoint(peer.endpoint)
    const { weight, mac, gateway } = peer
    if (weight !== undefined) {
      if (!Number.isInteger(weight) || weight < 1 || weight > 256)
        throw new EncodeError(this.#path('weight'), weight, 'a whole number from 1 to 256')
      member.weight = weight
    }
    if (mac !== undefined) this.#mac(member, mac)
    if (gateway !== undefined) this.#gateway(member, gateway)
    this.#prefixes(member, peer.prefixes)
    this.#complete(member)
    this.members.set(member.endpoint, member)
    this.#count++
    return member
  }

  #endpoint(value: unknown): Member {
    const refuse = (expected: string): never => {
      throw new EncodeError(this.#path('endpoint'), value, expected)
    }
    if (typeof value !== 'string') return refuse(UNICAST)
    const family = familyOf(value)
    if (!parse(value, family)) return refuse(UNICAST)
    const why = notUnicast(family)
    if (why !== undefined) return refuse(`${UNICAST} (${why})`)
    const endpoint = canonical(value, family)
    const hash = hashAddress(family === 'inet' ? scratch.subarray(0, 4) : scratch)
    const { ifname, kind } = this.#scheme.device
    if (!this.#families.includes(family)) {
      const words = this.#families[0] === 'inet' ? 'IPv4' : 'IPv6'
      return refuse(`an ${words} address (${ifname} of kind ${kind} has ${words} outside)`)
    }
    const device = this.#underlay.local.get(endpoint)
    if (device !== undefined) return refuse(`${UNICAST} (it is on ${device})`)
    if (this.#underlay.broadcast.has(endpoint))
      return refuse(`${UNICAST} (it is the broadcast address of a network here)`)
    if (this.members.has(endpoint)) {
      const first = [...this.members.keys()].indexOf(endpoint)
      return refuse(`an endpoint of one peer only (it is that of ${this.#path('', first).slice(0, -1)} too)`)
    }
    return new Member(endpoint, family, hash)
  }

  #mac(member: Member, mac: unknown): void {
    const bytes = typeof mac === 'string' ? parseLinkAddress(mac) : undefined
    if (bytes === undefined || bytes.length !== 6 || bytes[0]! & 1 || bytes.every((byte) => byte === 0))
      throw new EncodeError(this.#path('mac'), mac, 'the MAC address of one station')
    member.mac = formatLinkAddress(bytes, 0, 6)
    if (!this.#needsMac()) return
    if (this.#macs.has(member.mac)) throw new EncodeError(this.#path('mac'), mac, 'the MAC address of one peer only')
    this.#macs.set(member.mac, member)
  }

  #gateway(member: Member, gateway: unknown): void {
    const text =
      typeof gateway === 'string' && parse(gateway, familyOf(gateway)) ? canonicalAddress(gateway) : undefined
    if (text === undefined || notUnicastGateway(familyOf(text)))
      throw new EncodeError(this.#path('gateway'), gateway, 'a unicast address')
    const device = this.#underlay.local.get(text)
    if (device !== undefined)
      throw new EncodeError(this.#path('gateway'), gateway, `an address of the peer (it is on ${device} here)`)
    if (this.#gateways.has(text)) throw new EncodeError(this.#path('gateway'), gateway, 'the gateway of one peer only')
    this.#gateways.set(text, member)
    member.gateway = text
  }

  #prefixes(member: Member, prefixes: unknown): void {
    if (!Array.isArray(prefixes)) throw new EncodeError(this.#path('prefixes'), prefixes, 'a list of prefixes')
    const own = member.prefixes
    for (let i = 0; i < prefixes.length; i++) {
      const prefix = this.#prefix(member, prefixes[i], i)
      // A peer with very many prefixes would make this look quadratic.
      if (own.length < 16 && own.includes(prefix)) continue
      own.push(prefix)
    }
    if (own.length >= 16) member.prefixes = [...new Set(own)]
  }

  #prefix(member: Member, value: unknown, index: number): string {
    const refuse = (expected: string): never => {
      throw new EncodeError(this.#path(`prefixes[${index}]`), value, expected)
    }
    if (typeof value !== 'string') return refuse('an IPv4 or IPv6 prefix')
    const text = value === 'default' ? '0.0.0.0/0' : value
    const family = familyOf(text)
    const most = family === 'inet' ? 32 : 128
    const slash = text.indexOf('/')
    const address = slash === -1 ? text : text.slice(0, slash)
    if (!parse(address, family)) return refuse('an IPv4 or IPv6 prefix')
    const length = slash === -1 ? most : prefixLength(text)!
    if (!(length <= most)) return refuse(`a prefix of length 0 to ${most}`)
    if (length < most && hasHostBits(scratch, 0, most >> 3, length))
      return refuse(`a prefix without host bits (${masked(family, length)})`)
    const way = this.#scheme.ways[family]
    if (isRefusal(way)) throw new UnsupportedError(`${this.#path(`prefixes[${index}]`)}: ${value}: ${way.refused}`)
    const prefix = family === 'inet' ? (slash === -1 ? `${text}/32` : text) : `${formatIpv6(scratch, 0)}/${length}`
    if (family === 'inet') member.carriesInet = true
    else member.carriesInet6 = true
    if (family === member.family && covers(length, member.endpoint, family)) {
      if (length > 0 && MAIN_TABLES.has(this.#scheme.table) && !this.#scheme.force)
        return refuse(
          `a prefix without the peer's own endpoint ${member.endpoint} (its packets would go into the tunnel that they come out of)`,
        )
      this.covering.push({ path: this.#path(`prefixes[${index}]`), prefix, endpoint: member.endpoint })
    }
    return prefix
  }

  /** Whether anything is addressed by MAC. */
  #needsMac(): boolean {
    const { inet, inet6 } = this.#scheme.ways
    return (!isRefusal(inet) && inet.lladdr === 'mac') || (!isRefusal(inet6) && inet6.lladdr === 'mac')
  }

  /** What a peer must have where the device needs it. */
  #complete(member: Member): void {
    const { flood, gatewayNeeded, device } = this.#scheme
    if (gatewayNeeded && member.gateway === undefined && member.prefixes.length > 0)
      throw new EncodeError(
        this.#path('gateway'),
        undefined,
        'an address of the peer inside the tunnel, which strategy neighbour needs',
      )
    if (member.gateway !== undefined && member.prefixes.length === 0) {
      if (familyOf(member.gateway) === 'inet') member.carriesInet = true
      else member.carriesInet6 = true
    }
    if (!this.#needsMac() || member.mac !== undefined || (member.prefixes.length === 0 && flood)) return
    if (flood && member.gateway !== undefined) return
    throw new EncodeError(
      this.#path('mac'),
      undefined,
      `the MAC address of the peer's device, which ${device.ifname} needs because it carries Ethernet`,
    )
  }
}

/** Tables that underlay packets are looked up in unless rules say otherwise: main, default, local. */
const MAIN_TABLES: ReadonlySet<number> = new Set([253, 254, 255])

const notUnicastGateway = (family: Family): boolean =>
  family === 'inet' ? notUnicast(family) !== undefined : scratch[0] === 0xff || scratch.every((byte) => byte === 0)

const other = Buffer.alloc(16)

/** Whether the prefix in `scratch` holds an address of the same family. */
function covers(length: number, address: string, family: Family): boolean {
  if (family === 'inet') writeIpv4(address, other, 0)
  else writeIpv6(address, other, 0)
  const whole = length >> 3
  for (let i = 0; i < whole; i++) if (scratch[i] !== other[i]) return false
  const rest = length & 7
  return rest === 0 || ((scratch[whole]! ^ other[whole]!) & (0xff00 >> rest) & 0xff) === 0
}

function masked(family: Family, length: number): string {
  const bytes = Buffer.from(scratch)
  for (let bit = length; bit < 128; bit++) bytes[bit >> 3]! &= ~(0x80 >> (bit & 7))
  return `${family === 'inet' ? formatIpv4(bytes, 0) : formatIpv6(bytes, 0)}/${length}`
}
