import t from 'tap'
import { fmix32, hashAddress, hashSet, METRICS, NEXTHOP_IDS, within } from '../../lib/tunnel/metric.js'
import { canonicalBytes } from '../../lib/tunnel/peer.js'

/** These numbers are in kernels out there: they never change. Reckoned by a program of a few lines in another language. */

const VECTORS: readonly (readonly [string, number, number, number])[] = [
  ['192.168.122.12', 0xccf40997, 17_616_704, 537_710_400],
  ['192.168.122.13', 0x70029344, 17_236_009, 537_329_705],
  ['10.0.0.1', 0x1b0ba38f, 16_887_994, 536_981_690],
  ['255.255.255.254', 0x7995c304, 17_275_228, 537_368_924],
  ['2001:db8::1', 0x7123bc7a, 17_240_635, 537_334_331],
  ['2001:db8::2', 0x00a74438, 16_779_892, 536_873_588],
  ['fd00::12', 0xc91272ef, 17_600_807, 537_694_503],
]

const hashOf = (address: string): number => hashAddress(canonicalBytes(address)!)

t.test('the hash of an endpoint, its metric and its nexthop id', (t) => {
  for (const [address, hash, metric, id] of VECTORS) {
    t.equal(hashOf(address), hash, address)
    t.equal(within(METRICS, hash), metric, `${address}: metric`)
    t.equal(within(METRICS, hash | 0), metric, `${address}: metric of the signed hash`)
    t.equal(within(NEXTHOP_IDS, hash), id, `${address}: id`)
  }
  t.same([fmix32(0), fmix32(1), fmix32(0xdeadbeef)], [0, 0x514e28b7, 0x0de5c6a9], 'as MurmurHash3 has it')
  t.end()
})

t.test('the hash of several endpoints does not depend on their order, nor on the sign', (t) => {
  const hashes = [hashOf('192.168.122.12'), hashOf('192.168.122.13')]
  t.equal(hashSet(hashes), 0x9a3c41a2)
  t.equal(hashSet([...hashes].reverse()), 0x9a3c41a2)
  t.equal(hashSet(hashes.map((hash) => hash | 0)), 0x9a3c41a2)
  t.equal(within(METRICS, hashSet(hashes)), 17_408_964)
  t.not(hashSet(hashes), hashSet([...hashes, hashOf('10.0.0.1')]))
  t.end()
})

t.test('neighbouring endpoints are spread: no metric is crowded', (t) => {
  const count = new Map<number, number>()
  for (let i = 0; i < 100_000; i++) {
    const metric = within(METRICS, hashAddress(Uint8Array.of(10, i >> 16, i >> 8, i)))
    if (metric < METRICS.base || metric >= METRICS.base + METRICS.width) t.fail(`${metric} is out of range`)
    count.set(metric, (count.get(metric) ?? 0) + 1)
  }
  t.ok(Math.max(...count.values()) <= 8, `at most ${Math.max(...count.values())} of 100,000 endpoints share a metric`)
  t.ok(count.size > 94_000, `${count.size} metrics`)
  t.end()
})

t.test('a range is used from its first to its last number', (t) => {
  const range = { base: 100, width: 50 }
  t.same(
    [0, 0xffffffff, 0x80000000].map((hash) => within(range, hash)),
    [100, 149, 125],
  )
  t.equal(within({ base: 7, width: 1 }, 0xffffffff), 7)
  t.end()
})
