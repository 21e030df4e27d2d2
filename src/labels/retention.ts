import { nearest } from './nearest.ts'
import type { RetentionPolicy } from './spec.ts'
import { duration, integer, readText, refuse, type TextType } from './text.ts'

/** In the order in which a policy is written. */
const rules = { daily: duration(), weekly: duration(), monthly: duration(), last: integer(1, 100_000) } as const
type Rule = keyof typeof rules
const ruleNames = Object.keys(rules) as Rule[]

export const retention: TextType<RetentionPolicy> = {
  form: 'a policy such as daily=30d,weekly=90d,monthly=1y,last=3',
  parse: (text) => {
    const policy: RetentionPolicy = {}
    for (const part of text.split(',').map((each) => each.trim())) {
      const [, name, mark, value] = /^([^=:]*?)\s*([=:]?)\s*([^=:]*)$/.exec(part) ?? []
      const put = (fixed: string) => text.replace(part, fixed)
      if (part === '' || mark !== '=')
        return refuse(`must be ${retention.form}`, mark === ':' ? put(`${name}=${value}`) : undefined)
      const rule = ruleNames.find((each) => each === name)
      if (rule === undefined) {
        const near = nearest(name as string, ruleNames)
        return refuse(`${name} is none of ${ruleNames.join(', ')}`, near && put(`${near}=${value}`))
      }
      if (rule in policy) return refuse(`names ${rule} twice`)
      const parsed = readText(rules[rule], value as string)
      if (!('value' in parsed))
        return refuse(`${rule}: ${parsed.reason}`, repairRule(rule, value as string, parsed.suggestion, put))
      policy[rule] = parsed.value
    }
    return { value: policy }
  },
  format: (policy) =>
    ruleNames
      .filter((rule) => policy[rule] !== undefined)
      .map((rule) => `${rule}=${rules[rule].format(policy[rule] as number)}`)
      .join(','),
}

/** A bare number is a number of days, weeks or months. */
function repairRule(rule: Rule, value: string, suggestion: string | undefined, put: (fixed: string) => string) {
  if (!/^[1-9]\d*$/.test(value) || rule === 'last') return suggestion && put(`${rule}=${suggestion}`)
  const days = { daily: 1, weekly: 7, monthly: 30 }[rule]
  return put(`${rule}=${Number(value) * days}d`)
}
