import { BackupError } from '../errors.ts'
import type { RestoreResult } from '../job/job.ts'
import { worstOutcome } from '../job/job.ts'
import { captureTier, repositoryOf } from '../job/repositories.ts'
import { importSnapshot } from '../job/restore/import.ts'
import { planRestore, type RestorePlan } from '../job/restore/plan.ts'
import { runRestore } from '../job/restore.ts'
import { targetKey } from '../plan/plan.ts'
import type { Answer, Define, Session } from './command.ts'
import { findPlan } from './look-around.ts'
import { renderRestore, renderRestorePlan } from './render/restore.ts'
import { chooseImport, chooseRestores, type RestoreOptions } from './restore-request.ts'

export const defineRestore: Define = (program, choose) =>
  program
    .command('restore [TARGET...]')
    .description('put data back, start the services and prove the result')
    .option('--all', 'every target')
    .option('--at <TIME|ID|latest>', 'newest snapshot at or before TIME, or the one with this id', 'latest')
    .option('--set <ID>', 'the snapshots of one quiesce window')
    .option('--only <PATH>', 'single files of a tree (repeatable)', (path, paths: string[]) => [...paths, path], [])
    .option('--to <DIR>', 'write under DIR and touch no container')
    .option('--from <PATH>', 'a file, folder or tar archive of another program in place of a snapshot')
    .option('--dry-run', 'show what would be stopped, replaced and started; touch nothing')
    .option('--yes', 'overwrite without being asked')
    .option('--no-safety', 'take no snapshot of what is there now: no way back')
    .option('--json', 'one JSON document')
    .action((names: string[], options: RestoreOptions) =>
      choose((session) => (options.from === undefined ? restore : restoreFrom)(session, names, options)),
    )

/** As a snapshot of its own, which goes again when it did not come to a restore. */
async function restoreFrom(session: Session, names: string[], options: RestoreOptions): Promise<Answer> {
  const { parts, signal } = session
  const target = chooseImport(await findPlan(session), names, options)
  const { id } = await importSnapshot(parts, target, options.from ?? '', signal)
  let restored = false
  try {
    const answer = await restore(session, names, { ...options, at: id })
    restored = answer.outcome === 'complete' && !options.dryRun
    return answer
  } finally {
    if (!restored) await repositoryOf(parts, captureTier).remove([id], AbortSignal.timeout(60_000))
  }
}

async function restore(session: Session, names: string[], options: RestoreOptions): Promise<Answer> {
  const { parts, signal, style } = session
  const { request, refused } = await chooseRestores(session, await findPlan(session), names, options)
  if (request.targets.length === 0) return answer(session, null, refused)
  const plan = await planRestore(parts, request, signal)
  if (options.dryRun) {
    const outcome = refused.length === 0 ? 'complete' : 'incomplete'
    return { document: describePlan(plan, refused), text: renderRestorePlan(plan, refused, style), outcome }
  }
  if (options.to === undefined && !options.yes) await confirm(session, plan, refused, options.safety)
  const { run, targets } = await work(session, plan, options.safety)
  return answer(session, run, [...targets, ...refused])
}

function describePlan({ steps, down, only, to }: RestorePlan, refused: RestoreResult[]) {
  const stops = down.map((container) => container.name)
  const targets = steps.map(({ project, name, snapshot, target }) => ({
    project,
    target: name,
    method: snapshot.method,
    container: target?.container.name ?? null,
    replaces: target?.paths ?? [],
    snapshot: snapshot.id,
    time: snapshot.time,
    set: snapshot.set,
    bytes: snapshot.bytes,
  }))
  return { dryRun: true, stops, starts: stops.toReversed(), targets, refused, only, to }
}

function answer(session: Session, run: string | null, targets: RestoreResult[]): Answer {
  const outcome = worstOutcome(targets)
  const errors = targets.flatMap(({ error }) => error ?? [])
  return { document: { run, outcome, targets }, text: renderRestore(targets, session.style), outcome, errors }
}

async function confirm(session: Session, plan: RestorePlan, refused: RestoreResult[], safety: boolean): Promise<void> {
  const { io, note, signal, style } = session
  const names = plan.steps.map(targetKey).join(', ')
  if (!io.ask) throw new BackupError('CONFIRMATION_NEEDED', `the restore of ${names} overwrites what is there now`)
  note(renderRestorePlan(plan, refused, style))
  const way = safety ? 'A safety snapshot is taken first.' : 'There will be NO way back (--no-safety).'
  const reply = await io.ask(`${way} Overwrite ${names}? [y/N] `, signal)
  if (/^y(es)?$/i.test(reply.trim())) return
  throw new BackupError('CONFIRMATION_NEEDED', 'the restore was not confirmed', { hint: 'Nothing was touched.' })
}

async function work(session: Session, plan: RestorePlan, safety: boolean) {
  const totals = new Map(plan.steps.map((step) => [step.name, step.snapshot.bytes]))
  using progress = session.progress(totals)
  return await runRestore(session.parts, plan, { safety, progress }, session.signal)
}
