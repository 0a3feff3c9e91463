import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/**
 * What may be done only to a kernel that is gone after the test. The modules and settings of a machine's own belong to
 * all that run on it.
 * @module
 */

const CPUS = '/proc/cpuinfo'

/** Whether this is such a kernel. */
export const isUml = existsSync(CPUS) && readFileSync(CPUS, 'utf8').includes('User Mode Linux')

function mustBeUml(what: string): void {
  if (!isUml) throw new Error(`${what} is for User Mode Linux only: node tools/uml.mjs -- node build/test/…`)
}

/** Loads modules of the kernel. modprobe(8) */
export function loadModules(...names: string[]): void {
  mustBeUml(`modprobe ${names.join(' ')}`)
  execFileSync('modprobe', ['-a', ...names])
}

/** Removes a module from the kernel. */
export function unloadModule(name: string): void {
  mustBeUml(`modprobe -r ${name}`)
  execFileSync('modprobe', ['-r', name])
}

/** Changes a setting that all namespaces share, until the test ends. sysctl(8) */
export function setForAll(test: { teardown(fn: () => void): void }, name: string, value: string | number): void {
  mustBeUml(`sysctl ${name}=${value}`)
  const path = `/proc/sys/${name.replaceAll('.', '/')}`
  const before = readFileSync(path, 'utf8')
  test.teardown(() => writeFileSync(path, before))
  writeFileSync(path, `${value}`)
}
