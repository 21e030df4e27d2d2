import type { Run, RunStep } from '../../catalog/catalog.ts'
import type { ErrorReport } from '../../errors.ts'
import { targetKeyOf } from '../../plan/plan.ts'
import { formatBytes, formatSeconds } from './format.ts'
import { paintOutcome } from './result.ts'
import { type Column, renderTable } from './table.ts'
import { paint, type TextStyle } from './text-style.ts'
import { timeColumn } from './time.ts'

/** A run as `logs --json` prints it: null is what is not known, or not yet. */
export interface LoggedRun extends Omit<Run, 'id' | 'trigger' | 'finished' | 'outcome' | 'steps'> {
  run: string
  trigger: NonNullable<Run['trigger']> | null
  finished: string | null
  outcome: NonNullable<Run['outcome']> | null
  steps: RunStep[]
}

/** A row for each run, with its steps and what failed below it. */
export function renderLogs(runs: LoggedRun[], style: TextStyle): string {
  if (runs.length === 0) return 'No runs.\n'
  const columns: Column<LoggedRun>[] = [
    timeColumn({ title: 'STARTED', timeOf: ({ started }) => started }, runs, style),
    { title: 'TARGET', cell: targetKeyOf },
    { title: 'RUN', cell: ({ kind }) => kind },
    {
      title: 'RESULT',
      cell: ({ outcome, rolledBack }) =>
        outcome ? paintOutcome(outcome, style) + (rolledBack ? ', rolled back' : '') : paint(style, 'bold', 'running'),
    },
    { title: 'BY', place: 'fold', lead: 'by', cell: ({ trigger }) => trigger ?? '' },
    { title: 'TOOK', place: 'fold', lead: 'took', cell: ({ seconds }) => formatKnown(seconds) },
    {
      title: 'DOWN',
      place: 'fold',
      lead: 'down',
      cell: ({ downtimeSeconds }) => formatKnown(downtimeSeconds || undefined),
    },
    { title: 'SNAPSHOT', place: 'fold', lead: 'snapshot', cell: ({ snapshot }) => snapshot ?? '' },
    {
      title: 'STEPS',
      place: 'below',
      cell: ({ steps }) => steps.map(({ name, seconds }) => `${name} ${formatSeconds(seconds)}`).join('; '),
    },
    { title: 'ERROR', place: 'below', lead: 'error:', cell: ({ error }) => (error ? describeError(error) : '') },
    { title: 'SIZE', place: 'wide', cell: ({ bytes }) => (bytes === undefined ? '' : formatBytes(bytes)) },
    { title: 'ID', place: 'wide', cell: ({ run }) => run },
  ]
  return renderTable(columns, runs, style)
}

const describeError = ({ code, message, hint }: ErrorReport): string => `${message} (${code}). Hint: ${hint}`

const formatKnown = (seconds: number | undefined): string => (seconds === undefined ? '' : formatSeconds(seconds))
