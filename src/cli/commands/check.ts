import { type KnownDamage, notAmong, placeKey } from '../../repository/known-damage.ts'
import type { Damage } from '../../repository/repository.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { type CheckedDamage, type CheckedRepository, renderCheck } from '../render/check.ts'

export const checkCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('check')
      .description('integrity of the repository; names each damaged snapshot')
      .option('--read-data', 'read every stored byte back, not only lengths and manifests')
      .option('--json', 'one JSON document')
      .action((options: { readData?: boolean }) => choose((session) => check(session, options.readData === true))),
}

async function check({ parts, signal, style }: Session, readData: boolean): Promise<Answer> {
  const repositories: CheckedRepository[] = []
  for (const [tier, repository] of parts.repositories) {
    const { url } = repository
    const found = await Array.fromAsync(repository.check({ readData, signal }))
    const listed = await repository.list(signal)
    const damaged = [...found, ...foundEarlier(parts.catalog.damage.read(url), found)]
    const checked = new Set([...listed, ...damaged].map(placeKey)).size
    repositories.push({ tier, url, snapshots: listed.length, checked, damaged })
  }
  const outcome = repositories.every(({ damaged }) => damaged.length === 0) ? 'complete' : 'failed'
  return {
    document: { outcome, readData, repositories },
    text: renderCheck(repositories, readData, style),
    outcome,
  }
}

/** A check that reads less than an earlier one does not prove that the snapshot is whole. */
function foundEarlier(known: KnownDamage[], found: Damage[]): CheckedDamage[] {
  return notAmong(known, found).flatMap(({ id, project, target, found, files }) =>
    files.map((file) => ({ id, project, target, ...file, found })),
  )
}
