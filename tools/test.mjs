#!/usr/bin/env node
// All tests, from a fresh clone on: `npm test`, or `npm test -- test/wire/table.test.ts` for some.
import * as fs from 'node:fs'
import { join } from 'node:path'
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
const RESULTS = '.tap/results.tap'

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

/** The line of tap's that counts all assertions, in plain words. */
const summary = () => {
  const text = fs.readFileSync(join(root, RESULTS), 'utf8')
  const line = text.match(/^# \{.*\}$/gm)?.at(-1) ?? ''
  const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0)
  return `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`
}

const args = process.argv.slice(2)
const files = args.filter((arg) => arg.endsWith('.ts')).map((arg) => `build/${arg.replace(/\.ts$/, '.js')}`)
const options = args.filter((arg) => !arg.endsWith('.ts'))
if (files.length > 0) options.push('--allow-incomplete-coverage')
if (process.env.CI) options.push('--fail-skip', '--reporter=tap')

try {
  await install()
  await compile()
  fs.mkdirSync(join(root, '.tap'), { recursive: true })
  const tap = join(root, 'node_modules/tap/dist/esm/run.mjs')
  const { status } = await run(process.execPath, [tap, `--output-file=${RESULTS}`, ...options, ...files], {
    stdio: 'inherit',
  })
  console.log(summary())
  process.exitCode = status
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
