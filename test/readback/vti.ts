import { casesOf } from './cases.js'

/** vti and vti6: net/ipv4/ip_vti.c, net/ipv6/ip6_vti.c. */

const bare = { link: 0, ikey: 0, okey: 0, fwmark: 0 } as const
const marks = { ikey: 0x01020304, okey: 0xfffefdfc, fwmark: 0x12345678 } as const

export const vti = casesOf({
  kind: 'vti',
  bare: { name: 'bare', asked: { local: '192.0.2.1' }, told: { ...bare, remote: '0.0.0.0' } },
  cases: [
    {
      name: 'with everything',
      asked: ({ lower }) => ({ local: '192.0.2.2', remote: '198.51.100.1', link: lower, ...marks }),
    },
  ],
})

export const vti6 = casesOf({
  kind: 'vti6',
  bare: { name: 'bare', asked: { local: '2001:db8::1' }, told: { ...bare, remote: '::' } },
  cases: [
    {
      name: 'with everything',
      asked: ({ lower }) => ({ local: '2001:db8::2', remote: '2001:db8:1::1', link: lower, ...marks }),
    },
  ],
})
