import { BackupError, reportError } from '../errors.ts'
import { runBackup } from '../job/backup.ts'
import { type BackupResult, worstOutcome } from '../job/job.ts'
import { listSnapshots } from '../job/repositories.ts'
import type { BrokenTarget, Plan, Target } from '../plan/plan.ts'
import { chooseTargets } from './choose-targets.ts'
import type { Answer, Define, Session } from './command.ts'
import { allTargets, brokenError, findPlan } from './look-around.ts'
import { renderBackup } from './render/backup.ts'

export const defineBackup: Define = (program, choose) =>
  program
    .command('backup [TARGET...]')
    .description('back up now')
    .option('--all', 'every target')
    .option('--json', 'one JSON document')
    .action((names: string[], options: { all?: boolean }) =>
      choose((session) => backup(session, names, options.all === true)),
    )

async function backup(session: Session, names: string[], all: boolean): Promise<Answer> {
  requireTargets(names, all)
  const plan = await findPlan(session)
  const chosen = all ? everyTarget(plan) : chooseTargets(allTargets(plan), names)
  const sound = chosen.filter((target) => target.kind === 'ready')
  const broken = chosen.filter((target) => target.kind === 'broken')
  const done = sound.length === 0 ? undefined : await work(session, sound)
  const targets = [...(done?.targets ?? []), ...broken.map(brokenResult)]
  const outcome = worstOutcome(targets)
  return {
    document: { run: done?.run ?? null, outcome, targets },
    text: renderBackup(targets, session.style),
    outcome,
    errors: targets.flatMap(({ error }) => error ?? []),
  }
}

/** Either names or `--all`: nothing asked for is not everything. */
export function requireTargets(names: string[], all: boolean): void {
  if (names.length === 0 && !all) throw new BackupError('USAGE', 'name a target, or --all for every target')
  if (names.length > 0 && all) throw new BackupError('USAGE', '--all and the name of a target exclude each other')
}

/** An empty stack is no success of `--all`. */
export function everyTarget(plan: Plan): (Target | BrokenTarget)[] {
  const targets = allTargets(plan)
  if (targets.length > 0) return targets
  throw new BackupError('NO_SUCH_TARGET', 'no container carries xnai.backup.enable=true', {
    hint: 'Label a service and create its container again; is `project` the right compose project?',
  })
}

async function work(session: Session, targets: Target[]) {
  const { parts, signal } = session
  using progress = session.progress(await expectedBytes(session))
  return await runBackup(parts, targets, { reason: 'manual', progress }, signal)
}

/** By target name: the size of the newest snapshot is the best guess for the next one. */
async function expectedBytes({ parts, signal }: Session): Promise<Map<string, number>> {
  return new Map((await listSnapshots(parts, signal)).map(({ target, bytes }) => [target, bytes]))
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
    warnings: [],
    error: reportError(brokenError(broken)),
  }
}
