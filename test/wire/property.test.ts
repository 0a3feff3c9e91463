import fc from 'fast-check'
import t from 'tap'
import { FOU } from '../../lib/schema/generic.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import { align, type Frame, frames, NLMSG_HDRLEN } from '../../lib/wire/frame.js'
import { readU32 } from '../../lib/wire/host.js'
import { MessageKind } from '../../lib/wire/message.js'
import { Registry } from '../../lib/wire/registry.js'
import { codecs, messageValue } from '../helpers/arbitrary.js'
import { attributes } from '../helpers/attributes.js'
import { holds } from '../helpers/property.js'

const FOU_TYPE = 1000
const fou = new Registry([new MessageKind('fou', FOU_TYPE, FOU, ['command'])])

/** Every kind of message that there is, by its name. */
const kinds = new Map<string, { kind: MessageKind; registry: Registry }>([
  ['fou', { kind: fou.kind(FOU_TYPE)!, registry: fou }],
])
for (let type = 16; type < 200; type++) {
  const kind = rtnetlink.kind(type)
  if (kind !== undefined) kinds.set(kind.name, { kind, registry: rtnetlink })
}

/** Where `actual` lacks something of `expected`, as a path; undefined where it has all. */
function lacks(actual: unknown, expected: unknown, path = ''): string | undefined {
  if (Buffer.isBuffer(expected)) return Buffer.isBuffer(actual) && actual.equals(expected) ? undefined : path
  if (typeof expected !== 'object' || expected === null) return Object.is(actual, expected) ? undefined : path
  if (typeof actual !== 'object' || actual === null) return path
  if (Array.isArray(expected) && (actual as unknown[]).length !== expected.length) return `${path}.length`
  for (const [key, item] of Object.entries(expected)) {
    const found = lacks((actual as Record<string, unknown>)[key], item, path === '' ? key : `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

const frameOf = (bytes: Buffer): Frame => frames(bytes).next().value!

/** Whether the attributes lie one after another and fill what they are in, and nested ones likewise. */
function fills(bytes: Buffer, start: number, depth = 0): boolean {
  let at = start
  for (const { payload, nested } of attributes(bytes, start)) {
    at += align(4 + payload.length)
    if (nested && !fills(payload, 0, depth + 1)) return false
  }
  return at === bytes.length
}

t.test('there is a kind for every object of rtnetlink that tunnels need', async (t) => {
  const names = ['ADDR', 'LINK', 'LINKPROP', 'NEIGH', 'NEXTHOP', 'NEXTHOPBUCKET', 'NSID', 'ROUTE', 'RULE', 'fou']
  t.same([...kinds.keys()].sort(), names)
})

t.test('tables do not contain each other, and no property means two things', async (t) => {
  let deepest = 0
  for (const [name, { kind }] of kinds) {
    for (const [, , depth] of codecs(kind.body)) deepest = Math.max(deepest, depth)
    for (const { key } of kind.body.header.fields)
      t.notOk(key in kind.body.rows, `${name}: ${key} is a field and a row`)
  }
  t.ok(deepest > 3 && deepest < 12, `nests ${deepest} deep`)
})

for (const [name, { kind, registry }] of kinds) {
  t.test(name, async (t) => {
    const operations = kind.operations.filter((one) => one !== 'get')
    const any = fc.tuple(messageValue(kind), fc.constantFrom(...operations))
    holds(
      t,
      'what is encoded decodes to the same and more',
      fc.property(any, ([value, operation]) => {
        const bytes = kind.encode(kind.type(operation), 5, value)
        const path = lacks(registry.decodeValue(frameOf(bytes)), value)
        if (path !== undefined) throw new Error(`${path} is lost`)
      }),
    )
    holds(
      t,
      'lengths are sums of aligned lengths',
      fc.property(any, ([value, operation]) => {
        const bytes = kind.encode(kind.type(operation), 5, value)
        const header = align(kind.body.header.size)
        return readU32(bytes, 0) === bytes.length && fills(bytes, NLMSG_HDRLEN + header)
      }),
    )
    holds(
      t,
      'decoded and encoded again nothing changes any more',
      fc.property(messageValue(kind), fc.constantFrom(...kind.operations), (value, operation) => {
        const type = kind.type(operation)
        const first = registry.decode(kind.encode(type, 5, value))
        const bytes = Buffer.concat(first.map((one) => registry.encode(one, { seq: 7, pid: 9 })))
        const second = registry.decode(bytes)
        const path = lacks(second[0]!.value, first[0]!.value) ?? lacks(first[0]!.value, second[0]!.value)
        if (path !== undefined) throw new Error(`${path} differs`)
        if (second[0]!.seq !== 7 || second[0]!.pid !== 9) throw new Error('not the envelope that was asked for')
        return registry.encode(second[0]!, { seq: 7, pid: 9 }).equals(bytes)
      }),
    )
    holds(
      t,
      'what no table knows survives byte for byte',
      fc.property(fc.uint8Array({ maxLength: 32 }), fc.integer({ min: 0, max: 0xffff }), (data, flags) => {
        const one = { type: (flags & 0xc000) | 0x3f00, data: Buffer.from(data) }
        const bytes = kind.encode(kind.base, 5, { unknown: [one] })
        const [message] = registry.decode(bytes)
        return lacks(message!.value, { unknown: [one] }) === undefined && registry.encode(message!).equals(bytes)
      }),
    )
    holds(
      t,
      'any message can be shown as text',
      fc.property(any, ([value, operation]) => {
        const text = registry.inspect(kind.encode(kind.type(operation), 5, value))
        return (
          text.startsWith(kind.operation(kind.type(operation))) && !/undefined|\[object|NaN|malformed|\(\d/.test(text)
        )
      }),
      50,
    )
  })
}
