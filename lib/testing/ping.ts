import { NbmaError, UnsupportedError } from '../errors.js'
import { CommandError, type Namespace } from '../netns/namespace.js'

/** Options of {@link Host.ping}. Times are in milliseconds. */
export interface PingOptions {
  /** Address to send from. */
  readonly source?: string | undefined
  /** Device to send through. */
  readonly device?: string | undefined
  /** How many to send. Default 1. */
  readonly count?: number | undefined
  /** From one to the next. Default 50. */
  readonly interval?: number | undefined
  /** How long to wait for the last reply. Default 1000. */
  readonly timeout?: number | undefined
  /** Bytes of payload. Default 56. */
  readonly size?: number | undefined
  /** Further arguments of ping(8): `['-M', 'do']`. */
  readonly args?: readonly string[] | undefined
  /** Aborts it. */
  readonly signal?: AbortSignal | undefined
}

/** What became of a ping. */
export interface PingResult {
  /** How many were sent; 0 where there is no route. */
  readonly sent: number
  /** How many were answered. */
  readonly received: number
  /** Milliseconds that each answer took. */
  readonly rtts: readonly number[]
  /** What ping(8) wrote: its replies, errors and summary. */
  readonly output: string
}

const SUMMARY = /^(\d+) packets transmitted, (\d+) received/m
const REPLY = /^\d+ bytes from .*\btime=([\d.]+) ms$/gm
/** No route, or one that refuses: an answer, not a mistake. */
const NO_ROUTE = /^ping: (connect|sendmsg): /m

/** Runs ping(8) of iputils in a namespace. */
export async function ping(ns: Namespace, target: string, options: PingOptions = {}): Promise<PingResult> {
  const { source, device, count = 1, interval = 50, timeout = 1000, size, args = [], signal } = options
  const flags = ['-n', '-c', `${count}`, '-i', `${interval / 1000}`, '-W', `${timeout / 1000}`]
  for (const from of [source, device]) if (from !== undefined) flags.push('-I', from)
  if (size !== undefined) flags.push('-s', `${size}`)
  const command = [...flags, ...args, '--', target]
  const finished = await ns
    .exec('ping', command, { check: false, signal, env: { ...process.env, LC_ALL: 'C' } })
    .catch((error) => Promise.reject(missing(error, 'ping', 'iputils-ping')))
  const output = `${finished.stdout}${finished.stderr}`.trim()
  const [, sent, received] = SUMMARY.exec(finished.stdout) ?? []
  if (sent === undefined) {
    if (NO_ROUTE.test(finished.stderr)) return { sent: 0, received: 0, rtts: [], output }
    throw new CommandError(['ping', ...command], finished)
  }
  const rtts = Array.from(finished.stdout.matchAll(REPLY), ([, rtt]) => Number(rtt))
  return { sent: Number(sent), received: Number(received), rtts, output }
}

/** Says which package a command that is not there comes in. */
export function missing(error: unknown, command: string, debianPackage: string): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error
  const hint = `${command} was not found; on Debian and Ubuntu: apt-get install ${debianPackage}`
  return error instanceof NbmaError ? error : new UnsupportedError(hint, { cause: error })
}
