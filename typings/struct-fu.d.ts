/** The part of struct-fu that lays out structs. */
declare module 'struct-fu' {
  interface Field {
    readonly name?: string
    readonly size: number
  }
  interface Layout {
    readonly size: number
    readonly fields: Readonly<Record<string, { readonly offset: number; readonly size: number }>>
  }
  const structFu: {
    /** A struct of the given fields, one after another. */
    struct(fields: readonly Field[]): Layout
    /** `size` bytes. */
    byte(name: string, size: number): Field
  }
  export default structFu
}
