import { BackupError } from '../../errors.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { type Parts, type RestoreResult, worstOutcome } from '../../job/job.ts'
import { removeUnpinned } from '../../job/pins.ts'
import { captureTier, snapshotRef } from '../../job/repositories.ts'
import { importSnapshot } from '../../job/restore/import.ts'
import { planRestore, type RestorePlan } from '../../job/restore/plan.ts'
import { runRestore } from '../../job/restore.ts'
import { targetKey } from '../../plan/plan.ts'
import { lastDowntime } from '../../report/last-downtime.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { type Forecast, renderRestore, renderRestorePlan } from '../render/restore.ts'
import { chooseImport, chooseRestores, type RestoreOptions } from '../restore-request.ts'
import { tierOption } from '../tier-option.ts'

export const restoreCommand: CommandDefinition = {
  kind: 'change',
  define: (program, choose) =>
    program
      .command('restore [TARGET...]')
      .description('put data back, start the services and prove the result')
      .option('--all', 'every target')
      .option(
        '--at <TIME|ID|latest>',
        'the newest snapshot at or before TIME, or the one of ID; without it the latest',
        'latest',
      )
      .option('--set <ID>', 'the snapshots that were taken together, by the id of their set')
      .addOption(tierOption('from one repository alone'))
      .option('--only <PATH>', 'single files of a tree (repeatable)', (path, paths: string[]) => [...paths, path], [])
      .option('--to <DIR>', 'write under DIR of the host and touch no container')
      .option('--from <FILE>', 'a file, folder or tar archive of another program in place of a snapshot')
      .option('--from-host <HOST>', 'what another host stored in a shared repository')
      .option('--dry-run', 'show what would be stopped, replaced and started; touch nothing')
      .option('--yes', 'overwrite without being asked')
      .option('--no-safety', 'take no snapshot of what is there now: no way back')
      .option('--json', 'one JSON document')
      .action((names: string[], options: RestoreOptions) =>
        choose((session) => (options.from === undefined ? restore : restoreFrom)(session, names, options)),
      ),
}

/**
 * Makes a snapshot of what another program wrote and restores that. The snapshot is removed again unless the restore has completed, or
 * what it left undone still needs it.
 */
async function restoreFrom(session: Session, names: string[], options: RestoreOptions): Promise<Answer> {
  const { parts, signal } = session
  const begunMs = parts.clock.monotonicMs()
  const { plan } = await currentPlan(parts, signal)
  using pins = new DisposableStack()
  const { id } = await importSnapshot(parts, chooseImport(plan, names, options), options.from ?? '', pins, signal)
  let restored = false
  try {
    const answer = await restore(session, names, { ...options, at: id }, begunMs)
    restored = answer.outcome === 'complete' && !options.dryRun
    return answer
  } finally {
    pins.dispose()
    if (!restored) await removeUnpinned(parts, captureTier, [id], AbortSignal.timeout(60_000))
  }
}

async function restore(
  session: Session,
  names: string[],
  options: RestoreOptions,
  begunMs = session.parts.clock.monotonicMs(),
): Promise<Answer> {
  const { parts, signal } = session
  const { plan } = await currentPlan(parts, signal)
  const { request, refused } = await chooseRestores(session, plan, names, options)
  if (request.targets.length === 0) return makeAnswer(session, null, refused)
  const restorePlan = await planRestore(parts, request, signal)
  if (options.dryRun) {
    const outcome = refused.length === 0 ? 'complete' : 'incomplete'
    const forecast = { refused, downtimes: downtimesOf(parts, restorePlan) }
    const text = renderRestorePlan(restorePlan, forecast, session.style)
    return { document: describePlan(restorePlan, forecast), text, outcome }
  }
  const asks = options.to === undefined && !options.yes
  const askedMs = asks ? await confirm(session, restorePlan, refused, options.safety) : 0
  const how = { safety: options.safety, begunMs: begunMs + askedMs }
  const { run, targets } = await runPlan(session, restorePlan, how)
  return makeAnswer(session, run, [...targets, ...refused])
}

const downtimesOf = (parts: Parts, { steps, to }: RestorePlan): Forecast['downtimes'] =>
  new Map(steps.flatMap((step) => (!to ? [[targetKey(step), lastDowntime(parts, step)]] : [])))

function describePlan({ steps, restarts, only, to }: RestorePlan, { refused, downtimes }: Forecast) {
  const stops = restarts.map((container) => container.name)
  const targets = steps.map(({ project, name, snapshot, target }) => ({
    project,
    target: name,
    method: snapshot.method,
    container: target?.container.name ?? null,
    replaces: target?.paths ?? [],
    snapshot: snapshot.id,
    tier: snapshotRef(snapshot).tier,
    time: snapshot.time,
    set: snapshot.set,
    bytes: snapshot.bytes,
    lastDowntime: downtimes.get(targetKey({ project, name })) ?? null,
  }))
  return { dryRun: true, stops, starts: stops.toReversed(), targets, refused, only, to: to?.hostPath }
}

function makeAnswer(session: Session, run: string | null, targets: RestoreResult[]): Answer {
  const outcome = worstOutcome(targets)
  const errors = targets.flatMap(({ error }) => error ?? [])
  return { document: { run, outcome, targets }, text: renderRestore(targets, session.style), outcome, errors }
}

/**
 * Shows the plan and asks. Answers for how many milliseconds it waited for the answer. Throws CONFIRMATION_NEEDED for any answer but yes,
 * and where nobody can be asked.
 */
async function confirm(session: Session, plan: RestorePlan, refused: RestoreResult[], safety: boolean) {
  const { io, note, parts, signal, style } = session
  const names = plan.steps.map(targetKey).join(', ')
  if (!io.ask) throw new BackupError('CONFIRMATION_NEEDED', `the restore of ${names} overwrites what is there now`)
  note(renderRestorePlan(plan, { refused, downtimes: downtimesOf(parts, plan) }, style))
  const way = safety ? 'A safety snapshot is taken first.' : 'There will be NO way back (--no-safety).'
  const since = parts.clock.monotonicMs()
  const reply = await io.ask(`${way} Overwrite ${names}? [y/N] `, signal)
  if (/^y(es)?$/i.test(reply.trim())) return parts.clock.monotonicMs() - since
  throw new BackupError('CONFIRMATION_NEEDED', 'the restore was not confirmed', { hint: 'Nothing was touched.' })
}

async function runPlan(session: Session, plan: RestorePlan, how: { safety: boolean; begunMs: number }) {
  const totals = new Map(plan.steps.map((step) => [targetKey(step), step.snapshot.bytes]))
  using progress = session.progress(totals)
  return await runRestore(session.parts, plan, { ...how, progress }, session.signal)
}
