import { listContents } from '../../job/contents/list.ts'
import { snapshotsOfIds } from '../../job/contents/trees.ts'
import type { TieredSnapshot } from '../../job/repositories.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { describeArtifact, describeEntry } from '../describe-content.ts'
import { renderLs } from '../render/ls.ts'

export const lsCommand: CommandDefinition = {
  kind: 'recall',
  define: (program, choose) =>
    program
      .command('ls <ID> [PATH]')
      .description('what a snapshot holds: dumps, and the files of its trees; the begin of an ID is enough')
      .option('-r, --recursive', 'all that lies below, and not only what the folder holds')
      .option('--json', 'one JSON document')
      .action((id: string, path: string | undefined, { recursive = false }: { recursive?: boolean }) =>
        choose((session) => list(session, id, { recursive, ...(path !== undefined && { path }) })),
      ),
}

async function list(session: Session, id: string, request: { path?: string; recursive: boolean }): Promise<Answer> {
  const { parts, style, signal } = session
  const [snapshot] = (await snapshotsOfIds(parts, [id], signal)) as [TieredSnapshot]
  const { entries, more } = await listContents(parts, snapshot, request, signal)
  const { project, target, method, time } = snapshot
  const artifacts = snapshot.artifacts.map(describeArtifact)
  return {
    document: { snapshot: id, project, target, method, time, artifacts, entries: entries.map(describeEntry), more },
    text: renderLs({ artifacts: request.path === undefined ? artifacts : [], entries, more }, style),
    outcome: 'complete',
  }
}
