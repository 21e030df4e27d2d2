import { unlabelled } from '../../job/judge.ts'
import type { PrunedRepository } from '../../job/prune.ts'
import { targetKeyOf } from '../../plan/plan.ts'
import type { Verdict } from '../../plan/retention.ts'
import { explainDamage, type KnownDamage } from '../../repository/known-damage.ts'
import type { Snapshot } from '../../repository/repository.ts'
import { renderReport } from './error.ts'
import { formatBytes } from './format.ts'
import { joinBlocks, renderLine, renderText } from './line.ts'
import { type Column, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'
import { timeColumn } from './time.ts'

/** For each repository a row for each snapshot that goes, in a dry run also for each that stays, and a line that sums up. */
export const renderPrune = (pruned: PrunedRepository[], dryRun: boolean, style: TextStyle): string =>
  joinBlocks(...pruned.map((one) => renderRepository(one, dryRun, style)))

function renderRepository(pruned: PrunedRepository, dryRun: boolean, style: TextStyle): string {
  const { tier, url, keep, remove, unreadable, appendOnly, error } = pruned
  const shown = dryRun && !appendOnly ? [...keep, ...remove] : remove
  const columns: Column<Verdict<Snapshot>>[] = [
    { title: 'ID', cell: ({ snapshot }) => snapshot.id },
    { title: 'TARGET', cell: ({ snapshot }) => targetKeyOf(snapshot) },
    timeColumn({ title: 'TAKEN', timeOf: ({ snapshot }) => snapshot.time }, shown, style),
    { title: 'STORED', cell: ({ snapshot }) => formatBytes(snapshot.storedBytes) },
    {
      title: 'DECISION',
      cell: (verdict) => (verdict.keep ? 'stays' : paint(style, 'yellow', dryRun ? 'would go' : 'is gone')),
    },
    { title: 'WHY', place: 'below', cell: ({ reasons }) => reasons.join('; ') },
  ]
  const freed = remove.reduce((sum, { snapshot }) => sum + snapshot.storedBytes, 0)
  const verb = dryRun ? 'would be removed' : 'removed'
  const done = appendOnly ? 'append-only and left alone' : `${remove.length} ${verb} (${formatBytes(freed)})`
  const line = `${tier} ${url}: ${done}, ${keep.length} kept`
  return (
    renderTable(columns, shown.toSorted(byTargetAndTime), style) +
    renderText(line, style) +
    unreadable.map((one) => renderLine('problem', 'red', explainUnreadable(one), style)).join('') +
    unlabelledTargets(keep)
      .map((key) => renderLine('hint', 'bold', hintFor(key), style))
      .join('') +
    (error ? renderReport(tier, error, style) : '')
  )
}

const explainUnreadable = ({ id, files, ...target }: KnownDamage): string =>
  `${targetKeyOf(target)}: snapshot ${id} stays, as nothing can be decided on it: ${explainDamage(files)}. To remove it: xnai-backup prune --unreadable ${id}`

const byTargetAndTime = ({ snapshot: a }: Verdict<Snapshot>, { snapshot: b }: Verdict<Snapshot>): number =>
  targetKeyOf(a).localeCompare(targetKeyOf(b)) || a.time.localeCompare(b.time)

const unlabelledTargets = (keep: Verdict<Snapshot>[]): string[] => [
  ...new Set(keep.flatMap(({ snapshot, reasons }) => (reasons.includes(unlabelled) ? [targetKeyOf(snapshot)] : []))),
]

const hintFor = (key: string): string =>
  `nothing is labelled as ${key} any more; its snapshots stay until xnai-backup prune --target ${key} --all`
