import { closeSync, openSync } from 'node:fs'
import { release } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { link } from '../../lib/rtnl/link.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { DEVICE_ROWS } from '../../lib/schema/device.js'
import type { Link, LinkInput } from '../../lib/schema/link.js'
import { testNamespace } from '../helpers/kernel.js'
import { isSince } from './cases.js'

/** What every device has, whatever its kind: net/core/rtnetlink.c. */

type Rows = keyof typeof DEVICE_ROWS

/** What a device can be made with. */
const MADE = {
  up: true,
  ifname: 'made',
  address: '02:00:00:00:00:77',
  broadcast: 'ff:ff:ff:ff:ff:77',
  mtu: 1334,
  txqlen: 77,
  group: 42,
  numTxQueues: 3,
  numRxQueues: 2,
  operstate: 'dormant',
  linkmode: 'dormant',
  gsoMaxSize: 4096,
  gsoMaxSegs: 7,
} as const satisfies LinkInput

/** What a device that is there can be told to be. */
const CHANGED = {
  ifalias: 'a description, of bytes: é',
  flags: ['broadcast', 'noarp', 'promisc', 'allmulti'],
  change: ['up', 'noarp', 'promisc', 'allmulti', 'multicast'],
  groMaxSize: 5000,
  protoDown: true,
  protoDownReason: { mask: 0xff, value: 0x05 },
  afSpec: { inet6: { addrGenMode: 'none' } },
} as const satisfies LinkInput

/** Since Linux 6.3. */
const NEWER = { gsoIpv4MaxSize: 4100, groIpv4MaxSize: 5100 } as const satisfies LinkInput

const STATE = 'read-only'
const HARDWARE = 'of hardware'

/** The rest: why it is not among these, or where it is. */
const OTHERS: Partial<Record<Rows, string>> = {
  map: 'no virtual device takes it',
  weight: 'taken and not told',
  qdisc: STATE,
  stats: STATE,
  stats64: STATE,
  link: 'in the cases of kinds',
  master: 'below',
  propList: 'below',
  altIfname: 'below',
  netNsFd: 'below',
  netNsPid: 'below',
  newIfindex: 'below',
  newNetnsid: 'in notifications',
  targetNetnsid: 'below',
  linkNetnsid: 'below',
  extMask: 'below',
  protinfo: 'of the ports of bridges: in the comparison of dumps',
  numVf: HARDWARE,
  physPortId: HARDWARE,
  physSwitchId: HARDWARE,
  physPortName: HARDWARE,
  permAddress: HARDWARE,
  parentDevName: HARDWARE,
  parentDevBusName: HARDWARE,
  devlinkPort: HARDWARE,
  dpllPin: HARDWARE,
  maxPacingOffloadHorizon: HARDWARE,
  promiscuity: STATE,
  allmulti: STATE,
  carrier: 'these devices find out for themselves',
  carrierChanges: STATE,
  carrierUpCount: STATE,
  carrierDownCount: STATE,
  xdp: 'needs a BPF program',
  event: 'in notifications',
  minMtu: STATE,
  maxMtu: STATE,
  tsoMaxSize: STATE,
  tsoMaxSegs: STATE,
  netnsImmutable: STATE,
  headroom: STATE,
  tailroom: STATE,
}

const only = (found: Link, wanted: object): object =>
  Object.fromEntries(Object.keys(wanted).map((key) => [key, found[key as keyof Link]]))

const defined = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined))

