/**
 * Three hosts, one tunnel device on each, any number of peers behind it: ipip, gre, sit and vxlan, with packets.
 * `npm run demo` finds a kernel that has the tunnels and runs this in it.
 */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { link, neighbour, Overlay, type Peer, route, Tunnel } from 'nbma'
import { type Host, Lab, type Packet } from 'nbma/testing'
import { chapter, claim, done, lines, say, shown, summary } from './report.js'

/** Marks the routes that are ours: /etc/iproute2/rt_protos. */
const PROTOCOL = 78

interface Chapter {
  readonly title: string
  /** The one device of a host. */
  readonly device: (host: Host, underlay: string) => Promise<Tunnel>
  /** The address inside the tunnel of host 1, 2 and 3. */
  readonly inside: (n: number) => string
  /** What a peer needs beside endpoint and prefixes. */
  readonly peer?: (tunnel: Tunnel) => Partial<Peer>
  /** What a packet on the wire is, beside its addresses. */
  readonly outer: string
  readonly isOuter: (packet: Packet) => boolean
  /** What else is in the kernel for a peer. */
  readonly more?: (host: Host, tunnel: Tunnel) => Promise<void>
}

const CHAPTERS: readonly Chapter[] = [
  {
    title: 'ipip: tunl0, a route for each peer',
    device: (host) => Tunnel.fallback(host.rt, 'ipip'),
    inside: (n) => `1${n}.1.1.1`,
    outer: 'protocol 4 (IPv4 in IPv4)',
    isOuter: ({ outer }) => outer?.protocol === 4,
  },
  {
    title: 'gre without a remote, key 5: a route and a neighbour for each peer',
    device: (host, local) => Tunnel.create(host.rt, { kind: 'gre', ifname: 'mgre0', local, key: 5 }),
    inside: (n) => `1${n}.1.1.1`,
    outer: 'protocol 47 (GRE) with key 5',
    isOuter: ({ outer, gre }) => outer?.protocol === 47 && gre?.key === 5,
    more: async ({ rt }, tunnel) => {
      const entries = await rt.list(neighbour.list({ viaIfindex: tunnel.index }))
      const ours = entries.filter(({ protocol }) => protocol === PROTOCOL)
      await show('ip neighbour show dev mgre0')
      claim(ours.length === 2, 'each peer has a neighbour entry whose link-layer address is its underlay address')
    },
  },
  {
    title: 'sit: sit0, IPv6 over the same underlay',
    device: (host) => Tunnel.fallback(host.rt, 'sit'),
    inside: (n) => `2001:db8:1${n}::1`,
    outer: 'protocol 41 (IPv6 in IPv4)',
    isOuter: ({ outer }) => outer?.protocol === 41,
  },
  {
    title: 'vxlan, VNI 42: a route, a neighbour and a forwarding entry for each peer',
    device: (host, local) => Tunnel.create(host.rt, { kind: 'vxlan', ifname: 'vx42', local, vni: 42 }),
    inside: (n) => `1${n}.1.1.1`,
    peer: ({ address }) => (address === undefined ? {} : { mac: address }),
    outer: 'UDP port 4789, VNI 42',
    isOuter: ({ vxlan }) => vxlan?.vni === 42,
    more: async ({ rt }, tunnel) => {
      const entries = await rt.list(neighbour.list({ family: 'bridge', ifindex: tunnel.index }))
      const remote = entries.filter(({ dst, lladdr }) => dst !== undefined && lladdr !== '00:00:00:00:00:00')
      await show('bridge fdb show dev vx42')
      claim(remote.length === 2, 'each peer has a forwarding entry: its MAC address leads to its underlay address')
    },
  },
]

const underlay = (n: number): string => `192.168.122.1${n}`
const isUml = readFileSync('/proc/cpuinfo', 'utf8').includes('User Mode Linux')

say(`
        11.1.1.1            12.1.1.1            13.1.1.1        inside the tunnels
    2001:db8:11::1      2001:db8:12::1      2001:db8:13::1
       ┌───┴───┐           ┌───┴───┐           ┌───┴───┐
       │ host1 │           │ host2 │           │ host3 │        network namespaces, each with
       └───┬───┘           └───┬───┘           └───┬───┘        one tunnel device for all peers
           │ .11               │ .12               │ .13        eth1, 192.168.122.0/24
     ──────┴───────────────────┴───────────────────┴──────      one LAN

Linux ${release()}${isUml ? ', User Mode Linux' : ''}, Node ${process.version}`)

chapter('Three hosts')
await using lab = await Lab.create({
  hosts: {
    host1: { eth1: `${underlay(1)}/24`, lo: ['11.1.1.1/32', '2001:db8:11::1/128'] },
    host2: { eth1: `${underlay(2)}/24`, lo: ['12.1.1.1/32', '2001:db8:12::1/128'] },
    host3: { eth1: `${underlay(3)}/24`, lo: ['13.1.1.1/32', '2001:db8:13::1/128'] },
  },
})
const { host1, host2, host3 } = lab.hosts
const hosts = [host1, host2, host3] as const
done('namespaces, a bridge, veths and addresses')
for (const n of [2, 3]) claim((await host1.ping(underlay(n))).received === 1, `host1 reaches host${n} on the LAN`)
claim((await host1.ping('12.1.1.1')).sent === 0, 'there is no way to 12.1.1.1 yet')

