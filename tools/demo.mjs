#!/usr/bin/env node
// The demo, from a fresh clone on: `npm run demo`. It runs examples/three-hosts.ts on this machine's own kernel, in
// namespaces of its own, or where that has no tunnels in User Mode Linux.
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { build, inNamespaces, installModules, installPackages, obstacle, root, run, step } from './setup.mjs'
import { ensureUml } from './uml.mjs'

const NEEDS = { ip: 'iproute2', ping: 'iputils-ping', tcpdump: 'tcpdump', unshare: 'util-linux' }
const KINDS = ['ipip', 'gre', 'sit', 'vxlan', 'bridge', 'veth']
const SECONDS = 120

/** Takes the types off; the tests compile the examples with them. */
const transpile = async (name) => {
  const { default: ts } = await import('typescript')
  const compilerOptions = { module: ts.ModuleKind.ES2022, target: ts.ScriptTarget.ES2022 }
  const source = fs.readFileSync(join(root, `examples/${name}.ts`), 'utf8')
  const target = join(root, `build/examples/${name}.js`)
  fs.mkdirSync(dirname(target), { recursive: true })
  fs.writeFileSync(target, ts.transpileModule(source, { compilerOptions }).outputText)
  return target
}

const main = async () => {
  const command = await installPackages(NEEDS)
  if (command) throw new Error(`The demo needs programs that are not installed. As root, run: ${command}`)
  await installModules()
  await build()
  await transpile('report')
  const node = [process.execPath, await transpile('three-hosts')]

  const lacking = await obstacle(KINDS)
  const uml = [process.execPath, join(root, 'tools/uml.mjs'), '--cwd', root, '--timeout', `${SECONDS}`, '--']
  if (lacking) {
    console.error(`The demo runs in User Mode Linux: ${lacking}.`)
    try {
      ensureUml()
    } catch {
      await step('installing User Mode Linux', async () => ensureUml({ install: true }))
    }
  }
  const [program, ...args] = lacking ? [...uml, ...node] : inNamespaces(node)
  const { status } = await run(program, args, { stdio: ['ignore', 'inherit', 'inherit'], seconds: SECONDS + 60 })
  return status
}

main().then(
  (status) => {
    process.exitCode = status
  },
  (error) => {
    console.error(error.message)
    process.exitCode = 1
  },
)
