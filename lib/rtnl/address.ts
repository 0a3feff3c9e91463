import { ADDRESS_MESSAGES, type Address, type AddressInput } from '../schema/address.js'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { dump, withDefaults, write } from './builder.js'

/**
 * Addresses of devices (rtnetlink(7), ip-address(8)). Of `address` and `local` the one that is left out is taken from
 * the other.
 * @example
 * await rt.request(address.add({ index: lo.index, address: '11.1.1.2/32' }))
 */
export const address = {
  /** A new address; EEXIST if the device has it. */
  add: (value: AddressInput): Request<Address> =>
    write(ADDRESS_MESSAGES, 'new', NLM_F_CREATE | NLM_F_EXCL, value, fresh),
  /** An address, or new flags and lifetimes for one that is there. */
  replace: (value: AddressInput): Request<Address> =>
    write(ADDRESS_MESSAGES, 'new', NLM_F_CREATE | NLM_F_REPLACE, value, fresh),
  /** New flags and lifetimes for an address that is there. */
  change: (value: AddressInput): Request<Address> => write(ADDRESS_MESSAGES, 'new', NLM_F_REPLACE, value, fresh),
  /**
   * Removes an address; EADDRNOTAVAIL if the device does not have it. `local` alone is the IPv4 address with whatever
   * length.
   */
  delete: (value: AddressInput): Request<Address> => write(ADDRESS_MESSAGES, 'del', 0, value, dying),
  /** All addresses. The kernel itself filters by `family` and `index` (Linux 4.20). */
  list: (value: AddressInput = {}): Request<Address> => dump(ADDRESS_MESSAGES, value),
}

/** Either end stands for both. */
function withEnds(value: AddressInput): AddressInput {
  const { address, local }: { readonly address?: unknown; readonly local?: unknown } = value
  if (typeof address === 'string') return withDefaults(value, { local: address.replace(/\/.*/, '') })
  return typeof local === 'string' ? withDefaults(value, { address: local }) : value
}

/** `local` alone is an IPv4 address of any length; of an IPv6 one the kernel wants to know it. */
const dying = (value: AddressInput): AddressInput =>
  value.address === undefined && !String(value.local).includes(':') ? value : withEnds(value)

/** Loopback addresses are of scope host, as `ip address` has it. */
function fresh(value: AddressInput): AddressInput {
  const full = withEnds(value)
  return withDefaults(full, { scope: String(full.local).startsWith('127.') ? 'host' : 'universe' })
}
