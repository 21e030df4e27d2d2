import { InvalidArgumentError } from 'commander'
import type { Run } from '../../catalog/catalog.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { allTargets, chooseTargets, uniteTargets } from '../choose-targets.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { type LoggedRun, renderLogs } from '../render/logs.ts'

const defaultCount = 20

export const logsCommand: CommandDefinition = {
  kind: 'recall',
  define: (program, choose) =>
    program
      .command('logs [TARGET]')
      .description('past backups and restores with their steps, the newest last; needs no engine')
      .option('-n <COUNT>', `the newest COUNT runs; without it ${defaultCount}`, readCount, defaultCount)
      .option('--json', 'one JSON document')
      .action((name: string | undefined, { n }: { n: number }) => choose((session) => showRuns(session, name, n))),
}

function readCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a number from 1 on.')
  return Number(text)
}

async function showRuns(session: Session, name: string | undefined, limit: number): Promise<Answer> {
  const target = name === undefined ? undefined : await findTarget(session, name)
  const wanted = target && { project: target.project, target: target.name }
  const runs = session.parts.catalog
    .runs({ ...wanted, limit })
    .toReversed()
    .map(describeRun)
  return { document: { runs }, text: renderLogs(runs, session.style), outcome: 'complete' }
}

/** The target of that name that has runs. The stack is asked only where none has: a target that was never backed up has an empty log. */
async function findTarget({ parts, signal }: Session, name: string): Promise<{ project: string; name: string }> {
  const recorded = parts.catalog.targetsWithRuns().map(({ project, target }) => ({ project, name: target }))
  const isRecorded = recorded.some((one) => one.name === name || `${one.project}/${one.name}` === name)
  const candidates = isRecorded ? recorded : uniteTargets(recorded, allTargets((await currentPlan(parts, signal)).plan))
  return chooseTargets(candidates, [name])[0] as { project: string; name: string }
}

function describeRun({ id, trigger, finished, outcome, steps, ...run }: Run): LoggedRun {
  const known = { trigger: trigger ?? null, finished: finished ?? null, outcome: outcome ?? null }
  return { run: id, ...known, steps: steps ?? [], ...run }
}
