import type { ContainerFacts } from '../engine/engine.ts'
import type { Parts } from '../job/job.ts'
import { joinNetwork } from '../job/join-network.ts'
import { checkExec, untilOk } from '../job/restore/verify-service.ts'
import type { Check } from '../methods/method.ts'
import type { Target } from '../plan/plan.ts'
import { placeOf } from './address.ts'
import { askHttp } from './ask-http.ts'
import type { DrillReport } from './report.ts'

/** Runs the checks of the labels `verify.exec` and `verify.http` in and of a scratch container that runs. */
export async function verifyScratch(
  parts: Parts,
  report: DrillReport,
  scratch: ContainerFacts,
  others: ContainerFacts[],
  signal: AbortSignal,
): Promise<void> {
  const { target } = report.step
  const { verifyExec, verifyHttp } = target.spec
  if (verifyExec)
    await report.attempt('verify', 'verify.exec', () => execIn(parts, target, scratch, verifyExec, signal))
  if (verifyHttp === undefined) return
  const place = placeOf(verifyHttp, target.container, others)
  if ('notAsked' in place) return report.noteNotRun('verify.http', place.notAsked)
  await report.attempt('verify', 'verify.http', async () => {
    await using address = await joinNetwork(parts, scratch.id, signal)
    const ask = async () => judgeStatus(await askHttp(address.host, place, signal))
    return [await untilOk(parts, target.spec, signal, ask)]
  })
}

async function execIn(
  parts: Parts,
  target: Target,
  container: ContainerFacts,
  command: string[],
  signal: AbortSignal,
): Promise<Check[]> {
  return [await untilOk(parts, target.spec, signal, () => checkExec(parts, { ...target, container }, command, signal))]
}

const judgeStatus = (actual: string): Check => ({
  ...{ name: 'verify.http', expected: '2xx', actual, ok: /^2\d\d$/.test(actual) },
})
