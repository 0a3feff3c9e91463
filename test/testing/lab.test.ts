import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Lab, Packet } from '../../lib/testing/index.js'
import { runNode, needsNamespaces as skip } from '../helpers/kernel.js'

const TWO = {
  hosts: {
    host1: { eth1: ['192.168.122.11/24', 'fd00::11/64'], lo: '11.1.1.1/32' },
    host2: { eth1: ['192.168.122.12/24', 'fd00::12/64'], lo: '12.1.1.1/32' },
  },
} as const

/** Namespaces of labs of one process. */
const ofProcess = (pid: number): string[] =>
  existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.includes(`-${pid}-`)) : []

/** Runs the text of a module that has `Lab`. */
const runLab = (program: string) =>
  runNode(`const { Lab } = await import('${new URL('../../lib/testing/lab.js', import.meta.url)}')
    ${program}`)

const alive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

t.test('hosts ping each other, and a capture sees it', { skip }, async (t) => {
  await using lab = await Lab.create(TWO)
  const { host1, host2 } = lab.hosts
  await using capture = await host2.capture({ device: 'eth1', filter: 'icmp' })
  const result = await host1.ping('192.168.122.12', { count: 2, interval: 10, device: 'eth1', size: 100 })
  t.match(result, { sent: 2, received: 2, rtts: [Number, Number], output: /2 packets transmitted/ })

  const packets = await capture.wait(4)
  t.equal(packets.length, 4)
  const [request, reply] = packets
  t.match(request, {
    outer: { kind: 'ipv4', src: '192.168.122.11', dst: '192.168.122.12', protocol: 1, ttl: 64, df: true, length: 128 },
    inner: undefined,
    icmp: { type: 8, sequence: 1 },
  })
  t.match(reply?.icmp, { type: 0, sequence: 1 })
  t.match(request?.layers[0], { kind: 'ethernet', src: host1.devices.eth1.mac, dst: host2.devices.eth1.mac })
  t.ok(Math.abs(Date.now() - (request?.time ?? 0)) < 60_000, 'with its time')
  t.equal(`${request}`, '192.168.122.11 > 192.168.122.12 proto 1 | icmp type 8 code 0 seq 1')
  t.match(await capture.text(), [
    /^IP 192\.168\.122\.11 > 192\.168\.122\.12: ICMP echo request/,
    /reply/,
    /request/,
    /reply/,
  ])

  const file = join(t.testdir(), 'ping.pcap')
  capture.save(file)
  t.match(execFileSync('tcpdump', ['-nr', file], { encoding: 'utf8', stdio: 'pipe' }), /ICMP echo request/)
})

t.test('IPv6 at once, over the addresses of the link too', { skip }, async (t) => {
  await using lab = await Lab.create(TWO)
  const { host1, host2 } = lab.hosts
  await using capture = await host2.capture({ filter: 'icmp6[icmp6type] == icmp6-echo' })
  t.match(await host1.ping('fd00::12', { source: 'fd00::11' }), { sent: 1, received: 1 })
  t.match((await capture.wait())[0], {
    outer: { kind: 'ipv6', src: 'fd00::11', dst: 'fd00::12', protocol: 58 },
    icmp: { kind: 'icmpv6', type: 128 },
  })
  const { stdout } = await host2.exec('ip', ['-6', '-br', 'address', 'show', 'eth1'])
  const [, local = ''] = /(fe80::[^/]+)/.exec(stdout) ?? []
  t.match(await host1.ping(`${local}%eth1`), { received: 1 })
})

