import { formatIpv6, formatLinkAddress, hasHostBits, parseLinkAddress, prefixLength, writeIpv6 } from '../address.js'
import { EncodeError, UnsupportedError } from '../errors.js'
import type { AddressMap } from './address-map.js'
import type { Family, Way } from './kinds.js'
import { Member, type Members } from './member.js'
import type { Peer } from './peer.js'
import { formatQuad, hostBits, quad, readQuad } from './quad.js'
import { isRefusal, type Scheme } from './scheme.js'

/** Addresses that no peer can have, and why, in words: those of this host and the broadcast addresses of its networks. */
export type Underlay = Pick<AddressMap<string>, 'find' | 'findHost' | 'values'>

const scratch = Buffer.alloc(16)

/** Reads an address into `quad` or `scratch`; undefined if it is none. */
const parse = (text: string): Family | undefined =>
  readQuad(text) ? (quad.bare ? 'inet' : undefined) : writeIpv6(text, scratch, 0) ? 'inet6' : undefined

/** What stands there, in its one spelling: IPv4 addresses have no other. */
const canonical = (text: string, family: Family): string => (family === 'inet' ? text : formatIpv6(scratch, 0))

function notUnicast(family: Family): string | undefined {
  if (family === 'inet') {
    const high = quad.word >>> 24
    if (high === 0 || high === 127) return 'it is one of this host'
    if (high >= 224 && high < 240) return 'it is a multicast address'
    return quad.word === -1 ? 'it is the broadcast address' : undefined
  }
  const first = scratch[0]!
  if (first === 0xff) return 'it is a multicast address'
  if (first === 0xfe && (scratch[1]! & 0xc0) === 0x80) return 'it is a link-local address'
  for (let i = 0; i < 12; i++) if (scratch[i] !== 0) return undefined
  return 'it stands for an IPv4 address or this host'
}

const UNICAST = 'the unicast address of another host'

/** An endpoint in its one spelling. */
export function normalEndpoint(value: unknown, path: string): string {
  const family = typeof value === 'string' ? parse(value) : undefined
  if (family === undefined) throw new EncodeError(path, value, UNICAST)
  return canonical(value as string, family)
}

/** Checks peers one after the other and spells them in one way. */
export class Roster {
  /** Prefixes that hold the endpoint of their own peer, where that may be meant: of length 0, or in a table of their own. */
  readonly covering: { readonly path: string; readonly prefix: string; readonly endpoint: string }[] = []
  readonly #members: Members
  readonly #scheme: Scheme
  readonly #underlay: Underlay
  readonly #families: readonly Family[]
  readonly #gateways = new Map<string, Member>()
  readonly #macs = new Set<string>()
  readonly #list: boolean
  /** Something is addressed by MAC. */
  readonly #needsMac: boolean
  /** Several peers may have one MAC. */
  readonly #sharesMac: boolean
  /** Peers must have more than an endpoint and prefixes. */
  readonly #needs: boolean
  /** Where the peer at hand stands. */
  #count = 0
  /** Its family, and its word. */
  #family: Family = 'inet'
  #word = 0
  /** Its last prefix as a word, where it is a single address of IPv4; else 0. */
  #host = 0

  /**
   * @param families families that endpoints may have
   * @param members is filled
   * @param list the peers come as a list: errors say which of it
   */
  constructor(scheme: Scheme, underlay: Underlay, families: readonly Family[], members: Members, list = true) {
    this.#members = members
    this.#scheme = scheme
    this.#underlay = underlay
    this.#families = families
    this.#list = list
    const ways = [scheme.ways.inet, scheme.ways.inet6].filter((way): way is Way => !isRefusal(way))
    this.#needsMac = ways.some(({ lladdr }) => lladdr === 'mac')
    this.#sharesMac = ways.some(({ shared }) => shared === true)
    this.#needs = this.#needsMac || scheme.gatewayNeeded
  }

