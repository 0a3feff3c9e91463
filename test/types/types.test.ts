import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import ts from 'typescript'

/**
 * What an editor shows: the comment of a table's row must survive the mapped types on the way to a user's code.
 * @module
 */

const CONFIG = resolve('tsconfig.json')
const FILE = resolve('test/types/hover.ts')
const skip = existsSync(CONFIG) && existsSync(resolve('lib')) ? false : 'the sources are not here'

/** A file of the project that is not on disk, as an editor sees it. What follows a comment is asked about by the comment. */
const CODE = `

import { type Link, link, neighbour, nexthop, type Route, type RouteInput } from '../../lib/index.js'

link.add({ ifname: 'x', linkinfo: { kind: 'gre', data: { /*gre.ikey*/ikey: 5 } } })
link.add({ ifname: 'x', linkinfo: { kind: 'vxlan', data: { /*vxlan.learning*/learning: false } } })
nexthop.add({ id: 1, group: [{ id: 2, /*group.weight*/weight: 3 }] })
neighbour.add({ ifindex: 1, /*neighbour.lladdr*/lladdr: '192.0.2.1' })
export const input: RouteInput = { metrics: { /*metrics.mtu*/mtu: 1400 }, multipath: [{ /*hop.weight*/weight: 1 }] }
export const gateway = (route: Route) => route./*route.gateway*/gateway
export const scope = (route: Route) => route./*route.scope*/scope
export const encap = (route: Route) => (route.encap?.type === 'ip' ? route.encap./*encap.id*/id : undefined)
export const key = ({ linkinfo }: Link) => (linkinfo?.kind === 'gre' ? linkinfo.data?./*told.ikey*/ikey : undefined)
`

function service(): ts.LanguageService {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(CONFIG, ts.sys.readFile).config,
    ts.sys,
    resolve('.'),
  )
  return ts.createLanguageService({
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: ts.sys.realpath!,
    getCompilationSettings: () => options,
    getScriptFileNames: () => [FILE, resolve('typings/struct-fu.d.ts')],
    getScriptVersion: () => '1',
    getScriptSnapshot(path) {
      const text = path === FILE ? CODE : ts.sys.readFile(path)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => resolve('.'),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (path) => path === FILE || ts.sys.fileExists(path),
  })
}

t.test('what an editor shows', { skip }, async (t) => {
  const editor = service()
  const program = editor.getProgram()!
  const shown = (name: string): string => {
    const marker = `/*${name}*/`
    const info = editor.getQuickInfoAtPosition(FILE, CODE.indexOf(marker) + marker.length)
    return ts.displayPartsToString(info?.documentation)
  }
  t.same(
    editor.getSemanticDiagnostics(FILE).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
    [],
    'the code compiles',
  )
  await t.test('the comment of the row', async (t) => {
    t.equal(shown('gre.ikey'), 'Key of received packets, network byte order.')
    t.equal(shown('told.ikey'), 'Key of received packets, network byte order.')
    t.match(shown('vxlan.learning'), /^Learns who is where from received packets\. On where it is left out/)
    t.equal(shown('route.gateway'), "The nexthop: for a tunnel with `onlink`, the peer's underlay address.")
    t.equal(shown('route.scope'), 'How far away the destination is.', 'a field of the header')
    t.equal(shown('metrics.mtu'), 'Path MTU in bytes.')
    t.equal(shown('hop.weight'), '1 to 256; sent as weight - 1.')
    t.equal(shown('group.weight'), '1 to 256, since Linux 6.12 to 65,536; sent as weight - 1.')
    t.match(shown('encap.id'), /^Tunnel key or VNI, 64 bits/)
    t.match(shown('neighbour.lladdr'), /^Link-layer address: a MAC, on gre an IPv4 underlay address/)
  })

  await t.test('every row has a comment', async (t) => {
    const checker = program.getTypeChecker()
    const rowsOf = (node: ts.Node, found: ts.PropertyAssignment[] = []): ts.PropertyAssignment[] => {
      const made =
        ts.isPropertyAssignment(node) && ts.isCallExpression(node.initializer) && node.initializer.expression.getText()
      if (ts.isPropertyAssignment(node) && (made === 'attr' || made === 'attrs')) found.push(node)
      ts.forEachChild(node, (child) => {
        rowsOf(child, found)
      })
      return found
    }
    let rows = 0
    for (const source of program.getSourceFiles()) {
      if (!source.fileName.startsWith(resolve('lib/schema'))) continue
      for (const row of rowsOf(source)) {
        const symbol = checker.getSymbolAtLocation(row.name)
        const comment = ts.displayPartsToString(symbol?.getDocumentationComment(checker))
        if (!/^[^a-z].*[.)…]$/s.test(comment)) t.fail(`${source.fileName}: ${row.getText()}`, { comment })
        rows++
      }
    }
    t.ok(rows > 400, `${rows} rows`)
  })
})
