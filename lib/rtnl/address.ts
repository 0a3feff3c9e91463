import { ADDRESS_MESSAGES, type Address, type AddressInput } from '../schema/address.js'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { dump, withDefaults, write } from './builder.js'

/**
 * Addresses of devices (rtnetlink(7), ip-address(8)). `local` is taken from `address` where it is left out.
 * @example
 * await rt.request(address.add({ index: lo.index, address: '11.1.1.1/32' }))
 */
export const address = {
  /** A new address; EEXIST if the device has it. */
  add: (value: AddressInput): Request<Address> =>
    write(ADDRESS_MESSAGES, 'new', NLM_F_CREATE | NLM_F_EXCL, fresh(value)),
  /** An address, or new flags and lifetimes for one that is there. */
  replace: (value: AddressInput): Request<Address> =>
    write(ADDRESS_MESSAGES, 'new', NLM_F_CREATE | NLM_F_REPLACE, fresh(value)),
  /** New flags and lifetimes for an address that is there. */
  change: (value: AddressInput): Request<Address> => write(ADDRESS_MESSAGES, 'new', NLM_F_REPLACE, fresh(value)),
  /** Removes an address; EADDRNOTAVAIL if the device does not have it. */
  delete: (value: AddressInput): Request<Address> => write(ADDRESS_MESSAGES, 'del', 0, withLocal(value)),
  /** All addresses. The kernel itself filters by `family` and `index` (Linux 4.20). */
  list: (value: AddressInput = {}): Request<Address> => dump(ADDRESS_MESSAGES, value),
}

function withLocal(value: AddressInput): AddressInput {
  return withDefaults(value, { local: value.address?.replace(/\/.*/, '') })
}

/** Loopback addresses are of scope host, as `ip address` has it. */
function fresh(value: AddressInput): AddressInput {
  const full = withLocal(value)
  return withDefaults(full, { scope: full.local?.startsWith('127.') ? 'host' : 'universe' })
}