t.test('two LANs with a router between', { skip }, async (t) => {
  await using lab = await Lab.create({
    mtu: 1400,
    hosts: {
      left: { eth0: { addresses: '10.0.1.2/24', lan: 'west', mac: '52:54:00:00:00:02' } },
      router: { eth0: { addresses: '10.0.1.1/24', lan: 'west' }, eth1: { addresses: ['10.0.2.1/24'], mtu: 1300 } },
      right: { eth1: '10.0.2.2/24' },
      alone: {},
    },
  })
  const { left, router, right, alone } = lab.hosts
  t.equal(left.devices.eth0.mac, '52:54:00:00:00:02')
  await left.exec('ip', ['route', 'add', 'default', 'via', '10.0.1.1'])
  await right.exec('ip', ['route', 'add', 'default', 'via', '10.0.2.1'])
  router.sysctl('net.ipv4.ip_forward', 0)
  t.match(await left.ping('10.0.2.2', { timeout: 100 }), { sent: 1, received: 0 })
  t.equal(router.sysctl('net.ipv4.ip_forward', 1), '1')
  t.match(await left.ping('10.0.2.2'), { received: 1 })
  const links = async (host: typeof left | typeof router) => (await host.exec('ip', ['link'])).stdout
  t.match(await links(left), /eth0.* mtu 1400 /)
  t.match(await links(router), /eth0.* mtu 1400 /)
  t.match(await links(router), /eth1.* mtu 1300 /)
  t.match(await alone.exec('ip', ['-br', 'link']), { stdout: /^lo +UNKNOWN/ })
  t.match(await alone.ping('127.0.0.1'), { received: 1 })
})

t.test('what ping cannot do', { skip }, async (t) => {
  await using lab = await Lab.create(TWO)
  const { host1 } = lab.hosts
  t.match(await host1.ping('10.9.9.9'), { sent: 0, received: 0, rtts: [], output: /Network is unreachable/ })
  await t.rejects(host1.ping('192.168.122.12', { source: '1.2.3.4' }), { name: 'CommandError', message: /bind/ })
  const { PATH } = process.env
  process.env.PATH = '/nowhere'
  t.teardown(() => {
    process.env.PATH = PATH
  })
  await t.rejects(host1.ping('192.168.122.12'), { name: 'UnsupportedError', message: /apt-get install iputils-ping/ })
  await t.rejects(host1.capture(), { name: 'UnsupportedError', message: /apt-get install tcpdump/ })
})

t.test('a capture that sees nothing, too little, or cannot start', { skip }, async (t) => {
  await using lab = await Lab.create(TWO)
  const { host1, host2 } = lab.hosts
  await t.rejects(host1.capture({ device: 'eth9' }), { code: 'NBMA_CAPTURE', message: /eth9: No such device/ })
  await t.rejects(host1.capture({ filter: 'no such filter' }), { code: 'NBMA_CAPTURE', message: /syntax error/ })

  const none = await host2.capture({ device: 'eth1', filter: 'udp' })
  await host1.ping('192.168.122.12', { count: 3, interval: 5 })
  t.same(await none.flush(), [], 'nothing came, for sure')
  await t.rejects(none.wait(1, { timeout: 20 }), { code: 'NBMA_TIMEOUT', message: /waited 20 ms for a packet; 0 came/ })
  t.same(await none.stop(), [])

  const all = await host2.capture({ device: 'eth1', filter: 'icmp' })
  await host1.ping('192.168.122.12', { count: 50, interval: 2, size: 1400 })
  t.equal((await all.stop()).length, 100, 'all that passed before is there')

  const two = await host2.capture({ device: 'eth1', filter: 'icmp', count: 2 })
  await host1.ping('192.168.122.12', { count: 2, interval: 5 })
  await t.rejects(two.wait(3), { code: 'NBMA_CAPTURE', message: /2 came\n.*icmp type 8.*\n.*icmp type 0/ })
  t.equal((await two.stop()).length, 2)
})

t.test('disposal ends what runs inside and leaves no name', { skip }, async (t) => {
  const lab = await Lab.create(TWO)
  const { host1, host2 } = lab.hosts
  t.equal(ofProcess(process.pid).length, 3, 'two hosts and what is between them')
  const capture = await host1.capture()
  const child = host2.spawn('sleep', ['1000'])
  const { stdout } = await host2.exec('sh', ['-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo $!'])
  const ended = once(child, 'exit')
  await lab[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
  t.same(await ended, [null, 'SIGKILL'])
  await capture.stop()
  t.notOk(alive(Number(stdout)), 'nor a process that is not our child')
  t.same(ofProcess(process.pid), [])
  t.notMatch(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }), `-${process.pid}-`)
  t.throws(() => host1.spawn('true'), { name: 'ClosedError' })
})

