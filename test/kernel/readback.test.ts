import { release } from 'node:os'
import t from 'tap'
import { KernelError } from '../../lib/errors.js'
import { link } from '../../lib/rtnl/link.js'
import { Rtnetlink } from '../../lib/rtnl/rtnetlink.js'
import type { LinkinfoInput } from '../../lib/schema/link.js'
import { VXLAN } from '../../lib/schema/vxlan.js'
import { Tunnel } from '../../lib/tunnel/tunnel.js'
import { needsNamespaces, testNamespace } from '../helpers/kernel.js'
import { isSince, type KindCases } from '../readback/cases.js'
import { readDevices } from '../readback/device.js'
import { KIND_CASES } from '../readback/kinds.js'
import { readBack } from '../readback/read-back.js'

const skip = needsNamespaces

/** Kinds that every kernel has for which this package is: their newest attributes are proved on this one. */
const ALWAYS = ['veth', 'vxlan', 'bridge']

/** Whether the kernel has a kind, which makes it load the module. */
async function has(rt: Rtnetlink, { kind }: KindCases): Promise<boolean> {
  try {
    await rt.request(link.add({ ifname: 'probe', linkinfo: { kind } as LinkinfoInput }))
    await rt.request(link.delete({ ifname: 'probe' }))
  } catch (error) {
    return !(error instanceof KernelError && error.code === 'EOPNOTSUPP')
  }
  return true
}

t.test('what is asked of a device is what it is, on this kernel', { skip }, async (t) => {
  const rt = await Rtnetlink.open({ namespace: testNamespace(t) })
  t.teardown(() => rt.close())
  const kinds = new Set<string>()
  for (const one of KIND_CASES) {
    if (!(await has(rt, one))) continue
    kinds.add(one.kind)
    await readBack(t, one)
  }
  for (const kind of ALWAYS) t.ok(kinds.has(kind), kind)
})

t.test('what every device has', { skip }, readDevices)

t.test('an attribute that is taken and not told is one that the kernel knows', { skip }, async (t) => {
  if (!isSince('6.17', release())) return t.comment('this kernel has no mcRoute')
  const rt = await Rtnetlink.open({ namespace: testNamespace(t) })
  t.teardown(() => rt.close())
  const data = { id: 1, unknown: [{ type: VXLAN.rows.mcRoute.type, data: Buffer.of(2) }] }
  await t.rejects(rt.request(link.add({ ifname: 'x', linkinfo: { kind: 'vxlan', data } })), {
    name: 'KernelError',
    code: 'ERANGE',
    extack: { attribute: 'linkinfo.data.mcRoute' },
  })
})

t.test('the newest attributes of vxlan are changed without the others', { skip }, async (t) => {
  if (!isSince('6.14', release())) return t.comment('this kernel is older')
  const rt = await Rtnetlink.open({ namespace: testNamespace(t) })
  t.teardown(() => rt.close())
  const tunnel = await Tunnel.create(rt, { kind: 'vxlan', ifname: 'x', vni: 5, local: '2001:db8::1', ttl: 7, label: 9 })
  for (const change of [{ localbypass: false }, { labelPolicy: 'inherit' }, { localbypass: true }] as const) {
    const before = tunnel.data
    await tunnel.set(change)
    t.same(tunnel.data, { ...before, ...change })
  }
  const before = tunnel.data
  await t.rejects(tunnel.set({ reservedBits: 1n }), {
    code: 'EOPNOTSUPP',
    extack: { attribute: 'linkinfo.data.reservedBits' },
  })
  t.same((await tunnel.refresh()).data, before)
})
