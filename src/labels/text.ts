import { formatDuration, parseDuration } from '../lib/duration.ts'
import { nearest } from './nearest.ts'

/** How one kind of value stands in text: in a label, the configuration file or an environment variable. */
export interface TextType<T> {
  /** What is accepted; completes "must be …". */
  form: string
  /** Gets trimmed text without control characters, never empty. */
  parse(text: string): Parsed<T>
  /** `parse(format(value))` gives the value back. */
  format(value: T): string
  /** True where the text may hold a secret: no problem repeats it, and no reason quotes it. */
  confidential?(text: string): boolean
}

/** Shown in place of a text that may be a secret. */
export const masked = '***'

export type Parsed<T> = { value: T } | Refusal

export interface Refusal {
  reason: string
  suggestion?: string
}

export function refuse(reason: string, suggestion?: string): Refusal {
  return suggestion === undefined ? { reason } : { reason, suggestion }
}

/** Reads a raw value: blanks around it do not count, an empty one is refused. */
export function readText<T>(type: TextType<T>, raw: string): Parsed<T> {
  const text = raw.trim()
  if (text === '') return refuse(`is empty; must be ${type.form}`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) return refuse('holds a control character')
  return type.parse(text)
}

/** One of a few words. `aliases`: what others call a word, blank-separated; only suggested. */
export function choice<T extends string>(words: readonly T[], aliases: { [W in T]?: string } = {}): TextType<T> {
  const form = words.length === 2 ? words.join(' or ') : `one of ${words.join(', ')}`
  return {
    form,
    parse: (text) => {
      const value = words.find((word) => word === text)
      if (value !== undefined) return { value }
      const meant = words.find((word) => aliases[word]?.split(' ').includes(text.toLowerCase()))
      return refuse(`must be ${form}`, meant ?? nearest(text, words))
    },
    format: (value) => value,
  }
}

const flagWord = choice(['true', 'false'], { true: 'yes on y 1 enabled', false: 'no off n 0 disabled' })

export const flag: TextType<boolean> = {
  form: flagWord.form,
  parse: (text) => {
    const word = flagWord.parse(text)
    return 'value' in word ? { value: word.value === 'true' } : word
  },
  format: String,
}

/** A whole number without sign or leading zero. */
export function integer(lowest: number, highest: number): TextType<number> {
  const form = `a whole number from ${lowest} to ${highest}`
  return {
    form,
    parse: (text) => {
      const value = /^(0|[1-9]\d{0,8})$/.test(text) ? Number(text) : Number.NaN
      return value >= lowest && value <= highest ? { value } : refuse(`must be ${form}`)
    },
    format: String,
  }
}

export const port = integer(1, 65_535)

/** Seconds. `longest`: itself a duration; a timer above 24 days would fire at once. */
export function duration(longest = '100y'): TextType<number> {
  const form = 'a duration such as 90s, 15m, 24h, 30d, 12w or 1y'
  const highest = parseDuration(longest) as number
  return {
    form,
    parse: (text) => {
      const value = parseDuration(text)
      if (value === undefined) return refuse(`must be ${form}`, guessDuration(text))
      return value <= highest ? { value } : refuse(`must not be longer than ${longest}`, longest)
    },
    format: formatDuration,
  }
}

/** `15 minutes`, `1h30m`, `90`, `1 month` → what was most likely meant, as a duration. */
function guessDuration(text: string): string | undefined {
  const parts = [...text.toLowerCase().matchAll(/(\d+)\s*(mo|[smhdwy]|$)[a-z]*\s*/g)]
  if (parts.map(([part]) => part).join('') !== text.toLowerCase()) return undefined
  const lengths = parts.map(([, count, unit]) => {
    const one = unit === 'mo' ? '30d' : `1${unit || 's'}`
    return Number(count) * (parseDuration(one) ?? 0)
  })
  const seconds = lengths.reduce((sum, length) => sum + length, 0)
  return seconds > 0 && Number.isSafeInteger(seconds) ? formatDuration(seconds) : undefined
}

/** Comma-separated values. Blanks around an entry do not count; an empty or repeated one is refused. */
export function list<T>(entry: TextType<T>, split: (text: string) => string[] = splitCommas): TextType<T[]> {
  const nameOf = (text: string) => (entry.confidential?.(text) ? masked : text)
  return {
    form: `${entry.form}; several separated by commas`,
    parse: (text) => {
      const values = new Map<string, T>()
      const texts = split(text).map((part) => part.trim())
      for (const [index, part] of texts.entries()) {
        const parsed = readText(entry, part)
        if (!('value' in parsed)) return inList(parsed, texts, index, nameOf(part))
        const key = entry.format(parsed.value)
        if (values.has(key)) return refuse(`names ${nameOf(key)} twice`, texts.toSpliced(index, 1).join(','))
        values.set(key, parsed.value)
      }
      return { value: [...values.values()] }
    },
    format: (values) => values.map((value) => entry.format(value)).join(','),
    ...(entry.confidential && { confidential: entry.confidential }),
  }
}

const splitCommas = (text: string) => text.split(',')

/** The refusal of one entry, said of the whole list. */
function inList({ reason, suggestion }: Refusal, texts: string[], index: number, name: string): Refusal {
  if (texts[index] === '') {
    const rest = texts.filter((text) => text !== '')
    return rest.length === 0 ? refuse('holds no entry') : refuse('holds an empty entry', rest.join(','))
  }
  const repaired = suggestion === undefined ? undefined : texts.with(index, suggestion).join(',')
  return refuse(texts.length === 1 ? reason : `entry ${name}: ${reason}`, repaired)
}
