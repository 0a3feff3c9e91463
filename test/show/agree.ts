import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'

/** Why something is not compared, by its path: `linkinfo.info_data.gc_timer`. */
export type Reasons = Readonly<Record<string, string>>

/** What we make of a dump, beside what iproute2 makes of it. */
export interface Comparison<T extends object> {
  /** The dump, decoded. */
  readonly ours: () => Promise<readonly T[]>
  /** What iproute2 prints. */
  readonly theirs: () => Promise<readonly object[]>
  /** What it should print for a value of ours. */
  readonly shape: (value: T) => object
  /** What we tell and it does not print. */
  readonly silent?: Reasons
  /** What it prints, and is not compared. Must occur. */
  readonly uncompared?: Reasons
  /** Seconds that run between two looks. */
  readonly clocks?: readonly string[]
}

/** Counters move between two looks: so often it is looked. */
const ATTEMPTS = 10
const PAUSE = 50
/** How many seconds may pass between two looks. */
const LOOK = 3

/**
 * Each object that iproute2 prints is what we decoded, and neither tells more than the other, but for what is listed.
 * @returns the decoded values
 */
export async function agree<T extends object>(
  t: Test,
  { ours, theirs, shape, silent = {}, uncompared = {}, clocks = [] }: Comparison<T>,
): Promise<readonly T[]> {
  for (let attempt = 1; ; attempt++) {
    const values = await ours()
    const met = new Set<string>()
    const printed = (await theirs()).map((one) => without(one, uncompared, met))
    const unread = new Set<string>()
    const shaped = values.map((value) => {
      const watched = watch(value)
      const one = without(shape(watched.value), uncompared)
      for (const path of watched.unread()) unread.add(path)
      return one
    })
    for (const [i, one] of printed.entries()) settle(shaped[i], one, clocks)
    if (attempt < ATTEMPTS && !isDeepStrictEqual(shaped, printed)) {
      await sleep(PAUSE)
      continue
    }
    t.ok(values.length > 0, `${values.length} objects`)
    t.equal(shaped.length, printed.length, 'as many as iproute2 prints')
    for (const [i, one] of printed.entries()) t.same(shaped[i], one, `object ${i}`)
    t.same(
      [...unread].filter((path) => !covers(silent, path)),
      [],
      'iproute2 prints all that we tell, but for what is listed',
    )
    t.same(
      Object.keys(uncompared).filter((path) => !met.has(path)),
      [],
      'what is listed as not compared is there',
    )
    return values
  }
}

const covers = (reasons: Reasons, path: string): boolean =>
  Object.keys(reasons).some((listed) => path === listed || path.startsWith(`${listed}.`))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Buffer.isBuffer(value)

const inner = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

/** A copy without what is undefined, and without `paths`; those that were there are added to `met`. */
function without(value: object, paths: Reasons, met = new Set<string>()): object {
  const copy = (item: unknown, path: string): unknown => {
    if (Array.isArray(item)) return item.map((one) => copy(one, path))
    if (!isObject(item)) return item
    const out: Record<string, unknown> = {}
    for (const [key, one] of Object.entries(item)) {
      const at = inner(path, key)
      if (Object.hasOwn(paths, at)) met.add(at)
      else if (one !== undefined) out[key] = copy(one, at)
    }
    return out
  }
  return copy(value, '') as object
}

/** Takes their time for ours where a look's time is between. */
function settle(ours: unknown, theirs: unknown, clocks: readonly string[], path = ''): void {
  if (!isObject(ours) || !isObject(theirs)) return
  for (const [key, one] of Object.entries(theirs)) {
    const at = inner(path, key)
    const mine = ours[key]
    if (typeof one !== 'number' || typeof mine !== 'number') settle(mine, one, clocks, at)
    else if (clocks.includes(at) && Math.abs(mine - one) <= LOOK) ours[key] = one
  }
}

/** The value, and the paths of what nobody has read of it so far. */
function watch<T extends object>(value: T): { value: T; unread(): string[] } {
  const read = new Map<object, Set<string>>()
  const proxies = new Map<object, object>()
  const proxy = (target: object): object => {
    const known = proxies.get(target)
    if (known !== undefined) return known
    const keys = new Set<string>()
    read.set(target, keys)
    const made = new Proxy(target, {
      get(target, key) {
        const item: unknown = Reflect.get(target, key)
        if (typeof key === 'string') keys.add(key)
        return isObject(item) ? proxy(item) : item
      },
    })
    proxies.set(target, made)
    return made
  }
  const unread = (target: unknown, path: string): string[] => {
    if (Array.isArray(target)) return target.flatMap((one) => unread(one, path))
    if (!isObject(target)) return []
    const keys = read.get(target)
    return Object.entries(target).flatMap(([key, item]) =>
      // Those that no table knows are found by `unknownIn`.
      item === undefined || key === 'unknown'
        ? []
        : keys?.has(key)
          ? unread(item, inner(path, key))
          : [inner(path, key)],
    )
  }
  return { value: proxy(value) as T, unread: () => unread(value, '') }
}

/** A copy without empty attributes that no row of the tables knows: on some machines they align what follows. */
export function withoutPadding(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPadding)
  if (!isObject(value)) return value
  const { unknown = [], ...rest } = value
  const others = (unknown as { data: Buffer }[]).filter(({ data }) => data.length > 0)
  const out = Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, withoutPadding(item)]))
  return others.length === 0 ? out : { ...out, unknown: others }
}

/** Where there are attributes that no row of the tables knows: `linkinfo.data.unknown 5`. */
export function unknownIn(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => unknownIn(one, path))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, item]) =>
    key === 'unknown'
      ? (item as { type: number }[]).map(({ type }) => `${inner(path, key)} ${type & 0x3fff}`)
      : unknownIn(item, inner(path, key)),
  )
}
