import { existsSync, readFileSync } from 'node:fs'

/**
 * The numbers of the kernel's header files, where they are installed (linux-libc-dev).
 * @module
 */

const FOLDER = '/usr/include/linux'

/** A constant expression of what the headers use: numbers, names, `|`, `<<`, `-`, parentheses. */
function evaluate(text: string, known: ReadonlyMap<string, number>): number | undefined {
  const tokens = text.replace(/__cpu_to_be(16|32)|\(__be(16|32)\)/g, '').match(/0x[0-9a-f]+|\w+|<<|[|()-]/gi) ?? []
  let at = 0
  const atom = (): number => {
    const token = tokens[at++] ?? ''
    if (token === '(') {
      const inner = or()
      at++
      return inner
    }
    if (token === '-') return -atom()
    const number = /^\d/.test(token) ? Number(token.replace(/U?L*$/i, '')) : known.get(token)
    return number ?? Number.NaN
  }
  const binary = (next: () => number, operator: string, apply: (a: number, b: number) => number) => (): number => {
    let left = next()
    while (tokens[at] === operator) {
      at++
      left = apply(left, next())
    }
    return left
  }
  const minus = binary(atom, '-', (a, b) => a - b)
  const shift = binary(minus, '<<', (a, b) => a * 2 ** b)
  const or = binary(shift, '|', (a, b) => (a | b) >>> 0)
  const value = or()
  return Number.isNaN(value) || at < tokens.length ? undefined : value
}

/** Every enumerator and every macro that stands for a number in these headers; undefined where one is not there. */
export function constants(...headers: readonly string[]): Map<string, number> | undefined {
  const known = new Map<string, number>()
  for (const header of headers) {
    const path = `${FOLDER}/${header}`
    if (!existsSync(path)) return undefined
    const text = readFileSync(path, 'utf8')
      .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ' ')
      .replace(/\\\n/g, ' ')
    for (const [, body = ''] of text.matchAll(/enum\s*\w*\s*\{([^}]*)\}/g)) {
      let next = 0
      for (const item of body.replace(/^\s*#.*$/gm, '').split(',')) {
        const [name = '', value] = item.split('=').map((part) => part.trim())
        if (name === '') continue
        next = (value === undefined ? next : evaluate(value, known)) ?? Number.NaN
        known.set(name, next++)
      }
    }
    for (const [, name = '', value = ''] of text.matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(.+)$/gm)) {
      const number = known.has(name) ? undefined : evaluate(value, known)
      if (number !== undefined) known.set(name, number)
    }
  }
  return known
}
