import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'

/**
 * Runs the tests of test/tunnels, which need a kernel that has the tunnels: this machine's own, otherwise User Mode
 * Linux, which boots in a second or two. Each file runs in a process of its own and is a subtest here.
 */

/** These load modules, or change what all namespaces share, and leave a machine's own kernel alone. */
const EXPENDABLE: readonly string[] = ['dumps', 'examples', 'fou', 'readback', 'tunnel']
/** The longest first, so that none is left over at the end. */
const FIRST: readonly string[] = ['overlay', 'readback', 'set']

const FOLDER = fileURLToPath(new URL('tunnels', import.meta.url))
const KINDS = ['ipip', 'gre', 'sit', 'vti', 'ip6tnl', 'ip6gre', 'vxlan', 'geneve', 'bridge', 'veth']
const SECONDS = 600
const SUFFIX = '.test.js'

let root = FOLDER
while (!existsSync(join(root, 'package.json'))) root = dirname(root)
const tool = (name: string): string => join(root, 'tools', name)
const { obstacle, inNamespaces } = await import(pathToFileURL(tool('setup.mjs')).href)
const { ensureUml } = await import(pathToFileURL(tool('uml.mjs')).href)

const coverage = mkdtempSync(join(tmpdir(), 'nbma-coverage-'))
t.teardown(() => rmSync(coverage, { recursive: true, force: true }))

const lacking: string | undefined = await obstacle(KINDS)

const isHere = (name: string): boolean => lacking === undefined && !EXPENDABLE.includes(name)

/** Why there is no kernel to run it in; under CI there must be. */
function missing(name: string): string | false {
  if (isHere(name) || process.env.CI) return false
  try {
    ensureUml()
    return false
  } catch (error) {
    return `${lacking ?? 'this needs a kernel of its own'}; ${(error as Error).message}`
  }
}

function commandFor(name: string): string[] {
  const node = [process.execPath, '--enable-source-maps', join(FOLDER, `${name}${SUFFIX}`)]
  if (isHere(name)) return inNamespaces(node)
  const env = [`NODE_V8_COVERAGE=${coverage}`, ...(process.env.CI ? [`CI=${process.env.CI}`] : [])]
  const options = ['--cwd', root, '--out', coverage, ...env.flatMap((pair) => ['--env', pair])]
  return [process.execPath, tool('uml.mjs'), ...options, '--timeout', `${SECONDS}`, '--', ...node]
}

interface V8Coverage {
  result: { url: string }[]
}

/** What ran in the other kernel counts as covered, as far as tap asks for it. */
function count(): void {
  const { _TAPJS_PROCESSINFO_COVERAGE_: on, _TAPJS_PROCESSINFO_COV_FILES_: list = '' } = process.env
  if (on !== '1') return
  const wanted = new Set(list.split('\n').map((path) => pathToFileURL(path).href))
  const target = join(root, '.tap/coverage')
  mkdirSync(target, { recursive: true })
  for (const name of readdirSync(coverage)) {
    const report: V8Coverage = JSON.parse(readFileSync(join(coverage, name), 'utf8'))
    report.result = report.result.filter(({ url }) => wanted.has(url))
    writeFileSync(join(target, `uml-${name}`), JSON.stringify(report))
  }
}

t.setTimeout(SECONDS * 1000)
t.jobs = 2
const names = existsSync(FOLDER) ? readdirSync(FOLDER).filter((file) => file.endsWith(SUFFIX)) : []
const tests = names.map((file) => file.slice(0, -SUFFIX.length))
t.strictSame(
  [...FIRST, ...EXPENDABLE].filter((name) => !tests.includes(name)),
  [],
  'those that are named here are there',
)
if (lacking) t.comment(lacking)
const rank = (name: string): number => FIRST.indexOf(name) + 1 || FIRST.length + 1
await Promise.all(
  tests
    .toSorted((a, b) => rank(a) - rank(b))
    .map((name) => {
      const skip = missing(name)
      if (skip) return t.test(name, { skip }, () => {})
      const [command = '', ...args] = commandFor(name)
      return t.spawn(command, args, { buffered: true, cwd: root }, `${name}${SUFFIX}`)
    }),
)
count()
