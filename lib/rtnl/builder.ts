import type { BodyIn, BodyOut } from '../wire/body.js'
import { isObject, refuse } from '../wire/codec.js'
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from '../wire/frame.js'
import type { MessageKind, Operation } from '../wire/message.js'
import { Request } from '../wire/request.js'
import type { Fields } from '../wire/struct.js'
import type { Rows } from '../wire/table.js'
import { Templates } from '../wire/template.js'

/**
 * A request that changes something: the kernel answers with an ACK. Throws EncodeError.
 * @param complete adds what the value leaves out
 */
export function write<H extends Fields, R extends Rows, V extends BodyIn<H, R>>(
  kind: MessageKind<H, R>,
  operation: Exclude<Operation, 'get'>,
  flags: number,
  value: V,
  complete: (value: V) => V = (value) => value,
): Request<BodyOut<H, R>> {
  if (!isObject(value)) refuse(value, kind.body.expects)
  return make(kind, operation, NLM_F_REQUEST | NLM_F_ACK | flags, complete(value))
}

/**
 * As {@link write}, for messages that come in great numbers: those of one shape are made from a template.
 * @param complete may look at which properties there are, at names and at the family, but not at addresses and numbers
 */
export function bulk<H extends Fields, R extends Rows, V extends BodyIn<H, R>>(
  kind: MessageKind<H, R>,
  operation: Exclude<Operation, 'get'>,
  flags: number,
  value: V,
  complete: (value: V) => V = identity,
): Request<BodyOut<H, R>> {
  if (!isObject(value)) refuse(value, kind.body.expects)
  const all = NLM_F_REQUEST | NLM_F_ACK | flags
  const templates = Templates.of(kind, kind.type(operation), all, complete)
  const stamped = templates.request(value)
  if (stamped !== undefined) return stamped
  const request = make(kind, operation, all, complete(value))
  templates.learn(value, request.bytes)
  return request
}

const identity = <V>(value: V): V => value

/**
 * A request for one object (or as many as the kernel finds fit). Throws EncodeError.
 * @param complete adds what the value leaves out
 */
export function read<H extends Fields, R extends Rows, V extends BodyIn<H, R>>(
  kind: MessageKind<H, R>,
  value: V,
  complete: (value: V) => V = (value) => value,
): Request<BodyOut<H, R>> {
  if (!isObject(value)) refuse(value, kind.body.expects)
  return make(kind, 'get', NLM_F_REQUEST, complete(value))
}

/** A request for all objects that match. Throws EncodeError. */
export const dump = <H extends Fields, R extends Rows>(
  kind: MessageKind<H, R>,
  value: BodyIn<H, R>,
): Request<BodyOut<H, R>> => make(kind, 'get', NLM_F_REQUEST | NLM_F_DUMP, value)

function make<H extends Fields, R extends Rows>(
  kind: MessageKind<H, R>,
  operation: Operation,
  flags: number,
  value: BodyIn<H, R>,
): Request<BodyOut<H, R>> {
  const type = kind.type(operation)
  const bytes = kind.encode(type, flags, value)
  return Object.freeze(
    new Request(kind.operation(type), type, flags, Object.freeze(Object.assign({}, value)), bytes),
  ) as Request<BodyOut<H, R>>
}

/** The value with `defaults` for what it leaves out. */
export function withDefaults<V extends object>(value: V, defaults: Partial<V>): V {
  // Assigned, it would not become a property, and not be refused as one.
  if (Object.hasOwn(value, '__proto__')) return value
  // Fifteen times as fast as { ...value }, whose result V8 is slow to add to.
  const out = Object.assign({}, value)
  for (const key in defaults) if (out[key] === undefined) out[key] = defaults[key] as V[typeof key]
  return out
}
