import { html } from 'hono/html'
import type { Run } from '../catalog/catalog.ts'
import { formatBytes, formatSeconds } from '../lib/format.ts'
import { targetKeyOf } from '../plan/plan.ts'
import type { SnapshotReport } from '../report/snapshots.ts'
import { renderCalendar } from './calendar.ts'
import { renderJobs } from './jobs.ts'
import { type Html, renderDocument } from './layout.ts'
import { renderProblems } from './problems.ts'
import { renderAge, renderDrill, renderNext, renderSize, renderState } from './targets.ts'
import type { TargetView } from './view.ts'
import { fromNow, when } from './words.ts'

/** The page of one target: how it is, how it is brought back, its snapshots, and its runs. */
export function renderTarget(view: TargetView): Html {
  const { target } = view
  const own = view.jobs.filter(({ project, target: name }) => project === target.project && name === target.target)
  const main = html`<p class="back"><a href="/">All services</a></p>
${renderFacts(view)}${renderJobs({ ...view, jobs: own })}${renderProblems(view, target)}
${renderRestore(view)}
${renderLastDrill(view)}
${renderSnapshots(view)}
${renderRuns(view)}`
  return renderDocument({ title: `${target.target} — xnai-backup`, main, view })
}

function renderFacts(view: TargetView): Html {
  const { target, history, now, timezone } = view
  const stop = history.stopSeconds
  const facts: [title: string, value: Html | string][] = [
    ['Age of the backup', renderAge(target)],
    ['Restore drill', renderDrill(target, now)],
    ['Last good backup', when(target.lastSuccess, timezone)],
    ['Next run', renderNext(target, view)],
    ['Schedule', target.schedule ?? '—'],
    ['Last stop', stop === null ? '—' : stop === 0 ? 'none' : formatSeconds(stop)],
    ['Size', renderSize(history)],
    ['Method', target.method ?? '—'],
    ['Container', target.container],
  ]
  return html`<section id="facts" data-live>
  <h1>${target.target} <span class="of">of ${target.project}</span> ${renderState(target)}</h1>
  <dl class="facts">${facts.map(([title, value]) => html`<div><dt>${title}</dt><dd>${value}</dd></div>`)}</dl>
</section>`
}

function renderRestore({ target, program, snapshots }: TargetView): Html {
  const name = targetKeyOf(target)
  const older = snapshots.findLast(({ damaged }) => !damaged)?.id
  return html`<section id="restore">
  <h2>Bring it back</h2>
  <p>The newest good backup, after all checks have passed and what is there now is safe. Nothing is touched before you confirm.</p>
  ${renderCommand(`${program} restore ${name}`)}
  <details><summary>Other ways</summary>
    <p>What a restore would do, without doing it:</p>
    ${renderCommand(`${program} restore ${name} --dry-run`)}
    ${older ? html`<p>One snapshot by its id:</p>${renderCommand(`${program} restore ${name} --at ${older}`)}` : ''}
    <p>Beside the stack, in a folder of the host, touching no container:</p>
    ${renderCommand(`${program} restore ${name} --to /tmp/restored`)}
  </details>
</section>`
}

/** The button is shown by the script, which copies. */
const renderCommand = (line: string): Html =>
  html`<div class="command"><code tabindex="0">${line}</code><button class="quiet" data-copy hidden>Copy</button></div>`

/** Each check of the newest drill, and what it says nothing about. */
function renderLastDrill({ drill: run, timezone }: TargetView): Html {
  if (!run?.drill) return html`<section id="drill" data-live></section>`
  const { checks, notTested, verdict } = run.drill
  const tones = { ok: 'good', failed: 'bad', 'not run': 'open' } as const
  const found = ({ expected, actual }: (typeof checks)[number]) =>
    expected === actual ? actual : `${actual}, expected ${expected}`
  return html`<section id="drill" data-live>
  <h2>Last restore drill</h2>
  <p>${verdict}, ${when(run.finished, timezone)}${run.snapshot ? `, snapshot ${run.snapshot}` : ''}${run.seconds === undefined ? '' : `, in ${formatSeconds(run.seconds)}`}</p>
  ${run.error ? html`<p>${run.error.message}</p><p class="hint">${run.error.hint}</p>` : ''}
  <ul class="checks">${checks.map((check) => html`<li><span class="state ${tones[check.state]}">${check.state}</span> ${check.name}<span class="note"> ${found(check)}</span></li>`)}</ul>
  ${notTested.map((text) => html`<p class="note">Not tested: ${text}</p>`)}
</section>`
}