t.test('a lab that cannot be made leaves nothing', { skip }, async (t) => {
  const broken: [string, Record<string, Record<string, string>>, object][] = [
    ['an address twice', { a: { eth0: '10.0.0.1/24' }, b: { eth0: '10.0.0.300/24' } }, { name: 'EncodeError' }],
    ['a name too long', { a: { eth0123456789abcdef: '10.0.0.1/24' } }, { name: 'EncodeError' }],
    ['a host that cannot be', { 'a/b': {} }, { code: 'EINVAL' }],
  ]
  for (const [what, hosts, error] of broken) {
    t.match(await Lab.create({ hosts }).catch((refusal) => refusal), error, what)
    t.same(ofProcess(process.pid), [])
  }
  const hosts = { a: { eth0: ['10.0.0.1/24', '10.0.0.1/24'] } }
  await t.rejects(Lab.create({ hosts }), { name: 'KernelError', code: 'EEXIST' }, 'the kernel says no')
  t.same(ofProcess(process.pid), [])
})

t.test('process.exit() leaves nothing', { skip }, async (t) => {
  const { status, stdout, stderr } = await runLab(`
    await Lab.create({ hosts: { a: { eth0: '10.0.0.1/24' } } })
    console.log(process.pid)
    process.exit(3)`)
  t.equal(status, 3, stderr)
  t.same(ofProcess(Number(stdout)), [])
})

t.test('what a killed process left is swept', { skip }, async (t) => {
  const { signal, stdout, stderr } = await runLab(`
    const lab = await Lab.create({ hosts: { a: { eth0: '10.0.0.1/24' }, b: {} } })
    const { pid } = lab.hosts.a.spawn('sleep', ['1000'], { stdio: 'ignore', detached: true })
    const { uniqueName } = await import('${new URL('../helpers/kernel.js', import.meta.url)}')
    Namespace.create(uniqueName())
    console.log(JSON.stringify([process.pid, pid]))
    process.kill(process.pid, 'SIGKILL')`)
  t.equal(signal, 'SIGKILL', stderr)
  const [owner, sleeper] = JSON.parse(stdout)
  t.ok(alive(sleeper))
  t.equal(ofProcess(owner).length, 4, 'two hosts, what is between them, and one that no lab made')
  await using lab = await Lab.create({ hosts: { c: {} } })
  t.same(ofProcess(owner), [], 'by the next one')
  t.notOk(alive(sleeper))
  t.match(await lab.hosts.c.ping('127.0.0.1'), { received: 1 })
  t.equal(ofProcess(process.pid).length, 2, 'and what is in use stays')
  t.same(Lab.sweep(), [])
})

