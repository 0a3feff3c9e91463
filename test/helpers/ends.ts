import { type Ended, runNode } from './kernel.js'

/**
 * Runs programs that end while they are busy: three times by `process.exit(7)`, and once as workers that are
 * terminated, with status 7 in the end.
 * @param program the text of a script that runs `after` once it is busy
 */
export async function endsWhileBusy(program: (after: string) => string): Promise<Ended[]> {
  const programs = {
    exit: program('setTimeout(() => process.exit(7), Math.random() * 20)'),
    terminate: `
      import { Worker } from 'node:worker_threads'
      for (let round = 0; round < 8; round++) {
        const worker = new Worker(args[0], { eval: true })
        await new Promise((resolve) => worker.once('message', resolve))
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
        await worker.terminate()
      }
      process.exitCode = 7`,
  }
  const worker = program("import('node:worker_threads').then(({ parentPort }) => parentPort.postMessage('busy'))")
  const ends: Ended[] = []
  for (const how of ['exit', 'exit', 'exit', 'terminate'] as const) ends.push(await runNode(programs[how], [worker]))
  return ends
}
