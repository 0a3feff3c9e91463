import t from 'tap'
import { KernelError } from '../../lib/errors.js'
import { errnoName, kernelError, readAnswer, readDone } from '../../lib/netlink/refusal.js'
import { ack, attribute, done, type FakeExtack, refuse, reply } from '../../lib/testing/fake.js'
import { type Frame, frames, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ERROR } from '../../lib/wire/frame.js'
import { Request } from '../../lib/wire/request.js'
import { messages, protocol } from '../helpers/toy.js'

const PORT = 4242

/** Types of rtnetlink's messages. */
const TYPES: Record<string, number> = { RTM_NEWLINK: 16, RTM_DELLINK: 17, RTM_GETLINK: 18, RTM_SETLINK: 19 }

function request(operation: string, value: object): Request {
  const bytes = Buffer.alloc(28)
  bytes.writeUInt32LE(28, 0)
  return new Request(operation, TYPES[operation] ?? 24, 0, value, bytes)
}

const frameOf = (datagram: Buffer): Frame => [...frames(datagram)][0]!
const message = (of: Request): Frame => messages(of.bytes, PORT)[0]!

function refused(code: string | number, operation: string, value: object, extack: FakeExtack = {}): KernelError {
  const what = request(operation, value)
  const answer = readAnswer(frameOf(refuse(message(what), code, extack)))
  if (!answer) throw new Error('is no answer')
  return kernelError(protocol, what, answer)
}

t.test('what the kernel says', async (t) => {
  const route = { dst: '12.1.1.1/32' }
  const error = refused('EINVAL', 'RTM_NEWROUTE', route, { message: 'Nexthop has invalid gateway', offset: 16 })
  t.type(error, KernelError)
  t.equal(error.message, 'RTM_NEWROUTE 12.1.1.1/32: Nexthop has invalid gateway (EINVAL, attribute gateway)')
  t.match(error, { code: 'EINVAL', errno: 22, operation: 'RTM_NEWROUTE', name: 'KernelError' })
  t.same(error.extack, { message: 'Nexthop has invalid gateway', attribute: 'gateway', offset: 16 })
  t.equal(error.request.subject, '12.1.1.1/32')

  t.equal(
    refused('ENETDOWN', 'RTM_NEWROUTE', route, { message: 'Nexthop device is not up.' }).message,
    'RTM_NEWROUTE 12.1.1.1/32: Nexthop device is not up (ENETDOWN)',
  )
  t.same(refused('EINVAL', 'RTM_NEWROUTE', route, { offset: 5 }).extack, { offset: 5 }, 'an offset of nothing we know')
  t.equal(refused('EINVAL', 'RTM_NEWROUTE', route).extack, undefined)
  t.equal(refused('EINVAL', 'RTM_NEWROUTE', route, { message: '' }).extack, undefined)
})

t.test('what is missing', async (t) => {
  const link = { ifname: 'x0' }
  const error = refused('EINVAL', 'RTM_NEWLINK', link, { message: 'No', missType: 3, missNest: 20 })
  t.equal(error.message, 'RTM_NEWLINK x0: No (EINVAL, missing nest20.attribute3)')
  t.equal(error.extack?.missing, 'nest20.attribute3')
  t.match(refused('EINVAL', 'RTM_NEWLINK', link, { missType: 3 }).extack, { missing: 'attribute3' })
  t.equal(refused('EINVAL', 'RTM_NEWLINK', link, { missNest: 20 }).extack, undefined)
})

