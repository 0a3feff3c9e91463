import { EncodeError, KNOWN_PROPERTY } from '../errors.js'

/** An error for a property that nothing is known of, with the nearest name that is. */
export function unknownProperty(key: string, value: unknown, known: Iterable<string>): EncodeError {
  const nearest = closest(key, known)
  const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`
  return new EncodeError(key, value, KNOWN_PROPERTY + hint)
}

/** The name with the fewest edits, if those are few enough to be a slip. */
function closest(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(word.length / 2)) + 1
  for (const name of names) {
    const edits = distance(word.toLowerCase(), name.toLowerCase())
    if (edits < least) {
      least = edits
      best = name
    }
  }
  return best
}

/** Levenshtein. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
