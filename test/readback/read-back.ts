import { release } from 'node:os'
import type { Test } from 'tap'
import { link } from '../../lib/rtnl/link.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { KINDS, type Kind } from '../../lib/schema/kinds.js'
import type { Link, LinkinfoInput } from '../../lib/schema/link.js'
import { testNamespace } from '../helpers/kernel.js'
import { agree } from '../show/agree.js'
import { otherIproute2, printed } from '../show/iproute2.js'
import { devicesIn, SILENT, link as shown, TIMERS } from '../show/link.js'
import { type Case, isSince, type KindCases, type Surroundings } from './cases.js'

type Data = Readonly<Record<string, unknown>>

const known = ({ since }: { since?: string }): boolean => isSince(since, release())

const without = (data: Data, keys: readonly string[]): Data =>
  Object.fromEntries(Object.entries(data).filter(([key, value]) => value !== undefined && !keys.includes(key)))

const askedOf = ({ asked }: Case<Kind>, around: Surroundings): Data =>
  typeof asked === 'function' ? asked(around) : asked

/** Makes the devices of a kind, and compares what the kernel tells of them with what was asked, and with iproute2. */
export function readBack(t: Test, kindCases: KindCases<Kind>): Promise<unknown> {
  const { kind, bare, newer = {}, free = {}, never = {} } = kindCases
  return t.test(kind, async (t) => {
    const ns = testNamespace(t)
    const rt = await Rtnetlink.open({ namespace: ns })
    t.teardown(() => rt.close())
    const around = await surroundings(rt)
    const cases = kindCases.cases.filter(known)
    const defaults: Data = Object.assign(
      { ...askedOf(bare, around), ...bare.told },
      ...Object.entries(newer).map(([since, told]) => (known({ since }) ? told : {})),
    )
    const told: Data[] = []
    for (const [i, one] of [bare, ...cases].entries()) {
      const asked = askedOf(one, around)
      await rt.request(
        link.add({ ...one.link?.(around), ifname: `x${i}`, linkinfo: { kind, data: asked } as LinkinfoInput }),
      )
      const [found] = await rt.get(link.get({ ifname: `x${i}` }))
      const data = (found?.linkinfo?.data ?? {}) as Data
      const expected = one === bare ? defaults : { ...defaults, ...asked, ...one.told }
      t.same(
        without(data, Object.keys(free)),
        without(expected, Object.keys(free)),
        one.but ? `${one.name}: ${one.but}` : one.name,
      )
      told.push(data)
    }
    everyRow(
      t,
      kind,
      told,
      never,
      kindCases.cases.filter((one) => !known(one)),
    )
    if (otherIproute2()) return
    const devices = devicesIn(await rt.list(link.list()))
    await agree(t, {
      ours: () => rt.list(link.list()),
      theirs: () => printed(ns, 'ip -d -s -s -j link'),
      shape: (one: Link) => shown(one, devices),
      silent: SILENT,
      uncompared: kind === 'bridge' ? { 'linkinfo.info_data.gc_timer': TIMERS['linkinfo.info_data.gc_timer']! } : {},
    })
  })
}

/** A device that others can be on. */
async function surroundings(rt: Rtnetlink): Promise<Surroundings> {
  await rt.request(link.add({ ifname: 'lower', linkinfo: { kind: 'veth', data: { peer: { ifname: 'other' } } } }))
  const [lower] = await rt.get(link.get({ ifname: 'lower' }))
  return { lower: lower!.index }
}

/** Each attribute that the kind has was told with something else than the first device's, or is listed. */
function everyRow(
  t: Test,
  kind: Kind,
  [bare = {}, ...others]: readonly Data[],
  never: Readonly<Record<string, string>>,
  newer: readonly Case<Kind>[],
): void {
  const differs = (key: string): boolean =>
    others.some((one) => JSON.stringify(text(one[key])) !== JSON.stringify(text(bare[key])))
  const later = newer.flatMap(({ asked }) => Object.keys(asked))
  const rows = Object.keys(KINDS[kind].rows)
  t.same(
    rows.filter((key) => !differs(key) && !Object.hasOwn(never, key) && !later.includes(key)),
    [],
    'each attribute was told with another value than its default, or is listed',
  )
}

const text = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value ?? null, (_, one) => (typeof one === 'bigint' ? `${one}` : one)))
