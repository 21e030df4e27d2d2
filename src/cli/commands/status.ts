import { observe } from '../../report/observe.ts'
import { meetsObjectives, reportStatus } from '../../report/status.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderStatus } from '../render/status.ts'
import { tellOthers } from '../tell-others.ts'

export const statusCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('status')
      .description(
        'per target: last backup, its age and how old it may be, next run, problems; per repository: reachable, size',
      )
      .option('--json', 'one JSON document')
      .action(() => choose(showStatus)),
}

/** Exit code 1 when an objective is missed, a target is broken or a repository cannot be reached. */
async function showStatus(session: Session): Promise<Answer> {
  const { parts, style, signal } = session
  const report = reportStatus(await observe(parts, signal))
  if (report.repositories.every(({ snapshots }) => snapshots === 0)) await tellOthers(session)
  return {
    document: report,
    text: renderStatus(report, style),
    outcome: meetsObjectives(report) ? 'complete' : 'failed',
  }
}
