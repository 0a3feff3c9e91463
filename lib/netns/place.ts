import { EncodeError } from '../errors.js'
import type { SocketNamespace } from '../netlink/descriptor.js'
import { Namespace } from './namespace.js'

/**
 * Where a connection is opened: a {@link Namespace}, or what {@link Namespace.open} takes: a name as `ip netns` has it,
 * an absolute path, or the number of a process in it.
 */
export type Place = SocketNamespace | string | number

/** A namespace that was named. Nothing of it is held open, so there is nothing to release. */
class Named implements SocketNamespace {
  readonly #which: string | number
  readonly #first: Namespace

  constructor(which: string | number) {
    this.#which = which
    this.#first = Namespace.open(which)
    this.#first.close()
  }

  check(): void {
    this.#first.check()
  }

  run<T>(fn: () => T): T {
    using namespace = Namespace.open(this.#which)
    // What was opened may be younger than the last look at the name.
    this.#first.check()
    return namespace.run(fn)
  }
}

/**
 * The namespace that is meant; undefined for the process's own.
 * @throws {NbmaError} ENOENT if there is none
 * @throws {EncodeError} if it is neither a namespace nor what names one
 */
export function placeOf(place: Place | undefined): SocketNamespace | undefined {
  if (typeof place === 'string' || typeof place === 'number') return new Named(place)
  if (place === undefined || typeof (place as Partial<SocketNamespace> | null)?.run === 'function') return place
  throw new EncodeError('namespace', place, 'a Namespace, the name or path of one, or the number of a process in it')
}
