import { html } from 'hono/html'
import { formatBytes, formatSeconds } from '../lib/format.ts'
import { targetKey } from '../plan/plan.ts'
import type { History } from '../report/history.ts'
import { stateOf } from '../report/state.ts'
import type { TargetStatus } from '../report/status.ts'
import { bar, trend } from './graphics.ts'
import { pathOf } from './jobs.ts'
import type { Html } from './layout.ts'
import type { Overview } from './view.ts'
import { fromNow, when } from './words.ts'

/** A row a target. On a narrow screen each row is a card, whose cells show the titles of their columns. */
export function renderTargets(view: Overview): Html {
  const { targets } = view.status
  if (targets.length === 0) return html`<section id="targets" data-live></section>`
  return html`<section id="targets" data-live>
  <h2>Services</h2>
  <table class="rows">
    <thead><tr>${columns.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
    <tbody>${targets.map((target) => renderRow(target, view))}</tbody>
  </table>
</section>`
}

const columns = ['Service', 'State', 'Age of the backup', 'Restore drill', 'Next run', 'Size', 'Last stop']

function renderRow(target: TargetStatus, view: Overview): Html {
  const { project, target: name, method } = target
  const history = view.histories.get(targetKey({ project, name }))
  const cells = [
    renderState(target),
    renderAge(target),
    renderDrill(target, view.now),
    renderNext(target, view),
    renderSize(history),
    history?.stopSeconds == null ? '—' : history.stopSeconds === 0 ? 'none' : formatSeconds(history.stopSeconds),
  ]
  return html`<tr>
  <th scope="row"><a href="${pathOf(project, name)}">${name}</a><span class="note">${project}${method ? `, ${method}` : ''}</span></th>
  ${cells.map((cell, index) => html`<td data-title="${columns[index + 1] ?? ''}">${cell}</td>`)}
</tr>`
}

export function renderState(target: TargetStatus): Html {
  const { word, isGood } = stateOf(target)
  return html`<span class="state ${isGood ? 'good' : 'bad'}">${word}</span>${target.running ? html` <span class="state open">running</span>` : ''}`
}

/** The age of the newest good backup as a part of what it may be. */
export function renderAge({ ageSeconds, rpoSeconds, rpoMet }: TargetStatus): Html {
  if (ageSeconds === null || rpoSeconds === null) return html`—`
  const limit = formatSeconds(rpoSeconds)
  const age = formatSeconds(ageSeconds)
  const label = `${age} old, at most ${limit}`
  // Data that has not changed since an old backup is no older than that.
  const unchanged = rpoMet === true && ageSeconds > rpoSeconds ? ', unchanged since' : ''
  return html`${bar(ageSeconds, rpoSeconds, rpoMet ? 'good' : 'bad', label)}<span>${age}${unchanged} <span class="note">of ${limit}</span></span>`
}

/** What the newest drill found, and the newest proven restore as a part of what it may take. */
export function renderDrill(target: TargetStatus, now: Date): Html {
  const { lastDrill, lastVerdict, drillSeconds, rtoSeconds, rtoMet, method } = target
  if (method === null) return html`—`
  if (lastDrill === null) return html`<span class="state open">not proven yet</span>`
  const tone = rtoMet === null ? 'open' : rtoMet ? 'good' : 'bad'
  const word = lastVerdict === 'verified' && rtoMet === false ? 'too slow' : (lastVerdict ?? 'not proven yet')
  const state = html`<span class="state ${tone}">${word}</span>`
  const since = html`<span class="note">${fromNow(lastDrill, now)}</span>`
  if (drillSeconds === null || rtoSeconds === null) return html`${state} ${since}`
  const [took, limit] = [formatSeconds(drillSeconds), formatSeconds(rtoSeconds)]
  return html`${bar(drillSeconds, rtoSeconds, tone, `${took} of at most ${limit}`)}<span>${took} <span class="note">of ${limit}</span></span> ${state} ${since}`
}

export function renderNext(
  { nextRun, schedule, waiting }: TargetStatus,
  { now, timezone }: Overview | { now: Date; timezone: string },
): Html {
  if (nextRun)
    return html`<time datetime="${nextRun}" title="${when(nextRun, timezone)}">${fromNow(nextRun, now)}</time>`
  const waits = waiting ? html`<span class="note">a change waits to be still</span>` : ''
  return html`${schedule ?? '—'} ${waits}`
}

export function renderSize(history: History | undefined): Html {
  const newest = history?.sizes.at(-1)
  if (!history || !newest) return html`—`
  const points = history.sizes.map(({ time, bytes }) => ({ at: Date.parse(time), value: bytes }))
  return html`${trend(points, `size of the last ${points.length} backups, now ${formatBytes(newest.bytes)}`)}<span>${formatBytes(newest.bytes)}</span>`
}
