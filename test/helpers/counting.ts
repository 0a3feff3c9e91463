/** How many bytes were looked at through {@link counting} buffers. */
export interface Counter {
  reads: number
}

const LENGTHS: ReadonlySet<string | symbol> = new Set(['toString', 'indexOf', 'copy'])

/**
 * A buffer that counts what is read of it: each byte, each number, and the whole range of what is copied or made text.
 * Growth of work can be measured by it exactly, where a clock would depend on the machine.
 */
export function counting(bytes: Buffer, counter: Counter): Buffer {
  return new Proxy(bytes, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') {
        counter.reads++
        return value
      }
      if (key === 'subarray') return (start: number, end: number) => counting(target.subarray(start, end), counter)
      return (...given: unknown[]) => {
        const [first, second] = given.filter((one): one is number => typeof one === 'number')
        counter.reads += LENGTHS.has(key) ? Math.max(0, (second ?? target.length) - (first ?? 0)) : 1
        return value.apply(target, given) as unknown
      }
    },
  })
}
