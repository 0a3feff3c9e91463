import t from 'tap'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { FakeTransport } from '../../lib/testing/fake.js'
import type { Finding } from '../../lib/tunnel/finding.js'
import type { DeviceFacts } from '../../lib/tunnel/kinds.js'
import { checkLimits } from '../../lib/tunnel/limits.js'
import { schemeOf } from '../../lib/tunnel/options.js'
import { Snapshot } from '../../lib/tunnel/snapshot.js'

/** What the kernel can bear, without one. */

interface Case {
  readonly kind?: string
  readonly peers?: number
  readonly direct?: number
  readonly objects?: number
  readonly sysctls?: Record<string, number>
}

const limits = (soft: number, most: number, family = 'ipv4'): Record<string, number> => ({
  [`net/${family}/neigh/default/gc_thresh1`]: 128,
  [`net/${family}/neigh/default/gc_thresh2`]: soft,
  [`net/${family}/neigh/default/gc_thresh3`]: most,
})

function findings({ kind = 'ipip', peers = 0, direct = 0, objects = 0, sysctls = {} }: Case): string[] {
  const fake = new FakeTransport()
  Object.assign(fake.sysctls, sysctls)
  const device = { index: 7, ifname: 'tun', kind, up: true, mtu: 1480, external: false, fallback: false, data: {} }
  const scheme = schemeOf({ ...device, local: '192.168.122.11' } as DeviceFacts, { device: 7, protocol: 78 })
  const snapshot = new Snapshot(scheme)
  for (let i = 0; i < peers; i++) snapshot.peer(`10.0.${i >> 8}.${i & 255}`)
  for (let id = 1; id <= objects; id++) snapshot.nexthops.set(id, { id, text: '', endpoint: '' })
  const found: Finding[] = []
  const add = (code: Finding['code'], severity: Finding['severity'], message: string): void => {
    found.push({ code, severity, message })
  }
  checkLimits(Rtnetlink.over(fake), scheme, snapshot, { inet: direct, inet6: 0 }, add)
  return found.map(({ code, severity, message }) => `${severity} ${code}: ${message}`)
}

t.test('neighbour tables', (t) => {
  const sysctls = limits(512, 1024)
  t.same(findings({ peers: 500, sysctls }), [], 'there is room')
  t.match(findings({ peers: 600, sysctls }), [
    /^note neighbour-table: 600 .*over 512 .*set them to 1200 and 2400 in the first namespace/,
  ])
  t.match(findings({ peers: 2000, sysctls }), [/^note neighbour-table: 2000 .*holds 1024.*again and again/])
  t.match(findings({ peers: 600, direct: 600, sysctls }), [/^note neighbour-table: 1200 .*holds 1024/], 'both count')
  t.match(findings({ peers: 2000, direct: 2000, sysctls }), [/^warning neighbour-table: about 2000 .*are dropped/])
  t.same(findings({ kind: 'gre', peers: 2000, sysctls }), [], 'permanent entries do not count')
  t.match(findings({ kind: 'sit', peers: 2000, sysctls: limits(512, 1024, 'ipv6') }), [/the ipv6 table holds 1024/])
  t.same(findings({ peers: 2000, direct: 2000 }), [], 'where it is not known')
  t.end()
})

t.test('nexthop objects', (t) => {
  t.same(findings({ objects: 5000 }), [])
  t.match(findings({ objects: 5001 }), [/^warning nexthop-objects: 5001 .*when tun goes down/])
  t.end()
})
