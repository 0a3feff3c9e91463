import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { close } from '../../lib/netlink/libc.js'
import { createPlain, createWatched, hold, portOf, release } from '../../lib/netlink/raw.js'

const skip = process.platform === 'linux' ? false : `needs Linux, this is ${process.platform}`
const NETLINK_ROUTE = 0
const NETLINK_GENERIC = 16

interface Class {
  new (protocol: number, options: { localPort: number }): { address(): { port: number }; close(): void }
}

/** The package, in which a test may put another class. */
const loaded: { RawNetlinkSocket: Class } = createRequire(import.meta.url)('netlink/dist/raw.js')
const { RawNetlinkSocket } = loaded
t.afterEach(() => {
  loaded.RawNetlinkSocket = RawNetlinkSocket
})

t.test('a socket whose descriptor was taken by another thread is found all the same', { skip }, async (t) => {
  const taken: number[] = []
  t.teardown(() => taken.forEach(closeSync))
  loaded.RawNetlinkSocket = class extends RawNetlinkSocket {
    constructor(protocol: number, options: { localPort: number }) {
      taken.push(openSync('/dev/null', 'r'))
      super(protocol, options)
    }
  }
  const { fd, raw } = createWatched(NETLINK_GENERIC)
  t.teardown(() => raw!.close())
  t.equal(taken.length, 1)
  t.not(fd, taken[0])
  t.equal(portOf(fd), raw!.address().port)
})

t.test('a socket that is not to be found is closed', { skip }, async (t) => {
  let closed = 0
  loaded.RawNetlinkSocket = class extends RawNetlinkSocket {
    override address(): { port: number } {
      return { port: 0 }
    }
    override close(): void {
      closed++
      super.close()
    }
  }
  for (const create of [createPlain, createWatched])
    t.throws(() => create(NETLINK_ROUTE), { name: 'UnsupportedError', message: /not to be found in \/proc\/self\/fd/ })
  t.equal(closed, 2)
})

t.test('what goes wrong otherwise is told as it is', { skip }, async (t) => {
  t.throws(() => createPlain('route' as never), { name: 'TypeError', message: 'Expected number' })
})

t.test('ports of what is no netlink socket', { skip }, async (t) => {
  const { fd } = createPlain(NETLINK_ROUTE)
  t.teardown(() => close(fd))
  t.ok(portOf(fd)! > 0)
  const file = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(file))
  t.equal(portOf(file), undefined)
  const server = createServer().listen(join(t.testdir(), 'socket'))
  t.teardown(() => server.close())
  t.equal(portOf((server as unknown as { _handle: { fd: number } })._handle.fd), undefined)
})

t.test('a socket that is held is closed once', { skip }, async (t) => {
  const listeners = process.listenerCount('exit')
  let closed = 0
  const socket = createWatched(NETLINK_ROUTE).raw!
  const close = socket.close.bind(socket)
  socket.close = () => {
    closed++
    close()
  }
  hold(socket, t.fail)
  t.equal(process.listenerCount('exit'), listeners + 1)
  release(socket)
  release(socket)
  t.equal(closed, 1)
  t.equal(process.listenerCount('exit'), listeners)
})
