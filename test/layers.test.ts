import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { projectRoot } from './helpers/root.js'

/** From the top down: a file imports from its own layer and from those below. */
const LAYERS: readonly (readonly string[])[] = [
  ['index.ts'],
  ['testing'],
  ['tunnel'],
  ['rtnl'],
  ['netns'],
  ['netlink'],
  ['schema'],
  ['wire'],
  ['address.ts', 'errors.ts', 'errno.ts'],
]
/** Who may use which package. */
const USERS: Readonly<Record<string, readonly string[]>> = {
  netlink: ['netlink/raw.ts'],
  koffi: ['netlink/libc.ts'],
  'struct-fu': ['wire/struct.ts'],
}

const lib = join(projectRoot, 'lib')
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const layerOf = (file: string): number =>
  LAYERS.findIndex((names) => names.some((name) => file === name || file.startsWith(`${name}/`)))
const importsOf = (file: string): string[] =>
  [
    ...readFileSync(join(lib, file), 'utf8').matchAll(
      /(?:from|import|createRequire\(import\.meta\.url\))\s*\(?'([^']+)'/g,
    ),
  ].map((m) => m[1]!)
const local = (file: string, path: string): string =>
  relative(lib, join(lib, dirname(file), path)).replace(/\.js$/, '.ts')

t.test('every file belongs to a layer', async (t) => {
  t.ok(files.length > 50, `${files.length} files were found`)
  for (const file of files) t.not(layerOf(file), -1, file)
})

t.test('imports point downward', async (t) => {
  for (const file of files) {
    const upward = importsOf(file)
      .filter((path) => path.startsWith('.'))
      .map((path) => local(file, path))
      .filter((imported) => layerOf(imported) < layerOf(file))
    t.same(upward, [], file)
  }
})

t.test('no file imports itself by way of others', async (t) => {
  const edges = new Map(
    files.map((file) => [
      file,
      importsOf(file)
        .filter((p) => p.startsWith('.'))
        .map((p) => local(file, p)),
    ]),
  )
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      t.fail(`a cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`)
      return
    }
    if (done.has(file)) return
    for (const next of edges.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  t.equal(done.size, files.length, 'all files were walked')
})

t.test('schema/ is tables', async (t) => {
  for (const file of files.filter((one) => one.startsWith('schema/'))) {
    const functions = readFileSync(join(lib, file), 'utf8').match(/^(?:export )?(?:async )?function .*$/gm) ?? []
    t.same(functions, [], file)
  }
})

t.test('packages are used where they belong', async (t) => {
  for (const [name, users] of Object.entries(USERS)) {
    const found = files.filter(
      (file) =>
        importsOf(file).some((path) => path === name || path.startsWith(`${name}/`)) ||
        new RegExp(`require\\('${name}(/[^']*)?'\\)|\\)\\('${name}(/[^']*)?'\\)`).test(
          readFileSync(join(lib, file), 'utf8'),
        ),
    )
    t.same(found.sort(), [...users].sort(), name)
  }
})

t.test('files are read in one sitting', async (t) => {
  for (const file of files) {
    const lines = readFileSync(join(lib, file), 'utf8').split('\n').length - 1
    t.ok(lines <= 400, `${file} has ${lines} lines`)
  }
})
