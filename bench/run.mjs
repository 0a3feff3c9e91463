/**
 * The benchmark: one table, side by side, in one run.
 *   node bench/run.mjs [--only route-batch,dump] [--quick] [--cpu] [--repeat 5] [--write] [--install]
 */
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { build, compile, contenders, install } from './contenders.mjs'
import { plot } from './plot.mjs'
import { spread, summary, table, thousands, times } from './report.mjs'
import { FURTHER, ROWS, SIZES, STREAMS, WAYS } from './rows.mjs'
import { Interrupted, Sandbox } from './sandbox.mjs'

const PARTS = [...new Set(ROWS.map(({ job }) => job)), 'ways', 'memory']

const USAGE = `usage: npm run bench -- [options]   (as root; nothing outside namespaces of its own is changed)
  --only A,B    parts: ${PARTS.join(', ')}
  --quick       a tenth of the peers, three times each: for a first look
  --cpu         counts processor time instead of time, for machines that are busy with other things
  --repeat N    how often each is measured, 5 by default
  --write       writes RESULTS.md and cost.svg beside this file
  --install     installs what is compared with and missing, from Debian's archive
`

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    cpu: { type: 'boolean', default: false },
    repeat: { type: 'string' },
    write: { type: 'boolean', default: false },
    install: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const parts = new Set(options.only?.split(',') ?? PARTS)
const unknown = [...parts].filter((part) => !PARTS.includes(part))
const repeat = Number(options.repeat ?? (options.quick ? 3 : 5))
if (options.help || unknown.length > 0 || !(repeat >= 1)) {
  process.stderr.write(unknown.length > 0 ? `there is no ${unknown.join(', ')}\n${USAGE}` : USAGE)
  process.exit(options.help ? 0 : 2)
}
if (process.getuid() !== 0) {
  process.stderr.write('the benchmark makes network namespaces: it has to run as root\n')
  process.exit(2)
}
if (options.install) install()
build()
compile()
const { found, missing } = contenders()

const say = (text) => process.stderr.write(`${text}\n`)
const scaled = (count) => (options.quick ? Math.ceil(count / 10) : count)

/** Several runs of a job, in turn with the other contenders'. */
class Cell {
  #ms = []
  #messages = 0
  failure

  add({ ms, cpu, applied, errors }, expected, messages) {
    if (applied !== undefined && applied !== expected) {
      this.failure = `${applied} of ${expected} applied${errors ? ` ${JSON.stringify(errors)}` : ''}`
    }
    this.#ms.push(options.cpu && cpu !== undefined ? cpu : ms)
    this.#messages = messages
  }

