import { writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import { body, examples, GIVEN, MODULES } from './collect.js'

/** What is shown to readers compiles, as they would compile it. */
const folder = dirname(fileURLToPath(import.meta.url))
const file = join(folder, 'all-examples.ts')
const lib = (path: string): string => `./${relative(folder, join(folder, '../..', path))}`

const imports = Object.entries(MODULES).map(([path, names]) => `import { ${names.join(', ')} } from '${lib(path)}'`)
const functions = examples.map(({ code }, i) => `export async function example${i}() {\n${body(code)}\n}`)
const source = [
  ...imports,
  "import assert from 'node:assert/strict'",
  "import { writeFile } from 'node:fs/promises'",
  GIVEN,
  ...functions,
].join('\n')

t.test('examples compile', async (t) => {
  t.ok(examples.length >= 25, `${examples.length} examples were found`)
  writeFileSync(file, source)
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  })
  const complaints = ts.getPreEmitDiagnostics(program).map(({ file: at, start, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n')
    if (at === undefined || start === undefined) return text
    const before = source.slice(0, start)
    const index = [...before.matchAll(/function example(\d+)/g)].at(-1)?.[1]
    return `${index === undefined ? 'frame' : examples[Number(index)]!.where}: ${text}`
  })
  t.strictSame(complaints, [])
})
