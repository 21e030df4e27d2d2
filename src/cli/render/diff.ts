import type { Change, ChangedField, Difference } from '../../job/contents/compare-trees.ts'
import type { ListedEntry } from '../../repository/repository.ts'
import { type DescribedArtifact, octal, timeOf } from '../describe-content.ts'
import { formatBytes, showPath } from './format.ts'
import { joinBlocks } from './line.ts'
import { renderMore } from './ls.ts'
import { type Column, renderTable } from './table.ts'
import { type Emphasis, paint, type TextStyle } from './text-style.ts'
import { formatTime } from './time.ts'

interface ShownArtifact {
  name: string
  change: Change | 'same'
  before: DescribedArtifact | null
  after: DescribedArtifact | null
}

interface Shown {
  artifacts: ShownArtifact[]
  counts: Record<Change, number>
  differences: Difference[]
  more: number
}

const colours: Record<Change, Emphasis> = { added: 'green', removed: 'red', changed: 'yellow' }

/** A table of the dumps and trees of both snapshots, one of the paths that differ, and how many do. */
export function renderDiff({ artifacts, counts, differences, more }: Shown, style: TextStyle): string {
  const { added, removed, changed } = counts
  const isTree = artifacts.some(({ before, after }) => before?.kind === 'tree' && after?.kind === 'tree')
  return joinBlocks(
    renderArtifacts(artifacts, style),
    renderDifferences(differences, style),
    renderMore(more, style),
    isTree ? `${added} added, ${removed} removed, ${changed} changed\n` : '',
  )
}

function renderArtifacts(artifacts: ShownArtifact[], style: TextStyle): string {
  const sizeOf = (artifact: DescribedArtifact | null) => (artifact ? formatBytes(artifact.bytes) : '')
  const columns: Column<ShownArtifact>[] = [
    { title: 'HOLDS', cell: ({ name, before, after }) => showPath((after ?? before)?.origin ?? name) },
    { title: 'CHANGE', cell: ({ change }) => (change === 'same' ? change : paint(style, colours[change], change)) },
    { title: 'BEFORE', cell: ({ before }) => sizeOf(before) },
    { title: 'AFTER', cell: ({ after }) => sizeOf(after) },
  ]
  return renderTable(columns, artifacts, style)
}

function renderDifferences(differences: Difference[], style: TextStyle): string {
  const columns: Column<Difference>[] = [
    { title: 'CHANGE', cell: ({ change }) => paint(style, colours[change], change) },
    { title: 'PATH', cell: ({ path }) => showPath(path) },
    { title: 'WHAT', place: 'fold', cell: (difference) => describeChange(difference, style) },
  ]
  return renderTable(columns, differences, style)
}

/** The size of what was added or removed, and old and new of each thing that has changed. */
function describeChange({ fields, before, after }: Difference, style: TextStyle): string[] {
  if (before && after)
    return fields.map((field) => `${field} ${show[field](before, style)} → ${show[field](after, style)}`)
  const one = before ?? after
  return one?.type === 'file' ? [formatBytes(one.size)] : [one?.type ?? '']
}

const show: Record<ChangedField, (entry: ListedEntry, style: TextStyle) => string> = {
  type: ({ type }) => type,
  size: ({ size }) => formatBytes(size),
  time: ({ mtimeNs }, style) => formatTime(timeOf(mtimeNs), style),
  mode: ({ mode }) => octal(mode),
  owner: ({ uid, gid }) => `${uid}:${gid}`,
  link: ({ linksTo, sharesWith }) => showPath(linksTo ?? sharesWith ?? 'none'),
}
