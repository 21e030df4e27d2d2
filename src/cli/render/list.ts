import { targetKeyOf } from '../../plan/plan.ts'
import type { DamagedSnapshot, DamageReport } from '../../report/damage.ts'
import { explainDamage } from '../../repository/known-damage.ts'
import { describeDamaged } from './damage.ts'
import { formatBytes } from './format.ts'
import { joinBlocks, renderLine } from './line.ts'
import { type Column, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'
import { timeColumn } from './time.ts'

/** The table of `list` shows this of a snapshot. */
export interface ListedSnapshot {
  id: string
  project: string
  target: string
  method: string
  time: string
  bytes: number
  storedBytes: number
  reason: string
  raw?: true
  tiers: string[]
  /** Why retention keeps it; empty where it does not. */
  kept: string[]
  /** The newest drill that has verified it. */
  verified: { time: string } | null
  damaged: DamageReport | null
}

/** A row for each snapshot, with why it was taken and why it is kept in the second line; then what cannot be listed. */
export function renderList(snapshots: ListedSnapshot[], unreadable: DamagedSnapshot[], style: TextStyle): string {
  const problems = unreadable.map((each) => renderLine('problem', 'red', describeDamaged(each, style), style)).join('')
  return joinBlocks(snapshots.length === 0 ? 'No snapshots.\n' : renderSnapshots(snapshots, style), problems)
}

function renderSnapshots(snapshots: ListedSnapshot[], style: TextStyle): string {
  const columns: Column<ListedSnapshot>[] = [
    { title: 'ID', cell: ({ id }) => id },
    { title: 'TARGET', cell: targetKeyOf },
    timeColumn({ title: 'TAKEN', timeOf: ({ time }) => time }, snapshots, style),
    { title: 'SIZE', cell: ({ bytes }) => formatBytes(bytes) },
    { title: 'WHY', place: 'fold', lead: 'by', cell: ({ reason, raw }) => (raw ? `${reason}, raw` : reason) },
    {
      title: 'KEPT',
      place: 'fold',
      lead: 'kept:',
      cell: ({ kept }) => (kept.length > 0 ? kept : 'though no longer needed by the policy'),
    },
    timeColumn(
      { title: 'VERIFIED', place: 'fold', lead: 'verified', timeOf: ({ verified }) => verified?.time ?? null },
      snapshots,
      style,
    ),
    {
      title: 'DAMAGED',
      place: 'below',
      lead: paint(style, 'red', 'damaged:'),
      cell: ({ damaged }) => (damaged ? explainDamage(damaged.files) : ''),
    },
    { title: 'STORED', place: 'wide', cell: ({ storedBytes }) => formatBytes(storedBytes) },
    { title: 'METHOD', place: 'wide', cell: ({ method }) => method },
    { title: 'TIER', place: 'wide', cell: ({ tiers }) => tiers.join('+') },
  ]
  return renderTable(columns, snapshots, style)
}
