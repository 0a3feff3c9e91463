import { LINK_MESSAGES, LINKPROP_MESSAGES, type Link, type LinkInput } from '../schema/link.js'
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from '../wire/frame.js'
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
   * "back to the default": read, change and send all of it, or use `Tunnel.set`. Of family `bridge` it is about a
   * bridge's port: its `protinfo`, and VLANs to add in `afSpec`.
   */
  change: (value: LinkInput): Request<Link> => write(LINK_MESSAGES, ofBridge(value) ? 'set' : 'new', 0, value),
  /**
   * Removes a device, found by `index` or `ifname`. For a fallback device the kernel says yes and does nothing. Of
   * family `bridge` it removes the VLANs in `afSpec` from a port.
   */
  delete: (value: LinkInput): Request<Link> => write(LINK_MESSAGES, 'del', 0, value),
  /** One device, by `index`, `ifname` or `altIfname`. */
  get: (value: LinkInput): Request<Link> => read(LINK_MESSAGES, value),
  /** All devices. The kernel itself filters by `master` and `linkinfo.kind`. */
  list: (value: LinkInput = {}): Request<Link> => dump(LINK_MESSAGES, value),
  /** Gives a device further names, `propList: { altIfname: [...] }`; EEXIST if one is taken. Linux 5.5. */
  addProperties: (value: LinkInput): Request<Link> =>
    write(LINKPROP_MESSAGES, 'new', NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, value),
  /** Takes further names from a device. Linux 5.5. */
  deleteProperties: (value: LinkInput): Request<Link> => write(LINKPROP_MESSAGES, 'del', 0, value),
}

const ofBridge = (value: LinkInput): boolean => value?.family === 'bridge' || value?.family === 7
