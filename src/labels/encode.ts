import type { AnyRow } from './row.ts'
import type { TargetSpec } from './spec.ts'
import { belongsTo, containerRows, labelOf, methodRow, namedPrefix, places, prefix, targetRows } from './table.ts'

/**
 * The labels that `decodeLabels` reads back as these targets, without those that say what holds anyway. Of several targets at most
 * one, the first, may lack a name; names differ.
 */
export function encodeLabels(container: {
  targets: readonly TargetSpec[]
  groupWriter?: string
  writer?: 'auto' | 'never'
}): Record<string, string> {
  const { targets, groupWriter, writer } = container
  const labels: Record<string, string> = {}
  if (targets.length > 0) labels[labelOf(containerRows.enabled)] = 'true'
  if (groupWriter !== undefined) labels[labelOf(containerRows.groupWriter)] = groupWriter
  if (writer !== undefined) labels[labelOf(containerRows.writer)] = writer
  for (const spec of targets) Object.assign(labels, encodeTarget(spec, targets.length > 1))
  return labels
}

function encodeTarget(spec: TargetSpec, several: boolean): Record<string, string> {
  const base = several && spec.name !== undefined ? `${namedPrefix}${spec.name}.` : prefix
  const labels: Record<string, string> = { [`${base}${methodRow.key}`]: spec.method }
  for (const { row, field, option } of places.values()) {
    const value = ((option ? spec.options : spec) as Record<string, unknown>)[field]
    const inBase = row.key === targetRows.name.key && base !== prefix
    if (value === undefined || inBase || !belongsTo(row, spec.method)) continue
    const text = row.type.format(value)
    if (text !== fallbackText(row, spec)) labels[`${base}${row.key}`] = text
  }
  return labels
}

const fallbackText = (row: AnyRow, { method }: TargetSpec): string | undefined =>
  row.fallback && row.type.format(row.fallback(method))
