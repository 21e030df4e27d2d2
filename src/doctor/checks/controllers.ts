import type { ContainerFacts } from '../../engine/engine.ts'
import { asBackupError } from '../../errors.ts'
import { commandFor } from '../../hints.ts'
import { controlPlane } from '../../job/repositories.ts'
import { controllersOf } from '../../plan/scope.ts'
import { bad, type Check, type Diagnosis, good, type Patient } from '../check.ts'

/** Whether exactly one controller looks after the project. */
export const checkControllers: Check = async (patient) => {
  const { stack } = patient
  if (stack instanceof Error) return []
  return [...judgeNumber(controllersOf(stack.containers, patient.parts.settings)), ...(await findRivals(patient))]
}

function judgeNumber(controllers: ContainerFacts[]): Diagnosis[] {
  const running = controllers.filter(({ state }) => state === 'running')
  const names = running.map(({ name }) => name).join(', ')
  if (running.length === 1) return [good('controller', `${names} runs`)]
  if (running.length > 1) return [bad('controller', `several controllers run: ${names}`, severalFix(running))]
  return [bad('controller', 'no controller runs in the project: nothing is backed up on schedule', fixes.none)]
}

/** Another control plane that shows its lock in a repository knows nothing of the locks of this one. */
async function findRivals({ parts, signal }: Patient): Promise<Diagnosis[]> {
  const found: Diagnosis[] = []
  for (const [tier, repository] of parts.repositories) {
    try {
      using _held = await repository.hold?.(controlPlane(parts), signal)
    } catch (error) {
      signal.throwIfAborted()
      const { code, message, hint } = asBackupError(error)
      // Whether the repository is there at all is another check.
      if (code === 'BUSY') found.push(bad('controller', `${tier} repository: ${message}`, hint))
    }
  }
  return found
}

const severalFix = (running: ContainerFacts[]): string =>
  `Keep one of them in the compose file, and remove all others: ${running.map((one) => commandFor(one, 'rm --force')).join(' or ')}.`

const fixes = {
  none: 'Add the controller by compose.backup.yaml, or start it. Where backups are started by hand or by cron alone, this may be meant.',
}
