import { distance } from 'fastest-levenshtein'
import { type Entry, problemOf, shownUnder } from './problem.ts'
import type { LabelProblem } from './spec.ts'
import { containerRows, methodRow, namedPrefix, places, prefix } from './table.ts'
import { unknownKey } from './unknown.ts'

/** Labels told apart by what they describe. */
export interface SortedLabels {
  enable?: Entry
  groupWriter?: Entry
  writer?: Entry
  /** The default target first, then the named ones by name. */
  targets: { name?: string; base: string; entries: Entry[] }[]
  /** Labels that describe nothing. */
  problems: LabelProblem[]
}

export function sortLabels(labels: Readonly<Record<string, string>>): SortedLabels {
  const problems: LabelProblem[] = []
  const direct: Entry[] = []
  const named = new Map<string, Entry[]>()
  const container = new Map<string, Entry>()
  for (const [label, value] of Object.entries(labels).sort(byLabel)) {
    const entry = takeApart(label, value)
    if (entry === undefined) continue
    if ('reason' in entry) problems.push(entry)
    else if (entry.base !== prefix) named.set(entry.base, [...(named.get(entry.base) ?? []), entry])
    else if (isContainerKey(entry.key)) container.set(entry.key, entry)
    else direct.push(entry)
  }
  const enable = container.get(containerRows.enabled.key)
  const groupWriter = container.get(containerRows.groupWriter.key)
  const writer = container.get(containerRows.writer.key)
  const targets: SortedLabels['targets'] = [...named]
    .map(([base, entries]) => ({ name: nameIn(base), base, entries }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
  const bare = named.size === 0 && (enable !== undefined || direct.length > 0)
  if (bare || direct.some(({ key }) => isTargetKey(key))) targets.unshift({ base: prefix, entries: direct })
  else problems.push(...direct.map((entry) => unknownKey(entry)))
  return {
    ...(enable && { enable }),
    ...(groupWriter && { groupWriter }),
    ...(writer && { writer }),
    targets,
    problems,
  }
}

const byLabel = ([one]: [string, string], [other]: [string, string]) => (one < other ? -1 : 1)
const isContainerKey = (key: string) => Object.values(containerRows).some((row) => row.key === key)
const isTargetKey = (key: string) => key === methodRow.key || places.has(key)
const nameIn = (base: string) => base.slice(namedPrefix.length, -1)

/** An entry, a problem, or undefined for somebody else's label. */
function takeApart(label: string, value: string): Entry | LabelProblem | undefined {
  if (!label.startsWith(prefix)) return missedPrefix(label, value)
  if (!label.startsWith(namedPrefix)) return { label, base: prefix, key: label.slice(prefix.length), value }
  const dot = label.indexOf('.', namedPrefix.length)
  if (dot <= namedPrefix.length || dot === label.length - 1)
    return problemOf(label, shownUnder(label, value), `must be ${namedPrefix}<name>.<key>`)
  return { label, base: label.slice(0, dot + 1), key: label.slice(dot + 1), value }
}

/** `xnai.bakup.enable`, `XNAI.backup.enable`: would be ignored without a word otherwise. */
function missedPrefix(label: string, value: string): LabelProblem | undefined {
  const [vendor = '', product = '', ...key] = label.split('.')
  const typed = `${vendor}.${product}`
  if (!typed.startsWith('xnai.') && typed.toLowerCase() !== 'xnai.backup') return undefined
  if (distance(typed.toLowerCase(), 'xnai.backup') > 2) return undefined
  return problemOf(
    label,
    shownUnder(label, value),
    `labels of xnai-backup start with ${prefix}`,
    `${prefix}${key.join('.') || 'enable'}`,
  )
}
