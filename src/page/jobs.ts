import { html } from 'hono/html'
import { formatBytes, formatSeconds } from '../lib/format.ts'
import type { JobReport } from '../report/jobs.ts'
import { bar } from './graphics.ts'
import type { Html } from './layout.ts'
import type { View } from './view.ts'

/** What runs now. The section is always there, so that the script can fill it. */
export function renderJobs({ jobs, now }: Pick<View, 'jobs' | 'now'>): Html {
  if (jobs.length === 0) return html`<section id="jobs" data-live></section>`
  return html`<section id="jobs" data-live>
  <h2>Running now</h2>
  <ul class="cards">${jobs.map((job) => renderJob(job, now))}</ul>
</section>`
}

function renderJob(job: JobReport, now: Date): Html {
  const { kind, project, target, started, step, bytes, expectedBytes } = job
  const amount = describeAmount(job, now)
  const took = formatSeconds(Math.max(0, (now.getTime() - Date.parse(started)) / 1000))
  return html`<li class="card job">
  <h3>${kind} of <a href="${pathOf(project, target)}">${target}</a></h3>
  <p>${step ?? 'begins'}${amount === '' ? '' : ` — ${amount}`}</p>
  ${expectedBytes && bytes > 0 ? bar(bytes, expectedBytes, 'good', amount) : ''}
  <p class="note">since ${took}</p>
</li>`
}

/** The total is a guess: what goes on is never at 100 %. */
function describeAmount({ bytes, expectedBytes, stepSince }: JobReport, now: Date): string {
  if (bytes === 0) return ''
  if (!expectedBytes) return formatBytes(bytes)
  const percent = Math.min(99, Math.floor((bytes / expectedBytes) * 100))
  const seconds = stepSince === null ? 0 : (now.getTime() - Date.parse(stepSince)) / 1000
  const left = seconds > 0 && expectedBytes > bytes ? ((expectedBytes - bytes) * seconds) / bytes : undefined
  const rest = left === undefined ? '' : `, ${formatSeconds(left)} left`
  return `${percent} %, ${formatBytes(bytes)} of about ${formatBytes(expectedBytes)}${rest}`
}

/** The page of one target. */
export const pathOf = (project: string, target: string): string =>
  `/targets/${encodeURIComponent(project)}/${encodeURIComponent(target)}`
