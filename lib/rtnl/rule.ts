import { RULE_MESSAGES, type Rule, type RuleInput } from '../schema/rule.js'
import { NLM_F_CREATE, NLM_F_EXCL } from '../wire/frame.js'
import type { Request } from '../wire/request.js'
import { dump, withDefaults, write } from './builder.js'

/**
 * Routing rules (ip-rule(8)). A new rule looks in table main, or goes on where `goto` says, unless it has an `action`.
 * @example
 * await rt.request(rule.add({ src: '10.0.0.0/8', table: 100, priority: 1000 }))
 */
export const rule = {
  /** A new rule; EEXIST if there is the same. */
  add: (value: RuleInput): Request<Rule> => write(RULE_MESSAGES, 'new', NLM_F_CREATE | NLM_F_EXCL, value, fresh),
  /** Removes the first rule that has all that is given; ENOENT if there is none. */
  delete: (value: RuleInput): Request<Rule> => write(RULE_MESSAGES, 'del', 0, value, withFamily),
  /** All rules of `family`, or of all families. */
  list: (value: RuleInput = {}): Request<Rule> => dump(RULE_MESSAGES, value),
}

const withFamily = (value: RuleInput): RuleInput =>
  RULE_MESSAGES.body.familyOf(value) === undefined ? withDefaults(value, { family: 'inet' }) : value

const fresh = (value: RuleInput): RuleInput => {
  const { action = value.goto === undefined ? 'to_tbl' : 'goto' } = value
  const looks = action === 'to_tbl' || action === 1
  return withDefaults(withFamily(value), {
    action,
    ...(looks && value.l3mdev === undefined ? { table: 254 } : {}),
  })
}
