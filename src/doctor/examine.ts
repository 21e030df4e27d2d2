import { currentPlan } from '../job/current-plan.ts'
import { type Diagnosis, failed, type Patient } from './check.ts'
import { checks } from './checks/index.ts'

/** Runs every check. One that fails itself is a finding, and hides no other. */
export async function examine(given: Omit<Patient, 'stack'>): Promise<Diagnosis[]> {
  const { parts, signal } = given
  const stack = await currentPlan(parts, signal).catch((error: Error) => {
    signal.throwIfAborted()
    return error
  })
  const found: Diagnosis[] = []
  for (const [name, check] of Object.entries(checks)) {
    try {
      found.push(...(await check({ ...given, stack })))
    } catch (error) {
      signal.throwIfAborted()
      found.push(failed(name, error))
    }
  }
  return found
}
