import t from 'tap'
import { link } from '../../lib/rtnl/link.js'
import { nexthop } from '../../lib/rtnl/nexthop.js'
import { route } from '../../lib/rtnl/route.js'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'

const gre = link.add({
  ifname: 'gre1',
  linkinfo: {
    kind: 'gre',
    data: { ikey: 5, iflags: ['key'], unknown: [{ type: 99, data: Buffer.from('abcd', 'hex') }] },
  },
})
const multipath = route.add({
  dst: '10.0.0.0/8',
  multipath: [
    { oif: 3, gateway: '192.0.2.1', flags: ['onlink'] },
    { oif: 4, weight: 10, encap: { type: 'ip', id: 5n, dst: '192.0.2.2' } },
  ],
})
const other = nexthop.add({
  id: 1,
  group: [{ id: 2, weight: 3 }],
  encap: { type: 6, data: Buffer.from('0102', 'hex') },
})

/** Where bytes lie in a message. */
const at = (bytes: Buffer, hex: string): number => bytes.indexOf(Buffer.from(hex, 'hex'))

t.test('a message as text, attribute by attribute', async (t) => {
  t.equal(
    rtnetlink.inspect(gre.bytes),
    `RTM_NEWLINK flags=request|ack|excl|create seq=0 pid=0 length=${gre.bytes.length}
  ifinfomsg family=unspec type=0 index=0 flagsWord=0 changeWord=0
  IFLA_IFNAME gre1
  IFLA_LINKINFO
    IFLA_INFO_KIND gre
    IFLA_INFO_DATA
      IFLA_GRE_IKEY 5
      IFLA_GRE_IFLAGS [key]
      IFLA_GRE_99 0xabcd
`,
  )
})

t.test('headers are shown whole, those within too', async (t) => {
  t.equal(
    rtnetlink.inspect(multipath.bytes),
    `RTM_NEWROUTE flags=request|ack|excl|create seq=0 pid=0 length=${multipath.bytes.length}
  rtmsg family=inet dstLen=8 srcLen=0 tos=0 table=254 protocol=boot scope=universe type=unicast flags=[]
  RTA_DST 10.0.0.0/8
  RTA_MULTIPATH[0]
    rtnexthop len=16 flags=[onlink] weight=1 oif=3
    RTA_GATEWAY 192.0.2.1
  RTA_MULTIPATH[1]
    rtnexthop len=40 flags=[] weight=10 oif=4
    RTA_ENCAP_TYPE 0x0200
    RTA_ENCAP
      LWTUNNEL_IP_ID 5
      LWTUNNEL_IP_DST 192.0.2.2
`,
  )
})

t.test('structs, lists and bytes', async (t) => {
  t.equal(
    rtnetlink.inspect(other.bytes),
    `RTM_NEWNEXTHOP flags=request|ack|excl|create seq=0 pid=0 length=${other.bytes.length}
  nhmsg family=unspec scope=universe protocol=unspec flags=[]
  NHA_ID 1
  NHA_GROUP [id=2 weight=3]
  NHA_ENCAP_TYPE 0x0600
  NHA_ENCAP type=6 data=0x0102
`,
  )
  const chunk = link.change({ index: 1, physPortId: Buffer.from('ff01', 'hex') })
  t.match(rtnetlink.inspect(chunk.bytes), /IFLA_PHYS_PORT_ID 0xff01\n/)
})

t.test('several messages, and what follows them', async (t) => {
  const done = Buffer.from('14000000' + '0300' + '0200' + '07000000' + '08000000' + '00000000', 'hex')
  const bytes = Buffer.concat([done, Buffer.from('100000001234', 'hex')])
  t.equal(
    rtnetlink.inspect(bytes),
    `NLMSG_DONE flags=multi seq=7 pid=8 length=20
  0x00000000
no message of a possible length at byte 20: 100000001234
`,
  )
  t.equal(
    rtnetlink.inspect(Buffer.from('10000000' + 'd204' + '0000' + '0000000000000000', 'hex')),
    'message 1234 flags=0 seq=0 pid=0 length=16\n',
  )
  t.equal(rtnetlink.inspect(Buffer.alloc(0)), '')
})