t.test('headers of tunnels', async (t) => {
  const packet = (...parts: string[]): Packet => new Packet(Buffer.from(parts.join(''), 'hex'), 1, 0)
  const ethernet = (type: string): string => `525400000012525400000011${type}`
  const outer = (protocol: string): string => `45000054000140004${0}${protocol}0000c0a87a0bc0a87a0c`
  const inner = '450000540001000040010000' + '0b010101' + '0c010101'
  const inner6 = '6000000000083a40' + 'fd000000000000000000000000000011' + 'fd000000000000000000000000000012'
  const echo = '0800000000010002'
  const udp = (port: string): string => `c000${port}00000000`
  const v4 = { src: '11.1.1.1', dst: '12.1.1.1' }
  const v6 = { src: 'fd00::11', dst: 'fd00::12' }

  const ipip = packet(ethernet('0800'), outer('04'), inner, echo)
  t.match(ipip, { outer: { src: '192.168.122.11', protocol: 4, df: true }, inner: v4, icmp: { type: 8, sequence: 2 } })
  t.equal(`${ipip}`, '192.168.122.11 > 192.168.122.12 proto 4 | 11.1.1.1 > 12.1.1.1 proto 1 | icmp type 8 code 0 seq 2')
  t.match(packet(ethernet('0800'), outer('29'), inner6, '8000000000010002'), { inner: v6, icmp: { kind: 'icmpv6' } })

  const gre = packet(ethernet('0800'), outer('2f'), '20000800', '00000005', inner, echo)
  t.match(gre, { gre: { key: 5, checksum: false, protocol: 0x800 }, inner: v4 })
  t.equal(`${gre}`.split(' | ')[1], 'gre key 5')
  const all = packet(ethernet('0800'), outer('2f'), 'b00086dd', '12340000', '00000005', '00000009', inner6)
  t.match(all, { gre: { key: 5, checksum: true, sequence: 9 }, inner: v6 })
  t.match(packet(ethernet('0800'), outer('2f'), '00006558', ethernet('0800'), inner), {
    inner: v4,
    gre: { key: undefined },
  })

  const vxlan = packet(ethernet('0800'), outer('11'), udp('12b5'), '0800000000002a00', ethernet('0800'), inner, echo)
  t.match(vxlan, { vxlan: { vni: 42 }, inner: v4 })
  t.match(`${vxlan}`, / \| udp 49152 > 4789 \| vxlan vni 42 \| 52:54:00:00:00:11 > /)
  const gpe = packet(ethernet('0800'), outer('11'), udp('12b5'), '0c00000100002a00', inner)
  t.match(gpe, { vxlan: { vni: 42 }, inner: v4 })
  const geneve = packet(
    ethernet('0800'),
    outer('11'),
    udp('17c1'),
    '0100655800002b00',
    '00000000',
    ethernet('0800'),
    inner,
  )
  t.match(geneve, { geneve: { vni: 43 }, inner: v4 })
  t.match(`${geneve}`, /geneve vni 43/)

  const erspan = packet(
    ethernet('0800'),
    outer('2f'),
    '100088be',
    '00000001',
    '1000100700000000',
    ethernet('0800'),
    inner,
  )
  t.match(erspan.layers[3], { kind: 'erspan', version: 1, session: 7 })
  t.match(`${erspan}`, /erspan session 7/)
  t.match(erspan, { inner: v4 })
  const erspan2 = packet(
    ethernet('0800'),
    outer('2f'),
    '100022eb',
    '00000001',
    '200010070000000000000000',
    ethernet('0800'),
    inner,
  )
  t.match(erspan2, { inner: v4 })
  t.match(packet(ethernet('0800'), outer('2f'), '000088be', ethernet('0800'), inner), { inner: v4 }, 'ERSPAN type I')

  const ip6 = packet(
    ethernet('86dd'),
    '6000000000083c40',
    'fd'.padEnd(32, '0'),
    'fe'.padEnd(32, '0'),
    '0400040104010000',
    inner,
  )
  t.match(ip6, { outer: { kind: 'ipv6', protocol: 4 }, inner: v4 }, 'with the option that limits nesting')
  t.match(packet(ethernet('8100'), '002a', '0800', inner), { outer: v4, layers: [{ vlan: 42, protocol: 0x800 }] })
  const mpls = packet(ethernet('8847'), '00064040', '00065140', inner)
  t.match(mpls, { outer: v4, layers: [{}, { label: 100 }, { label: 101 }] })
  t.match(`${mpls}`, 'mpls label 100 | mpls label 101')
  t.match(packet(ethernet('0800'), outer('32'), '00000101').layers[2], { kind: 'esp', spi: 257 })
  t.match(`${packet(ethernet('0800'), outer('32'), '00000101')}`, 'esp spi 257')
  t.match(packet(ethernet('0800'), outer('06'), '00500051').layers[2], { kind: 'tcp', sport: 80, dport: 81 })
  t.equal(`${packet(ethernet('88cc'))}`, '52:54:00:00:00:11 > 52:54:00:00:00:12 type 0x88cc')

  const raw = (linkType: number, ...parts: string[]) => new Packet(Buffer.from(parts.join(''), 'hex'), linkType, 0)
  t.match(raw(12, inner), { outer: v4 })
  t.match(raw(101, inner6), { outer: v6 })
  t.match(raw(113, '00'.repeat(14), '0800', inner), { outer: v4 })
  t.match(raw(276, '0800', '00'.repeat(18), inner), { outer: v4 })
  t.same(raw(147, inner).layers, [], 'what it does not know')

  const fragment = packet(ethernet('0800'), inner.replace('00010000', '00010001'), echo)
  t.match(fragment, { outer: v4, icmp: undefined }, 'a later fragment has no further header')
  for (let length = 0; length < vxlan.bytes.length; length++) {
    const cut = new Packet(vxlan.bytes.subarray(0, length), 1, 0)
    t.ok(cut.layers.length < vxlan.layers.length, `cut after ${length} bytes`)
  }
})
