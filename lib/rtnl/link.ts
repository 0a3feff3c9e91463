import { LINK_MESSAGES, type Link, type LinkInput } from '../schema/link.js'
import { NLM_F_CREATE, NLM_F_EXCL } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { dump, read, write } from './builder.js'

/**
 * Network devices (rtnetlink(7), ip-link(8)).
 * @example
 * await rt.request(link.add({ ifname: 'mgre0', up: true,
 *   linkinfo: { kind: 'gre', data: { local: '192.168.122.11', ikey: 5, okey: 5, iflags: ['key'], oflags: ['key'] } } }))
 */
export const link = {
  /** A new device; EEXIST if the name, or what identifies the tunnel, is taken. */
  add: (value: LinkInput): Request<Link> => write(LINK_MESSAGES, 'new', NLM_F_CREATE | NLM_F_EXCL, value),
  /**
   * Changes a device, found by `index` or `ifname`. Of a tunnel's `linkinfo.data` the kernel takes what is left out for
   * "back to the default": read, change and send all of it, or use `Tunnel.set`.
   */
  change: (value: LinkInput): Request<Link> => write(LINK_MESSAGES, 'new', 0, value),
  /** Removes a device, found by `index` or `ifname`. For a fallback device the kernel says yes and does nothing. */
  delete: (value: LinkInput): Request<Link> => write(LINK_MESSAGES, 'del', 0, value),
  /** One device, by `index`, `ifname` or `altIfname`. */
  get: (value: LinkInput): Request<Link> => read(LINK_MESSAGES, value),
  /** All devices. The kernel itself filters by `master` and `linkinfo.kind`. */
  list: (value: LinkInput = {}): Request<Link> => dump(LINK_MESSAGES, value),
}
