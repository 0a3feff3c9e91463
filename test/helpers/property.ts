import fc from 'fast-check'
import type { Test } from 'tap'

/**
 * Asserts that a property holds. What fails is reported shrunk, with the seed and path that repeat it:
 * `FC_SEED=… node build/test/….js`.
 */
export function holds<T>(t: Test, name: string, property: fc.IRawProperty<T>, numRuns = 200): void {
  const seed = process.env.FC_SEED === undefined ? {} : { seed: Number(process.env.FC_SEED) }
  const result = fc.check(property, { numRuns, ...seed }) as fc.RunDetails<T>
  t.ok(!result.failed, result.failed ? `${name}: ${fc.defaultReportMessage(result)}` : `${name} (seed ${result.seed})`)
}