t.test('what is allowed', async (t) => {
  const cases: [Record<number, number | bigint>, string | undefined][] = [
    [{ 1: 2, 4: 1n, 5: 255n }, '1 to 255'],
    [{ 1: 2, 4: 0n, 5: 255n }, 'a number of 1 byte'],
    [{ 1: 8, 2: -128n, 3: 127n }, '-128 to 127'],
    [{ 1: 4, 5: 2n ** 64n - 1n }, 'at most 18446744073709551615'],
    [{ 1: 4, 4: 576n }, 'at least 576'],
    [{ 1: 4, 4: 5n, 5: 5n }, 'exactly 5'],
    [{ 1: 11, 7: 15 }, 'at most 15 characters'],
    [{ 1: 12, 6: 1, 7: 15 }, '1 to 15 characters'],
    [{ 1: 10, 6: 4, 7: 4 }, 'exactly 4 bytes'],
    [{ 7: 4 }, 'at most 4 bytes'],
    [{ 1: 4, 12: 0xf0n }, 'bits of 0xf0'],
    [{ 1: 15, 10: 3 }, 'bits of 0x3'],
    [{ 1: 13 }, undefined],
    [{}, undefined],
  ]
  for (const [policy, allowed] of cases) {
    const error = refused('ERANGE', 'RTM_NEWLINK', { ifname: 'x0' }, { message: 'No', policy, offset: 16 })
    t.equal(error.extack?.allowed, allowed)
    const suffix = allowed === undefined ? '' : `, allowed is ${allowed}`
    t.equal(error.message, `RTM_NEWLINK x0: No (ERANGE, attribute gateway${suffix})`)
  }
})

