import { join } from 'node:path'
import { type DrillRun, runDrills } from '../../drill/run.ts'
import { BackupError, reportError } from '../../errors.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { worstOutcome } from '../../job/job.ts'
import { listSnapshots } from '../../job/repositories.ts'
import { findHostPlace, type HostPlace } from '../../job/restore/host-place.ts'
import { replaceFile } from '../../lib/replace-file.ts'
import { type BrokenTarget, type Target, targetKeyOf } from '../../plan/plan.ts'
import type { Tier } from '../../repository/repository.ts'
import { version } from '../../version.ts'
import { allTargets, brokenError, chooseTargets, everyTarget, requireTargets } from '../choose-targets.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderVerify } from '../render/verify.ts'

interface VerifyOptions {
  all?: boolean
  tier?: string
  evidence?: string
}

export const verifyCommand: CommandDefinition = {
  kind: 'change',
  define: (program, choose) =>
    program
      .command('verify [TARGET...]')
      .description('restore into scratch containers now, prove the result, and remove them')
      .option('--all', 'every target')
      .option('--tier <TIER>', 'read the snapshots from this repository: local or remote')
      .option('--evidence <DIR>', 'write what was checked as JSON under DIR of the host')
      .option('--json', 'one JSON document')
      .action((names: string[], options: VerifyOptions) => choose((session) => verify(session, names, options))),
}

/** Broken targets could not be run; they do not keep the others from being drilled. */
async function verify(session: Session, names: string[], options: VerifyOptions): Promise<Answer> {
  const { parts, signal } = session
  requireTargets(names, options.all === true)
  const tier = readTier(session, options.tier)
  const place = options.evidence === undefined ? undefined : await findHostPlace(parts, '--evidence', options.evidence)
  const { plan } = await currentPlan(parts, signal)
  const chosen = options.all ? everyTarget(plan) : chooseTargets(allTargets(plan), names)
  const ready = chosen.filter((target) => target.kind === 'ready')
  const broken = chosen.filter((target) => target.kind === 'broken').map(brokenResult)
  const done = ready.length === 0 ? undefined : await drill(session, ready, tier)
  const targets = [...(done?.targets ?? []), ...broken]
  const outcome = worstOutcome(targets)
  const evidence = done && place ? await writeEvidence(session, { ...done, targets }, place) : undefined
  const run = done?.run ?? null
  return {
    document: { run, outcome, targets, ...(evidence !== undefined && { evidence }) },
    text: renderVerify(targets, evidence, session.style),
    outcome,
    errors: targets.flatMap(({ error }) => error ?? []),
  }
}

function readTier({ parts }: Session, given: string | undefined): Tier | undefined {
  if (given === undefined) return undefined
  if (given !== 'local' && given !== 'remote') {
    throw new BackupError('USAGE', `--tier ${given}: it is local or remote`)
  }
  if (parts.repositories.has(given)) return given
  throw new BackupError('USAGE', `--tier ${given}: no ${given} repository is configured`)
}

async function drill(session: Session, targets: Target[], tier: Tier | undefined): Promise<DrillRun> {
  const { parts, signal } = session
  const sizes = (await listSnapshots(parts, signal)).map((one) => [targetKeyOf(one), one.bytes] as const)
  using progress = session.progress(new Map(sizes))
  return await runDrills(parts, targets, { trigger: 'manual', progress, ...(tier && { tier }) }, signal)
}

/** Answers the path on the host. An auditor reads it without this program: it holds no id that only the catalog explains. */
async function writeEvidence(session: Session, { run, started, targets }: DrillRun, place: HostPlace): Promise<string> {
  const { parts, scrub, signal } = session
  const finished = parts.clock.now().toISOString()
  const engine = await parts.engine.info(signal)
  const document = { format: 1, creator: `xnai-backup ${version}`, run, started, finished, engine, targets }
  const name = `drill-${run}.json`
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mode: 0o644 }
  await replaceFile(join(place.path, name), scrub(`${JSON.stringify(document, null, 2)}\n`), owner)
  return join(place.hostPath, name)
}

const brokenResult = (broken: BrokenTarget): DrillRun['targets'][number] => ({
  ...{ project: broken.project, target: broken.name, outcome: 'failed', verdict: 'could not run', seconds: 0 },
  ...{ rtoSeconds: null, rtoMet: null, checks: [], notTested: [], steps: [], warnings: [] },
  error: reportError(brokenError(broken)),
})
