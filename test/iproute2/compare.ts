/** Compares what a command sent with what the builders make of the same. */
import type { Test } from 'tap'
import { rtnetlink } from '../../lib/schema/rtnetlink.js'
import type { Captured } from './capture.js'
import { equivalents } from './equivalents.js'
import { understood } from './same.js'
import { partsOf, type Tree, treeOf } from './tree.js'

/** A message as the kernel understands it. */
export const meaning = (message: Buffer): Tree => treeOf(understood(partsOf(message)))

/** A test named by the command, which must have an equivalent. */
export function compare(t: Test, captured: Captured): void {
  const { command, devices, messages } = captured
  try {
    const ours = rtnetlink.encode(equivalents[command]!(devices, captured))
    const theirs = messages.map((message) => meaning(Buffer.from(message, 'hex')))
    t.strictSame([meaning(ours)], theirs, command)
  } catch (error) {
    t.error(error, command)
  }
}
