import { type Level, levels } from './address.ts'
import type { EventName } from './events.ts'

/** One thing that is told. */
export interface Item {
  event: EventName
  /** `began` and `ended` belong to what lasts, such as an objective that is missed; `noted` happened once. */
  state: 'began' | 'ended' | 'noted'
  level: Level
  /** Absent where it concerns no target alone. */
  project?: string
  target?: string
  /** One sentence without the name of the target: `the backup failed: no answer`. */
  text: string
  hint?: string
}

/** What one notification says. It is stored in the catalog until it is taken, and MUST NOT hold a secret. */
export interface Message {
  kind: 'message'
  /** A UUID: receivers know by it what was sent twice. */
  id: string
  /** ISO 8601 UTC. */
  time: string
  /** The stack that it is about. */
  stack: string
  items: Item[]
}

/** What a heartbeat service is told: a run began, or how all is after it. */
export interface Beat {
  kind: 'beat'
  id: string
  time: string
  /** `test` changes no state where the service can take such a word. */
  state: 'start' | 'success' | 'fail' | 'test'
  /** What happened, in lines for people. */
  summary: string
  /** How long the runs took that have ended. Absent where none has. */
  seconds?: number
}

export const isAtLeast = (level: Level, least: Level): boolean => levels.indexOf(level) >= levels.indexOf(least)

export const levelOf = ({ items }: Message): Level =>
  levels.findLast((level) => items.some((item) => item.level === level)) ?? 'info'

/** Whether it tells of nothing but ends and of what went well. */
export const isGood = ({ items }: Message): boolean =>
  items.every(({ state, level }) => state === 'ended' || level === 'info')

const marks: Record<Level, string> = { error: 'ERROR', warning: 'WARNING', info: 'INFO' }

/** One line: `WARNING shop/db: the newest backup is less than half of … Look at it.` */
export function lineOf({ state, level, project, target, text, hint }: Item): string {
  const mark = state === 'ended' ? 'RECOVERED' : marks[level]
  const subject = target === undefined ? '' : `${project}/${target}: `
  return `${mark} ${subject}${text}${/[.!?]$/.test(text) ? '' : '.'}${hint === undefined ? '' : ` ${hint}`}`
}

export const textOf = ({ items }: Message): string => items.map(lineOf).join('\n')

/** The one thing that is told, or how many there are. */
export function titleOf(message: Message): string {
  const { stack, items } = message
  const [first] = items
  if (items.length === 1 && first) return `${stack}: ${headline(first)}`
  const began = items.filter(({ state, level }) => state !== 'ended' && level !== 'info').length
  const ended = items.filter(({ state }) => state === 'ended').length
  const parts = [count(began, 'problem'), ended === 0 ? '' : `${ended} recovered`].filter((part) => part !== '')
  return `${stack}: ${parts.join(', ') || 'backups are complete'}`
}

function headline({ state, target, text }: Item): string {
  const short = text.split(': ')[0] as string
  const subject = target === undefined ? '' : `${target}: `
  return `${state === 'ended' ? 'recovered: ' : ''}${subject}${short}`
}

const count = (number: number, one: string): string =>
  number === 0 ? '' : `${number} ${one}${number === 1 ? '' : 's'}`

/** At most `length` characters; what is left out is marked. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 2)} …`
}
