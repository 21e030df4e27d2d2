import { type Entry, problemOf, refusedValue, shorten, shownValue } from './problem.ts'
import type { AnyRow } from './row.ts'
import type { LabelProblem, MethodKind, TargetSpec } from './spec.ts'
import { belongsTo, containerRows, labelOf, methodRow, namedPrefix, places, prefix, targetRows } from './table.ts'
import { readText } from './text.ts'
import { foreignOption, unknownKey } from './unknown.ts'

/** A target's labels, read: `spec` stands for something only while there are no problems. */
export interface Decoded {
  name?: string
  /** The label that names it. */
  nameLabel: string
  spec: TargetSpec
  problems: LabelProblem[]
}

/** Values by field, as the rows read them. */
interface Values {
  common: Record<string, unknown>
  options: Record<string, unknown>
}

/** Reads the labels of one target. `name`: of a named target, from its labels. */
export function decodeTarget(name: string | undefined, base: string, entries: Entry[]): Decoded {
  const problems: LabelProblem[] = []
  const values: Values = { common: {}, options: {} }
  if (name !== undefined) values.common.name = readName(name, base, problems)
  const method = readMethod(entries, problems)
  for (const entry of entries.filter(({ key }) => key !== methodRow.key)) readEntry(entry, method, values, problems)
  if (method === 'sqlite' && !entries.some(({ key }) => key === targetRows.paths.key))
    problems.push(
      problemOf(`${base}${targetRows.paths.key}`, '', 'is missing: sqlite needs the path of its database file'),
    )
  const spec = makeSpec(method ?? 'files', values)
  const nameLabel = name === undefined ? labelOf(targetRows.name) : base.slice(0, -1)
  return { ...(spec.name === undefined ? {} : { name: spec.name }), nameLabel, spec, problems }
}

function readName(name: string, base: string, problems: LabelProblem[]): string {
  const parsed = readText(targetRows.name.type, name)
  if (!('value' in parsed)) {
    const better = parsed.suggestion && `${namedPrefix}${parsed.suggestion}`
    problems.push(problemOf(base.slice(0, -1), name, `the target's name ${parsed.reason}`, better))
  }
  return name
}

/** The method, or undefined where the label is wrong. */
function readMethod(entries: Entry[], problems: LabelProblem[]): MethodKind | undefined {
  const entry = entries.find(({ key }) => key === methodRow.key)
  if (entry === undefined) return methodRow.fallback?.('files')
  return readValue(methodRow, entry, problems) as MethodKind | undefined
}

function readEntry(entry: Entry, method: MethodKind | undefined, values: Values, problems: LabelProblem[]): void {
  const place = places.get(entry.key)
  const misplaced = misplacement(entry)
  if (misplaced) problems.push(misplaced)
  else if (place === undefined) problems.push(unknownKey(entry, method))
  else if (method !== undefined && !belongsTo(place.row, method))
    problems.push(foreignOption(entry, method, shownValue(place.row, entry.value)))
  else {
    const value = readValue(place.row, entry, problems)
    if (value !== undefined) values[place.option ? 'options' : 'common'][place.field] = value
  }
}

/** Labels that a named target cannot have. */
function misplacement({ label, base, key, value }: Entry): LabelProblem | undefined {
  if (base === prefix) return undefined
  if (key === targetRows.name.key)
    return problemOf(label, shorten(value), 'a named target has its name in its labels already')
  if (Object.values(containerRows).some((row) => row.key === key))
    return problemOf(label, shorten(value), 'describes the whole container', `${prefix}${key}`)
  return undefined
}

/** The value of a label, or undefined and a problem. */
export function readValue(row: AnyRow, entry: Entry, problems: LabelProblem[]): unknown {
  const parsed = readText(row.type, entry.value)
  if ('value' in parsed) return parsed.value
  problems.push(refusedValue(row, entry, parsed))
  return undefined
}

/** The rows guarantee the types of the fields one by one; only the compiler cannot follow them through a loop. */
function makeSpec(method: MethodKind, { common, options }: Values): TargetSpec {
  const spec: Record<string, unknown> = { ...common, method, options }
  for (const { row, field, option } of places.values()) {
    const into = option ? options : spec
    if (row.fallback && (!option || belongsTo(row, method)) && into[field] === undefined)
      into[field] = row.fallback(method)
  }
  return spec as unknown as TargetSpec
}
