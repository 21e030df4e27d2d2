import { BackupError } from '../../errors.ts'
import { recoveryRun } from '../../job/hold-locks.ts'
import type { Parts } from '../../job/job.ts'
import { poll } from '../../lib/deadline.ts'
import { targetKey } from '../../plan/plan.ts'
import { chooseTargets } from '../choose-targets.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'

export const cancelCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('cancel <TARGET>')
      .description('end a running job of the target as Ctrl-C would: services run again, a restore is rolled back')
      .option('--json', 'one JSON document')
      .action((name: string) => choose((session) => cancel(session, name))),
}

/** A restore that is rolled back may take as long as it took so far. */
const endSeconds = 3600

/** Asks the run that works on the target to end, wherever its process is, and waits until it has let go of the target. */
async function cancel({ parts, signal, note }: Session, name: string): Promise<Answer> {
  const target = findRunning(parts, name)
  const key = targetKey(target)
  const { run } = target
  parts.catalog.cancel(run)
  note(`run ${run} of ${key} was asked to end; it brings back what it holds first\n`)
  const hasEnded = async () => !runningTargets(parts).some((other) => targetKey(other) === key && other.run === run)
  await poll(hasEnded, { what: `the end of run ${run}`, seconds: endSeconds, clock: parts.clock, signal })
  return {
    document: { run, project: target.project, target: target.name, outcome: 'complete' },
    text: `run ${run} of ${key} has ended; xnai-backup status shows the state of the target\n`,
    outcome: 'complete',
  }
}

/** Throws NOT_RUNNING where nothing runs on the target, or only what must not be ended half way. */
function findRunning(parts: Parts, name: string) {
  const running = runningTargets(parts).filter((target) => target.name === name || targetKey(target) === name)
  if (running.length === 0) throw new BackupError('NOT_RUNNING', `no job runs on the target ${name}`)
  const [target] = chooseTargets(running, [name])
  if (target && target.run !== recoveryRun) return target
  throw new BackupError('NOT_RUNNING', `what a dead run left of ${name} is being finished, which cannot be cancelled`)
}

const runningTargets = ({ catalog }: Parts) =>
  catalog
    .holders()
    .flatMap(({ key, run }) => (key.kind === 'target' ? [{ project: key.project, name: key.name, run }] : []))
