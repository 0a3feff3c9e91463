/** What the demo prints: steps with their time, and claims that are checked. */

const COLOR = process.stdout.isTTY === true
const paint = (code: number, text: string): string => (COLOR ? `\x1b[${code}m${text}\x1b[0m` : text)
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(2)} s`

const start = performance.now()
let step = start
let held = 0
const broken: string[] = []

/** A line of the story. */
export const say = (text = ''): void => console.log(text)

/** A new chapter. */
export const chapter = (title: string): void => say(`\n${paint(1, title)}`)

/** What was done, and how long it took since the step before. */
export function done(what: string): void {
  say(`  ${seconds(step).padStart(6)}  ${what}`)
  step = performance.now()
}

/** A command that shows something, or would do the same. */
export const shown = (command: string): void => say(paint(36, `          ${command}`))

/** What a command printed, or what was seen. */
export const lines = (text: readonly string[]): void => {
  for (const line of text) say(paint(2, `            ${line}`))
}

/** Something that must be so; all is well at the end only if every claim held. */
export function claim(holds: boolean, text: string): void {
  if (holds) held++
  else broken.push(text)
  say(`          ${holds ? paint(32, '✓') : paint(31, '✗ NOT SO:')} ${text}`)
}

/** How many claims held; the process fails unless all did. */
export function summary(): void {
  const all = held + broken.length
  if (broken.length === 0) say(`\n${paint(32, `All ${all} claims held`)}, in ${seconds(start)}.`)
  else
    say(
      `\n${paint(31, `${broken.length} of ${all} claims did not hold`)}:\n${broken.map((text) => `  ${text}\n`).join('')}`,
    )
  if (broken.length > 0) process.exitCode = 1
}
