import type { Address } from '../../lib/schema/address.js'
import { scope, split } from './text.js'

/** An address as `ip -j address` prints it: print_addrinfo() of ip/ipaddress.c of iproute2 6.1.0. */

/** Flags that are named as they are; `permanent` is printed where it is missing, as `dynamic`. */
const NAMES: Readonly<Record<string, string>> = {
  nodad: 'nodad',
  optimistic: 'optimistic',
  dadfailed: 'dadfailed',
  homeaddress: 'home',
  deprecated: 'deprecated',
  tentative: 'tentative',
  managetempaddr: 'mngtmpaddr',
  noprefixroute: 'noprefixroute',
  mcautojoin: 'autojoin',
  stable_privacy: 'stable-privacy',
}

function flags({ family, flags = [] }: Address): Record<string, true> {
  const names = flags.flatMap((flag) =>
    flag === 'secondary' ? [family === 'inet6' ? 'temporary' : 'secondary'] : (NAMES[flag] ?? []),
  )
  if (!flags.includes('permanent')) names.push('dynamic')
  return Object.fromEntries(names.map((name) => [name, true]))
}

/** One of `addr_info`. */
export function address(one: Address) {
  const [far, prefixlen] = split(one.address ?? `${one.local}/0`)
  const local = one.local ?? far
  return {
    family: one.family,
    local,
    address: far === local ? undefined : far,
    prefixlen,
    metric: one.rtPriority,
    broadcast: one.broadcast,
    anycast: one.anycast,
    scope: scope(one.scope),
    ...flags(one),
    label: one.label,
    valid_life_time: one.cacheinfo?.valid,
    preferred_life_time: one.cacheinfo?.prefered,
  }
}
