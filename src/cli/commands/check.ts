import type { Answer, CommandDefinition, Session } from '../command.ts'
import { type CheckedRepository, renderCheck } from '../render/check.ts'

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
    text: renderCheck(repositories, style),
    outcome,
  }
}
