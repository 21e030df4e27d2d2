import { html } from 'hono/html'
import type { Problem } from '../plan/plan.ts'
import { hasFailed, type TargetStatus } from '../report/status.ts'
import type { Html } from './layout.ts'
import type { View } from './view.ts'
import { plural, when } from './words.ts'

/** One thing that somebody has to look at. */
interface Trouble {
  what: string
  hint: string
}

/** What somebody has to look at, each with what to do. `target`: only what concerns it. */
export function renderProblems(view: View, target?: TargetStatus): Html {
  const troubles = target ? troublesOf(target, view.timezone) : allTroubles(view)
  if (troubles.length === 0) return html`<section id="problems" data-live></section>`
  return html`<section id="problems" data-live>
  <h2>${plural(troubles.length, 'problem')}</h2>
  <ul class="cards">${troubles.map(({ what, hint }) => html`<li class="card trouble"><p>${what}</p>${hint === '' ? '' : html`<p class="hint">${hint}</p>`}</li>`)}</ul>
</section>`
}

function allTroubles({ status, pass, timezone }: View): Trouble[] {
  const { targets, repositories, problems, recovery, prune } = status
  const errors = [
    ...pass.errors,
    ...repositories.flatMap(({ error, problems }) => [...(error ? [error] : []), ...problems]),
  ]
  const troubles = [
    ...errors.map(({ message, hint }) => ({ what: message, hint })),
    ...targets.flatMap((target) => failureOf(target, timezone)),
    ...problems.map(describeProblem),
    ...recovery.map((what) => ({ what: `A dead run left this to do: ${what}`, hint: '' })),
    ...(prune?.error
      ? [{ what: `Old snapshots could not be removed: ${prune.error.message}`, hint: prune.error.hint }]
      : []),
  ]
  return [...new Map(troubles.map((trouble) => [trouble.what, trouble])).values()]
}

const troublesOf = (target: TargetStatus, timezone: string): Trouble[] => [
  ...failureOf(target, timezone),
  ...target.problems.map(describeProblem),
]

function failureOf(target: TargetStatus, timezone: string): Trouble[] {
  const { lastRun, project, target: name } = target
  if (!lastRun || !hasFailed(target)) return []
  const word = lastRun.outcome === 'failed' ? 'failed' : 'was incomplete'
  const why = lastRun.error ? `: ${lastRun.error.message}` : ''
  return [
    {
      what: `${project}/${name}: the last backup ${word} at ${when(lastRun.time, timezone)}${why}`,
      hint: lastRun.error?.hint ?? '',
    },
  ]
}

function describeProblem({ project, container, target, label, value, reason, suggestion, hint }: Problem): Trouble {
  const place = target === undefined ? container : `${project}/${target}`
  const shown = label === '' ? '' : ` ${label}${value === '' ? '' : ` = ${value}`}:`
  const meant = suggestion === undefined ? '' : `Did you mean ${suggestion}? `
  return { what: `${place}:${shown} ${reason}`, hint: `${meant}${hint ?? ''}`.trim() }
}
