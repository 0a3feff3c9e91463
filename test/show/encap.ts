import type { Route } from '../../lib/schema/route.js'
import { whenSet } from './text.js'

/** What a route or nexthop puts around packets: ip/iproute_lwtunnel.c of iproute2 6.1.0. */

type Encap = NonNullable<Route['encap']>
type Known = Exclude<Encap, { data: Buffer }>
type Opts = NonNullable<Extract<Known, { type: 'ip' }>['opts']>

const tunnelFlags = (flags: Extract<Known, { type: 'ip' }>['flags']) => ({
  key: whenSet(flags?.includes('key')),
  csum: whenSet(flags?.includes('csum')),
  seq: whenSet(flags?.includes('seq')),
})

function opts({ geneve, vxlan, erspan }: Opts) {
  if (geneve !== undefined)
    return {
      geneve_opts: geneve.map(({ class: family, type, data }) => ({
        class: family,
        type,
        data: data?.toString('hex'),
      })),
    }
  if (vxlan !== undefined) return { vxlan_opts: [{ gbp: vxlan.gbp }] }
  if (erspan === undefined) return {}
  const first = erspan.ver === 1
  const { ver } = erspan
  return {
    erspan_opts: [{ ver, index: first ? erspan.index : 0, dir: first ? 0 : erspan.dir, hwid: first ? 0 : erspan.hwid }],
  }
}

/** The properties that the encap has beside those of its route: its `dst` is not that of the route. */
export function encap(one: Encap | undefined) {
  if (one === undefined) return {}
  if ('data' in one) throw new Error(`how is encap ${one.type} shown?`)
  switch (one.type) {
    case 'mpls':
      return { encap: 'mpls', dst: one.dst?.join('/'), ttl: one.ttl }
    case 'ip':
      return {
        encap: 'ip',
        id: Number(one.id),
        src: one.src,
        dst: one.dst,
        ttl: one.ttl,
        tos: one.tos,
        ...tunnelFlags(one.flags),
        ...opts(one.opts ?? {}),
      }
    case 'ip6':
      return {
        encap: 'ip6',
        id: Number(one.id),
        src: one.src,
        dst: one.dst,
        hoplimit: one.hoplimit,
        tc: one.tc,
        ...tunnelFlags(one.flags),
        ...opts(one.opts ?? {}),
      }
  }
}
