import { asBackupError, BackupError, reportError } from '../../errors.ts'
import { askTier, repositoryOf } from '../../job/repositories.ts'
import { type KnownDamage, notAmong, placeKey } from '../../repository/known-damage.ts'
import type { Damage, Tier } from '../../repository/repository.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { type CheckedDamage, type CheckedRepository, renderCheck } from '../render/check.ts'
import { tierOption } from '../tier-option.ts'

interface CheckOptions {
  readData?: boolean
  tamper?: boolean
  tier?: Tier
}

export const checkCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('check')
      .description('integrity of the repositories; names each damaged snapshot')
      .option('--read-data', 'read every stored byte back, not only lengths and manifests')
      .option('--tamper', 'try to delete something in the append-only remote repository, which must refuse it')
      .addOption(tierOption('one repository alone'))
      .option('--json', 'one JSON document')
      .action((options: CheckOptions) => choose((session) => check(session, options))),
}

async function check(session: Session, { readData = false, tamper = false, tier }: CheckOptions): Promise<Answer> {
  const { parts, style } = session
  const tiers = tier ? [tier] : [...parts.repositories.keys()]
  if (tamper) refuseDeletable(session, tiers)
  const repositories: CheckedRepository[] = []
  for (const one of tiers) repositories.push(await checkTier(session, one, { readData, tamper }))
  const isGood = ({ damaged, tamper: tampering, error }: CheckedRepository) =>
    damaged.length === 0 && !error && tampering?.isRefused !== false
  const outcome = repositories.every(isGood) ? 'complete' : 'failed'
  return {
    document: { outcome, readData, repositories },
    text: renderCheck(repositories, readData, style),
    outcome,
    errors: repositories.flatMap(({ error }) => error ?? []),
  }
}

/** A repository that takes deletions by its configuration would be tried in vain. */
function refuseDeletable({ parts }: Session, tiers: Tier[]): void {
  if (tiers.some((tier) => repositoryOf(parts, tier).appendOnly)) return
  throw new BackupError('USAGE', 'no repository is configured as append-only', {
    hint: 'Set remote-append-only: true where the remote repository is to refuse deletions.',
  })
}

/** One that cannot be checked does not keep another one from being checked. */
async function checkTier(
  { parts, signal }: Session,
  tier: Tier,
  { readData, tamper }: { readData: boolean; tamper: boolean },
): Promise<CheckedRepository> {
  const { url, appendOnly } = repositoryOf(parts, tier)
  try {
    const repository = await askTier(parts, tier, signal)
    const found = await Array.fromAsync(repository.check({ readData, signal }))
    const listed = await repository.list(signal)
    const damaged = [...found, ...foundEarlier(parts.catalog.damage.read(url), found)]
    const checked = new Set([...listed, ...damaged].map(placeKey)).size
    const tampering = tamper && appendOnly ? { tamper: await repository.tamper(signal) } : {}
    return { tier, url, snapshots: listed.length, checked, damaged, ...tampering }
  } catch (error) {
    if (signal.aborted || parts.repositories.size === 1) throw error
    return { tier, url, snapshots: 0, checked: 0, damaged: [], error: reportError(asBackupError(error)) }
  }
}

/** A check that reads less than an earlier one does not prove that the snapshot is whole. */
function foundEarlier(known: KnownDamage[], found: Damage[]): CheckedDamage[] {
  return notAmong(known, found).flatMap(({ id, project, target, found, files }) =>
    files.map((file) => ({ id, project, target, ...file, found })),
  )
}
