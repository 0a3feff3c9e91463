import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { body, examples, MODULES } from '../examples/collect.js'
import { testNamespace } from '../helpers/kernel.js'
import { loadModules } from '../helpers/uml.js'

/** What is shown to readers runs: each in a lab of its own, all in one process in a bare namespace with tunl0. */

/** Makes what the examples take for granted. */
const WORLD = `
async function world(withPeers, withChild) {
  const lab = await Lab.create({ hosts: {
    host1: { eth1: '192.168.122.11/24', lo: '11.1.1.1/32' },
    host2: { eth1: '192.168.122.12/24', lo: '12.1.1.1/32' },
  } })
  const { host1, host2 } = lab.hosts
  const { rt } = host1
  const tunl0 = await Tunnel.fallback(rt, 'ipip')
  await Tunnel.fallback(host2.rt, 'ipip')
  const gre1 = await Tunnel.create(rt, { kind: 'gre', ifname: 'gre1', local: '192.168.122.11', key: 9 })
  await rt.request(link.add({ ifname: 'vx', up: true, linkinfo: { kind: 'vxlan', data: { id: 5, port: 4789 } } }))
  const [vx] = await rt.get(link.get({ ifname: 'vx' }))
  const [lo] = await rt.get(link.get({ ifname: 'lo' }))
  const child = withChild ? host2.spawn('sleep', ['60']) : undefined
  const peers = [{ endpoint: '192.168.122.12', prefixes: ['12.1.1.1/32'] }]
  const overlay = await Overlay.open(rt, { device: tunl0, protocol: 77 })
  if (withPeers) {
    await overlay.add(peers)
    const back = await Overlay.open(host2.rt, { device: 'tunl0', protocol: 77 })
    await back.add({ endpoint: '192.168.122.11', prefixes: ['11.1.1.1/32'] })
  }
  return {
    lab, host: host1, host1, host2, rt, tunl0, gre1, vx, lo, child, overlay, peers,
    signal: AbortSignal.timeout(300),
    request: link.get({ ifname: 'lo' }),
    datagram: route.add({ dst: '12.1.1.1/32', gateway: '192.168.122.12' }).bytes,
  }
}
async function run(where, withPeers, withChild, example) {
  const given = await world(withPeers, withChild)
  try {
    await example(given)
    results.push({ where })
  } catch (error) {
    results.push({ where, error: String(error?.stack ?? error) })
  } finally {
    given.child?.kill()
    await given.lab[Symbol.asyncDispose]()
  }
}
const results = []
const { log } = console
console.log = () => {}
const own = await Rtnetlink.open()
await own.batch([link.change({ ifname: 'lo', up: true }), address.add({ index: 1, address: '11.1.1.1/32' })])
await Tunnel.fallback(own, 'ipip')
`
const NAMES = 'lab, host, host1, host2, rt, tunl0, gre1, vx, lo, child, overlay, peers, signal, request, datagram'
/** These add what the world has already. */
const ADDS_PEERS = /overlay\.add\(|route\.add\(\{ dst: '12\.1\.1\.1\/32'/

const lib = (path: string): string => new URL(`../../${path}`, import.meta.url).href
const values = (names: readonly string[]): string => names.filter((name) => !name.startsWith('type ')).join(', ')

function program(): string {
  const source = [
    ...Object.entries(MODULES).map(([path, names]) => `import { ${values(names)} } from '${lib(path)}'`),
    "import assert from 'node:assert/strict'",
    "import { writeFile } from 'node:fs/promises'",
    WORLD,
    ...examples.map(({ where, code }) => {
      // An example's own names may be those of the world.
      const frame = `async ({ ${NAMES} }) => {\n{\n${body(code)}\n}\n}`
      return `await run(${JSON.stringify(where)}, ${!ADDS_PEERS.test(code)}, ${/\bchild\b/.test(code)}, ${frame})`
    }),
    'log(JSON.stringify(results))',
    'process.exit()',
  ].join('\n')
  return ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  }).outputText
}

t.setTimeout(120_000)

t.test('examples run', async (t) => {
  loadModules('fou')
  const folder = mkdtempSync(join(tmpdir(), 'nbma-examples-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'examples.mjs')
  writeFileSync(file, program())
  const { stdout } = await testNamespace(t).exec(process.execPath, [file], { cwd: folder, timeout: 100_000 })
  const results = JSON.parse(stdout) as { where: string; error?: string }[]
  t.same(
    results.map(({ where }) => where),
    examples.map(({ where }) => where),
    'each was run',
  )
  for (const { where, error } of results) t.equal(error, undefined, where)
})
