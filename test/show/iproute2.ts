import { execFileSync } from 'node:child_process'
import type { Namespace } from '../../lib/netns/namespace.js'
import { which } from '../helpers/which.js'

/** The iproute2 whose output the functions of this folder write. */
const VERSION = '6.1.0'

let other: string | false | undefined

/** Why nothing can be compared with iproute2 here; under CI it is, or the test fails. */
export function otherIproute2(): string | false {
  other ??= obstacle()
  return other
}

function obstacle(): string | false {
  if (process.env.CI) return false
  const ip = which('ip')
  if (ip === undefined || which('bridge') === undefined) return 'needs ip and bridge'
  const [, version] = /iproute2-([^,\s]+)/.exec(execFileSync(ip, ['-V'], { encoding: 'utf8' })) ?? []
  return version === VERSION ? false : `what is compared is printed by iproute2 ${VERSION}, here is ${version}`
}

/** What a program of iproute2 prints in JSON inside a namespace. */
export async function printed(ns: Namespace, command: string, edit = (json: string) => json): Promise<object[]> {
  const [program = '', ...args] = command.split(' ')
  const { stdout } = await ns.exec(program, args)
  // Nothing at all is printed for an empty list of some objects.
  return stdout.trim() === '' ? [] : JSON.parse(edit(stdout))
}

/** Runs commands of `ip`, `ip -6` or `bridge` inside a namespace, one a line; what is further indented goes on a line. */
export async function batch(ns: Namespace, command: string, lines: string): Promise<void> {
  const [program = '', ...options] = command.split(' ')
  const input = lines.replace(/\n {4,}/g, ' ').replace(/^ +/gm, '')
  await ns.exec(program, [...options, '-batch', '-'], { input })
}
