#!/usr/bin/env node
// All tests, from a fresh clone on: `npm test`, or `npm test -- test/wire test/address.test.ts` for some.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { compile, installModules, installPackages, root, run, step } from './setup.mjs'
import { ensureUml } from './uml.mjs'

const NEEDS = {
  ip: 'iproute2',
  ping: 'iputils-ping',
  tcpdump: 'tcpdump',
  strace: 'strace',
  unshare: 'util-linux',
  '/usr/include/linux/if_link.h': 'linux-libc-dev',
}
// Large, and for one test.
const CI_NEEDS = { tshark: 'tshark' }
const TAP = join(root, 'node_modules/tap/dist/esm/run.mjs')
const RESULTS = '.tap/results.tap'
const COVERAGE_ROW = /^ +\S+ +\| .*\|/

const install = async () => {
  await installModules()
  const command = await installPackages({ ...NEEDS, ...(process.env.CI && CI_NEEDS) })
  if (command) console.error(`Some tests will be skipped; as root, run: ${command}`)
  try {
    ensureUml()
  } catch {
    try {
      await step('installing User Mode Linux', async () => ensureUml({ install: true }))
    } catch (error) {
      console.error(`Tests of tunnels may be skipped: ${error.message}`)
    }
  }
}

/**
 * Runs tap; of its output all goes to a file, and to the terminal what a person wants to see: a line for each file,
 * what failed or was skipped, and the coverage.
 */
const test = async (args) => {
  const child = spawn(process.execPath, [TAP, '--reporter=tap', ...args], {
    cwd: root,
    stdio: ['inherit', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  fs.mkdirSync(join(root, dirname(RESULTS)), { recursive: true })
  const file = fs.openSync(join(root, RESULTS), 'w')
  let counts = ''
  let diagnosis = false
  for await (const line of createInterface(child.stdout)) {
    fs.writeSync(file, `${line}\n`)
    if (/^# \{/.test(line)) counts = line
    const failed = /^\s*not ok/.test(line)
    const told = failed || diagnosis || /# SKIP/.test(line)
    if (told || /^(?!# Subtest|TAP|\s|$)/.test(line) || COVERAGE_ROW.test(line)) console.log(line)
    diagnosis = failed || (diagnosis && !/^\s*\.\.\.$/.test(line))
  }
  fs.closeSync(file)
  const [status] = await ended
  const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(counts)?.[1] ?? 0)
  if (status && !count('fail')) console.log('No test failed, but what must be covered was not, or a test was skipped.')
  console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`)
  return status ?? 1
}

/** tap as .taprc wants it: as it comes, it would load its own compiler into every test. */
const prepareTap = async () => {
  const built = join(root, 'node_modules/@tapjs/test/test-built/dist/esm/index.js')
  if (!fs.readFileSync(built, 'utf8').includes('from "@tapjs/typescript"')) return
  await step('preparing tap', () => run(process.execPath, [TAP, 'build'], { seconds: 120 }))
}

/** The tests in a folder; those in test/tunnels are run by test/tunnels.test.ts, in a kernel that has tunnels. */
const testsIn = (folder) =>
  fs
    .readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/tunnels/'))
const isFolder = (arg) => fs.statSync(join(root, arg), { throwIfNoEntry: false })?.isDirectory() ?? false

const args = process.argv.slice(2).flatMap((arg) => (isFolder(arg) ? testsIn(arg) : [arg]))
const files = args.filter((arg) => arg.endsWith('.ts')).map((arg) => `build/${arg.replace(/\.ts$/, '.js')}`)
const options = args.filter((arg) => !arg.endsWith('.ts'))
if (files.length > 0) options.push('--disable-coverage')
if (process.env.CI) options.push('--fail-skip')

try {
  await install()
  await compile()
  await prepareTap()
  process.exitCode = await test([...options, ...files])
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
