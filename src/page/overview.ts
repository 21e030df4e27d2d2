import { html } from 'hono/html'
import { formatBytes } from '../lib/format.ts'
import type { RepositoryStatus, TargetStatus } from '../report/status.ts'
import { renderJobs } from './jobs.ts'
import { type Html, renderDocument } from './layout.ts'
import { renderProblems } from './problems.ts'
import { renderTargets } from './targets.ts'
import { judgeAll } from './verdict.ts'
import type { Overview } from './view.ts'
import { fromNow, plural, when } from './words.ts'

/** The page of all targets: the verdict, what runs, what is wrong, then a row a target. */
export function renderOverview(view: Overview): Html {
  const { headline } = judgeAll(view.status, view.pass.failures)
  const main = html`${renderVerdict(view)}${renderJobs(view)}${renderProblems(view)}${renderTargets(view)}${renderRepositories(view)}`
  return renderDocument({ title: `${headline} — xnai-backup`, main, view })
}

function renderVerdict({ status, pass, now, timezone }: Overview): Html {
  const { tone, headline, details } = judgeAll(status, pass.failures)
  const last = lastEnded(status.targets)
  const next = nextDue(status.targets)
  return html`<section id="verdict" class="verdict ${tone}" data-live>
  <h1>${headline}</h1>
  ${details.length > 0 ? html`<ul class="plain">${details.map((text) => html`<li>${text}</li>`)}</ul>` : ''}
  <dl class="pair">
    <div><dt>Last run</dt><dd>${
      last?.lastRun
        ? html`${last.target}, ${last.lastRun.outcome}, <time datetime="${last.lastRun.time}">${fromNow(last.lastRun.time, now)}</time>`
        : 'none yet'
    }</dd></div>
    <div><dt>Next run</dt><dd>${
      next?.nextRun
        ? html`${next.target}, <time datetime="${next.nextRun}">${when(next.nextRun, timezone)}</time>`
        : 'on change, or by hand'
    }</dd></div>
  </dl>
</section>`
}

const lastEnded = (targets: TargetStatus[]): TargetStatus | undefined =>
  targets.filter(({ lastRun }) => lastRun).toSorted((a, b) => compare(b.lastRun?.time, a.lastRun?.time))[0]

const nextDue = (targets: TargetStatus[]): TargetStatus | undefined =>
  targets.filter(({ nextRun }) => nextRun).toSorted((a, b) => compare(a.nextRun, b.nextRun))[0]

const compare = (a: string | null | undefined, b: string | null | undefined): number => ((a ?? '') < (b ?? '') ? -1 : 1)

function renderRepositories({ status }: Overview): Html {
  return html`<section id="repositories" data-live>
  <h2>Repositories</h2>
  <ul class="cards">${status.repositories.map(renderRepository)}</ul>
</section>`
}

function renderRepository({ tier, url, ok, snapshots, storedBytes, freeBytes, damaged }: RepositoryStatus): Html {
  const damage = damaged.length > 0 ? `, ${plural(damaged.length, 'snapshot')} damaged` : ''
  return html`<li class="card">
  <h3>${tier} <span class="state ${ok ? 'good' : 'bad'}">${ok ? 'reachable' : 'unreachable'}</span></h3>
  <p class="address">${url}</p>
  <p>${plural(snapshots, 'snapshot')}, ${formatBytes(storedBytes)} stored${freeBytes === null ? '' : `, ${formatBytes(freeBytes)} free`}${damage}</p>
</li>`
}
