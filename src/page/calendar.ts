import { html } from 'hono/html'
import { localTime } from '../lib/local-time.ts'
import type { SnapshotReport } from '../report/snapshots.ts'
import type { Html } from './layout.ts'
import type { TargetView } from './view.ts'
import { plural } from './words.ts'

const weeks = 5
const dayMs = 86_400_000

/** One day and the snapshots of it. */
export interface Day {
  /** `2026-11-20`, in the zone of the target. */
  date: string
  isFuture: boolean
  snapshots: SnapshotReport[]
}

/** The days of the newest weeks, from a Monday on. Snapshots that a restore took for safety are no backups, and are left out. */
export function daysOf(snapshots: SnapshotReport[], now: Date, timezone: string): Day[] {
  const dateOf = (time: string) => localTime(time, timezone).minute.slice(0, 10)
  const today = dateOf(now.toISOString())
  // At noon UTC a step of a day never skips or repeats a date.
  const noon = Date.parse(`${today}T12:00:00Z`)
  const sinceMonday = (new Date(noon).getUTCDay() + 6) % 7
  const first = noon - (sinceMonday + (weeks - 1) * 7) * dayMs
  const byDate = Map.groupBy(
    snapshots.filter(({ reason }) => reason !== 'safety'),
    ({ time }) => dateOf(time),
  )
  return Array.from({ length: weeks * 7 }, (_, index) => {
    const date = new Date(first + index * dayMs).toISOString().slice(0, 10)
    return { date, isFuture: date > today, snapshots: byDate.get(date) ?? [] }
  })
}

/** Says for each day of the last weeks whether there is a snapshot of it, where, and why it is kept. */
export function renderCalendar({ snapshots, now, targetZone }: TargetView): Html {
  const days = daysOf(snapshots, now, targetZone)
  return html`<ol class="calendar" aria-label="Snapshots of the last ${weeks} weeks">${days.map(renderDay)}</ol>
<p class="note key"><span class="mark local"></span> local <span class="mark remote"></span> remote <span class="mark damaged"></span> damaged</p>`
}

function renderDay({ date, isFuture, snapshots }: Day): Html {
  const marks = [...new Set(snapshots.flatMap(({ damaged, tiers }) => (damaged ? ['damaged'] : tiers)))]
  const reasons = [...new Set(snapshots.flatMap(({ kept }) => kept))]
  const count = snapshots.length === 0 ? 'no snapshot' : plural(snapshots.length, 'snapshot')
  const told = [`${date}: ${count}`, ...marks, ...(reasons.length > 0 ? [`kept: ${reasons.join(', ')}`] : [])].join(
    '; ',
  )
  return html`<li class="day${isFuture ? ' future' : ''}${snapshots.length > 0 ? ' has' : ''}" title="${isFuture ? date : told}">
  <span aria-hidden="true">${Number(date.slice(8))}</span><span class="unseen">${isFuture ? date : told}</span>
  <span class="marks" aria-hidden="true">${marks.map((mark) => html`<span class="mark ${mark}"></span>`)}</span>
</li>`
}
