import type { Damage, Tier } from '../../repository/repository.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { paint, type TextStyle } from '../render/text-style.ts'

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
    const damaged = await Array.fromAsync(repository.check({ readData, signal }))
    const snapshots = (await repository.list(signal)).length
    repositories.push({ tier, url: repository.url, snapshots, damaged })
  }
  const outcome = repositories.every(({ damaged }) => damaged.length === 0) ? 'complete' : 'failed'
  return {
    document: { outcome, repositories },
    text: repositories.map((checked) => renderCheck(checked, style)).join(''),
    outcome,
  }
}

/** One repository in the document of `check`: contract, section 5. */
interface CheckedRepository {
  tier: Tier
  url: string
  snapshots: number
  damaged: Damage[]
}

function renderCheck({ tier, url, snapshots, damaged }: CheckedRepository, style: TextStyle): string {
  const lines = damaged.map(
    ({ id, target, file, reason }) => `${paint(style, 'red', 'damaged:')} ${target} ${id}: ${file}: ${reason}\n`,
  )
  const verdict = damaged.length === 0 ? 'no damage' : `${new Set(damaged.map(({ id }) => id)).size} damaged`
  return `${lines.join('')}${tier} ${url}: ${snapshots} ${snapshots === 1 ? 'snapshot' : 'snapshots'}, ${verdict}\n`
}
