import { release } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import { link } from '../../lib/rtnl/link.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { KINDS, type Kind } from '../../lib/schema/kinds.js'
import type { LinkinfoInput } from '../../lib/schema/link.js'
import { testNamespace } from '../helpers/kernel.js'
import { agree, withoutPadding } from '../show/agree.js'
import { otherIproute2, printed } from '../show/iproute2.js'
import { devicesIn, SILENT, link as shown, TIMERS } from '../show/link.js'
import { type Case, isSince, type KindCases, type Surroundings } from './cases.js'

type Data = Readonly<Record<string, unknown>>

const known = (since: string | undefined): boolean => isSince(since, release())

const without = (data: Data, keys: readonly string[]): Data =>
  Object.fromEntries(Object.entries(data).filter(([key, value]) => value !== undefined && !keys.includes(key)))

const askedOf = ({ asked }: Case<Kind>, around: Surroundings): Data =>
  typeof asked === 'function' ? asked(around) : asked

/** Makes the devices of a kind, and compares what the kernel tells of them with what was asked, and with iproute2. */
export function readBack(t: Test, { kind, bare, ...more }: KindCases): Promise<unknown> {
  const { cases, newer, optional = [], free = {}, never = {} } = more
  return t.test(kind, async (t) => {
    const ns = testNamespace(t)
    const rt = await Rtnetlink.open({ namespace: ns })
    t.teardown(() => rt.close())
    const around = await surroundings(rt)
    let count = 0
    const create = async (one: Case<Kind>): Promise<Data> => {
      const ifname = `x${count++}`
      const linkinfo = { kind, data: askedOf(one, around) } as LinkinfoInput
      await rt.request(link.add({ ...one.link?.(around), ifname, linkinfo }))
      const [found] = await rt.get(link.get({ ifname }))
      return withoutPadding(found?.linkinfo?.data ?? {}) as Data
    }
    const compare = (data: Data, expected: Data, one: Case<Kind>): void => {
      const { name, but } = one
      const asked = askedOf(one, around)
      const open = Object.keys(free)
      t.same(without(data, open), without(expected, open), but === undefined ? name : `${name}: ${but}`)
      for (const key of open) if (key in asked) t.match(data[key], asked[key], `${name}: ${key}`)
    }

    const toldBy = (newer: KindCases['newer'] = {}): Data[] =>
      Object.entries(newer).map(([since, told]) => (known(since) ? told : {}))

    const first = await create(bare)
    const built = optional.filter(({ told }) => Object.keys(told).every((key) => first[key] !== undefined))
    const additions = [...toldBy(newer), ...built.map(({ told }) => told)]
    const defaults: Data = Object.assign({}, askedOf(bare, around), bare.told, ...additions)
    compare(first, defaults, bare)

    const here = [...cases, ...built.flatMap((one) => one.cases)]
    const differing = new Set<string>()
    for (const one of here.filter(({ since }) => known(since))) {
      const data = await create(one)
      compare(data, Object.assign({}, defaults, askedOf(one, around), one.told, ...toldBy(one.newer)), one)
      for (const key in data) if (!isDeepStrictEqual(data[key], first[key])) differing.add(key)
    }
    const elsewhere = [...cases, ...optional.flatMap((one) => one.cases)].filter(
      (one) => !here.includes(one) || !known(one.since),
    )
    const excused = new Set([...Object.keys(never), ...elsewhere.flatMap((one) => Object.keys(askedOf(one, around)))])
    t.same(
      Object.keys(KINDS[kind].rows).filter((key) => !differing.has(key) && !excused.has(key)),
      [],
      'each attribute was told with another value than its default, or is listed',
    )
    for (const one of elsewhere) t.comment(`this kernel has no ${kind} device ${one.name}`)

    if (otherIproute2()) return
    const devices = devicesIn(await rt.list(link.list()))
    const timer = 'linkinfo.info_data.gc_timer'
    await agree(t, {
      ours: () => rt.list(link.list()),
      theirs: () => printed(ns, 'ip -d -s -s -j link'),
      shape: (one) => shown(one, devices),
      silent: SILENT,
      uncompared: kind === 'bridge' ? { [timer]: TIMERS[timer]! } : {},
    })
  })
}

/** A device that others can be on. */
async function surroundings(rt: Rtnetlink): Promise<Surroundings> {
  await rt.request(link.add({ ifname: 'lower', linkinfo: { kind: 'veth', data: { peer: { ifname: 'other' } } } }))
  const [lower] = await rt.get(link.get({ ifname: 'lower' }))
  return { lower: lower!.index }
}
