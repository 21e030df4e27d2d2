import { currentPlan } from '../../job/current-plan.ts'
import { retention } from '../../labels/retention.ts'
import { schedule } from '../../labels/schedule.ts'
import type { BrokenTarget, Target } from '../../plan/plan.ts'
import { lastStop } from '../../report/last-stop.ts'
import { nextRun } from '../../report/next-run.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderPlan } from '../render/plan.ts'

export const planCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('plan')
      .description('targets found, what each run would stop and in which order, next runs, problems; changes nothing')
      .option('--json', 'one JSON document')
      .action(() => choose(showPlan)),
}

/** Exit code 1 when there is a problem: with a target that is broken, or with labels that do not count. */
async function showPlan(session: Session): Promise<Answer> {
  const { plan } = await currentPlan(session.parts, session.signal)
  const now = session.parts.clock.now()
  const rows = [
    ...plan.targets.map((target) => describeTarget(target, now, session.parts)),
    ...plan.broken.map(describeBroken),
  ]
  return {
    document: { targets: rows, problems: plan.problems },
    text: renderPlan(rows, plan.problems, session.style),
    outcome: plan.problems.length === 0 ? 'complete' : 'failed',
  }
}

function describeTarget(target: Target, now: Date, parts: Session['parts']) {
  const stops = target.quiesced.map((container) => container.name)
  return {
    project: target.project,
    target: target.name,
    method: target.spec.method,
    container: target.container.name,
    paths: target.paths,
    schedule: schedule.format(target.schedule),
    nextRun: nextRun(target, now),
    quiesce: target.quiesce,
    stops,
    // Stopped and started in place of their containers.
    units: Object.fromEntries(target.quiesced.flatMap(({ name, unit }) => (unit === undefined ? [] : [[name, unit]]))),
    starts: stops.toReversed(),
    lastStop: lastStop(parts, target.project, target.name),
    retention: { local: retention.format(target.retention.local), remote: retention.format(target.retention.remote) },
    problems: [],
  }
}

function describeBroken({ project, name, container, problems }: BrokenTarget) {
  const unknown = {
    method: null,
    paths: [],
    schedule: null,
    nextRun: null,
    quiesce: null,
    stops: [],
    units: {},
    starts: [],
    lastStop: null,
  }
  return { project, target: name, container, ...unknown, retention: null, problems }
}
