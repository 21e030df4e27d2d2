import { BackupError, type ErrorReport } from '../../errors.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { chooseUnreadable, removeUnreadable } from '../../job/prune/unreadable.ts'
import { type PrunedRepository, type PruneRequest, prune, pruneOutcome } from '../../job/prune.ts'
import { pruneWhole } from '../../job/prune-whole.ts'
import { listSnapshots, repositoryOf } from '../../job/repositories.ts'
import { targetKey } from '../../plan/plan.ts'
import type { Verdict } from '../../plan/retention.ts'
import { explainDamage } from '../../repository/known-damage.ts'
import type { Snapshot, Tier } from '../../repository/repository.ts'
import { allTargets, chooseTargets, storedTargets, uniteTargets } from '../choose-targets.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderPrune } from '../render/prune.ts'
import { tellAway } from '../tell-away.ts'
import { tierOption } from '../tier-option.ts'

interface PruneOptions {
  dryRun?: boolean
  tier?: Tier
  target?: string
  all?: boolean
  unreadable?: string
  yes?: boolean
}

export const pruneCommand: CommandDefinition = {
  kind: 'change',
  define: (program, choose) =>
    program
      .command('prune')
      .description('remove the snapshots that retention does not keep')
      .option('--dry-run', 'show what would be removed, what stays, and why; remove nothing')
      .addOption(tierOption('one repository alone'))
      .option('--target <TARGET>', 'the snapshots of one target alone')
      .option('--all', 'with --target, whose labels are gone: every snapshot of it')
      .option('--unreadable <ID>', 'this one snapshot, whose description cannot be read')
      .option('--yes', 'with --all or --unreadable, without being asked')
      .option('--json', 'one JSON document')
      .action((options: PruneOptions) => choose((session) => runPrune(session, options))),
}

async function runPrune(session: Session, options: PruneOptions): Promise<Answer> {
  const { parts, signal } = session
  if (options.unreadable !== undefined) return await runUnreadable(session, options.unreadable, options)
  const request = await makeRequest(session, options)
  if (request.all && !request.dryRun && !options.yes) await confirm(session, request)
  const isWhole = !request.dryRun && !request.target && !options.tier
  const pruned = isWhole ? await pruneWhole(parts, {}, signal) : await prune(parts, request, signal)
  return makeAnswer(session, pruned, request.dryRun)
}

/** Throws USAGE and NO_SUCH_TARGET for what nobody can have meant. */
async function makeRequest(session: Session, options: PruneOptions): Promise<PruneRequest> {
  const { parts, signal } = session
  const { tier, target: name, all = false, dryRun = false } = options
  if (all && name === undefined) throw new BackupError('USAGE', '--all needs the target: --target NAME')
  if (tier) repositoryOf(parts, tier)
  const tiers = tier ? [tier] : [...parts.repositories.keys()]
  if (name === undefined) return { tiers, all, dryRun }
  const { plan } = await currentPlan(parts, signal)
  const stored = storedTargets(await listSnapshots(parts, signal, { tiers, onAway: tellAway(session) }))
  const [target] = chooseTargets(uniteTargets<{ project: string; name: string }>(allTargets(plan), stored), [name])
  return { tiers, all, dryRun, ...(target && { target: { project: target.project, name: target.name } }) }
}

/** Throws CONFIRMATION_NEEDED for any answer but yes, and where nobody can be asked. */
async function confirm(session: Session, request: PruneRequest): Promise<void> {
  const key = request.target && targetKey(request.target)
  const forecast = await prune(session.parts, { ...request, dryRun: true }, session.signal)
  const count = forecast.reduce((sum, { remove }) => sum + remove.length, 0)
  await ask(session, `all ${count} snapshots of ${key}`, renderPrune(forecast, true, session.style))
}

async function ask({ io, note, signal }: Session, what: string, shown = ''): Promise<void> {
  if (!io.ask) {
    throw new BackupError('CONFIRMATION_NEEDED', `${what} would be removed`, {
      hint: 'Nothing was removed. Add --yes to remove it without being asked.',
    })
  }
  note(shown)
  const reply = await io.ask(`There will be NO way back. Remove ${what}? [y/N] `, signal)
  if (/^y(es)?$/i.test(reply.trim())) return
  throw new BackupError('CONFIRMATION_NEEDED', 'the removal was not confirmed', { hint: 'Nothing was removed.' })
}

/** Removes one snapshot that retention cannot decide on. */
async function runUnreadable(session: Session, id: string, options: PruneOptions): Promise<Answer> {
  const { tier, target, all, dryRun = false, yes } = options
  const { parts, signal } = session
  if (target !== undefined || all) throw new BackupError('USAGE', '--unreadable excludes --target and --all')
  const tiers = tier ? [tier] : [...parts.repositories.keys()]
  const chosen = await chooseUnreadable(parts, id, tiers, signal)
  const { project, target: name, files, found } = chosen.snapshot
  if (!dryRun && !yes) await ask(session, `snapshot ${id} of ${targetKey({ project, name })}, which cannot be read`)
  if (!dryRun) await removeUnreadable(parts, id, tiers, signal)
  const reason = `its description cannot be read: ${explainDamage(files)}`
  const removed = { id, project, target: name, time: found, storedBytes: 0, reason }
  const verb = dryRun ? 'would be removed' : 'removed'
  return {
    document: {
      dryRun,
      outcome: 'complete',
      repositories: [{ tier: chosen.tier, url: chosen.url, keep: [], remove: [removed] }],
    },
    text: `${chosen.tier} ${chosen.url}: snapshot ${id} of ${targetKey({ project, name })} ${verb}\n`,
    outcome: 'complete',
  }
}

function makeAnswer({ style }: Session, pruned: PrunedRepository[], dryRun: boolean): Answer {
  const errors = pruned.flatMap(({ error }): ErrorReport[] => (error ? [error] : []))
  const outcome = pruneOutcome(pruned)
  const repositories = pruned.map(({ tier, url, keep, remove, unreadable, appendOnly, error }) => ({
    tier,
    url,
    ...(appendOnly && { appendOnly }),
    keep: keep.map((verdict) => ({ ...describe(verdict), reasons: verdict.reasons })),
    remove: remove.map((verdict) => ({ ...describe(verdict), reason: verdict.reasons.join('; ') })),
    unreadable: unreadable.map(({ id, project, target }) => ({ id, project, target })),
    ...(error && { error }),
  }))
  return {
    document: { dryRun, outcome, repositories },
    text: renderPrune(pruned, dryRun, style),
    outcome,
    errors,
  }
}

function describe({ snapshot: { id, project, target, time, storedBytes } }: Verdict<Snapshot>) {
  return { id, project, target, time, storedBytes }
}
