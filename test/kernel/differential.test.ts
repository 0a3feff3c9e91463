import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import { needsNamespaces } from '../helpers/kernel.js'
import { isUml } from '../helpers/uml.js'
import { which } from '../helpers/which.js'
import { type Captured, captureAll, isHazardous } from '../iproute2/capture.js'
import { type Command, commands } from '../iproute2/commands.js'
import { compare } from '../iproute2/compare.js'
import { equivalents } from '../iproute2/equivalents.js'
import { fixture, locate } from '../iproute2/fixture.js'

const LEAST = 150
const UML_SECONDS = 300

const { ensureUml, runInUml } = await import(pathToFileURL(locate('tools/uml.mjs')).href)

/** Why commands cannot be captured here; under CI they are, or the test fails. */
function obstacle(): string | false {
  if (process.env.CI) return false
  for (const program of ['strace', 'unshare', 'ip', 'bridge']) if (!which(program)) return `needs ${program}`
  const [, version] = /iproute2-([^,\s]+)/.exec(execFileSync(which('ip')!, ['-V'], { encoding: 'utf8' })) ?? []
  if (version !== fixture.iproute2) return `the equivalents are those of iproute2 ${fixture.iproute2}, not ${version}`
  return needsNamespaces
}

/** Why there is no other kernel to capture the rest in. */
function umlObstacle(): string | false {
  if (process.env.CI) return false
  try {
    ensureUml()
    return false
  } catch (error) {
    return (error as Error).message
  }
}

const isHere = ({ setup, command }: Command): boolean => isUml || ![...setup, command].some(isHazardous)

/** The kernel has no such devices as a command needs. */
const isLacking = (error: Error): boolean => /Unknown device type|Operation not supported/.test(error.message)

t.setTimeout((UML_SECONDS + 120) * 1000)

t.test('builders send what iproute2 sends now', { skip: obstacle() }, async (t) => {
  const elsewhere: Command[] = []

  await t.test('on this kernel', async (t) => {
    const entries = commands.filter(({ command }) => Object.hasOwn(equivalents, command))
    const here = entries.filter(isHere)
    elsewhere.push(...entries.filter((entry) => !isHere(entry)))
    let compared = 0
    for (const [i, captured] of (await captureAll(here)).entries()) {
      if (!(captured instanceof Error)) {
        compare(t, captured)
        compared++
      } else if (!isUml && isLacking(captured)) elsewhere.push(here[i]!)
      else throw captured
    }
    t.ok(compared >= LEAST, `${compared} commands, at least ${LEAST}`)
  })

  if (elsewhere.length === 0) return
  await t.test('in User Mode Linux, what needs devices that this kernel lacks', { skip: umlObstacle() }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'differential-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const job = join(folder, 'job.json')
    writeFileSync(job, JSON.stringify(elsewhere))
    const compiled = fileURLToPath(new URL('../iproute2', import.meta.url))
    const args = [locate('tools/capture.mjs'), '--inside', compiled, job]
    const { status, stderr } = await runInUml(process.execPath, args, { out: [folder], timeout: UML_SECONDS })
    t.equal(status, 0, `${stderr}`)
    const { captures }: { captures: Captured[] } = JSON.parse(readFileSync(job, 'utf8'))
    t.equal(captures.length, elsewhere.length, `${captures.length} commands`)
    for (const captured of captures) compare(t, captured)
  })
})
