import fc from 'fast-check'
import t from 'tap'
import { DecodeError, EncodeError } from '../../lib/errors.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import { align, type Frame, frames, NLMSG_HDRLEN, writeHeader } from '../../lib/wire/frame.js'
import { writeU16, writeU32 } from '../../lib/wire/host.js'
import type { MessageKind } from '../../lib/wire/message.js'
import type { Row } from '../../lib/wire/table.js'
import { arbitrary, messageValue } from '../helpers/arbitrary.js'
import { type Counter, counting } from '../helpers/counting.js'

/** How many random inputs; `FUZZ=1000000` for a thorough run, `FUZZ_SEED=…` to repeat one. */
const INPUTS = Number(process.env.FUZZ ?? 15_000)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
/** What fits into one attribute. */
const NLA_MAX = 0xffff

const kinds = new Set<MessageKind>()
for (let type = 16; type < 200; type++) {
  const kind = rtnetlink.kind(type)
  if (kind !== undefined) kinds.add(kind)
}
const samples = [...kinds].flatMap((kind) =>
  fc.sample(messageValue(kind), { seed: SEED, numRuns: 40 }).map((value) => kind.encode(kind.base, 5, value)),
)

/** Random numbers from a seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let n = Math.imul(state ^ (state >>> 15), 1 | state)
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n
    return ((n ^ (n >>> 14)) >>> 0) % below
  }
}

/** A message around attributes (and whatever else). */
function message(type: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(NLMSG_HDRLEN + body.length)
  bytes.set(body, NLMSG_HDRLEN)
  writeHeader(bytes, 0, bytes.length, type, 5, 1, 2)
  return bytes
}

