import { type Codec, each, malformed, refuse } from './codec.js'

/** An MPLS label stack, outermost first (RFC 3032): `[100, 200]`. Traffic class and TTL are sent as 0. */
export const labels: Codec<number[], readonly number[]> = {
  expects: 'a list of 1 to 16 labels from 0 to 1048575',
  write(w, value) {
    if (!Array.isArray(value) || value.length === 0 || value.length > 16) refuse(value, this.expects)
    each(value as readonly number[], (label, i) => {
      if (!Number.isInteger(label) || label < 0 || label > 0xfffff) refuse(label, 'a label from 0 to 1048575')
      const bottom = i === value.length - 1 ? 0x100 : 0
      const at = w.take(4)
      w.bytes.writeUInt32BE(((label << 12) | bottom) >>> 0, at)
    })
  },
  read(b, start, end) {
    if ((end - start) % 4 !== 0) malformed(`${end - start} bytes where a multiple of 4 was expected`)
    const out: number[] = []
    for (let at = start; at < end; at += 4) out.push(b.readUInt32BE(at) >>> 12)
    return out
  },
}
