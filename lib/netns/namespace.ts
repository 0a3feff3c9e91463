import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  rmSync,
  type Stats,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { types } from 'node:util'
import { ClosedError, NamespaceGoneError, NbmaError, UnsupportedError } from '../errors.js'
import type { SystemError } from '../netlink/libc.js'
import { flock, mount, setns, umount2, unshare } from '../netlink/libc.js'

const SYNCHRONOUS = 'Namespace.run takes a synchronous function: what comes after its first await would run outside'
const DIRECTORY = '/run/netns'
const NSFS_MAGIC = 0x6e736673
const CLONE_NEWNET = 0x40000000
const LOCK_EX = 2
const MS_BIND = 4096
const MS_REC = 16384
const MS_SHARED = 1 << 20
const MNT_DETACH = 2

/** What {@link Namespace.exec} resolves with. */
export interface Finished {
  /** Exit status; null where a signal ended it. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** What {@link Namespace.exec} takes beyond the options of `child_process.spawn` (`env`, `cwd`, `signal`, `timeout`). */
export interface ExecOptions extends Omit<SpawnOptions, 'stdio'> {
  /** What the command reads from its standard input; nothing by default. */
  readonly input?: string | Uint8Array | undefined
  /** `false` resolves also when the command fails. Default true. */
  readonly check?: boolean | undefined
}

/** A command ended with a status other than 0, or by a signal. */
export class CommandError extends NbmaError implements Finished {
  /** `['ip', 'link', 'add', …]` */
  readonly command: readonly string[]
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string

  constructor(command: readonly string[], { status, signal, stdout, stderr }: Finished) {
    const how = signal === null ? `exited with ${status}` : `was ended by ${signal}`
    const said = (stderr.trim() || stdout.trim()).slice(-2000)
    super('NBMA_COMMAND', `${command.join(' ')} ${how}${said === '' ? '' : `: ${said}`}`)
    this.command = command
    this.status = status
    this.signal = signal
    this.stdout = stdout
    this.stderr = stderr
  }
}

/**
 * A network namespace, held open: it stays what it is although its name is deleted. network_namespaces(7), ip-netns(8)
 * @example
 * await using ns = Namespace.create('site-a')               // as `ip netns add site-a` does; deleted at the end
 * await ns.exec('ip', ['link', 'set', 'lo', 'up'])
 * await using rt = await Rtnetlink.open({ namespace: ns })
 */
export class Namespace implements Disposable, AsyncDisposable {
  /** What `ip netns` calls it; undefined where it was opened by path or process. */
  readonly name: string | undefined
  /** The file that it was opened by: `/run/netns/site-a`, `/proc/42/ns/net`. */
  readonly path: string
  /** Device and inode, the same for every name of one namespace: `4:4026532291`. */
  readonly id: string
  readonly #created: boolean
  #fd: number | undefined

