import type { Damage } from '../repository/repository.ts'
import type { Answer, Define, Session } from './command.ts'
import { type Look, paint } from './render/look.ts'

export const defineCheck: Define = (program, choose) =>
  program
    .command('check')
    .description('integrity of the repository; names each damaged snapshot')
    .option('--read-data', 'read every stored byte back, not only lengths and manifests')
    .option('--json', 'one JSON document')
    .action((options: { readData?: boolean }) => choose((session) => check(session, options.readData === true)))

async function check({ parts, signal, look }: Session, readData: boolean): Promise<Answer> {
  const { url } = parts.local
  const damaged = await Array.fromAsync(parts.local.check({ readData, signal }))
  const snapshots = (await parts.local.list(signal)).length
  const outcome = damaged.length === 0 ? 'complete' : 'failed'
  return {
    document: { outcome, repositories: [{ tier: 'local', url, snapshots, damaged }] },
    text: renderCheck(url, snapshots, damaged, look),
    outcome,
  }
}

function renderCheck(url: string, snapshots: number, damaged: Damage[], look: Look): string {
  const lines = damaged.map(
    ({ id, target, file, reason }) => `${paint(look, 'red', 'damaged:')} ${target} ${id}: ${file}: ${reason}\n`,
  )
  const verdict = damaged.length === 0 ? 'no damage' : `${new Set(damaged.map(({ id }) => id)).size} damaged`
  return `${lines.join('')}local ${url}: ${snapshots} ${snapshots === 1 ? 'snapshot' : 'snapshots'}, ${verdict}\n`
}
