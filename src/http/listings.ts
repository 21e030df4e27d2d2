import { BackupError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import { settleWith, withDeadline } from '../lib/deadline.ts'
import { failedRepository, type ObservedRepository, observeRepositories } from '../report/observe.ts'
import type { Tier } from '../repository/repository.ts'
import { shareResult } from './share-result.ts'

/** Knows what the repositories hold, without listing them for each one who asks. */
export interface Listings {
  /** `change`: another one makes a new listing. `fault`: why the local repository is not asked at all. Never rejects. */
  observe(change: string, fault: BackupError | undefined): Promise<ObservedRepository[]>
}

/** A listing reads a folder, or starts a program. It is made anew after a run, and for what others did to the repository. */
const listingMs = 60_000
/** One that hangs keeps nobody for longer. It is asked again only when it has answered. */
const patienceSeconds = 10

export function createListings(
  parts: Pick<Parts, 'catalog' | 'clock' | 'repositories' | 'host'>,
  signal: AbortSignal,
): Listings {
  const { catalog, clock, repositories, host } = parts
  const tiers = [...repositories].map(([tier, one]) => {
    const only = { catalog, host, repositories: new Map([[tier, one]]) }
    return { tier, list: shareResult(clock, listingMs, () => observeRepositories(only, signal)) }
  })
  const failed = (tier: Tier, error: BackupError): ObservedRepository[] => [failedRepository(parts, tier, error)]
  const observeTier = async ({ tier, list }: (typeof tiers)[number], change: string) => {
    using deadline = withDeadline(signal, patienceSeconds, 'the repository to answer')
    return await settleWith(deadline, () => list(change)).catch((cause) =>
      failed(tier, new BackupError('REPOSITORY_UNREACHABLE', `the ${tier} repository does not answer`, { cause })),
    )
  }
  return {
    async observe(change, fault) {
      const observed = tiers.map((tier) =>
        tier.tier === 'local' && fault ? failed(tier.tier, fault) : observeTier(tier, change),
      )
      return (await Promise.all(observed)).flat()
    },
  }
}
