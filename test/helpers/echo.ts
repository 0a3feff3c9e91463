import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Namespace } from '../../lib/netns/namespace.js'

/** Packets between namespaces without a process for each: UDP, sent and answered here. */

const PORT = 7

/** A socket is of the namespace in which its address is looked up, here at once, and bound. */
function open(ns: Namespace, address: string, port = 0): Socket {
  const socket = createSocket({
    type: address.includes(':') ? 'udp6' : 'udp4',
    lookup: (host, _, done) => done(null, host, 0),
  })
  socket.on('error', () => {})
  ns.run(() => socket.bind({ address, port, exclusive: true }))
  return socket
}

/** Answers at these addresses, until it is disposed. */
export function answer(ns: Namespace, addresses: readonly string[]): Disposable {
  const sockets = addresses.map((address) => open(ns, address, PORT))
  for (const socket of sockets) socket.on('message', (bytes, { address, port }) => socket.send(bytes, port, address))
  return {
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.close()
    },
  }
}

export interface Asked {
  readonly source: string
  readonly count?: number
  readonly timeout?: number
}

/** Sends packets one after the other; how many were answered by the target within the timeout. */
export async function ask(
  ns: Namespace,
  target: string,
  { source, count = 1, timeout = 1000 }: Asked,
): Promise<number> {
  const socket = open(ns, source)
  try {
    let answered = 0
    for (let i = 0; i < count; i++) {
      const late = new AbortController()
      const answer = once(socket, 'message', { signal: late.signal }).then(
        ([bytes, { address }]) => bytes[0] === i && address === target,
        () => false,
      )
      const refused = new Promise<boolean>((resolve) => {
        socket.send(Buffer.alloc(56, i), PORT, target, (error) => error && resolve(false))
      })
      if (await Promise.race([answer, refused, sleep(timeout, false, { signal: late.signal }).catch(() => false)]))
        answered++
      late.abort()
    }
    return answered
  } finally {
    socket.close()
  }
}
