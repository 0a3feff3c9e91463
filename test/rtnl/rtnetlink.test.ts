import t from 'tap'
import { decode, encode, inspect } from '../../lib/rtnl/messages.js'
import { route } from '../../lib/rtnl/route.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import { FakeTransport } from '../../lib/testing/fake.js'

t.test('over a transport of the caller', async (t) => {
  const rt = Rtnetlink.over(new FakeTransport())
  t.same(await rt.request(route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12' })), {})
  t.throws(() => rt.monitor(['link']), { code: 'NBMA_UNSUPPORTED', message: /without monitors/ })
  rt.close()

  const fake = new FakeTransport()
  const watched = Rtnetlink.over(new FakeTransport(), {}, () => fake)
  const events = watched.monitor(['ipv4-route'])
  const next = events.next()
  fake.deliver(route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12' }).bytes)
  t.match(await next, { value: { event: 'RTM_NEWROUTE', message: { dst: '12.1.1.1/32' } } })
  await events.return?.()
  watched.close()
})

t.test('groups that are none', async (t) => {
  const rt = Rtnetlink.over(new FakeTransport(), {}, () => new FakeTransport())
  for (const group of ['ipv4_route', 0, -1, 1.5]) {
    t.throws(() => rt.monitor([group as 'link']), { message: /is not a group of rtnetlink; there are link, / })
  }
  rt.close()
})

t.test('bytes, values and text', async (t) => {
  const request = route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12' })
  const bytes = encode(request, { seq: 7, pid: 9 })
  const [message] = decode(bytes)
  t.match(message, { type: 'RTM_NEWROUTE', seq: 7, pid: 9, value: { dst: '12.1.1.1/32', gateway: '192.168.122.12' } })
  t.same(encode(message!, { seq: 7, pid: 9 }), bytes)
  t.match(inspect(bytes), /^RTM_NEWROUTE .*seq=7 pid=9.*\n[\s\S]*RTA_GATEWAY 192\.168\.122\.12/)
})