t.test('forty mistakes and more', async (t) => {
  const link = { ifname: 'mgre0', linkinfo: { kind: 'gre' } }
  const route = { dst: '12.1.1.1/32', gateway: '192.168.1.2', oif: 7 }
  const neigh = { dst: '10.0.0.2', ifindex: 7 }
  const cases: [string | number, string, object, string, string][] = [
    [
      'EPERM',
      'RTM_NEWLINK',
      link,
      '',
      'RTM_NEWLINK mgre0: not permitted: this needs CAP_NET_ADMIN in the user namespace that owns the network namespace (EPERM)',
    ],
    [
      'EPERM',
      'RTM_NEWROUTE',
      route,
      '',
      'RTM_NEWROUTE 12.1.1.1/32: not permitted: this needs CAP_NET_ADMIN in the user namespace that owns the network namespace (EPERM)',
    ],
    [
      'EACCES',
      'RTM_NEWROUTE',
      route,
      '',
      'RTM_NEWROUTE 12.1.1.1/32: not permitted: CAP_NET_ADMIN is missing, or a security module says no (EACCES)',
    ],
    [
      'EEXIST',
      'RTM_NEWLINK',
      link,
      '',
      'RTM_NEWLINK mgre0: a device named mgre0 exists already, or a gre device with the same parameters (EEXIST)',
    ],
    ['EEXIST', 'RTM_NEWLINK', { ifname: 'x0' }, '', 'RTM_NEWLINK x0: a device named x0 exists already (EEXIST)'],
    ['EEXIST', 'RTM_NEWLINK', {}, '', 'RTM_NEWLINK: it exists already (EEXIST)'],
    [
      'EEXIST',
      'RTM_NEWROUTE',
      route,
      '',
      'RTM_NEWROUTE 12.1.1.1/32: a route to 12.1.1.1/32 with the same table, tos and metric exists already (EEXIST)',
    ],
    ['EEXIST', 'RTM_NEWNEXTHOP', { id: 7 }, '', 'RTM_NEWNEXTHOP id 7: a nexthop with id 7 exists already (EEXIST)'],
    [
      'EEXIST',
      'RTM_NEWNEIGH',
      { ...neigh, lladdr: '02:00:00:00:00:01' },
      '',
      'RTM_NEWNEIGH 10.0.0.2: an entry for 10.0.0.2 on device 7 exists already (EEXIST)',
    ],
    [
      'EEXIST',
      'RTM_NEWNEIGH',
      neigh,
      '',
      'RTM_NEWNEIGH 10.0.0.2: an entry for 10.0.0.2 on device 7 exists already (EEXIST)',
    ],
    [
      'EEXIST',
      'RTM_NEWADDR',
      { address: '10.0.0.1/24', index: 7 },
      '',
      'RTM_NEWADDR 10.0.0.1/24: device 7 has the address 10.0.0.1/24 already (EEXIST)',
    ],
    ['EEXIST', 'RTM_NEWRULE', { priority: 100 }, '', 'RTM_NEWRULE priority 100: the same rule exists already (EEXIST)'],
    ['ENODEV', 'RTM_NEWROUTE', route, '', 'RTM_NEWROUTE 12.1.1.1/32: there is no device with index 7 (ENODEV)'],
    [
      'ENODEV',
      'RTM_NEWROUTE',
      { dst: '12.1.1.1/32' },
      '',
      'RTM_NEWROUTE 12.1.1.1/32: there is no such device (ENODEV)',
    ],
    [
      'ENODEV',
      'RTM_NEWNEXTHOP',
      { id: 7, oif: 9 },
      '',
      'RTM_NEWNEXTHOP id 7: there is no device with index 9 (ENODEV)',
    ],
    ['ENODEV', 'RTM_GETNEXTHOP', { id: 7 }, '', 'RTM_GETNEXTHOP id 7: the device of nexthop 7 is gone (ENODEV)'],
    ['ENODEV', 'RTM_NEWNEIGH', neigh, '', 'RTM_NEWNEIGH 10.0.0.2: there is no device with index 7 (ENODEV)'],
    [
      'ENODEV',
      'RTM_NEWADDR',
      { address: '10.0.0.1/24', index: 7 },
      '',
      'RTM_NEWADDR 10.0.0.1/24: there is no device with index 7 (ENODEV)',
    ],
    ['ENODEV', 'RTM_DELLINK', { ifname: 'x0' }, '', 'RTM_DELLINK x0: there is no device named x0 (ENODEV)'],
    ['ENODEV', 'RTM_GETLINK', { index: 7 }, '', 'RTM_GETLINK index 7: there is no device with index 7 (ENODEV)'],
    ['ENXIO', 'RTM_NEWLINK', link, '', 'RTM_NEWLINK mgre0: there is no such device or address (ENXIO)'],
    [
      'ESRCH',
      'RTM_DELROUTE',
      route,
      '',
      'RTM_DELROUTE 12.1.1.1/32: there is no route to 12.1.1.1/32 with these properties (ESRCH)',
    ],
    ['ESRCH', 'RTM_GETROUTE', {}, '', 'RTM_GETROUTE: there is no such route (ESRCH)'],
    ['ESRCH', 'RTM_NEWRULE', {}, '', 'RTM_NEWRULE: there is no such thing (ESRCH)'],
    ['ENOENT', 'RTM_DELNEXTHOP', { id: 7 }, '', 'RTM_DELNEXTHOP id 7: there is no nexthop with id 7 (ENOENT)'],
    ['ENOENT', 'RTM_DELNEIGH', neigh, '', 'RTM_DELNEIGH 10.0.0.2: there is no entry for 10.0.0.2 on device 7 (ENOENT)'],
    [
      'ENOENT',
      'RTM_DELNEIGH',
      { family: 'bridge', lladdr: '02:00:00:00:00:01', ifindex: 7 },
      '',
      'RTM_DELNEIGH 02:00:00:00:00:01: there is no entry for 02:00:00:00:00:01 on device 7 (ENOENT)',
    ],
    ['ENOENT', 'RTM_DELRULE', { priority: 100 }, '', 'RTM_DELRULE priority 100: there is no such rule (ENOENT)'],
    ['ENOENT', 'RTM_GETROUTE', { table: 100 }, '', 'RTM_GETROUTE: nothing was ever put into table 100 (ENOENT)'],
    [
      'ENOENT',
      'RTM_NEWROUTE',
      route,
      '',
      'RTM_NEWROUTE 12.1.1.1/32: there is no route to 12.1.1.1/32 to change (ENOENT)',
    ],
    ['ENOENT', 'RTM_NEWLINK', {}, '', 'RTM_NEWLINK: there is no such thing (ENOENT)'],
    [
      'EADDRNOTAVAIL',
      'RTM_DELADDR',
      { address: '10.0.0.1/24', index: 7 },
      '',
      'RTM_DELADDR 10.0.0.1/24: device 7 does not have the address 10.0.0.1/24 (EADDRNOTAVAIL)',
    ],
    [
      'EADDRNOTAVAIL',
      'RTM_NEWLINK',
      link,
      '',
      'RTM_NEWLINK mgre0: the address is not one of this machine, or cannot be used here (EADDRNOTAVAIL)',
    ],
    ['EADDRINUSE', 'RTM_NEWLINK', link, '', 'RTM_NEWLINK mgre0: the address or port is in use (EADDRINUSE)'],
    [
      'ENETUNREACH',
      'RTM_NEWROUTE',
      route,
      '',
      'RTM_NEWROUTE 12.1.1.1/32: gateway 192.168.1.2 cannot be reached: give the device (oif) and the onlink flag, or a route to it first (ENETUNREACH)',
    ],
    [
      'ENETUNREACH',
      'RTM_GETROUTE',
      { dst: '1.1.1.1' },
      '',
      'RTM_GETROUTE 1.1.1.1: there is no route to it (ENETUNREACH)',
    ],
    [
      'ENETUNREACH',
      'RTM_NEWROUTE',
      route,
      'Nexthop has invalid gateway',
      'RTM_NEWROUTE 12.1.1.1/32: Nexthop has invalid gateway: gateway 192.168.1.2 cannot be reached: give the device (oif) and the onlink flag, or a route to it first (ENETUNREACH)',
    ],
    [
      'EHOSTUNREACH',
      'RTM_GETROUTE',
      { dst: '1.1.1.1' },
      '',
      'RTM_GETROUTE 1.1.1.1: there is no route to it, or a route that says unreachable (EHOSTUNREACH)',
    ],
    ['ENETDOWN', 'RTM_NEWROUTE', route, '', 'RTM_NEWROUTE 12.1.1.1/32: device 7 is down (ENETDOWN)'],
    ['ENETDOWN', 'RTM_NEWLINK', link, '', 'RTM_NEWLINK mgre0: the device is down (ENETDOWN)'],
    ['EBUSY', 'RTM_GETROUTE', {}, '', 'RTM_GETROUTE: another dump is running on this socket (EBUSY)'],
    [
      'EBUSY',
      'RTM_SETLINK',
      { ifname: 'x0' },
      '',
      'RTM_SETLINK x0: device x0 is in use, or must be down for this (EBUSY)',
    ],
    [
      'EBUSY',
      'RTM_SETLINK',
      { index: 7 },
      '',
      'RTM_SETLINK index 7: device 7 is in use, or must be down for this (EBUSY)',
    ],
    ['EBUSY', 'RTM_NEWNEIGH', neigh, '', 'RTM_NEWNEIGH 10.0.0.2: it is in use (EBUSY)'],
    [
      'EOPNOTSUPP',
      'RTM_NEWLINK',
      link,
      'Unknown device type',
      'RTM_NEWLINK mgre0: Unknown device type: the kernel has no gre devices, and no module for them that it may load (EOPNOTSUPP)',
    ],
    [
      'EOPNOTSUPP',
      'RTM_NEWLINK',
      link,
      '',
      'RTM_NEWLINK mgre0: the kernel cannot do this with a gre device (EOPNOTSUPP)',
    ],
    [
      'EOPNOTSUPP',
      'RTM_DELLINK',
      { ifname: 'tunl0' },
      '',
      'RTM_DELLINK tunl0: this device cannot be deleted: it belongs to its module, as tunl0 does (EOPNOTSUPP)',
    ],
    [
      'EOPNOTSUPP',
      'RTM_NEWROUTE',
      { ...route, encap: { type: 'mpls' } },
      '',
      'RTM_NEWROUTE 12.1.1.1/32: the kernel has no lightweight tunnels of type mpls (EOPNOTSUPP)',
    ],
    [
      'EOPNOTSUPP',
      'RTM_NEWNEXTHOP',
      { id: 7 },
      '',
      'RTM_NEWNEXTHOP id 7: the kernel cannot do this, or has no nexthop objects at all: they came with Linux 5.3 (EOPNOTSUPP)',
    ],
    [
      'EOPNOTSUPP',
      'RTM_NEWNEIGH',
      neigh,
      '',
      'RTM_NEWNEIGH 10.0.0.2: device 7 has no such table: only bridges and vxlan devices have an FDB (EOPNOTSUPP)',
    ],
    [
      'EOPNOTSUPP',
      'RTM_NEWROUTE',
      route,
      '',
      'RTM_NEWROUTE 12.1.1.1/32: the kernel, or this device, cannot do this (EOPNOTSUPP)',
    ],
    [524, 'RTM_NEWLINK', link, '', 'RTM_NEWLINK mgre0: the kernel, or this device, cannot do this (ENOTSUPP)'],
    [
      'EAFNOSUPPORT',
      'RTM_NEWROUTE',
      route,
      '',
      'RTM_NEWROUTE 12.1.1.1/32: the kernel does not have this address family, or does not do this with it (EAFNOSUPPORT)',
    ],
    [
      'EPROTONOSUPPORT',
      'RTM_NEWLINK',
      link,
      '',
      'RTM_NEWLINK mgre0: the kernel does not have this protocol, or its module is missing (EPROTONOSUPPORT)',
    ],
    [
      'EINVAL',
      'RTM_NEWLINK',
      { ifname: 'all' },
      '',
      'RTM_NEWLINK all: the kernel takes no such device and does not say why: the name all, or a value (EINVAL)',
    ],
    [
      'EINVAL',
      'RTM_NEWROUTE',
      route,
      '',
      'RTM_NEWROUTE 12.1.1.1/32: the kernel refuses a value, or the combination, and does not say which (EINVAL)',
    ],
    [
      'EINVAL',
      'RTM_NEWROUTE',
      route,
      'Invalid prefix for given prefix length',
      'RTM_NEWROUTE 12.1.1.1/32: Invalid prefix for given prefix length (EINVAL)',
    ],
    ['ERANGE', 'RTM_NEWLINK', link, '', 'RTM_NEWLINK mgre0: a value is out of range (ERANGE)'],
    [
      'EMSGSIZE',
      'RTM_NEWLINK',
      link,
      '',
      'RTM_NEWLINK mgre0: the message is too large, or its answer would be (EMSGSIZE)',
    ],
    [
      'ENOBUFS',
      'RTM_NEWNEIGH',
      neigh,
      '',
      'RTM_NEWNEIGH 10.0.0.2: the neighbour table is full (sysctl net.ipv4.neigh.default.gc_thresh3), or there is no memory (ENOBUFS)',
    ],
    ['ENOBUFS', 'RTM_NEWROUTE', route, '', 'RTM_NEWROUTE 12.1.1.1/32: the kernel is out of buffers (ENOBUFS)'],
    [
      'ENOMEM',
      'RTM_NEWROUTE',
      route,
      '',
      'RTM_NEWROUTE 12.1.1.1/32: the kernel is out of memory, or a limit of its own was reached (ENOMEM)',
    ],
    [
      'ELOOP',
      'RTM_NEWLINK',
      link,
      '',
      'RTM_NEWLINK mgre0: devices or tunnels would be nested too deeply, or in a circle (ELOOP)',
    ],
    ['E2BIG', 'RTM_NEWROUTE', route, '', 'RTM_NEWROUTE 12.1.1.1/32: there are too many of them (E2BIG)'],
    ['ENFILE', 'RTM_NEWLINK', link, '', 'RTM_NEWLINK mgre0: there is no index left to give it (ENFILE)'],
    ['ENOSPC', 'RTM_NEWNEXTHOP', { id: 7 }, '', 'RTM_NEWNEXTHOP id 7: there is no number or room left for it (ENOSPC)'],
    ['ETIMEDOUT', 'RTM_NEWLINK', link, '', 'RTM_NEWLINK mgre0: connection timed out (ETIMEDOUT)'],
    ['EDOM', 'RTM_NEWLINK', link, '', 'RTM_NEWLINK mgre0: refused (EDOM)'],
    [999, 'RTM_NEWLINK', link, '', 'RTM_NEWLINK mgre0: refused (errno 999)'],
  ]
  for (const [code, operation, value, text, message] of cases) {
    t.equal(refused(code, operation, value, text === '' ? {} : { message: text }).message, message)
  }
  t.ok(cases.length > 60)
})

