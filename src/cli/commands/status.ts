import { reportError } from '../../errors.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { schedule } from '../../labels/schedule.ts'
import { type BrokenTarget, type Target, targetKey } from '../../plan/plan.ts'
import type { Repository, Snapshot, Tier } from '../../repository/repository.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { type RepositoryRow, renderStatus, type TargetRow } from '../render/status.ts'
import { nextRun } from './plan.ts'

export const statusCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('status')
      .description('per target: last success, age against RPO, next run, problems; per repository: reachable, size')
      .option('--json', 'one JSON document')
      .action(() => choose(showStatus)),
}

async function showStatus(session: Session): Promise<Answer> {
  const { plan } = await currentPlan(session.parts, session.signal)
  const observed = await Promise.all(
    [...session.parts.repositories].map((one) => observeRepository(one, session.signal)),
  )
  const snapshots = observed.flatMap((each) => each.snapshots)
  const repositories = observed.map(({ row }) => row)
  const targets = [
    ...plan.targets.map((target) => describeTarget(session, target, snapshots)),
    ...plan.broken.map(describeBroken),
  ]
  const missed = targets.some((target) => target.rpoMet === false) || plan.problems.length > 0
  return {
    document: { targets, repositories, problems: plan.problems },
    text: renderStatus(targets, repositories, plan.problems, session.style),
    outcome: missed || repositories.some(({ ok }) => !ok) ? 'failed' : 'complete',
  }
}

/** An unreachable repository is a finding of status, not its failure. */
async function observeRepository([tier, repository]: [Tier, Repository], signal: AbortSignal) {
  const row: RepositoryRow = { tier, url: repository.url, ok: true, snapshots: 0, storedBytes: 0 }
  try {
    const snapshots = await repository.list(signal)
    const storedBytes = snapshots.reduce((sum, snapshot) => sum + snapshot.storedBytes, 0)
    return { snapshots, row: { ...row, snapshots: snapshots.length, storedBytes } }
  } catch (error) {
    signal.throwIfAborted()
    return { snapshots: [], row: { ...row, ok: false, error: reportError(error) } }
  }
}

function describeTarget({ parts }: Session, target: Target, snapshots: Snapshot[]): TargetRow {
  const now = parts.clock.now()
  const last = lastBackup(target, snapshots)
  const ageSeconds = last === undefined ? null : Math.max(0, (now.getTime() - Date.parse(last.time)) / 1000)
  const within = ageSeconds !== null && ageSeconds <= target.rpoSeconds
  return {
    project: target.project,
    target: target.name,
    method: target.spec.method,
    container: target.container.name,
    schedule: schedule.format(target.schedule),
    lastSuccess: last?.time ?? null,
    ageSeconds,
    rpoSeconds: target.rpoSeconds,
    rpoMet: within || (last !== undefined && isUnchanged(parts, target)),
    lastDrill: null,
    drillSeconds: null,
    rtoSeconds: target.rtoSeconds,
    rtoMet: null,
    nextRun: nextRun(target, now),
    running: parts.catalog.holders().some(({ key }) => key.kind === 'target' && targetKey(key) === targetKey(target)),
    problems: [],
  }
}

/** A safety snapshot holds what a restore was to replace: it does not count as a backup. */
function lastBackup({ project, name }: Target, snapshots: Snapshot[]): Snapshot | undefined {
  return snapshots.findLast(
    (snapshot) => snapshot.project === project && snapshot.target === name && snapshot.reason !== 'safety',
  )
}

/** on-change: the newest snapshot, however old, holds what is there now. */
function isUnchanged({ catalog }: Session['parts'], { project, name, schedule }: Target): boolean {
  if (schedule.kind !== 'on-change') return false
  const { capturedFingerprint, seenFingerprint } = catalog.schedule(project, name)
  return capturedFingerprint !== undefined && capturedFingerprint === seenFingerprint
}

function describeBroken({ project, name, container, problems }: BrokenTarget): TargetRow {
  return {
    project,
    target: name,
    method: null,
    container,
    schedule: null,
    lastSuccess: null,
    ageSeconds: null,
    rpoSeconds: null,
    rpoMet: null,
    lastDrill: null,
    drillSeconds: null,
    rtoSeconds: null,
    rtoMet: null,
    nextRun: null,
    running: false,
    problems,
  }
}
