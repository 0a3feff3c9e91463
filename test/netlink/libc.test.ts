import { closeSync, fstatSync, openSync } from 'node:fs'
import t from 'tap'
import { close, connect, duplicate, getsockname, getsockopt, setns, setsockopt } from '../../lib/netlink/libc.js'
import { NetlinkSocket } from '../../lib/netlink/socket.js'
import { runNode } from '../helpers/kernel.js'

const onLinux = process.platform === 'linux' ? false : `needs Linux, this is ${process.platform}`

t.test('a failed call throws what Node throws', { skip: onLinux }, async (t) => {
  t.throws(() => setsockopt(-1, 1, 8, 4096), {
    name: 'Error',
    message: 'EBADF: bad file descriptor, setsockopt',
    code: 'EBADF',
    errno: -9,
    syscall: 'setsockopt',
  })
  t.throws(() => close(-1), { code: 'EBADF', syscall: 'close' })
})

t.test('descriptors that are no sockets', { skip: onLinux }, async (t) => {
  const fd = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(fd))
  t.equal(getsockname(fd, Buffer.alloc(12)), false)
  t.equal(getsockname(9999, Buffer.alloc(12)), false)
  t.throws(() => getsockopt(fd, 1, 8), { code: 'ENOTSOCK' })
  t.throws(() => connect(fd, Buffer.alloc(12)), { code: 'ENOTSOCK' })
  t.throws(() => setns(fd, 0), { code: 'EINVAL', syscall: 'setns' })
})

t.test('a duplicate is another descriptor of the same file, closed by close', { skip: onLinux }, async (t) => {
  const fd = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(fd))
  const other = duplicate(fd)
  t.not(other, fd)
  t.equal(fstatSync(other).ino, fstatSync(fd).ino)
  close(other)
  t.throws(() => fstatSync(other), { code: 'EBADF' })
})

t.test('nothing native is loaded before a socket is opened', async (t) => {
  const { stdout } = await runNode(`
    import { createRequire } from 'node:module'
    const native = () => Object.keys(createRequire('/').cache).filter((path) => /koffi|netlink.dist/.test(path)).length > 0
    const before = native()
    NetlinkSocket.open().close()
    console.log(before, native())
  `)
  t.equal(stdout.trim(), 'false true')
})

t.test('where koffi cannot be loaded, only opening a socket fails', async (t) => {
  const { stdout } = await runNode(`
    import Module from 'node:module'
    const load = Module._load
    Module._load = (name, ...rest) => {
      if (name === 'koffi') throw new Error('no native build')
      return load(name, ...rest)
    }
    try { NetlinkSocket.open() } catch (error) { console.log(error.name, error.code, error.message) }
  `)
  t.match(stdout, /^UnsupportedError NBMA_UNSUPPORTED the package koffi.*: no native build$/m)
})

t.test('where the netlink package has no binding, only opening a socket fails', async (t) => {
  const { stdout } = await runNode(`
    import Module from 'node:module'
    const load = Module._load
    Module._load = (name, ...rest) => {
      if (name.startsWith('netlink/')) throw new Error('No native build was found')
      return load(name, ...rest)
    }
    try { NetlinkSocket.open() } catch (error) { console.log(error.name, error.message) }
  `)
  t.match(stdout, /^UnsupportedError the package netlink.*: No native build was found$/m)
})

t.test('elsewhere than on Linux', async (t) => {
  const { stdout } = await runNode(`
    Object.defineProperty(process, 'platform', { value: 'darwin' })
    try { NetlinkSocket.open() } catch (error) { console.log(error.name, error.message) }
  `)
  t.equal(stdout.trim(), 'UnsupportedError netlink exists on Linux only, not on darwin')
})

t.test('a protocol that the kernel lacks', { skip: onLinux }, async (t) => {
  t.throws(() => NetlinkSocket.open({ protocol: 31 }), { name: 'UnsupportedError' })
})