  /** Microseconds a message. */
  get cost() {
    if (this.failure !== undefined || this.#ms.length === 0) return undefined
    return summary(this.#ms.map((ms) => (1000 * ms) / this.#messages))
  }

  get text() {
    if (this.failure !== undefined) return 'failed'
    return this.cost === undefined ? '–' : spread(this.cost)
  }
}

async function within(kind, action) {
  const sandbox = await Sandbox.create(kind)
  try {
    return await action(sandbox)
  } finally {
    await sandbox.remove()
  }
}

/** Runs what has to be there before. */
function prepare([key, job], sandbox, peers) {
  return sandbox.run(found.find((one) => one.key === key).command(job, sandbox.device, peers))
}

async function measureRow(row) {
  const { job, count, messages = 1, device = 'veth', before, reads = false, short = false, only, other = job } = row
  const taking = found.filter(({ key }) => only === undefined || only.includes(key))
  const cells = new Map(taking.map(({ key }) => [key, new Cell()]))
  const one = async (contender, sandbox) => {
    const whole = reads || (short && contender.key !== 'python')
    const peers = Math.ceil(scaled(count) * (whole ? 1 : (contender.share ?? 1)))
    const command = contender.command(contender.key === 'nbma' ? job : other, sandbox.device, peers)
    if (command === undefined) return
    const cell = cells.get(contender.key)
    if (cell.failure !== undefined) return
    try {
      if (before !== undefined && !reads) await prepare(before, sandbox, peers)
      const result = await sandbox.run(command)
      cell.add(
        result,
        contender.key === 'npm' || contender.key === 'python' ? peers : peers * messages,
        peers * messages,
      )
    } catch (error) {
      if (error instanceof Interrupted) throw error
      cell.failure = String(error.message)
    }
    if (cell.failure !== undefined) say(`  ${contender.name}: ${cell.failure}`)
  }
  const rounds = async (inSandbox) => {
    for (let round = 0; round < repeat; round++) {
      // Each is first and last in turn.
      const order = [...taking.slice(round % taking.length), ...taking.slice(0, round % taking.length)]
      for (const contender of order) await inSandbox((sandbox) => one(contender, sandbox))
    }
  }
  say(`${job}: ${row.title}, ${thousands(scaled(count))} peers`)
  if (reads) {
    await within(device, async (sandbox) => {
      await prepare(before, sandbox, scaled(count))
      await rounds((action) => action(sandbox))
    })
  } else await rounds((action) => within(device, action))
  return { row, cells }
}

function rowsTable(results) {
  const others = found.filter(({ key }) => key !== 'nbma')
  const head = [
    '',
    'peers',
    ...others.map(({ key, name }) => (key === 'c' ? "of C's rate" : `× ${name}`)),
    ...found.map(({ name }) => `${name}, µs`),
  ]
  return table(
    head,
    results.map(({ row, cells }) => {
      const ours = cells.get('nbma').cost
      const ratio = (key) => {
        const theirs = cells.get(key)?.cost
        return ours && theirs ? times(theirs.median / ours.median) : '–'
      }
      return [
        row.title,
        thousands(scaled(row.count)),
        ...others.map(({ key }) => ratio(key)),
        ...found.map(({ key }) => cells.get(key)?.text ?? '–'),
      ]
    }),
  )
}

/** What falls short of what must hold. */
function shortfalls(results) {
  return results.flatMap(({ row, cells }) => {
    const ours = cells.get('nbma').cost
    const c = cells.get('c')?.cost
    const out = []
    if (row.least !== undefined && ours && c && c.median / ours.median < row.least) {
      out.push(`${row.job}: ${times(c.median / ours.median)} of C's rate, must be ${row.least}`)
    }
    for (const { key, name } of found) {
      const theirs = cells.get(key)?.cost
      if (key !== 'nbma' && key !== 'c' && ours && theirs && theirs.median < ours.median) {
        out.push(`${row.job}: ${name} is faster`)
      }
    }
    return out
  })
}

/** How the ways to carry peers scale, all of them sent by this package. */
async function measureWays() {
  const [nbma] = found
  const results = WAYS.map((way) => ({ way, sizes: [] }))
  for (const size of options.quick ? SIZES.slice(0, 2) : [...SIZES, ...FURTHER]) {
    for (const { way, sizes } of results) {
      if (size > way.most) continue
      say(`ways: ${way.title}, ${thousands(size)} peers`)
      const add = []
      const down = []
      for (let round = 0; round < repeat; round++) {
        await within('veth', async (sandbox) => {
          add.push((await sandbox.run(nbma.command(way.job, sandbox.device, size))).ms)
          down.push((await sandbox.c('down')).ms)
        })
      }
      sizes.push({ size, add: summary(add), down: summary(down) })
    }
  }
  return results
}

function waysTable(results) {
  const sizes = [...new Set(results.flatMap((result) => result.sizes.map(({ size }) => size)))].sort((a, b) => a - b)
  const head = ['peers', ...results.flatMap(({ way }) => [`${way.title}: add, ms`, 'link down, ms'])]
  return table(
    head,
    sizes.map((size) => [
      thousands(size),
      ...results.flatMap((result) => {
        const at = result.sizes.find((one) => one.size === size)
        return at ? [spread(at.add), spread(at.down)] : ['–', '–']
      }),
    ]),
  )
}

const COLORS = ['#cf222e', '#0969da', '#8250df']

const waysPlot = (results) =>
  plot(
    results.map(({ way, sizes }, i) => ({
      title: way.title,
      color: COLORS[i],
      points: sizes.map(({ size, add }) => [size, (1000 * add.median) / size]),
    })),
  )

async function measureMemory() {
  const [nbma] = found
  const count = scaled(1_000_000)
  const rows = []
  for (const { job, title, before } of STREAMS) {
    say(`memory: ${title}`)
    const peaks = []
    await within('veth', async (sandbox) => {
      if (before !== undefined) await prepare(before, sandbox, count)
      // What is sent twice is refused the second time, and refusals are kept: once has to do.
      for (let round = 0; round < (before === undefined ? 1 : repeat); round++) {
        const { peak, applied } = await sandbox.run(nbma.command(job, sandbox.device, count))
        if (applied !== count) say(`  ${applied} of ${count}`)
        peaks.push(peak / 1024)
      }
    })
    rows.push([title, thousands(count), spread(summary(peaks))])
  }
  return table(['', 'how many', 'peak resident memory, MB'], rows)
}

function machine() {
  const [{ model }] = os.cpus()
  return [
    `${os.cpus().length} × ${model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GB, Linux ${os.release()} ${os.arch()}`,
    `load average ${os.loadavg()[0].toFixed(1)} at the start`,
    found.map(({ name, version }) => `${name} ${version}`.trim()).join('; '),
    ...(missing.length > 0 ? [`missing: ${missing.join('; ')}`] : []),
  ]
}

const command = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}`
const sections = [
  `# Benchmark\n\n${machine()
    .map((line) => `- ${line}`)
    .join('\n')}\n\nMedians of ${repeat}, with least and most; \`${command}\`.`,
]

try {
  const results = []
  for (const row of ROWS.filter(({ job }) => parts.has(job))) results.push(await measureRow(row))
  if (results.length > 0) {
    sections.push(
      `## Side by side\n\n${rowsTable(results)}\n\n` +
        'First how many times as fast as the others nbma is (of C: the share of its rate), then microseconds a ' +
        'message. Contenders that take long get fewer peers; `ip` and `bridge` are counted from their start, the ' +
        'others without it.',
    )
    const short = shortfalls(results)
    if (short.length > 0) sections.push(`Short of what must hold:\n\n${short.map((line) => `- ${line}`).join('\n')}`)
  }
  if (parts.has('ways')) {
    const ways = await measureWays()
    sections.push(
      `## Ways to carry peers\n\n![Microseconds to add a peer, by number of peers](cost.svg)\n\n${waysTable(ways)}`,
    )
    if (options.write) writeFileSync(new URL('cost.svg', import.meta.url), waysPlot(ways))
  }
  if (parts.has('memory')) sections.push(`## Memory\n\n${await measureMemory()}`)
} catch (error) {
  if (!(error instanceof Interrupted)) throw error
  sections.push('Interrupted.')
  process.exitCode = 130
}

const text = `${sections.join('\n\n')}\n`
process.stdout.write(text)
if (options.write) writeFileSync(new URL('RESULTS.md', import.meta.url), text)
