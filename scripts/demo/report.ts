import type { Subject } from '../../lab/subjects.ts'
import { formatBytes, formatSeconds } from '../../src/cli/render/format.ts'
import { type Column, renderTable } from '../../src/cli/render/table.ts'
import { paint, textStyleOf, widthOf } from '../../src/cli/render/text-style.ts'

/** What was seen of each subject: one line of digest by name. */
export type Digests = Map<string, string>

/** The documents of `backup` and `restore`. */
// biome-ignore lint/suspicious/noExplicitAny: the documents of the contract, read by name
export type Documents = { backup: any; restore: any }

interface Row {
  name: string
  saved: ReturnType<typeof ofTarget>
  restored: ReturnType<typeof ofTarget>
}

/** How the tables of the demo look. */
export const reportStyle = () => textStyleOf(process.stdout, { timezone: 'UTC', width: widthOf(process.stdout) })

/** A table for people, also in a pipe: there without colours. */
export function renderReport(
  subjects: Subject[],
  { backup, restore }: Documents,
  before: Digests,
  now: Digests,
): string {
  const style = reportStyle()
  const columns: Column<Row>[] = [
    { title: 'TARGET', cell: ({ name }) => name },
    { title: 'METHOD', cell: ({ saved }) => saved.method ?? '' },
    { title: 'SIZE', cell: ({ saved }) => formatBytes(saved.bytes ?? 0) },
    { title: 'BACKUP', cell: ({ saved }) => formatSeconds(saved.seconds ?? 0) },
    {
      title: 'STOPPED FOR',
      cell: ({ saved }) => (saved.downtimeSeconds > 0 ? formatSeconds(saved.downtimeSeconds) : 'none'),
    },
    { title: 'RESTORE', cell: ({ restored }) => formatSeconds(restored.seconds ?? 0) },
    {
      title: 'PROOF BY CONTENT',
      place: 'fold',
      cell: ({ name }) =>
        isProven(name, restore, before, now)
          ? paint(style, 'green', `✓ ${now.get(name)}`)
          : paint(style, 'red', `✗ ${now.get(name)}, was ${before.get(name)}`),
    },
  ]
  const rows = subjects.map(({ name }) => ({ name, saved: ofTarget(backup, name), restored: ofTarget(restore, name) }))
  return renderTable(columns, rows, style)
}

/** The product says so, and so does the content. */
export function isProven(name: string, restore: Documents['restore'], before: Digests, now: Digests): boolean {
  return ofTarget(restore, name).outcome === 'complete' && before.get(name) === now.get(name)
}

/** One line for each target that failed: which, why, and what to do. */
export function failures(document: Documents['backup']): string[] {
  const targets: { target: string; error?: { message: string; hint: string } }[] = document.targets ?? []
  const whole = document.error ? [`${document.error.message} ${document.error.hint}`] : []
  return [
    ...whole,
    ...targets.flatMap(({ target, error }) => (error ? [`${target}: ${error.message} ${error.hint}`] : [])),
  ]
}

const ofTarget = (document: Documents['backup'], name: string) =>
  document.targets?.find(({ target }: { target: string }) => target === name) ?? {}
