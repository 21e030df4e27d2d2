import { BackupError } from '../errors.ts'
import { nearest } from '../labels/nearest.ts'
import { targetKey } from '../plan/plan.ts'

interface Named {
  project: string
  name: string
}

/** The candidates that TARGET arguments (`name` or `project/name`) mean, each once, in the order asked for. */
export function chooseTargets<T extends Named>(candidates: readonly T[], asked: readonly string[]): T[] {
  return [...new Set(asked.map((name) => chooseTarget(candidates, name)))]
}

function chooseTarget<T extends Named>(candidates: readonly T[], asked: string): T {
  const matches = candidates.filter((candidate) => candidate.name === asked || targetKey(candidate) === asked)
  const [only] = matches
  if (only && matches.length === 1) return only
  if (only) {
    const keys = matches.map(targetKey)
    throw new BackupError('USAGE', `${asked} is the name of several targets: ${keys.join(', ')}`, {
      hint: `Name the project too, for example ${keys[0]}.`,
    })
  }
  throw new BackupError('NO_SUCH_TARGET', `there is no target ${asked}`, suggest(candidates, asked))
}

function suggest(candidates: readonly Named[], asked: string): { hint?: string } {
  if (candidates.length === 0) {
    return { hint: 'No target was found at all. Label a service with xnai.backup.enable=true and create it again.' }
  }
  const spellings = candidates.map((candidate) => (asked.includes('/') ? targetKey(candidate) : candidate.name))
  const near = nearest(asked, spellings)
  return near === undefined ? {} : { hint: `Did you mean ${near}? xnai-backup plan shows all targets.` }
}

/** Candidates of several sources without doubles: the first one counts. */
export function uniteTargets<T extends Named>(...sources: (readonly T[])[]): T[] {
  const united = new Map<string, T>()
  for (const item of sources.flat()) if (!united.has(targetKey(item))) united.set(targetKey(item), item)
  return [...united.values()]
}
