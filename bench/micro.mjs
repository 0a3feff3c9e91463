#!/usr/bin/env node
// Nanoseconds of what is done for each message, nothing sent: for a look while changing it. Best and median of many
// rounds, and the first, in which nothing is compiled yet.
//
//   npm run build && node bench/micro.mjs [WORD]    only what has the word in its name
import { formatIpv4, formatIpv6, writeIpv4, writeIpv6, writeMac } from '../dist/address.js'
import { decode, neighbour, nexthop, route } from '../dist/index.js'
import { rtnetlink } from '../dist/schema/rtnetlink.js'
import { eachOf, runs } from '../dist/wire/frame.js'
import { destination, endpoint, mac, PROTOCOL } from './contenders/messages.mjs'

const N = 20_000
const ROUNDS = 30
const wanted = process.argv[2] ?? ''

// Text as it comes from a file.
const make = (one) => JSON.parse(JSON.stringify(Array.from({ length: N }, (_, i) => one(i))))

const routes = make((i) => ({
  dst: `${destination(i)}/32`,
  gateway: endpoint(i),
  oif: 3,
  priority: 1000 + i,
  protocol: PROTOCOL,
  flags: ['onlink'],
}))
const nexthops = make((i) => ({ id: i + 1, gateway: endpoint(i), oif: 3, flags: ['onlink'] }))
const neighbours = make((i) => ({ ifindex: 3, dst: endpoint(i), lladdr: mac(i) }))
/** No two of one shape. */
const mixed = make((i) => ({ dst: `${destination(i)}/32`, oif: 3, protocol: i % 256, table: 1 + (i % 4000) }))
const addresses = make(endpoint)
const addresses6 = make((i) => `2001:db8::${i.toString(16)}`)
const macs = make(mac)

const multi = (request) => {
  const bytes = Buffer.from(request.bytes)
  bytes[6] |= 2
  return bytes
}
const dump = Buffer.concat(routes.slice(0, 400).map((one) => multi(route.add(one))))
const bytes = Buffer.alloc(16)
let sink = 0

const each = (list, action) => () => {
  for (const one of list) sink += action(one)
}

const JOBS = {
  'encode: onlink route': each(routes, (one) => route.add(one).bytes.length),
  'encode: route to go': each(routes, ({ dst, priority }) => route.delete({ dst, priority }).bytes.length),
  'encode: nexthop': each(nexthops, (one) => nexthop.add(one).bytes.length),
  'encode: neighbour': each(neighbours, (one) => neighbour.add(one).bytes.length),
  'encode: routes of many shapes': each(mixed, (one) => route.add(one).bytes.length),
  'decode: value of a dump': () => {
    for (let n = 0; n < N; n += 400) {
      for (const run of runs(dump)) eachOf(run, (frame) => (sink += rtnetlink.decodeValue(frame).oif))
    }
  },
  'decode: whole messages': () => {
    for (let n = 0; n < N; n += 400) sink += decode(dump).length
  },
  'address: IPv4 to bytes': each(addresses, (text) => Number(writeIpv4(text, bytes, 0))),
  'address: IPv6 to bytes': each(addresses6, (text) => Number(writeIpv6(text, bytes, 0))),
  'address: MAC to bytes': each(macs, (text) => Number(writeMac(text, bytes, 0))),
  'address: IPv4 to text': each(addresses, (text) => writeIpv4(text, bytes, 0) && formatIpv4(bytes, 0).length),
  'address: IPv6 to text': each(addresses6, (text) => writeIpv6(text, bytes, 0) && formatIpv6(bytes, 0).length),
}

console.log(`${''.padEnd(32)} first  median    best   (ns)`)
for (const [name, job] of Object.entries(JOBS)) {
  if (!name.includes(wanted)) continue
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    job()
    rounds.push(((performance.now() - start) * 1e6) / N)
  }
  const first = rounds[0]
  rounds.sort((a, b) => a - b)
  const show = (ns) => ns.toFixed(0).padStart(6)
  console.log(`${name.padEnd(32)}${show(first)}  ${show(rounds[ROUNDS >> 1])}  ${show(rounds[0])}`)
}
if (sink === 0) process.exit(1)