for (const [i, part] of CHAPTERS.entries()) {
  chapter(`${i + 1}. ${part.title}`)
  await play(part)
}
summary()

/** Runs a command on host1 and prints what it prints. */
async function show(command: string): Promise<void> {
  const [program = '', ...args] = command.split(' ')
  shown(`host1# ${command}`)
  const { stdout } = await host1.exec(program, args)
  lines(stdout.trimEnd().split(/\s*\n/))
}

/** The lines of tcpdump about the first packet from host1. */
function firstOf(text: readonly string[]): string[] {
  const outer = (line: string): boolean => line.startsWith('IP 192.168.122.')
  const start = text.findIndex((line) => outer(line) && line.startsWith(`IP ${underlay(1)}`))
  const length = text.slice(start + 1).findIndex(outer)
  return text.slice(start, start + 1 + length)
}

async function play({ device, inside, peer, outer, isOuter, more }: Chapter): Promise<void> {
  const bits = inside(1).includes(':') ? 128 : 32

  const tunnels: Tunnel[] = []
  const overlays: Overlay[] = []
  for (const [i, host] of hosts.entries()) {
    const tunnel = await device(host, underlay(i + 1))
    tunnels.push(tunnel)
    overlays.push(await Overlay.open(host.rt, { device: tunnel, protocol: PROTOCOL, source: inside(i + 1) }))
  }
  const [tunnel, overlay] = [tunnels[0] as Tunnel, overlays[0] as Overlay]
  const { ifname } = tunnel
  done(`${ifname} on each host, up; ${tunnel.fallback ? 'the kernel made it' : 'made by Tunnel.create'}`)

  const peers = tunnels.map((tunnel, i): Peer => {
    return { endpoint: underlay(i + 1), prefixes: [`${inside(i + 1)}/${bits}`], ...peer?.(tunnel) }
  })
  for (const [i, overlay] of overlays.entries()) await overlay.add(peers.filter((_, j) => j !== i))
  done(`overlay.add() on each host, strategy ${overlay.strategy}`)
  await showRoutes(ifname)
  await more?.(host1, tunnel)

  for (const n of [2, 3]) await pingAndLook(n)
  done('pings from host1 to both')
  claim((await host2.ping(inside(3), { source: inside(2) })).received === 1, 'host2 and host3 reach each other as well')
  const devices = await host1.rt.list(link.list({ linkinfo: { kind: tunnel.kind } }))
  const used = devices.filter(({ up, ifname }) => up && ifname !== 'lo')
  claim(
    used.length === 1 && used[0]?.ifname === ifname,
    `host1 has one ${tunnel.kind} device up for all of it: ${ifname}`,
  )

  await overlay.remove(underlay(2))
  done(`overlay.remove('${underlay(2)}') on host1`)
  const gone = await host1.ping(inside(2), { source: inside(1), count: 2, timeout: 200 })
  claim(gone.received === 0, `${inside(2)} does not answer any more`)
  claim((await host1.ping(inside(3), { source: inside(1) })).received === 1, `${inside(3)} still does`)
  await overlay.add(peers.slice(1, 2))
  claim((await host1.ping(inside(2), { source: inside(1) })).received === 1, 'added again, it answers again')
  done('removed and added again')

  for (const overlay of overlays) await overlay.sync([])
  for (const tunnel of tunnels) if (!tunnel.fallback) await tunnel.delete()
  const left = await host1.rt.list(route.list({ protocol: PROTOCOL }))
  claim(left.length === 0, 'overlay.sync([]) leaves no route behind')
  done('cleared away')

  async function showRoutes(ifname: string): Promise<void> {
    const routes = await host1.rt.list(route.list({ table: 254, protocol: PROTOCOL, oif: tunnel.index }))
    await show(`ip ${bits === 128 ? '-6 ' : ''}route show dev ${ifname} proto ${PROTOCOL}`)
    const known: Peer[] = []
    for await (const peer of overlay.peers()) known.push(peer)
    const expected = [underlay(2), underlay(3)].join()
    claim(routes.length === 2, `${ifname} has a route for each of two peers`)
    claim(
      known
        .map(({ endpoint }) => endpoint)
        .sort()
        .join() === expected,
      'overlay.peers() reads both from the kernel',
    )
  }

  async function pingAndLook(n: number): Promise<void> {
    const far = hosts[n - 1] as Host
    await using capture = await far.capture({ device: 'eth1', filter: 'not arp' })
    const { received, output } = await host1.ping(inside(n), { source: inside(1), count: 2 })
    const packets = (await capture.flush()).filter(isOuter)
    const text = await capture.text()
    shown(`host1# ping -I ${inside(1)} ${inside(n)}`)
    lines(output.split('\n').filter((line) => line.includes('bytes from')))
    shown(`host${n}# tcpdump -ni eth1`)
    lines(firstOf(text))
    const [there, back] = packets
    claim(received === 2, `${inside(n)} answers`)
    claim(
      there?.outer?.src === underlay(1) && there.outer.dst === underlay(n),
      `the outer header is ${underlay(1)} > ${underlay(n)}, ${outer}`,
    )
    claim(
      there?.inner?.src === inside(1) && there.inner.dst === inside(n),
      `inside is ${inside(1)} > ${inside(n)}, an echo request`,
    )
    claim(
      back?.outer?.src === underlay(n) && back.inner?.src === inside(n) && back.inner.dst === inside(1),
      'the reply comes back the same way',
    )
  }
}
