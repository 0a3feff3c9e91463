#!/usr/bin/env node
// Records what iproute2 sends for the commands of test/iproute2/commands.ts, in test/fixtures/iproute2.json.
// It runs in User Mode Linux, which has all the tunnels and which a message may break.
// With arguments it prints the captures of the commands that contain one of them, and records nothing.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureUml, runInUml } from './uml.mjs'

const self = fileURLToPath(import.meta.url)
const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url))
const read = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** In the kernel: the commands of a job file become captures. */
const inside = async (folder, job) => {
  const { captureAll } = await import(join(folder, 'capture.js'))
  // Without fallback devices in new namespaces a command can create the device that such a one would stand in for.
  writeFileSync('/proc/sys/net/core/fb_tunnels_only_for_init_net', '1')
  const commands = read(job)
  const captures = (await captureAll(commands)).map((captured, i) => {
    if (captured instanceof Error) throw captured
    return { group: commands[i].name, ...captured }
  })
  const [, iproute2] = /iproute2-([^,\s]+)/.exec(execFileSync('ip', ['-V'], { encoding: 'utf8' }))
  writeFileSync(job, JSON.stringify({ iproute2, kernel: release(), captures }))
}

const record = (captures, versions) => {
  // A capture per line: a change shows as one.
  const lines = captures.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')
  const fixture = JSON.stringify({ ...versions, captures: [] }, null, 2).replace('[]', `[\n${lines}\n  ]`)
  mkdirSync(path('test/fixtures'), { recursive: true })
  writeFileSync(path('test/fixtures/iproute2.json'), `${fixture}\n`)
  const refused = captures.filter(({ status }) => status !== 0)
  console.log(`${captures.length} captures; the kernel refused ${refused.length}:`)
  for (const { command, error } of refused) console.log(`${command}\n  ${error}`)
}

const outside = async (filters) => {
  ensureUml({ install: true })
  const { default: ts } = await import('typescript')
  const folder = mkdtempSync(join(tmpdir(), 'iproute2-'))
  try {
    const compilerOptions = { module: ts.ModuleKind.ES2022, target: ts.ScriptTarget.ES2022 }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    for (const name of ['commands', 'capture']) {
      const source = readFileSync(path(`test/iproute2/${name}.ts`), 'utf8')
      writeFileSync(join(folder, `${name}.js`), ts.transpileModule(source, { compilerOptions }).outputText)
    }
    const { commands } = await import(join(folder, 'commands.js'))
    const wanted = commands.filter(({ command }) => !filters.length || filters.some((text) => command.includes(text)))
    // A kernel per processor: each has only one.
    const size = Math.ceil(wanted.length / availableParallelism())
    const run = async (first) => {
      const job = join(folder, `${first}.json`)
      writeFileSync(job, JSON.stringify(wanted.slice(first, first + size)))
      const options = { out: [folder], timeout: 300 }
      const { status, stderr } = await runInUml(process.execPath, [self, '--inside', folder, job], options)
      if (status !== 0) throw new Error(`the capture failed (${status}):\n${stderr}`)
      return read(job)
    }
    const starts = wanted.map((_, index) => index).filter((index) => index % size === 0)
    const results = await Promise.all(starts.map(run))
    const captures = results.flatMap((result) => result.captures)
    if (filters.length) console.log(JSON.stringify(captures, null, 2))
    else record(captures, { iproute2: results[0].iproute2, kernel: results[0].kernel })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const [flag, ...rest] = process.argv.slice(2)
await (flag === '--inside' ? inside(...rest) : outside(process.argv.slice(2)))
