import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import type { Request } from '../../lib/wire/request.js'

/** The bytes of a request as groups of four in hexadecimal, without its nlmsghdr: header, then attributes. */
export const body = ({ bytes }: Request): string =>
  bytes
    .toString('hex', 16)
    .match(/.{1,8}/g)
    ?.join(' ') ?? ''

/** What a request does, read from its bytes: `RTM_NEWROUTE request ack excl create`. */
export function does(request: Request): string {
  const [message] = rtnetlink.decode(request.bytes)
  return [message!.type, ...message!.flags].join(' ')
}

/** The value that a request's bytes decode to. */
export const value = (request: Request): Record<string, unknown> => rtnetlink.decode(request.bytes)[0]!.value