t.test('what is malformed is shown as far as it goes', async (t) => {
  const text = (request: { bytes: Buffer }, change: (b: Buffer) => void): string => {
    const bytes = Buffer.from(request.bytes)
    change(bytes)
    return rtnetlink.inspect(bytes)
  }
  t.match(
    text(gre, (b) => b.writeUInt16LE(3, at(b, '08000400'))),
    /IFLA_INFO_DATA\n {6}\(not an attribute: 0x03000400/,
  )
  t.match(
    text(gre, (b) => b.writeUInt16LE(7, at(b, '06000200'))),
    /IFLA_GRE_IFLAGS \(3 bytes where 2 were expected\)/,
  )
  t.match(
    text(multipath, (b) => b.writeUInt16LE(99, at(b, '1000040003'))),
    /RTA_MULTIPATH \(an item of 99 bytes where 56 are left\)/,
  )
  const short = Buffer.from(gre.bytes.subarray(0, 20))
  short.writeUInt32LE(20, 0)
  t.match(rtnetlink.inspect(short), /ifinfomsg \(4 bytes where struct ifinfomsg of 16 was expected\)/)
})

t.test('from an offset to the path of the attribute there', async (t) => {
  const path = ({ bytes }: { bytes: Buffer }, hex: string, more = 0): string | undefined =>
    rtnetlink.attributePath(bytes, at(bytes, hex) + more)
  t.equal(path(gre, '08000400'), 'linkinfo.data.ikey', 'an nlattr')
  t.equal(path(gre, '08000400', 7), 'linkinfo.data.ikey', 'its payload')
  t.equal(path(gre, '06000200'), 'linkinfo.data.iflags', 'the next one begins where one ends')
  t.equal(path(gre, '08000400', -4), 'linkinfo.data')
  t.equal(path(gre, '08000100'), 'linkinfo.kind')
  t.equal(path(gre, '06006300'), 'linkinfo.data.IFLA_GRE_99', 'one that no table knows')
  t.equal(rtnetlink.attributePath(gre.bytes, at(gre.bytes, '0800010067726500') - 4), 'linkinfo', 'a nest')
  t.equal(path(multipath, '08000500'), 'multipath[0].gateway')
  t.equal(path(multipath, '0c000100'), 'multipath[1].encap.id')
  t.equal(path(multipath, '06001500'), 'multipath[1].RTA_ENCAP_TYPE')
  t.equal(path(multipath, '1000040003'), 'multipath', 'the header of a nexthop')
  t.equal(path(other, '06000880'), 'encap')
  t.equal(rtnetlink.attributePath(gre.bytes, 3), undefined, 'in the header')
  t.equal(rtnetlink.attributePath(gre.bytes, 10_000), undefined)
  t.equal(rtnetlink.attributePath(Buffer.alloc(20), 16), undefined, 'a message of no known kind')
  t.equal(rtnetlink.attributePath(Buffer.alloc(3), 0), undefined)
})

t.test('from the number of a missing attribute to its path', async (t) => {
  const { bytes } = gre
  const nest = at(bytes, '0800010067726500') - 4
  const data = at(bytes, '08000400') - 4
  t.equal(rtnetlink.attributeName(bytes, undefined, 3), 'ifname')
  t.equal(rtnetlink.attributeName(bytes, undefined, 99), 'IFLA_99')
  t.equal(rtnetlink.attributeName(bytes, nest, 2), 'linkinfo.data')
  t.equal(rtnetlink.attributeName(bytes, data, 7), 'linkinfo.data.remote')
  t.equal(rtnetlink.attributeName(bytes, data, 99), 'linkinfo.data.IFLA_GRE_99')
  t.equal(rtnetlink.attributeName(bytes, at(bytes, '08000400'), 7), 'linkinfo.data.ikey', 'a nest that is none')
  t.equal(rtnetlink.attributeName(bytes, data + 2, 7), undefined, 'in the middle of something')
  t.equal(rtnetlink.attributeName(bytes, 10_000, 7), undefined)
  const hops = multipath.bytes
  t.equal(rtnetlink.attributeName(hops, at(hops, '10000400') - 4, 5), 'multipath[0].gateway')
  t.equal(rtnetlink.attributeName(hops, at(hops, '0c000100') - 4, 5), 'multipath[1].encap.tos')
  t.equal(rtnetlink.attributeName(Buffer.alloc(20), undefined, 1), undefined)
})