function renderSnapshots(view: TargetView): Html {
  const { snapshots, snapshotsError, timezone } = view
  return html`<section id="snapshots" data-live>
  <h2>Snapshots</h2>
  ${snapshotsError ? html`<p class="error">${snapshotsError.message}</p>` : ''}
  ${renderCalendar(view)}
  ${snapshots.length === 0 ? html`<p>None yet.</p>` : renderSnapshotTable(snapshots, timezone)}
</section>`
}

const shownSnapshots = 60

function renderSnapshotTable(snapshots: SnapshotReport[], timezone: string): Html {
  const newest = snapshots.toReversed()
  const more = newest.length - shownSnapshots
  return html`<table class="rows">
  <thead><tr><th scope="col">Taken</th><th scope="col">Size</th><th scope="col">Where</th><th scope="col">Kept because</th></tr></thead>
  <tbody>${newest.slice(0, shownSnapshots).map((each) => renderSnapshot(each, timezone))}</tbody>
</table>${more > 0 ? html`<p class="note">${more} older ones: xnai-backup list</p>` : ''}`
}

function renderSnapshot({ id, time, bytes, tiers, kept, damaged, reason }: SnapshotReport, timezone: string): Html {
  return html`<tr>
  <th scope="row">${when(time, timezone)}<span class="note">${id}${reason === 'safety' ? ', before a restore' : ''}</span></th>
  <td data-title="Size">${formatBytes(bytes)}</td>
  <td data-title="Where">${tiers.join(', ')}</td>
  <td data-title="Kept because">${damaged ? html`<span class="state bad">damaged</span> ` : ''}${kept.length > 0 ? kept.join(', ') : 'the policy lets it go'}</td>
</tr>`
}

function renderRuns({ runs, now, timezone }: TargetView): Html {
  return html`<section id="runs" data-live>
  <h2>Runs</h2>
  ${
    runs.length === 0
      ? html`<p>None yet.</p>`
      : html`<table class="rows">
  <thead><tr><th scope="col">Started</th><th scope="col">What</th><th scope="col">Result</th><th scope="col">Took</th><th scope="col">Stop</th></tr></thead>
  <tbody>${runs.map((run) => renderRun(run, now, timezone))}</tbody>
</table>`
  }
</section>`
}

function renderRun(run: Run, now: Date, timezone: string): Html {
  const { kind, trigger, started, outcome, seconds, downtimeSeconds, error, rolledBack, steps = [] } = run
  const tone = outcome === undefined ? 'open' : outcome === 'complete' ? 'good' : 'bad'
  return html`<tr>
  <th scope="row">${when(started, timezone)}<span class="note">${fromNow(started, now)}</span></th>
  <td data-title="What">${kind}${trigger ? html`<span class="note">${cause[trigger]}</span>` : ''}</td>
  <td data-title="Result"><span class="state ${tone}">${outcome ?? 'running'}</span>${rolledBack ? ', the state before was put back' : ''}
    ${error ? html`<p>${error.message}</p><p class="hint">${error.hint}</p>` : ''}</td>
  <td data-title="Took">${seconds === undefined ? '—' : formatSeconds(seconds)}${
    steps.length === 0
      ? ''
      : html`<details><summary>Steps</summary><ul class="plain">${steps.map(({ name, seconds: took }) => html`<li>${name}: ${formatSeconds(took)}</li>`)}</ul></details>`
  }</td>
  <td data-title="Stop">${downtimeSeconds ? formatSeconds(downtimeSeconds) : 'none'}</td>
</tr>`
}

const cause = { schedule: 'by schedule', change: 'on change', manual: 'by hand' } as const
