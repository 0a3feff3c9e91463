import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { Namespace } from '../netns/namespace.js'

/**
 * Names of namespaces that tell whose they are, and what is done with those whose owner is dead.
 * @module
 */

const DIRECTORY = '/run/netns'
/** What it is, a random part, and the owner: process, when that started, and the namespace that counts processes. */
const NAME = /^nbma-.+-[0-9a-f]{6}-(\d+)-(\d+)-(\d+)$/

/** A name for a namespace that belongs to this process. */
export function ownName(what: string): string {
  const random = randomBytes(3).toString('hex')
  return `nbma-${what}-${random}-${process.pid}-${startOf(process.pid)}-${pidNamespace()}`
}

/** Removes the namespaces of dead processes, and what still runs in them. Returns their names. */
export function sweep(): string[] {
  const dead = names().filter((name) => {
    const [, pid, start, counter] = NAME.exec(name) ?? []
    // Who counts processes otherwise cannot be asked about this one.
    return counter === pidNamespace() && startOf(Number(pid)) !== start
  })
  for (const name of dead) {
    try {
      using namespace = Namespace.open(name)
      endProcesses([namespace])
      namespace.delete()
    } catch {
      // Its owner died before it was one, or somebody else was faster.
      rmSync(`${DIRECTORY}/${name}`, { force: true })
    }
  }
  return dead
}

/** Kills all that runs in the namespaces, this process aside. */
export function endProcesses(namespaces: readonly Namespace[]): void {
  const links = new Set(namespaces.map(({ id }) => `net:[${id.split(':')[1]}]`))
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    try {
      if (links.has(readlinkSync(`/proc/${pid}/ns/net`))) process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself, or is not ours to look at.
    }
  }
}

function names(): string[] {
  try {
    return readdirSync(DIRECTORY)
  } catch {
    return []
  }
}

/** When a process started, in clock ticks since boot: a number that comes again is another process. proc(5) */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

const pidNamespace = (): string => /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0'
