/** Figures as text. */

export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { median, min: sorted[0], max: sorted.at(-1) }
}

export const figure = (x) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2))
export const spread = ({ median, min, max }) => `${figure(median)} (${figure(min)}–${figure(max)})`
export const thousands = (n) => n.toLocaleString('en-US')
export const times = (ratio) => (ratio >= 10 ? ratio.toFixed(0) : ratio >= 2 ? ratio.toFixed(1) : ratio.toFixed(2))

/** A Markdown table, its columns padded: readable as text too. The first column is words, the rest are numbers. */
export function table(head, rows) {
  const lines = [head, ...rows]
  const widths = head.map((_, i) => Math.max(3, ...lines.map((line) => line[i].length)))
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