  private constructor(path: string, name: string | undefined, created = false) {
    this.#fd = openFile(path, name)
    this.name = name
    this.path = path
    this.id = identityOf(fstatSync(this.#fd))
    this.#created = created
  }

  /**
   * Makes a namespace with a name, as `ip netns add` does: its loopback device is down.
   * @throws {NbmaError} EEXIST if the name is taken, EPERM without CAP_SYS_ADMIN
   */
  static create(name: string): Namespace {
    const path = pathOf(name)
    try {
      prepareDirectory()
      closeSync(openSync(path, 'wx', 0))
    } catch (cause) {
      throw explain(cause, `cannot create network namespace ${name}`, { EEXIST: `${path} exists already` })
    }
    try {
      elsewhere(
        () => unshare(CLONE_NEWNET),
        () => mount(THREAD_NAMESPACE, path, 'none', MS_BIND),
      )
      return new Namespace(path, name, true)
    } catch (cause) {
      discard(path)
      throw explain(cause, `cannot create network namespace ${name}`)
    }
  }

  /**
   * Opens a namespace by its name, by an absolute path, or by the number of a process in it.
   * @throws {NbmaError} ENOENT if there is none
   */
  static open(which: string | number): Namespace {
    if (typeof which === 'number') return new Namespace(`/proc/${which}/ns/net`, undefined)
    if (which.startsWith('/')) return new Namespace(which, undefined)
    return new Namespace(pathOf(which), which)
  }

  /** Whether a namespace of this name exists. */
  static exists(name: string): boolean {
    return existsSync(pathOf(name))
  }

  /** Whether the path still leads to this namespace. */
  alive(): boolean {
    return identityAt(this.path) === this.id
  }

  /** @throws {NamespaceGoneError} when the path is gone or leads to another namespace */
  check(): void {
    const now = identityAt(this.path)
    if (now === this.id) return
    throw new NamespaceGoneError(
      now === undefined
        ? `network namespace ${this.name ?? this.path} is gone`
        : `network namespace ${this.name ?? this.path} was deleted and created anew`,
    )
  }

  /**
   * Runs a synchronous function with the calling thread inside the namespace. Sockets and processes that it makes
   * stay there; what it merely schedules runs outside. setns(2), needs CAP_SYS_ADMIN
   */
  run<T>(fn: () => T): T {
    const fd = this.#open()
    if (types.isAsyncFunction(fn)) throw new TypeError(SYNCHRONOUS)
    const result = elsewhere(() => {
      try {
        setns(fd, CLONE_NEWNET)
      } catch (cause) {
        throw explain(cause, `cannot enter network namespace ${this.name ?? this.path}`)
      }
    }, fn)
    if (typeof (result as { then?: unknown } | undefined)?.then === 'function') throw new TypeError(SYNCHRONOUS)
    return result
  }

  /**
   * Starts a process inside the namespace, as `child_process.spawn` does elsewhere. Unlike `ip netns exec` it leaves the
   * mounts alone: /sys/class/net shows the devices of the namespace that mounted it, and /etc/netns is not used.
   */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    return this.run(() => spawn(command, args, options))
  }

  /**
   * Runs a command inside the namespace and collects what it writes.
   * @throws {CommandError} if it fails, unless `check` is false
   */
  exec(command: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<Finished> {
    const { input, check = true, ...rest } = options
    return new Promise((resolve, reject) => {
      const child = this.spawn(command, args, { ...rest, stdio: 'pipe' })
      const stdout = collect(child.stdout)
      const stderr = collect(child.stderr)
      child.on('error', reject)
      child.on('close', (status, signal) => {
        const finished = { status, signal, stdout: stdout(), stderr: stderr() }
        if (check && status !== 0) reject(new CommandError([command, ...args], finished))
        else resolve(finished)
      })
      // It may end without reading all of it.
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)
    })
  }

  /** Removes the name, as `ip netns delete` does; the namespace goes when its last process and socket do. */
  delete(): void {
    if (this.name === undefined) throw new UnsupportedError(`${this.path} is not a name that can be deleted`)
    this.check()
    try {
      umount2(this.path, MNT_DETACH)
      rmSync(this.path)
    } catch (cause) {
      throw explain(cause, `cannot delete network namespace ${this.name}`)
    }
    this.close()
  }

  /** Lets go of the namespace without deleting its name. Idempotent. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  /** Deletes a namespace that {@link create} made and that still has its name; others are only closed. */
  [Symbol.dispose](): void {
    if (this.#created && this.#fd !== undefined && this.alive()) this.delete()
    else this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]()
  }

  #open(): number {
    if (this.#fd === undefined) throw new ClosedError(`network namespace ${this.name ?? this.path} was closed`)
    return this.#fd
  }
}

/** A thread has its own namespace: /proc/self would be that of the main thread. */
const THREAD_NAMESPACE = '/proc/thread-self/ns/net'

/** Moves this thread into another namespace with `enter`, runs `fn` there, and comes back whatever happens. */
function elsewhere<T>(enter: () => void, fn: () => T): T {
  const home = openSync(THREAD_NAMESPACE, 'r')
  try {
    enter()
    try {
      return fn()
    } finally {
      comeBack(home)
    }
  } finally {
    closeSync(home)
  }
}

/** A thread in the wrong namespace would go on to change a network that is not its own. */
function comeBack(home: number): void {
  try {
    setns(home, CLONE_NEWNET)
  } catch (error) {
    writeSync(2, `nbma: cannot return to the network namespace of this process: ${error}\n`)
    process.abort()
  }
}

function pathOf(name: string): string {
  if (!/^[^/\0]{1,255}$/.test(name) || name === '.' || name === '..')
    throw new NbmaError('EINVAL', `${JSON.stringify(name)} cannot be the name of a network namespace`)
  return `${DIRECTORY}/${name}`
}

function openFile(path: string, name: string | undefined): number {
  const what = `cannot open network namespace ${name ?? path}`
  try {
    const fd = openSync(path, 'r')
    if (statfsSync(`/proc/self/fd/${fd}`).type === NSFS_MAGIC) return fd
    closeSync(fd)
  } catch (cause) {
    throw explain(cause, what, { ENOENT: `there is no ${path}`, EACCES: `reading ${path} needs CAP_SYS_PTRACE` })
  }
  throw new NbmaError('EINVAL', `${what}: ${path} is not a namespace`)
}

/** Removes the file of a namespace that was not finished, mounted or not yet. */
function discard(path: string): void {
  try {
    umount2(path, MNT_DETACH)
  } catch {
    // Not mounted yet.
  }
  rmSync(path, { force: true })
}

const identityOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`

/** What the path leads to now, if anything. */
function identityAt(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat && identityOf(stat)
}

/** As `ip netns` has it: a shared mount, so that names made in one mount namespace are seen in the others. */
function prepareDirectory(): void {
  mkdirSync(DIRECTORY, { recursive: true, mode: 0o755 })
  const lock = openSync(DIRECTORY, 'r')
  try {
    flock(lock, LOCK_EX)
    try {
      mount('', DIRECTORY, 'none', MS_SHARED | MS_REC)
    } catch (error) {
      if ((error as SystemError).code !== 'EINVAL') throw error
      mount(DIRECTORY, DIRECTORY, 'none', MS_BIND | MS_REC)
      mount('', DIRECTORY, 'none', MS_SHARED | MS_REC)
    }
  } finally {
    closeSync(lock)
  }
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = []
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

/** The system's error with what was tried, and what would be needed. */
function explain(cause: unknown, what: string, known: Record<string, string> = {}): unknown {
  if (cause instanceof NbmaError || !(cause instanceof Error)) return cause
  const { code = 'EINVAL' } = cause as SystemError
  const why = known[code] ?? (code === 'EPERM' || code === 'EACCES' ? `needs CAP_SYS_ADMIN (${code})` : cause.message)
  return new NbmaError(code, `${what}: ${why}`, { cause })
}
