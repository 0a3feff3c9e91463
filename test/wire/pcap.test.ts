import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { neighbour } from '../../lib/rtnl/neighbour.js'
import { route } from '../../lib/rtnl/route.js'
import { toPcap } from '../../lib/wire/pcap.js'
import { which } from '../helpers/which.js'

const run = promisify(execFile)
const noTshark = which('tshark') || process.env.CI ? false : 'needs tshark: apt-get install -y tshark'

t.test('a capture file is laid out as pcap-savefile(5) says', async (t) => {
  const bytes = Buffer.from('1122', 'hex')
  const file = toPcap([{ bytes, sent: true, time: 1_700_000_000_123, protocol: 16 }])
  t.equal(file.readUInt32BE(0), 0xa1b2c3d4, 'magic of a big-endian file with microseconds')
  t.equal(file.readUInt32BE(20), 253, 'LINKTYPE_NETLINK')
  t.equal(file.readUInt32BE(24), 1_700_000_000, 'seconds')
  t.equal(file.readUInt32BE(28), 123_000, 'microseconds')
  t.equal(file.readUInt32BE(32), 18, 'captured length: cooked header and datagram')
  t.equal(file.readUInt32BE(36), 18, 'original length')
  t.equal(file.readUInt16BE(40), 4, 'PACKET_OUTGOING')
  t.equal(file.readUInt16BE(42), 824, 'ARPHRD_NETLINK')
  t.equal(file.readUInt16BE(54), 16, 'NETLINK_GENERIC')
  t.same(file.subarray(56), bytes)
  t.equal(toPcap([]).length, 24, 'an empty capture is a header')
})

t.test('tshark reads it', { skip: noTshark }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nbma-pcap-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'session.pcap')
  const sent = route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12', oif: 7, flags: ['onlink'] }).bytes
  const received = neighbour.add({ ifindex: 7, dst: '192.168.122.12', lladdr: '192.168.122.12' }).bytes
  writeFileSync(
    file,
    toPcap([
      { bytes: sent, sent: true, time: 1_700_000_000_000 },
      { bytes: received, sent: false },
    ]),
  )
  const { stdout } = await run('tshark', ['-r', file, '-V'])
  t.match(stdout, /Linux rtnetlink \(route netlink\) protocol/)
  t.match(stdout, /Message type: Add network route \(24\)/)
  t.match(stdout, /Length of destination: 32/)
  t.match(stdout, /Attribute: Route destination address/)
  t.match(stdout, /Route flags: 0x00000004/)
  t.match(stdout, /Message type: Add a neighbor entry|Add neighbor entry|neigh/i)
})
