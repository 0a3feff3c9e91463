import type { Kind, KindInput } from '../../lib/schema/kinds.js'
import type { LinkInput } from '../../lib/schema/link.js'

/** What devices are made with, and what the kernel tells of them: the form of the tables beside this file. */

/** Attributes as the kernel tells them; undefined where it does not. */
export type Told<K extends Kind> = { readonly [P in keyof KindInput<K>]?: KindInput<K>[P] | undefined }

/** What there is around a device. */
export interface Surroundings {
  /** Index of a device that is there. */
  readonly lower: number
}

/** One device. */
export interface Case<K extends Kind> {
  readonly name: string
  /** What it is asked to be, spelled as the kernel tells it. */
  readonly asked: KindInput<K> | ((around: Surroundings) => KindInput<K>)
  /** Where the kernel tells something else than was asked (and not only what follows from it): the reason. */
  readonly but?: string
  /** What it tells instead, or beside. */
  readonly told?: Told<K>
  /** What newer kernels tell instead, or beside, by the first of them. */
  readonly newer?: Readonly<Record<string, Told<K>>>
  /** What the device needs beside its kind's data. */
  readonly link?: (around: Surroundings) => LinkInput
  /** First kernel that has it, `6.5`. */
  readonly since?: string
}

/** What a kind has only where the kernel was built with an option. */
export interface Optional<K extends Kind> {
  /** The option. */
  readonly config: string
  /** What is told by default where it was. */
  readonly told: Told<K>
  readonly cases: readonly Case<K>[]
}

/** All of a kind. */
export interface KindCases<K extends Kind = Kind> {
  readonly kind: K
  /** The least that makes a device, and all that the kernel then tells: what each attribute is by default. */
  readonly bare: Case<K>
  readonly cases: readonly Case<K>[]
  /** What newer kernels tell by default beside that, by the first of them. */
  readonly newer?: Readonly<Record<string, Told<K>>>
  /** What the kind has only in some kernels. */
  readonly optional?: readonly Optional<K>[]
  /** Attributes whose value is not fixed by what was asked (but has that in it): the reason. */
  readonly free?: { readonly [P in keyof KindInput<K>]?: string }
  /** Attributes of which no case gets something else than the default told: the reason. */
  readonly never?: { readonly [P in keyof KindInput<K>]?: string }
}

/** Fixes the kind. */
export const casesOf = <K extends Kind>(cases: KindCases<K>): KindCases<K> => cases

/** Whether a kernel is as new as another: `6.5` for 6.5 and what came after it. */
export function isSince(version: string | undefined, release: string): boolean {
  const [major = 0, minor = 0] = (version ?? '0').split('.').map(Number)
  const [ours = 0, sub = 0] = release.split('.').map(Number)
  return ours > major || (ours === major && sub >= minor)
}
