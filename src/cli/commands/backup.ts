import { asBackupError, reportError } from '../../errors.ts'
import { runBackup } from '../../job/backup.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { type BackupResult, worstOutcome } from '../../job/job.ts'
import { replicate } from '../../job/replicate.ts'
import { captureTier, listTier, remoteTier } from '../../job/repositories.ts'
import { type BrokenTarget, type Target, targetKeyOf } from '../../plan/plan.ts'
import { allTargets, brokenError, chooseTargets, everyTarget, requireTargets } from '../choose-targets.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderBackup } from '../render/backup.ts'

export const backupCommand: CommandDefinition = {
  kind: 'change',
  define: (program, choose) =>
    program
      .command('backup [TARGET...]')
      .description('back up now')
      .option('--all', 'every target')
      .option('--json', 'one JSON document')
      .action((names: string[], options: { all?: boolean }) =>
        choose((session) => backup(session, names, options.all === true)),
      ),
}

/** Broken targets fail by their problems; they do not keep the others from being backed up. */
async function backup(session: Session, names: string[], all: boolean): Promise<Answer> {
  requireTargets(names, all)
  const { plan } = await currentPlan(session.parts, session.signal)
  const chosen = all ? everyTarget(plan) : chooseTargets(allTargets(plan), names)
  const ready = chosen.filter((target) => target.kind === 'ready')
  const broken = chosen.filter((target) => target.kind === 'broken')
  const done = ready.length === 0 ? undefined : await backUp(session, ready)
  const targets = [...(done?.targets ?? []), ...broken.map(brokenResult)]
  const outcome = worstOutcome(targets)
  return {
    document: { run: done?.run ?? null, outcome, targets },
    text: renderBackup(targets, session.style),
    outcome,
    errors: targets.flatMap(({ error }) => error ?? []),
  }
}

async function backUp(session: Session, targets: Target[]) {
  const done = await withProgress(session, targets)
  await copyToRemote(session)
  return done
}

async function withProgress(session: Session, targets: Target[]) {
  const { parts, config, signal } = session
  using progress = session.progress(await expectedBytes(session))
  return await runBackup(parts, targets, { reason: 'manual', progress, concurrency: config.concurrency }, signal)
}

/** A living controller does so by itself. What cannot be copied is copied later, and has failed no backup. */
async function copyToRemote({ parts, signal, note }: Session): Promise<void> {
  const isControlled = parts.catalog.holders().some(({ key }) => key.kind === 'controller')
  if (!parts.repositories.has(remoteTier) || isControlled || signal.aborted) return
  try {
    await replicate(parts, signal)
  } catch (error) {
    const { message, hint } = asBackupError(error)
    note(`warning: not copied to the remote repository yet: ${message} (${hint})\n`)
  }
}

/** Answers sizes by the key of the target: that of the newest snapshot is the best guess for the next one. */
async function expectedBytes({ parts, signal }: Session): Promise<Map<string, number>> {
  return new Map(
    (await listTier(parts, captureTier, signal)).map((snapshot) => [targetKeyOf(snapshot), snapshot.bytes]),
  )
}

function brokenResult(broken: BrokenTarget): BackupResult {
  return {
    project: broken.project,
    target: broken.name,
    method: 'unknown',
    outcome: 'failed',
    seconds: 0,
    downtimeSeconds: 0,
    stopped: [],
    heldSeconds: {},
    warnings: [],
    error: reportError(brokenError(broken)),
  }
}
