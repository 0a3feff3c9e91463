import { type InspectOptions, inspect } from 'node:util'

/**
 * A message to the kernel as a plain value: made by a builder, checked and encoded when it is made, reusable, sent by
 * a connection. Nothing in it changes afterwards.
 * @typeParam Reply what the kernel sends back: a link, a route, …
 */
export class Request<Reply = unknown> {
  /** Only for the compiler: what a reply decodes to. */
  declare readonly reply: Reply
  /** The kernel's name of the message, `RTM_NEWROUTE`. */
  readonly operation: string
  /** nlmsg_type. */
  readonly type: number
  /** nlmsg_flags (NLM_F_*). */
  readonly flags: number
  /** It asks and changes nothing. */
  readonly reads: boolean
  #value: object | (() => object) | undefined
  #bytes: Buffer | undefined

  /**
   * @param value what the builder was given, with its defaults, or what puts it together when someone asks
   * @param bytes the whole message; undefined where a subclass makes it when it is sent ({@link write}), and `value` too
   * @param reads by default what two bits of the type say in rtnetlink: 0 new, 1 delete, 2 get, 3 set
   */
  constructor(
    operation: string,
    type: number,
    flags: number,
    value: object | (() => object) | undefined,
    bytes: Buffer | undefined,
    reads: boolean = (type & 3) === 2,
  ) {
    this.operation = operation
    this.type = type
    this.flags = flags
    this.#value = value
    this.#bytes = bytes
    this.reads = reads
  }

  /** The whole message in bytes, sequence number and port id 0. Not to be written to. */
  get bytes(): Buffer {
    if (this.#bytes === undefined) {
      this.#bytes = Buffer.alloc(this.length)
      this.write(this.#bytes, 0)
    }
    return this.#bytes
  }

  /** How many bytes there are. */
  get length(): number {
    return this.bytes.length
  }

  /** Writes the bytes into others. */
  write(target: Buffer, at: number): void {
    target.set(this.bytes, at)
  }

  /** What the builder was given, with its defaults. A copy, but what is within it is still the caller's. */
  get value(): Readonly<Record<string, unknown>> {
    if (typeof this.#value === 'function') this.#value = this.#value()
    return this.#value as Readonly<Record<string, unknown>>
  }

  /** What it is about, for messages and logs: `12.1.1.1/32`, `tunl0`. */
  get subject(): string {
    return subjectOf(this.value)
  }

  /** `RTM_NEWROUTE 12.1.1.1/32`. */
  toString(): string {
    return `${this.operation} ${this.subject}`.trimEnd()
  }

  /** What console.log shows: `RTM_NEWROUTE { dst: '12.1.1.1/32', … }`, or its subject alone deep within something. */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return depth < 0 ? `[${this}]` : `${this.operation} ${inspect(this.value, { ...options, depth })}`
  }
}

/** The value's own name: the first of these that it has. */
const NAMES = [
  'ifname',
  'dst',
  'address',
  'local',
  'lladdr',
  'id',
  'nhId',
  'priority',
  'src',
  'nsid',
  'index',
  'ifindex',
  'port',
] as const

function subjectOf(value: Readonly<Record<string, unknown>>): string {
  for (const name of NAMES) {
    const v = value[name]
    if (typeof v === 'string') return v
    if (typeof v === 'number') return `${name} ${v}`
  }
  return ''
}
