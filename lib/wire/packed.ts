import type { Area, Context } from './codec.js'
import { align } from './frame.js'
import { readU16 } from './host.js'
import { type AttributesOut, type Rows, Table } from './table.js'

const NLA_HDRLEN = 4
const NLA_TYPE_MASK = 0x3fff

/**
 * A table of which the kernel takes one item a nest and tells all items in one, behind each other: where an attribute
 * comes again, the next item begins.
 */
class PackedTable<R extends Rows> extends Table<R> {
  readMany(b: Buffer, start: number, end: number, context: Context): AttributesOut<R>[] {
    return this.#items(b, start, end).map(([from, to]) => this.read(b, from, to, context))
  }

  override areas(b: Buffer, start: number, end: number, _context: Context): Area[] {
    const items = this.#items(b, start, end)
    return items.map(([from, to], i) => ({
      label: items.length === 1 ? '' : `[${i}]`,
      table: this as unknown as Table,
      start: from,
      end: to,
    }))
  }

  #items(b: Buffer, start: number, end: number): [start: number, end: number][] {
    const items: [number, number][] = []
    const seen = new Set<number>()
    let from = start
    for (let at = start; end - at >= NLA_HDRLEN; ) {
      const length = readU16(b, at)
      // What cannot be an attribute is refused by whoever reads the item.
      if (length < NLA_HDRLEN) break
      const type = readU16(b, at + 2) & NLA_TYPE_MASK
      if (seen.has(type) && this.find(type) !== undefined) {
        items.push([from, at])
        from = at
        seen.clear()
      }
      seen.add(type)
      at += align(length)
    }
    items.push([from, end])
    return items
  }
}

/** A table for `attrs`, whose attributes may hold several items: {@link PackedTable}. */
export const packed = <R extends Rows>(prefix: string, rows: R): Table<R> => new PackedTable(prefix, rows)
