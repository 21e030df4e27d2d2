import { BackupError } from '../../errors.ts'
import { recoveryRun } from '../../job/hold-locks.ts'
import type { Parts } from '../../job/job.ts'
import { poll } from '../../lib/deadline.ts'
import { targetKey } from '../../plan/plan.ts'
import { chooseTargets, uniteTargets } from '../choose-targets.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'

export const cancelCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('cancel <TARGET>')
      .description('end a running job of the target as Ctrl-C would: services run again, a restore is rolled back')
      .option('--run <ID>', 'the run to end, where several work on the target')
      .option('--json', 'one JSON document')
      .action((name: string, { run }: { run?: string }) => choose((session) => cancel(session, name, run))),
}

/** A restore that is rolled back may take as long as it took so far. */
const endSeconds = 3600

/** Asks the run that works on the target to end, wherever its process is, and waits until it has let go of the target. */
async function cancel({ parts, signal, note }: Session, name: string, wanted: string | undefined): Promise<Answer> {
  const target = findRunning(parts, name, wanted)
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

/**
 * Throws NOT_RUNNING where nothing runs on the target, or only what must not be ended half way. Several runs work on one where snapshots of
 * it are written beside the stack: USAGE unless one of them is named.
 */
function findRunning(parts: Parts, name: string, wanted: string | undefined): Running {
  const named = runningTargets(parts).filter((target) => target.name === name || targetKey(target) === name)
  const running = named.filter(({ run }) => wanted === undefined || run === wanted)
  const job = wanted === undefined ? 'no job' : `no job ${wanted}`
  if (running.length === 0) throw new BackupError('NOT_RUNNING', `${job} runs on the target ${name}`)
  chooseTargets(uniteTargets(running), [name])
  const [target, ...others] = running.filter(({ run }) => run !== recoveryRun)
  if (!target) {
    throw new BackupError('NOT_RUNNING', `what a dead run left of ${name} is being finished, which cannot be cancelled`)
  }
  if (others.length === 0) return target
  const said = [target, ...others].map(({ run, what }) => `${run} (${what})`).join(', ')
  throw new BackupError('USAGE', `several runs work on ${targetKey(target)}: ${said}`, {
    hint: `Name the one to end: xnai-backup cancel ${targetKey(target)} --run ${target.run}`,
  })
}

/** A run that works on a target. */
interface Running {
  project: string
  name: string
  run: string
  what: string
}

const runningTargets = ({ catalog }: Parts): Running[] =>
  catalog.holders().flatMap(({ key, run }) => {
    if (key.kind === 'drill') {
      const slash = key.name.lastIndexOf('/')
      return [{ project: key.name.slice(0, slash), name: key.name.slice(slash + 1), run, what: 'a drill' }]
    }
    if (key.kind !== 'target' && key.kind !== 'beside') return []
    const what = key.kind === 'beside' ? 'a restore beside the stack' : 'on the target itself'
    return [{ project: key.project, name: key.name, run, what }]
  })
