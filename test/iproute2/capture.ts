/** Captures the netlink messages that a command of iproute2 sends, on the kernel this runs in. Needs root and strace. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Captured {
  readonly command: string
  /** The command's exit status: the messages are there even when the kernel refused them. */
  readonly status: number
  readonly error?: string
  /** The indexes of all devices before the command ran. */
  readonly devices: Readonly<Record<string, number>>
  /** In hex, normalised. */
  readonly messages: readonly string[]
}

const RTM_NEWLINK = 16
const RTM_GETLINK = 18
const RTM_NEWROUTE = 24
const RTM_DELROUTE = 25
const RTM_GETNSID = 90
const RTM_NEWNEXTHOP = 104
const NETNSA_FD = 3
const RTA_METRICS = 8
const RTA_MULTIPATH = 9
const NLA_F_NESTED = 0x8000

const align = (length: number) => (length + 3) & ~3

const isUml = () => readFileSync('/proc/cpuinfo', 'utf8').includes('User Mode Linux')

/** Lightweight-tunnel options lock up the routing of some kernels until the next boot. */
export const isHazardous = (command: string) => /\b(geneve|vxlan|erspan)_opts\b/.test(command)

/** The datagrams in what `strace -e write=all` wrote: each call is followed by a hex dump of its bytes. */
export const parseTrace = (trace: string): Buffer[] => {
  const dumps: string[] = []
  for (const line of trace.split('\n')) {
    const [, bytes] = /^ \| [0-9a-f]+ {2}(.{48})/.exec(line) ?? []
    if (bytes !== undefined) dumps.push((dumps.pop() ?? '') + bytes.replaceAll(' ', ''))
    else if (/\b(sendto|sendmsg)\(/.test(line)) dumps.push('')
  }
  return dumps.map((dump) => Buffer.from(dump, 'hex'))
}

/** The messages of a datagram, without the zeros that iproute2's dump requests carry behind theirs. */
const split = (datagram: Buffer): Buffer[] => {
  const messages: Buffer[] = []
  for (let offset = 0; offset + 16 <= datagram.length; ) {
    const length = datagram.readUInt32LE(offset)
    if (length < 16) break
    messages.push(datagram.subarray(offset, offset + length))
    offset += align(length)
  }
  return messages
}

/**
 * Leaves out what iproute2 asks before and after what it was told to do: whether the kernel has RTM_NEWLINK,
 * the index of a name, the name of an index, the id of a namespace.
 */
export const dropLookups = (messages: readonly Buffer[]): Buffer[] => {
  const type = (message: Buffer) => message.readUInt16LE(4)
  const isLookup = (message: Buffer) => type(message) === RTM_GETLINK || type(message) === RTM_GETNSID
  const isProbe = (message: Buffer) => type(message) === RTM_NEWLINK && message.subarray(8).every((byte) => byte === 0)
  const requests = messages.filter((message) => !isLookup(message) && !isProbe(message))
  if (requests.length > 0) return requests
  // The command is a lookup itself: the last one that does not just translate a number.
  return messages
    .filter((message) =>
      type(message) === RTM_GETLINK
        ? message.readUInt32LE(20) === 0
        : type(message) === RTM_GETNSID && (message.length < 24 || message.readUInt16LE(22) !== NETNSA_FD),
    )
    .slice(-1)
}

const clearPadding = (attributes: Buffer, ofRoute: boolean): void => {
  for (let offset = 0; offset + 4 <= attributes.length; ) {
    const length = attributes.readUInt16LE(offset)
    const type = attributes.readUInt16LE(offset + 2)
    if (length < 4) return
    const payload = attributes.subarray(offset + 4, offset + length)
    const end = offset + align(length)
    attributes.subarray(offset + length, end).fill(0)
    if (type & NLA_F_NESTED || (ofRoute && type === RTA_METRICS)) clearPadding(payload, false)
    if (ofRoute && type === RTA_MULTIPATH) {
      for (let hop = 0; hop + 8 <= payload.length; hop += align(Math.max(8, payload.readUInt16LE(hop)))) {
        clearPadding(payload.subarray(hop + 8, hop + payload.readUInt16LE(hop)), false)
      }
    }
    offset = end
  }
}

/**
 * The same bytes every time: no sequence number, and no remains of iproute2's stack in the padding of what it builds
 * there, the encapsulation, metrics and nexthops of a route.
 */
export const normalise = (message: Buffer): Buffer => {
  const copy = Buffer.from(message)
  copy.writeUInt32LE(0, 8)
  const type = copy.readUInt16LE(4)
  if (type === RTM_NEWROUTE || type === RTM_DELROUTE) clearPadding(copy.subarray(28), true)
  if (type === RTM_NEWNEXTHOP) clearPadding(copy.subarray(24), false)
  return copy
}

/** Lines for `ip` and `bridge` as one batch per run of the same program: starting it costs more than the work. */
const batches = (lines: readonly string[]): string => {
  const runs: { program: string; lines: string[] }[] = []
  for (const line of lines) {
    const [program = '', ...words] = line.split(' ')
    if (runs.at(-1)?.program !== program) runs.push({ program, lines: [] })
    runs.at(-1)?.lines.push(words.join(' '))
  }
  return runs.map(({ program, lines }) => `${program} -oneline -batch - <<'END'\n${lines.join('\n')}\nEND`).join('\n')
}

interface Line {
  readonly setup?: readonly string[]
  readonly command: string
}

const linesOf = ({ setup = [], command }: Line) => [...setup, command]

/**
 * What each process of a trace sent, by the number of its script: a script ends with the command, so that all before
 * the last execve is of its setup.
 */
const sections = (trace: string): Map<number, Buffer[]> => {
  const texts = new Map<number, string[]>()
  let current: string[] = []
  let script = -1
  for (const line of trace.split('\n')) {
    if (/\bexecve\(/.test(line)) {
      const [, number] = /"(\d+)\.sh"\]/.exec(line) ?? []
      current = []
      if (number !== undefined) script = Number(number)
      texts.set(script, current)
    } else current.push(line)
  }
  return new Map(Array.from(texts, ([number, lines]) => [number, parseTrace(lines.join('\n')).flatMap(split)]))
}

/**
 * Runs each command in a namespace of its own, prepared by its setup; an error where that failed. All run under one
 * strace: starting it costs more than a command.
 */
export const captureAll = async (entries: readonly Line[]): Promise<(Captured | Error)[]> => {
  const hazard = isUml() ? undefined : entries.find((entry) => linesOf(entry).some(isHazardous))
  if (hazard) throw new Error(`only User Mode Linux survives: ${hazard.command}`)
  const folder = mkdtempSync(join(tmpdir(), 'capture-'))
  try {
    const runs = entries.map((entry, i) => {
      // Only these look at other namespaces, and at the process 1.
      const namespaces = linesOf(entry).some((line) => line.includes('netns'))
      const script = `set -e
${namespaces ? 'mount -t tmpfs tmpfs /run' : ''}
{ ${batches([...(entry.setup ?? []), 'ip link show'])}
} >${i}.links
exec ${entry.command} >/dev/null`
      writeFileSync(join(folder, `${i}.sh`), script)
      const flags = namespaces ? '--net --mount --pid --fork --kill-child' : '--net'
      return `unshare ${flags} sh ${i}.sh 2>${i}.error && echo 0 >${i}.status || echo $? >${i}.status`
    })
    writeFileSync(join(folder, 'all.sh'), runs.join('\n'))
    // To show arguments of sendto and sendmsg, strace would ask the kernel about the socket.
    const options = '-f -q --seccomp-bpf -o trace -e trace=execve,sendto,sendmsg -e raw=sendto,sendmsg -e write=all'
    const programs = ['ip', 'bridge', 'sh', 'unshare', 'mount', 'strace']
    const path = `${process.env.PATH}:/usr/sbin:/sbin`
      .split(':')
      .filter((dir) => programs.some((name) => existsSync(join(dir, name))))
    await promisify(execFile)(
      'unshare',
      [...'--net --mount --pid --fork --kill-child strace'.split(' '), ...options.split(' '), 'sh', 'all.sh'],
      {
        cwd: folder,
        timeout: 10_000 + entries.length * 1000,
        // Each folder in which a program is not found is a call that is traced.
        env: { ...process.env, PATH: path.join(':') },
      },
    )
    const read = (name: string) => readFileSync(join(folder, name), 'utf8')
    const sent = sections(read('trace'))
    return entries.map(({ command }, i) => {
      const error = read(`${i}.error`).trim()
      const status = Number(read(`${i}.status`))
      const text = read(`${i}.links`)
      if (text === '') return new Error(`the setup of ${command} failed: ${error}`)
      const links = text.matchAll(/^(\d+): ([^:@]+)/gm)
      return {
        command,
        status,
        ...(status === 0 ? {} : { error }),
        devices: Object.fromEntries(Array.from(links, ([, index, name]) => [name, Number(index)])),
        messages: dropLookups(sent.get(i) ?? []).map((message) => normalise(message).toString('hex')),
      }
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
