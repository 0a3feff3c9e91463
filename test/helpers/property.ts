import fc from 'fast-check'
import type { Test } from 'tap'

/** `NBMA_RUNS=20` looks harder. */
const RUNS = Number(process.env.NBMA_RUNS ?? 1)

/**
 * Asserts that a property holds. What fails is reported shrunk, with the seed and path that repeat it:
 * `FC_SEED=… node build/test/….js`.
 */
export function holds<T>(t: Test, name: string, property: fc.IRawProperty<T>, numRuns = 50): void {
  const seed = process.env.FC_SEED === undefined ? {} : { seed: Number(process.env.FC_SEED) }
  const result = fc.check(property, { numRuns: numRuns * RUNS, ...seed }) as fc.RunDetails<T>
  t.ok(!result.failed, result.failed ? `${name}: ${fc.defaultReportMessage(result)}` : `${name} (seed ${result.seed})`)
}
