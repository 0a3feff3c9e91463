import { execFileSync } from 'node:child_process'
import t from 'tap'
import { UnsupportedError } from '../../lib/errors.js'
import { Fou } from '../../lib/rtnl/fou.js'
import type { Captured } from '../../lib/wire/pcap.js'
import { testNamespace } from '../helpers/kernel.js'
import { loadModules, unloadModule } from '../helpers/uml.js'

const shown = (namespace: string): string[] =>
  execFileSync('ip', ['-n', namespace, 'fou', 'show'], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .sort()

t.test('without the module, what to do is said', async (t) => {
  loadModules('fou')
  unloadModule('fou')
  await t.rejects(Fou.open(), new UnsupportedError('the kernel has no fou, or its module is not loaded (modprobe fou)'))
})

t.test('ports: what we add `ip fou` shows, and the other way round', async (t) => {
  loadModules('fou')
  const namespace = testNamespace(t)
  const seen: Captured[] = []
  const fou = await Fou.open({ namespace, tap: (datagram) => seen.push(datagram) })
  t.teardown(() => fou.close())

  t.same(await fou.add({ port: 5555, ipproto: 4 }), {})
  t.same(await fou.add({ port: 5556, type: 'gue' }), {})
  t.equal(seen.at(-1)?.protocol, 16, 'NETLINK_GENERIC')
  t.same(await fou.add({ port: 5557, af: 'inet6', ipproto: 47 }), {})
  t.same(shown(namespace.name!), ['port 5555 ipproto 4', 'port 5556 gue', 'port 5557 ipproto 47 -6'].sort())

  const ports = (await fou.ports()).sort((a, b) => a.port! - b.port!)
  t.match(ports, [
    { port: 5555, type: 'direct', af: 'inet', ipproto: 4 },
    { port: 5556, type: 'gue', af: 'inet' },
    { port: 5557, type: 'direct', af: 'inet6', ipproto: 47 },
  ])

  await t.rejects(fou.add({ port: 5556, type: 'gue' }), {
    name: 'KernelError',
    code: 'EADDRINUSE',
    message: /port 5556/,
  })
  await t.rejects(fou.add({ port: 70_000 }), { name: 'EncodeError', path: 'port' })

  await fou.delete({ port: 5555, ipproto: 4 })
  await fou.delete({ port: 5556, type: 'gue' })
  t.same(shown(namespace.name!), ['port 5557 ipproto 47 -6'])

  const ip = (...args: string[]): string => execFileSync('ip', ['-n', namespace.name!, ...args], { encoding: 'utf8' })
  ip('link', 'set', 'lo', 'up')
  ip('address', 'add', '192.0.2.2/24', 'dev', 'lo')
  ip('fou', 'add', 'port', '6000', 'gue', 'peer', '192.0.2.1', 'peer_port', '7')
  const theirs = (await fou.ports()).find(({ port }) => port === 6000)
  t.match(theirs, { type: 'gue', localV4: '192.0.2.2', peerV4: '192.0.2.1', peerPort: 7 })
})
