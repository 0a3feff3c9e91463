/** How iproute2 6.1.0 writes numbers, names and flags in JSON. */

/** `%#x`. */
export const hex = (n: number): string => (n === 0 ? '0' : `0x${n.toString(16)}`)

/** `%0*x` behind `0x`. */
export const padded = (n: number, digits: number): string => `0x${n.toString(16).padStart(digits, '0')}`

/** A key as inet_ntop(3) writes it. */
export const dotted = (key: number): string => [24, 16, 8, 0].map((shift) => (key >>> shift) & 0xff).join('.')

/** Hundredths of a second as seconds. */
export const seconds = (ticks: number | bigint): number => Number(ticks) / 100

/** Hundredths of a second as whole seconds. */
export const wholeSeconds = (ticks: number): number => Math.trunc(ticks / 100)

/** What is printed only where it is so. */
export const whenSet = (on: boolean | undefined): true | undefined => (on ? true : undefined)

/** A switch that is printed as null where it is on. */
export const nullWhen = (on: boolean | undefined): null | undefined => (on ? null : undefined)

/** A number that is printed only where it is not 0. */
export const unlessZero = <T>(n: number | undefined, write: (n: number) => T): T | undefined =>
  n ? write(n) : undefined

/** A value that is printed where the kernel tells it. */
export const told = <V, T>(value: V | undefined, write: (value: V) => T): T | undefined =>
  value === undefined ? undefined : write(value)

/** 0/1 for a switch that is printed as a number. */
export const bit = (on: boolean): number => (on ? 1 : 0)

type Flags = readonly (string | number)[]

/** The flags that are set, in the order and with the names of `names`. */
export const flagsIn =
  (names: Readonly<Record<string, string>>) =>
  (flags: Flags): string[] =>
    Object.entries(names)
      .filter(([ours]) => flags.includes(ours))
      .map(([, theirs]) => theirs)

/** print_rt_flags() of ip/iproute.c. */
export const routeFlags = flagsIn({
  dead: 'dead',
  onlink: 'onlink',
  pervasive: 'pervasive',
  offload: 'offload',
  trap: 'trap',
  notify: 'notify',
  linkdown: 'linkdown',
  unresolved: 'unresolved',
  rt_offload: 'rt_offload',
  rt_trap: 'rt_trap',
  rt_offload_failed: 'rt_offload_failed',
})

/** /etc/iproute2/rt_scopes. */
export const scope = (name: string | number): string => (name === 'universe' ? 'global' : String(name))

/** Realms: the source's in the upper half, the destination's in the lower. */
export const realms = (flow: number) => ({
  from: unlessZero(flow >>> 16, String),
  to: String(flow & 0xffff),
})

/** An address without its length, and the length. */
export const split = (prefix: string): [address: string, length: number] => {
  const [address = '', length = ''] = prefix.split('/')
  return [address, Number(length)]
}

/** A prefix, without a length that is that of a whole address. */
export const withoutFullLength = (prefix: string): string =>
  prefix.replace(prefix.includes(':') ? /\/128$/ : /\/32$/, '')

/** Where devices' names come from. */
export type NameOf = (index: number) => string
