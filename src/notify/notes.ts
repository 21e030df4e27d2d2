import type { Run, RunKind } from '../catalog/catalog.ts'
import { targetKeyOf } from '../plan/plan.ts'
import type { Shrunk } from '../report/shrunk.ts'
import type { NotifyInput } from './decide.ts'
import { events } from './events.ts'
import type { Item } from './message.ts'
import { roughBytes, roughly } from './roughly.ts'

interface NotesInput extends Pick<NotifyInput, 'now' | 'report' | 'hasCrashed' | 'runs'> {
  /** By target, the snapshot of which it was told. */
  told: Record<string, string>
}

/** What happened once, as items, and what is to be remembered of it. */
export function notesOf({ now, report, hasCrashed, runs, told }: NotesInput): {
  notes: Item[]
  shrunk: Record<string, string>
} {
  const news = (report?.targets ?? []).flatMap(({ project, target, shrunk }) => {
    const isNew = shrunk !== null && told[targetKeyOf({ project, target })] !== shrunk.snapshot
    return isNew ? [{ project, target, shrunk }] : []
  })
  const notes = [
    ...(hasCrashed ? [crash] : []),
    ...news.map(({ shrunk, ...target }) => noted('shrunk', describeShrunk(shrunk), target)),
    ...failedRestores(runs),
    ...completeRuns(runs, now),
  ]
  const shrunk = Object.fromEntries(news.map((each) => [targetKeyOf(each), each.shrunk.snapshot]))
  return { notes, shrunk: { ...told, ...shrunk } }
}

function noted(
  event: 'shrunk' | 'restore' | 'complete' | 'crash',
  text: string,
  more: Pick<Item, 'project' | 'target' | 'hint'> = {},
): Item {
  return { event, state: 'noted', level: events[event].level, ...more, text }
}

const crash = noted('crash', 'the controller started, and the one before it had died', {
  hint: 'Nothing need be done: it has finished what was left. Look at the log of the machine for why it died.',
})

function describeShrunk({ what, before, now, snapshot }: Shrunk): string {
  const size = what === 'bytes' ? roughBytes : (count: number) => `${count} items`
  return `the newest backup is less than half of those before it: ${size(now)} after ${size(before)} or more (${snapshot})`
}

/** A restore that its operator has ended is no news to anybody. */
function failedRestores(runs: Run[]): Item[] {
  const failed = runs.filter(({ kind, outcome, error }) => {
    return (
      kind === 'restore' && outcome !== 'complete' && !['BUSY', 'CANCELLED', 'INTERRUPTED'].includes(error?.code ?? '')
    )
  })
  return failed.map(({ project, target, error, rolledBack }) => {
    const end = rolledBack ? ' The state before it was put back.' : ''
    const hint = error ? { hint: `${error.hint}${end}` } : {}
    return noted('restore', `the restore failed: ${error?.message ?? 'no reason was recorded'}`, {
      project,
      target,
      ...hint,
    })
  })
}

/** Runs of long ago were told to nobody because nobody was to be told. */
const newsMs = 86_400_000

function completeRuns(runs: Run[], now: Date): Item[] {
  const isNews = ({ outcome, finished = '' }: Run) =>
    outcome === 'complete' && now.getTime() - Date.parse(finished) < newsMs
  const byKind = Object.entries(Object.groupBy(runs.filter(isNews), ({ kind }) => kind)) as [RunKind, Run[]][]
  return byKind.map(([kind, some]) => {
    const names = [...new Set(some.map(({ target }) => target))].toSorted().join(', ')
    const seconds = some.reduce((sum, run) => sum + (run.seconds ?? 0), 0)
    const bytes = some.reduce((sum, run) => sum + (run.bytes ?? 0), 0)
    // Drills and restores count none.
    const size = some.some((run) => run.bytes !== undefined) ? `${roughBytes(bytes)} in ` : ''
    return noted('complete', `${kind} complete: ${names} (${size}${roughly(seconds)})`)
  })
}
