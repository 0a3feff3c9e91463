/** Network namespaces for one run each, and programs started in them. */
import { execFileSync, spawn } from 'node:child_process'
import { C } from './contenders.mjs'

const NAME = `nbma-bench-${process.pid}`
let made = 0

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString()

/** What is told when the user interrupts: the run that goes on is stopped, its namespace cleared. */
export class Interrupted extends Error {}

let interrupted = false
let measured
process.on('SIGINT', () => {
  interrupted = true
  measured?.kill()
})

/** A namespace with a device that is up, and an address on lo: without one every onlink gateway is refused. */
export class Sandbox {
  /**
   * Makes one, and waits until what was before it is gone.
   * @param {'veth' | 'vxlan'} kind
   */
  static async create(kind) {
    const sandbox = new Sandbox(kind)
    await sandbox.c('settle')
    return sandbox
  }

  constructor(kind) {
    this.name = `${NAME}-${made++}`
    ip('netns', 'add', this.name)
    try {
      this.#ip('link', 'set', 'lo', 'up')
      if (kind === 'vxlan') this.#ip('link', 'add', 't0', 'type', 'vxlan', 'id', '5', 'dstport', '4789')
      else {
        this.#ip('link', 'add', 't0', 'type', 'veth', 'peer', 'name', 't1')
        this.#ip('link', 'set', 't1', 'up')
      }
      this.#ip('link', 'set', 't0', 'up')
      const [{ ifindex }] = JSON.parse(this.#ip('-json', 'link', 'show', 't0'))
      this.device = { name: 't0', index: ifindex }
    } catch (error) {
      ip('netns', 'delete', this.name)
      throw error
    }
  }

  #ip(...args) {
    return ip('-netns', this.name, ...args)
  }

  /** Runs a program and returns what it measured, or else how long it ran. */
  async run(command) {
    if (interrupted) throw new Interrupted()
    const running = this.#start(command)
    measured = running.child
    const { status, stdout, stderr, ms } = await running.finished
    measured = undefined
    if (interrupted) throw new Interrupted()
    if (status !== 0) throw new Error(`${command.slice(0, 4).join(' ')} ended with ${status}: ${stderr.slice(0, 500)}`)
    return stdout.startsWith('{') ? JSON.parse(stdout) : { ms }
  }

  /** Runs a job of the C program. */
  c(what, count = 0) {
    return this.run([C, what, String(this.device.index), String(count)])
  }

  /**
   * Routes go first and nexthops before the device does: a namespace that is torn down with many of them holds up the
   * whole machine's network configuration, and with it the next run.
   */
  async remove() {
    const { status, stderr } = await this.#start([C, 'clear', '0', '0']).finished
    if (status !== 0) throw new Error(`namespace ${this.name} could not be cleared, and is left: ${stderr}`)
    ip('netns', 'delete', this.name)
  }

  #start(command) {
    const began = performance.now()
    const child = spawn('nsenter', [`--net=/run/netns/${this.name}`, ...command], {
      // What `ip` shows goes nowhere, as fast as it can.
      stdio: ['ignore', command.includes('show') ? 'ignore' : 'pipe', 'pipe'],
      env: { ...process.env, NBMA_BENCH_C: C },
      // An interrupt from the keyboard is ours to pass on: what clears a namespace must not die of it.
      detached: true,
    })
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr']) {
      child[name]?.on('data', (data) => {
        text[name] += data
      })
    }
    const finished = new Promise((resolve, reject) => {
      let ms = 0
      child.on('exit', () => {
        ms = performance.now() - began
      })
      child.on('error', reject)
      child.on('close', (status) => resolve({ status, ...text, ms }))
    })
    return { child, finished }
  }
}
