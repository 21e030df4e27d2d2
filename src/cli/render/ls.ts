import type { ListedEntry } from '../../repository/repository.ts'
import { type DescribedArtifact, octal, timeOf } from '../describe-content.ts'
import { formatBytes, showPath } from './format.ts'
import { joinBlocks, renderText } from './line.ts'
import { type Column, renderTable } from './table.ts'
import type { TextStyle } from './text-style.ts'
import { timeColumn } from './time.ts'

interface Shown {
  artifacts: DescribedArtifact[]
  entries: ListedEntry[]
  more: number
}

/** A table of the dumps and trees of a snapshot, and one of the files. */
export function renderLs({ artifacts, entries, more }: Shown, style: TextStyle): string {
  return joinBlocks(renderArtifacts(artifacts, style), renderEntries(entries, style), renderMore(more, style))
}

/** Says that not all was shown; empty where it was. */
export const renderMore = (more: number, style: TextStyle): string =>
  more === 0 ? '' : renderText(`and ${more} more, which are not shown: name a PATH below them to ls.`, style)

function renderArtifacts(artifacts: DescribedArtifact[], style: TextStyle): string {
  const columns: Column<DescribedArtifact>[] = [
    { title: 'HOLDS', cell: ({ name, origin }) => (origin === undefined ? name : showPath(origin)) },
    { title: 'AS', cell: ({ kind }) => (kind === 'tree' ? 'files' : 'dump') },
    { title: 'SIZE', cell: ({ bytes }) => formatBytes(bytes) },
    { title: 'ENTRIES', cell: ({ entries }) => (entries === undefined ? '' : String(entries)) },
    { title: 'SHA-256', place: 'wide', cell: ({ sha256 }) => sha256 ?? '' },
  ]
  return renderTable(columns, artifacts, style)
}

function renderEntries(entries: ListedEntry[], style: TextStyle): string {
  const columns: Column<ListedEntry>[] = [
    { title: 'PATH', cell: nameEntry },
    { title: 'SIZE', cell: ({ type, size }) => (type === 'file' ? formatBytes(size) : type) },
    timeColumn({ title: 'MODIFIED', timeOf: ({ mtimeNs }) => timeOf(mtimeNs) }, entries, style),
    { title: 'MODE', place: 'wide', cell: ({ mode }) => octal(mode) },
    { title: 'OWNER', place: 'wide', cell: ({ uid, gid }) => `${uid}:${gid}` },
  ]
  return renderTable(columns, entries, style)
}

/** The path, with a slash behind a folder, and where a link leads. */
function nameEntry({ path, type, linksTo, sharesWith }: ListedEntry): string {
  const to = linksTo ?? sharesWith
  return showPath(path) + (type === 'directory' ? '/' : to === undefined ? '' : ` -> ${showPath(to)}`)
}
