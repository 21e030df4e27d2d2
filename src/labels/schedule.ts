import { Cron, type CronOptions } from 'croner'
import { nearest } from './nearest.ts'
import type { Schedule } from './spec.ts'
import { type Parsed, refuse, type TextType } from './text.ts'

const nicknames = new Map([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  ['@weekly', '0 0 * * 0'],
  ['@monthly', '0 0 1 * *'],
])

/** What other crons know besides, said with what is known here. */
const foreignNicknames = new Map([
  ['@midnight', '@daily'],
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
])

/**
 * Options that make croner read five fields as Vixie cron does. There, a day of the month and a day of the week are alternatives,
 * unless one of the two fields starts with `*`, be it a step: `0 0 *\/2 * MON` is every Monday with an odd date
 * (crontab(5), "Note: The day of a command's execution"; DOM_STAR and DOW_STAR in entry.c).
 */
export function vixieOptions(expression: string, timezone: string): CronOptions {
  const [, , dayOfMonth, , dayOfWeek] = expression.split(' ')
  const either = dayOfMonth?.startsWith('*') || dayOfWeek?.startsWith('*') || false
  // With a name, each slot is worked out by many calls of Intl, whose first one takes 20 ms.
  const zone = timezone === 'UTC' ? { utcOffset: 0 } : { timezone }
  return { mode: '5-part', domAndDow: either, fixedTimeRule: 'no-wildcard', ...zone, paused: true }
}

/** A schedule's expression as a calculator of its slots in a time zone. It holds no timer. */
export function cronSlots(expression: string, timezone: string): Cron {
  return new Cron(expression, vixieOptions(expression, timezone))
}

export const schedule: TextType<Schedule> = {
  form: 'five cron fields, @hourly, @daily, @weekly, @monthly, on-change or manual',
  parse: (text) => {
    if (text === 'on-change' || text === 'manual') return { value: { kind: text } }
    return parseCron(text, ['on-change', 'manual', ...nicknames.keys()])
  },
  format: (value) => (value.kind === 'cron' ? value.expression : value.kind),
}

export const drill: TextType<Schedule | 'off'> = {
  form: 'five cron fields, @hourly, @daily, @weekly, @monthly or off',
  parse: (text) => (text === 'off' ? { value: text } : parseCron(text, ['off', ...nicknames.keys()])),
  format: (value) => (value === 'off' ? value : schedule.format(value)),
}

function parseCron(text: string, words: string[]): Parsed<Schedule> {
  const expression = nicknames.get(text) ?? text.split(/\s+/).join(' ')
  const fields = expression.split(' ')
  if (!/^[\d*]/.test(expression))
    return refuse(`must be five cron fields or ${words.join(', ')}`, guessWord(text, words))
  if (fields.length !== 5) return refuseFields(fields)
  const foreign = /[?LW#+~]/i.exec(expression.replace(/[a-z]{3}/gi, ''))
  if (foreign)
    return refuse(
      `${foreign[0]} is not known to Vixie cron`,
      foreign[0] === '?' ? expression.replaceAll('?', '*') : undefined,
    )
  return checkOnce(expression)
}

function guessWord(text: string, words: string[]): string | undefined {
  return foreignNicknames.get(text.toLowerCase()) ?? nearest(text, words)
}

function refuseFields(fields: string[]): Parsed<never> {
  const reason = `has ${fields.length} fields; must be five: minute, hour, day of month, month, day of week`
  if (fields.length !== 6) return refuse(reason)
  return refuse(`${reason} (there are no seconds)`, fields.slice(1).join(' '))
}

/** Any instant does: it is only asked whether there is a next slot at all. */
const someInstant = new Date('2024-01-01T00:00:00Z')

/** Most targets share their schedule, and the search for a slot costs more than all other labels of a target. */
const checked = new Map<string, Parsed<Schedule>>()
const mostChecked = 1000

function checkOnce(expression: string): Parsed<Schedule> {
  const known = checked.get(expression) ?? checkSlots(expression)
  if (checked.size >= mostChecked) checked.clear()
  checked.set(expression, known)
  return known
}

function checkSlots(expression: string): Parsed<Schedule> {
  try {
    const next = cronSlots(expression, 'UTC').nextRun(someInstant)
    return next ? { value: { kind: 'cron', expression } } : refuse('names a day that never comes')
  } catch (error) {
    return refuse((error as Error).message.replace(/^CronPattern: /, ''))
  }
}

export const timezone: TextType<string> = {
  form: 'an IANA time zone such as Europe/Berlin or UTC',
  parse: (text) => {
    if (text === 'UTC') return { value: text }
    const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')]
    const otherCase = zones.find((zone) => zone !== text && zone.toLowerCase() === text.toLowerCase())
    if (otherCase === undefined && isZone(text)) return { value: text }
    const byCity = zones.find(
      (zone) => zone.split('/').at(-1)?.toLowerCase() === text.toLowerCase().replaceAll(' ', '_'),
    )
    return refuse(`must be ${timezone.form}`, otherCase ?? byCity ?? nearest(text, zones))
  },
  format: (value) => value,
}

function isZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}