t.test('names of numbers', async (t) => {
  t.equal(errnoName(11), 'EAGAIN')
  t.equal(errnoName(95), 'EOPNOTSUPP')
  t.equal(errnoName(524), 'ENOTSUPP')
  t.equal(errnoName(17), 'EEXIST')
  t.equal(errnoName(999), 'errno 999')
})

t.test('an answer in every shape', async (t) => {
  const what = message(request('RTM_NEWROUTE', {}))
  t.same(readAnswer(frameOf(ack(what))), { errno: 0 })
  t.same(readAnswer(frameOf(refuse(what, 'EEXIST'))), { errno: 17 })
  t.same(readAnswer(frameOf(ack(what, { message: 'careful' }))), { errno: 0, message: 'careful' })
  const extack = { message: 'No', offset: 20 }
  t.same(readAnswer(frameOf(refuse(what, 'EEXIST', extack))), { errno: 17, ...extack })
  t.same(readAnswer(frameOf(refuse(what, 'EEXIST', { ...extack, echo: true }))), { errno: 17, ...extack })
  t.same(readDone(frameOf(done(what))), { errno: 0 })
  t.same(readDone(frameOf(done(what, { code: 'ENOENT', message: 'No' }))), { errno: 2, message: 'No' })
  t.same(readDone(frameOf(done(what, { code: -3 }))), { errno: 0 }, 'what is no error')
})