  /** Paths are made only for errors: a hundred thousand peers pass through here. */
  #path(property: string, index = this.#count): string {
    return `${this.#list ? `peers[${index}]` : 'peer'}.${property}`
  }

  /**
   * Takes the next peer.
   * @returns where it stands among the members
   * @throws {EncodeError} that says which property of which peer cannot be
   * @throws {UnsupportedError} if the device cannot carry it
   */
  add(peer: Peer): number {
    if (typeof peer !== 'object' || peer === null)
      throw new EncodeError(this.#list ? `peers[${this.#count}]` : 'peer', peer, 'a peer { endpoint, prefixes }')
    const { endpoint, weight, mac, gateway, prefixes } = peer
    this.#endpoint(endpoint)
    if (weight !== undefined) this.#weight(weight)
    if (mac !== undefined) this.#mac(mac)
    if (gateway !== undefined) this.#gateway(gateway)
    this.#prefixes(prefixes)
    if (this.#needs) this.#complete(this.#member)
    return this.#count++
  }

  /** The peer at hand. */
  get #member(): Member {
    return new Member(this.#members, this.#count)
  }

  #endpoint(value: unknown): void {
    const family = typeof value === 'string' ? parse(value) : undefined
    if (family === undefined) this.#refuseEndpoint(value, UNICAST)
    const isQuad = family === 'inet'
    const { word } = quad
    const why = notUnicast(family)
    if (why !== undefined) this.#refuseEndpoint(value, `${UNICAST} (${why})`)
    if (!this.#families.includes(family)) {
      const { ifname, kind } = this.#scheme.device
      const words = this.#families[0] === 'inet' ? 'IPv4' : 'IPv6'
      this.#refuseEndpoint(value, `an ${words} address (${ifname} of kind ${kind} has ${words} outside)`)
    }
    const endpoint = canonical(value as string, family)
    const taken = isQuad ? this.#underlay.findHost(word) : this.#underlay.find(endpoint)
    if (taken >= 0) this.#refuseEndpoint(value, `${UNICAST} (${this.#underlay.values[taken]})`)
    const other = this.#members.add(endpoint, family, word)
    if (other >= 0) {
      const path = this.#path('', other).slice(0, -1)
      this.#refuseEndpoint(value, `an endpoint of one peer only (it is that of ${path} too)`)
    }
    this.#family = family
    this.#word = word
  }

  #refuseEndpoint(value: unknown, expected: string): never {
    throw new EncodeError(this.#path('endpoint'), value, expected)
  }

  #weight(weight: number): void {
    if (!Number.isInteger(weight) || weight < 1 || weight > 256)
      throw new EncodeError(this.#path('weight'), weight, 'a whole number from 1 to 256')
    if (weight !== 1) this.#members.know(this.#count, { weight })
  }

  #mac(mac: unknown): void {
    const bytes = typeof mac === 'string' ? parseLinkAddress(mac) : undefined
    if (bytes === undefined || bytes.length !== 6 || bytes[0]! & 1 || bytes.every((byte) => byte === 0))
      throw new EncodeError(this.#path('mac'), mac, 'the MAC address of one station')
    const text = formatLinkAddress(bytes, 0, 6)
    this.#members.know(this.#count, { mac: text })
    if (!this.#needsMac) return
    if (this.#macs.has(text)) {
      if (this.#sharesMac) return
      const { carriage } = this.#scheme.ways.inet as Partial<Way>
      const hint = carriage === 'fdb' ? " (with strategy 'nexthop' several may have it)" : ''
      throw new EncodeError(this.#path('mac'), mac, `the MAC address of one peer only${hint}`)
    }
    this.#macs.add(text)
  }

  #gateway(gateway: unknown): void {
    const family = typeof gateway === 'string' ? parse(gateway) : undefined
    if (family === undefined || notUnicastGateway(family))
      throw new EncodeError(this.#path('gateway'), gateway, 'a unicast address')
    const text = canonical(gateway as string, family)
    const taken = this.#underlay.find(text)
    if (taken >= 0)
      throw new EncodeError(this.#path('gateway'), gateway, `an address of the peer (${this.#underlay.values[taken]})`)
    const member = this.#member
    const other = this.#gateways.get(text)
    if (other !== undefined && !this.#sameStation(member, other))
      throw new EncodeError(this.#path('gateway'), gateway, 'the gateway of one peer only')
    this.#gateways.set(text, member)
    member.know({ gateway: text })
  }

  /** Whether two peers are ways to one MAC, and so may be to one gateway. */
  #sameStation({ mac }: Member, other: Member): boolean {
    return this.#sharesMac && mac !== undefined && mac === other.mac
  }

  #prefixes(prefixes: unknown): void {
    if (!Array.isArray(prefixes)) throw new EncodeError(this.#path('prefixes'), prefixes, 'a list of prefixes')
    if (prefixes.length === 1) {
      this.#members.prefixes[this.#count] = this.#prefix(prefixes[0], 0)
      this.#members.hosts[this.#count] = this.#host
      return
    }
    const own = new Set<string>()
    for (let i = 0; i < prefixes.length; i++) own.add(this.#prefix(prefixes[i], i))
    this.#member.prefixes = [...own]
  }

  #prefix(value: unknown, index: number): string {
    if (typeof value !== 'string') return this.#refusePrefix(index, value, 'an IPv4 or IPv6 prefix')
    const text = value === 'default' ? '0.0.0.0/0' : value
    const family: Family = readQuad(text) ? 'inet' : 'inet6'
    const length = family === 'inet' ? this.#checkIpv4(text, index) : this.#readIpv6(text, index)
    const way = this.#scheme.ways[family]
    if (isRefusal(way)) throw new UnsupportedError(`${this.#path(`prefixes[${index}]`)}: ${value}: ${way.refused}`)
    this.#host = family === 'inet' && length === 32 ? quad.word : 0
    const prefix = family === 'inet' ? (quad.bare ? `${text}/32` : text) : `${formatIpv6(scratch, 0)}/${length}`
    if (family === this.#family && this.#covers(length)) this.#cover(prefix, length, index)
    return prefix
  }

  /** The length of the prefix in `quad`. */
  #checkIpv4(text: string, index: number): number {
    const { word, length } = quad
    if (length < 0) return this.#refusePrefix(index, text, 'a prefix of length 0 to 32')
    if (hostBits(word, length) === 0) return length
    const network = formatQuad(word ^ hostBits(word, length))
    return this.#refusePrefix(index, text, `a prefix without host bits (${network}/${length})`)
  }

  /** Reads a prefix into `scratch`, and returns its length. */
  #readIpv6(text: string, index: number): number {
    const slash = text.indexOf('/')
    if (!writeIpv6(slash === -1 ? text : text.slice(0, slash), scratch, 0))
      return this.#refusePrefix(index, text, 'an IPv4 or IPv6 prefix')
    const length = prefixLength(text) ?? 128
    if (!(length <= 128)) return this.#refusePrefix(index, text, 'a prefix of length 0 to 128')
    if (!hasHostBits(scratch, 0, 16, length)) return length
    const network = Buffer.from(scratch)
    for (let bit = length; bit < 128; bit++) network[bit >> 3]! &= ~(0x80 >> (bit & 7))
    return this.#refusePrefix(index, text, `a prefix without host bits (${formatIpv6(network, 0)}/${length})`)
  }

  #refusePrefix(index: number, value: unknown, expected: string): never {
    throw new EncodeError(this.#path(`prefixes[${index}]`), value, expected)
  }

  /** Whether the prefix in `quad` or `scratch` holds the endpoint, which is of the same family. */
  #covers(length: number): boolean {
    if (this.#family === 'inet') return length === 0 || (this.#word ^ quad.word) >>> (32 - length) === 0
    writeIpv6(this.#member.endpoint, other, 0)
    const whole = length >> 3
    for (let i = 0; i < whole; i++) if (scratch[i] !== other[i]) return false
    const rest = length & 7
    return rest === 0 || ((scratch[whole]! ^ other[whole]!) & (0xff00 >> rest) & 0xff) === 0
  }

  /** A prefix that holds the peer's own endpoint. */
  #cover(prefix: string, length: number, index: number): void {
    const { endpoint } = this.#member
    if (length > 0 && MAIN_TABLES.has(this.#scheme.table) && !this.#scheme.force)
      this.#refusePrefix(
        index,
        prefix,
        `a prefix without the peer's own endpoint ${endpoint} (its packets would go into the tunnel that they come out of)`,
      )
    this.covering.push({ path: this.#path(`prefixes[${index}]`), prefix, endpoint })
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
    if (this.#sharesMac || !this.#needsMac || member.mac !== undefined || (member.prefixes.length === 0 && flood))
      return
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