/** What came of decoding: values, or the only error that there may be. */
function decode(bytes: Buffer): ReturnType<typeof rtnetlink.decode> | DecodeError {
  try {
    return rtnetlink.decode(bytes)
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

/** Decodes, shows and encodes again; throws what must not be thrown. */
function swallow(bytes: Buffer, thorough: boolean): void {
  const decoded = decode(bytes)
  if (!thorough) return
  rtnetlink.inspect(bytes)
  rtnetlink.attributePath(bytes, bytes.length >> 1)
  rtnetlink.attributeName(bytes, bytes.length >> 1, 1)
  if (decoded instanceof DecodeError) return
  for (const one of decoded) {
    try {
      const again = rtnetlink.encode(one)
      if (!rtnetlink.encode(rtnetlink.decode(again)[0]!).equals(again))
        throw new Error('not the same when encoded again')
    } catch (error) {
      // What the kernel would never send may be out of a builder's range.
      if (!(error instanceof EncodeError)) throw error
    }
  }
}

t.test('bytes at random, and valid messages with changes, decode or throw DecodeError', async (t) => {
  const next = random(SEED)
  const types = [...kinds].flatMap(({ base }) => [base, base + 1, base + 2, base + 3])
  const mutations: ((b: Buffer) => Buffer)[] = [
    (b) => {
      b[next(b.length)] = next(256)
      return b
    },
    (b) => {
      b[next(b.length)]! ^= 1 << next(8)
      return b
    },
    (b) => {
      writeU16(b, align(next(b.length - 1)) % (b.length - 1), next(64))
      return b
    },
    (b) => b.subarray(0, next(b.length)),
    (b) => Buffer.concat([b, samples[next(samples.length)]!]),
    (b) => {
      const from = align(next(b.length))
      const to = align(next(b.length))
      return Buffer.concat([b.subarray(0, to), b.subarray(from, from + align(next(64))), b.subarray(to)])
    },
  ]
  const noise = (): Buffer =>
    message(
      types[next(types.length)]!,
      Uint8Array.from({ length: next(96) }, () => next(256)),
    )
  let refused = 0
  let failure: { bytes: Buffer; error: unknown } | undefined
  for (let i = 0; i < INPUTS && failure === undefined; i++) {
    let bytes = next(4) === 0 ? noise() : Buffer.from(samples[next(samples.length)]!)
    for (let n = next(4); n >= 0 && bytes.length > 4; n--) bytes = mutations[next(mutations.length)]!(bytes)
    // Half the time the length is what it must be, so that more than the envelope is read.
    if (next(2) === 0 && bytes.length >= NLMSG_HDRLEN) writeU32(bytes, 0, bytes.length)
    try {
      if (i % 8 === 0) swallow(bytes, true)
      else if (decode(bytes) instanceof DecodeError) refused++
    } catch (error) {
      failure = { bytes, error }
    }
  }
  t.equal(
    failure?.bytes.toString('hex'),
    undefined,
    `${INPUTS} inputs, FUZZ_SEED=${SEED}: ${failure?.error ?? 'clean'}`,
  )
  t.ok(refused > INPUTS / 20 && refused < (INPUTS * 19) / 20, `of which ${refused} were refused: both ways are walked`)
})

t.test('every beginning of a message', async (t) => {
  let prefixes = 0
  for (const bytes of samples.filter((_, i) => i % 5 === 0)) {
    for (let length = 0; length < bytes.length; length++, prefixes++) {
      const cut = Buffer.from(bytes.subarray(0, length))
      const whole = decode(cut)
      if (length > 0 && !(whole instanceof DecodeError)) t.fail(`${length} of ${bytes.toString('hex')}`)
      if (length < NLMSG_HDRLEN) continue
      // The message itself says that it ends here.
      writeU32(cut, 0, length)
      swallow(cut, length % 16 === 0)
    }
  }
  t.ok(prefixes > 10_000, `${prefixes} beginnings, FUZZ_SEED=${SEED}`)
})

t.test('attributes of impossible lengths', async (t) => {
  const link = Buffer.alloc(16)
  for (const length of [0, 1, 2, 3, 9, 0x7fff, NLA_MAX]) {
    const attribute = Buffer.alloc(8)
    writeU16(attribute, 0, length)
    writeU16(attribute, 2, 4)
    t.match(
      decode(message(16, Buffer.concat([link, attribute]))),
      new DecodeError('', `an attribute of ${length} bytes where 8 are left`),
    )
  }
  const inner = Buffer.from([12, 0, 18, 0, 9, 0, 1, 0, 0x67, 0x72, 0x65, 0])
  t.match(
    decode(message(16, Buffer.concat([link, inner]))),
    new DecodeError('linkinfo', 'an attribute of 9 bytes where 8 are left'),
  )
  const hop = Buffer.from([12, 0, 9, 0, 16, 0, 0, 0, 5, 0, 0, 0])
  const route = Buffer.alloc(12)
  t.match(
    decode(message(24, Buffer.concat([route, hop]))),
    new DecodeError('multipath', 'an item of 16 bytes where 8 are left'),
  )
  hop[4] = 4
  t.match(
    decode(message(24, Buffer.concat([route, hop]))),
    new DecodeError('multipath', 'an item of 4 bytes where 8 are left'),
  )
})

t.test('nests as deep as they can be', async (t) => {
  const levels = Math.floor(NLA_MAX / 4)
  for (const kind of kinds) {
    const numbers = Object.values(kind.body.rows).map((row) => (row as Row<unknown>).type & 0x3fff)
    for (const number of new Set(numbers)) {
      const bomb = Buffer.alloc(levels * 4)
      for (let i = 0; i < levels; i++) {
        writeU16(bomb, 4 * i, bomb.length - 4 * i)
        writeU16(bomb, 4 * i + 2, 0x8000 | number)
      }
      const bytes = message(kind.base, Buffer.concat([Buffer.alloc(align(kind.body.header.size)), bomb]))
      decode(bytes)
      rtnetlink.inspect(bytes)
      rtnetlink.attributePath(bytes, bytes.length - 4)
      rtnetlink.attributeName(bytes, bytes.length - 4, 1)
    }
  }
  t.pass(`${levels} levels of every attribute`)
})

t.test('work grows with the bytes, and no faster', async (t) => {
  const frameOf = (bytes: Buffer): Frame => frames(bytes).next().value!
  const work: Record<string, (bytes: Buffer, counter: Counter) => void> = {
    decode(bytes, counter) {
      try {
        rtnetlink.decodeValue({ ...frameOf(bytes), bytes: counting(bytes, counter) })
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
      }
    },
    inspect: (bytes, counter) => rtnetlink.inspect(counting(bytes, counter)),
    attributePath: (bytes, counter) => rtnetlink.attributePath(counting(bytes, counter), bytes.length - 1),
    attributeName: (bytes, counter) => rtnetlink.attributeName(counting(bytes, counter), bytes.length - 4, 1),
  }
  /** A part repeated, with `last` at the end, in a nest of number `nest` if there is one. */
  const flood = (kind: MessageKind, part: Buffer, size: number, last = Buffer.alloc(0), nest?: number): Buffer => {
    const many = Buffer.concat([...Array<Buffer>(Math.ceil(size / part.length)).fill(part), last])
    const header = Buffer.alloc(align(kind.body.header.size))
    if (nest === undefined) return message(kind.base, Buffer.concat([header, many]))
    const open = Buffer.alloc(4)
    writeU16(open, 0, 4 + many.length)
    writeU16(open, 2, nest)
    return message(kind.base, Buffer.concat([header, open, many]))
  }
  const check = (name: string, make: (size: number) => Buffer): void => {
    const [small, large] = [make(256), make(2048)]
    for (const [what, run] of Object.entries(work)) {
      const [one, eight]: [Counter, Counter] = [{ reads: 0 }, { reads: 0 }]
      run(small, one)
      run(large, eight)
      const growth = (eight.reads / one.reads) * (small.length / large.length)
      if (!(growth < 1.3))
        t.fail(`${what} of ${name}: ${one.reads} reads of ${small.length} bytes, ${eight.reads} of ${large.length}`)
    }
  }
  let floods = 0
  for (const kind of kinds) {
    for (const [key, row] of Object.entries(kind.body.rows) as [string, Row<unknown>][]) {
      const { codec, type } = row
      if (type < 0 || codec.variants?.bridge !== undefined) continue
      const [value] = fc.sample(arbitrary(codec.variants === undefined ? codec : kind.body, 'inet'), {
        seed: 1,
        numRuns: 1,
      })
      const one = codec.variants === undefined ? (row.repeated ? [value] : value) : { type: 9, data: Buffer.alloc(4) }
      const bytes = kind.encode(kind.base, 5, { family: 'inet', [key]: one })
      const part = bytes.subarray(NLMSG_HDRLEN + align(kind.body.header.size))
      if (part.length === 0) continue
      check(`${kind.name} ${key}`, (size) => flood(kind, part, size))
      floods++
    }
  }
  t.ok(floods > 150, `${floods} attributes, each repeated`)
  const empty = (type: number): Buffer => Buffer.from([4, 0, type, 0])
  const link = rtnetlink.kind(16)!
  const route = rtnetlink.kind(24)!
  const encapType = Buffer.from([6, 0, 21, 0, 2, 0, 0, 0])
  const kind = Buffer.from([8, 0, 1, 0, 0x67, 0x72, 0x65, 0])
  for (let type = 0; type < 70; type++) {
    check(`empty attributes ${type} of a link`, (size) => flood(link, empty(type), size))
    check(`empty attributes ${type} of a route, and an encap type`, (size) =>
      flood(route, empty(type), size, encapType),
    )
    check(`empty attributes ${type} of linkinfo, and a kind`, (size) => flood(link, empty(type), size, kind, 18))
    check(`encap types, and empty attributes ${type}`, (size) =>
      flood(route, Buffer.concat([encapType, empty(type)]), size),
    )
  }
  check('hops', (size) => flood(route, Buffer.from([8, 0, 0, 0, 0, 0, 0, 0]), size, undefined, 9))
  check('hops with encaps', (size) =>
    flood(route, Buffer.concat([Buffer.from([20, 0, 0, 0, 0, 0, 0, 0]), empty(22), encapType]), size, undefined, 9),
  )
})
