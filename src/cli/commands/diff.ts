import { diffSnapshots } from '../../job/contents/diff.ts'
import { snapshotsOfIds } from '../../job/contents/trees.ts'
import type { TieredSnapshot } from '../../job/repositories.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { describeArtifact, describeEntry } from '../describe-content.ts'
import { renderDiff } from '../render/diff.ts'

export const diffCommand: CommandDefinition = {
  kind: 'recall',
  define: (program, choose) =>
    program
      .command('diff <ID> <ID>')
      .description('how two snapshots of a target differ, from the first to the second; the begin of an ID is enough')
      .option('--json', 'one JSON document')
      .action((id: string, other: string) => choose((session) => diff(session, [id, other]))),
}

async function diff({ parts, style, signal }: Session, ids: string[]): Promise<Answer> {
  const [before, after] = (await snapshotsOfIds(parts, ids, signal)) as [TieredSnapshot, TieredSnapshot]
  const found = await diffSnapshots(parts, [before, after], signal)
  const artifacts = found.artifacts.map(({ name, change, before, after }) => ({
    name,
    change,
    before: before && describeArtifact(before),
    after: after && describeArtifact(after),
  }))
  const differences = found.differences.map(({ before, after, ...difference }) => ({
    ...difference,
    before: before && describeEntry({ ...before, path: difference.path }),
    after: after && describeEntry({ ...after, path: difference.path }),
  }))
  const { project, target } = after
  const ends = { before: before.id, after: after.id }
  const { counts, more } = found
  return {
    document: { project, target, ...ends, artifacts, counts, differences, more },
    text: renderDiff({ artifacts, counts, differences: found.differences, more }, style),
    outcome: 'complete',
  }
}
