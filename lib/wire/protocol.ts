import type { Frame, Span } from './frame.js'

/** A decoded message: its header, and its body as a plain value. */
export interface Message<Value = Record<string, unknown>> {
  /** `RTM_NEWROUTE`, or the number where the name is not known. */
  readonly type: string | number
  /** nlmsg_flags by name: `request`, `ack`, `multi`, `create`, …; unknown bits as one number. */
  readonly flags: readonly (string | number)[]
  readonly seq: number
  readonly pid: number
  readonly value: Value
}

/** What a connection needs to know of the messages it carries. */
export interface Protocol {
  /** Errors by which the kernel says that a dump has nothing to tell, by operation. */
  readonly nothing?: Readonly<Record<string, string>>
  /** Dumps that the kernel never marks as interrupted, by operation: they need not be held back to be tried again. */
  readonly unmarked?: readonly string[]
  /** Throws DecodeError. */
  decodeFrame(frame: Frame): Message
  /** The body alone, which is what most callers want. Throws DecodeError. */
  decodeValue(message: Span): Record<string, unknown>
  /** `RTM_NEWROUTE`, or the number in words. */
  operation(type: number): string
  /** The path of the attribute that starts at `offset` of an encoded message (bytes from its nlmsghdr). */
  attributePath(message: Buffer, offset: number): string | undefined
  /** The path of attribute number `type` within the nest that starts at `nest` (or the message itself). */
  attributeName(message: Buffer, nest: number | undefined, type: number): string | undefined
  /** The message as text, attribute by attribute. Never throws. */
  inspect(message: Buffer): string
}