t.test('attributes that are cut short or unknown', async (t) => {
  const what = message(request('RTM_NEWROUTE', {}))
  const body = (...tlvs: Buffer[]) => Buffer.concat([Buffer.from([0xea, 255, 255, 255]), Buffer.alloc(16), ...tlvs])
  const read = (...tlvs: Buffer[]) =>
    readAnswer(frameOf(reply(what, NLMSG_ERROR, body(...tlvs), NLM_F_ACK_TLVS | NLM_F_CAPPED)))
  const msg = attribute(1, Buffer.from('No\0rubbish'))
  const offset = attribute(2, Buffer.from([20, 0, 0, 0]))
  t.same(read(msg, offset), { errno: 22, message: 'No', offset: 20 })
  t.same(read(attribute(2, Buffer.alloc(3)), msg), { errno: 22, message: 'No' })
  t.same(read(attribute(3, Buffer.alloc(8)), msg), { errno: 22, message: 'No' }, 'a cookie means nothing to us')
  t.same(read(attribute(4, Buffer.alloc(8)), msg), { errno: 22, message: 'No', allowed: undefined })
  t.same(read(attribute(4, attribute(4, Buffer.alloc(3))), msg), { errno: 22, message: 'No', allowed: undefined })
  t.same(read(attribute(0x8002, Buffer.from([20, 0, 0, 0]))), { errno: 22, offset: 20 }, 'flags of the type')
  for (const length of [0, 3, 200]) {
    const broken = Buffer.from(offset)
    broken.writeUInt16LE(length, 0)
    t.same(read(msg, broken, offset), { errno: 22, message: 'No' }, `a length of ${length}`)
  }
  const tooShort = attribute(3, attribute(2, Buffer.from([77, 0, 0, 0])))
  tooShort.writeUInt16LE(3, 0)
  t.same(read(msg, tooShort), { errno: 22, message: 'No' }, 'what it holds is not taken for attributes')
  const whole = Buffer.concat([msg, offset])
  for (let length = 0; length < whole.length; length++) {
    t.equal(read(whole.subarray(0, length))?.errno, 22, 'the number is not in doubt')
  }
})

t.test('an echo that claims to be longer than all', async (t) => {
  const what = message(request('RTM_NEWROUTE', {}))
  const datagram = refuse(what, 'EEXIST', { message: 'No', echo: true })
  datagram.writeUInt32LE(0xfffffff0, 20)
  t.same(readAnswer(frameOf(datagram)), { errno: 17 })
})
