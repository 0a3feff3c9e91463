import fc from 'fast-check'
import t from 'tap'
import { route } from '../../lib/rtnl/route.js'
import type { Family } from '../../lib/tunnel/kinds.js'
import { Members } from '../../lib/tunnel/member.js'
import { Messages } from '../../lib/tunnel/messages.js'
import { within } from '../../lib/tunnel/metric.js'
import { schemeOf } from '../../lib/tunnel/options.js'
import { PresentPeer, PresentRoute } from '../../lib/tunnel/present.js'
import { NewRoutes, OldRoutes } from '../../lib/tunnel/route-series.js'
import type { Scheme } from '../../lib/tunnel/scheme.js'
import { endpointsOf } from '../../lib/tunnel/step.js'
import { holds } from '../helpers/property.js'

/** Messages that are cut after a stencil, alone or many together, are those that the builder makes. */

const device = { index: 7, ifname: 'x0', kind: 'veth', up: true, mtu: 1500, external: false, fallback: false, data: {} }

const PREFIXES = {
  inet: fc.tuple(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 })).map(([word, length]) => {
    const network = length === 0 ? 0 : (word & (-1 << (32 - length))) >>> 0
    return `${[24, 16, 8, 0].map((shift) => (network >>> shift) & 0xff).join('.')}/${length}`
  }),
  inet6: fc.constantFrom('2001:db8::/32', '2001:db8:1::/48', '::/0', '2001:db8::1/128', 'fd00::ff:fe00:1/128'),
}
const GATEWAYS = { inet: fc.ipV4(), inet6: fc.constantFrom('::192.168.122.12', 'fe80::1', '2001:db8::ff') }

/** Whether the routes of two peers that are made together are those that they would have alone. */
function togetherWith(messages: Messages, scheme: Scheme, family: Family, prefix: string): boolean {
  const members = new Members()
  for (const endpoint of family === 'inet' ? ['10.0.0.1', '255.0.0.2'] : ['2001:db8::12', '::192.168.122.13'])
    members.at(endpoint)!.prefixes = [prefix]
  const [first, second] = [...members]
  const claims = [second!, first!].map((member) => ({ prefix, who: member, members: [member], settled: false }))
  const routes = new NewRoutes(messages.stencil('add', family), scheme.metric, claims)
  const bytes = Buffer.alloc(4 + 2 * routes.size)
  routes.write(bytes, 4, 0, 2)
  const alone = [second!, first!].map(({ endpoint, hash }) =>
    messages.singleRoute(prefix, within(scheme.metric, hash), { gateway: endpoint, encap: undefined, text: '' }, false),
  )
  return (
    bytes.subarray(4).equals(Buffer.concat(alone.map((request) => request.bytes))) &&
    alone.every((request, number) => {
      const step = routes.step(number)
      const { endpoint } = number === 0 ? second! : first!
      return step.request.bytes.equals(request.bytes) && `${endpointsOf(step)}` === endpoint && step.prefix === prefix
    }) &&
    [...routes.steps()].length === routes.count
  )
}

for (const options of [{}, { source: ['11.1.1.1', '2001:db8::11'], mtu: 1400, advmss: 1360, table: 1000 }]) {
  t.test(`stencils and the builder agree: ${JSON.stringify(options)}`, (t) => {
    const scheme = schemeOf(device, { device: 'x0', protocol: 78, strategy: 'onlink', ...options })
    const messages = new Messages(scheme)
    const metrics = 'mtu' in options ? { mtu: 1400, advmss: 1360 } : undefined
    for (const family of ['inet', 'inet6'] as const) {
      // Attributes stand in the order of the properties.
      const common = (dst: string, priority: number) =>
        ({ family, dst, priority, protocol: 78, table: scheme.table }) as const
      holds(
        t,
        family,
        fc.property(
          PREFIXES[family],
          fc.nat(0xffffffff),
          GATEWAYS[family],
          fc.boolean(),
          (dst, priority, gateway, replace) => {
            const value = {
              ...common(dst, priority),
              prefsrc: scheme.source[family],
              metrics,
              gateway,
              oif: 7,
              flags: ['onlink'] as const,
            }
            const expected = replace ? route.replace(value) : route.add(value)
            const made = messages.singleRoute(dst, priority, { gateway, encap: undefined, text: gateway }, replace)
            const old = { prefix: dst, route: new PresentRoute(priority, gateway, false, new PresentPeer('')) }
            const removal = new OldRoutes(messages.stencil('delete', family), [old])
            const gone = removal.request(0)
            const cut = Buffer.alloc(removal.size)
            removal.write(cut, 0, 0, 1)
            const { dst: said, gateway: through } = made.value
            const together = togetherWith(messages, scheme, family, dst)
            return (
              together &&
              made.bytes.equals(expected.bytes) &&
              made.flags === expected.flags &&
              made.operation === 'RTM_NEWROUTE' &&
              said === dst &&
              through === gateway &&
              gone.bytes.equals(cut) &&
              gone.bytes.equals(route.delete({ ...common(dst, priority), oif: 7 }).bytes) &&
              `${gone}` === `RTM_DELROUTE ${dst}`
            )
          },
        ),
      )
    }
    t.end()
  })
}