export async function readDevices(t: Test): Promise<void> {
  const ns = testNamespace(t)
  const there = testNamespace(t)
  const rt = await Rtnetlink.open({ namespace: ns })
  const other = await Rtnetlink.open({ namespace: there })
  t.teardown(() => {
    rt.close()
    other.close()
  })
  const get = async (value: LinkInput, from = rt): Promise<Link> => (await from.get(link.get(value)))[0]!
  /** The device in an operstate, which the kernel works out a while after the carrier came or went. */
  const settled = async (ifname: string, operstate: Link['operstate']): Promise<Link> => {
    for (const deadline = Date.now() + 2000; ; await sleep(10)) {
      const found = await get({ ifname })
      if (found.operstate === operstate || Date.now() > deadline) return found
    }
  }

  await t.test('every attribute is here', async (t) => {
    const all = { ...MADE, ...CHANGED, ...NEWER, ...OTHERS }
    t.same(
      Object.keys(DEVICE_ROWS).filter((key) => !Object.hasOwn(all, key)),
      [],
    )
  })

  await t.test('when it is made', async (t) => {
    await rt.request(link.add({ ...MADE, index: 1234, linkinfo: { kind: 'vxlan', data: { id: 1 } } }))
    const found = await get({ ifname: 'made' })
    t.equal(found.index, 1234)
    t.equal(found.type, 'ether')
    // Kernels for one CPU do not tell of receive queues.
    t.same({ numRxQueues: MADE.numRxQueues, ...defined(only(found, MADE)) }, MADE)
  })

  await t.test('afterwards', async (t) => {
    await rt.request(link.change({ index: 1234, ...CHANGED }))
    const found = await get({ index: 1234 })
    const { change: _, protoDownReason, afSpec, ...rest } = CHANGED
    t.same(only(found, rest), rest)
    t.same(found.protoDownReason, { value: protoDownReason.value }, 'the mask is not told')
    t.match(found.afSpec, afSpec)
    t.match(found, { up: false, promiscuity: 1, allmulti: 1 })
    if (isSince('6.3', release())) {
      await rt.request(link.change({ index: 1234, ...NEWER }))
      t.same(only(await get({ index: 1234 }), NEWER), NEWER)
    }
  })

  await t.test('up and down', async (t) => {
    await rt.request(link.add({ ifname: 'a', linkinfo: { kind: 'veth', data: { peer: { ifname: 'b' } } } }))
    t.match(await get({ ifname: 'a' }), { up: false, operstate: 'down', carrier: false })
    await rt.request(link.change({ ifname: 'b', up: true }))
    await rt.request(link.change({ ifname: 'a', up: true }))
    const found = await settled('a', 'up')
    t.match(found, { up: true, operstate: 'up', carrier: true })
    const carrierDownCount = found.carrierDownCount! + 1
    await rt.request(link.change({ ifname: 'b', flags: [], change: ['up'] }))
    const after = await settled('a', 'lowerlayerdown')
    t.match(after, { up: true, operstate: 'lowerlayerdown', carrier: false, carrierDownCount })
  })

  await t.test('a master, further names, and less to read', async (t) => {
    await rt.request(link.add({ ifname: 'bridge', linkinfo: { kind: 'bridge' } }))
    const { index: master } = await get({ ifname: 'bridge' })
    await rt.request(link.change({ ifname: 'a', master }))
    t.match(await get({ ifname: 'a' }), { master, linkinfo: { slaveKind: 'bridge', slaveData: { learning: true } } })
    await rt.request(link.change({ ifname: 'a', master: 0 }))
    t.equal((await get({ ifname: 'a' })).master, undefined)
    const altIfname = ['a-name-that-is-longer-than-15-bytes', 'second']
    await rt.request(link.addProperties({ ifname: 'a', propList: { altIfname } }))
    const found = await get({ altIfname: altIfname[0] })
    t.match(found, { ifname: 'a', propList: { altIfname } })
    const short = await get({ ifname: 'a', extMask: ['skip_stats'] })
    t.equal(short.afSpec?.inet6?.stats, undefined)
    t.type(found.afSpec?.inet6?.stats?.[0], 'bigint')
  })

  await t.test('in another namespace', async (t) => {
    const fd = openSync(there.path, 'r')
    t.teardown(() => closeSync(fd))
    await rt.request(link.change({ ifname: 'b', netNsFd: fd, newIfindex: 4321 }))
    const moved = await get({ ifname: 'b' }, other)
    t.match(moved, { index: 4321, linkNetnsid: 0, link: (await get({ ifname: 'a' })).index })
    const { linkNetnsid, link: peer } = await get({ ifname: 'a' })
    t.equal(peer, 4321)
    t.match(await get({ ifname: 'b', targetNetnsid: linkNetnsid }), { index: 4321, targetNetnsid: linkNetnsid })
    t.equal(moved.index, 4321)
  })

  await t.test('both ends of a pair', async (t) => {
    const peer = { ifname: 'd', address: '02:00:00:00:00:99', mtu: 1300, numTxQueues: 2, txqlen: 9 } as const
    await rt.request(link.add({ ifname: 'c', mtu: 1400, linkinfo: { kind: 'veth', data: { peer } } }))
    const far = await get({ ifname: 'd' })
    t.same(only(far, peer), peer)
    t.match(await get({ ifname: 'c' }), { mtu: 1400, link: far.index, linkinfo: { kind: 'veth' } })
  })
}
