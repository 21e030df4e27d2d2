import { execText } from '../../engine/exec.ts'
import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import { poll } from '../../lib/deadline.ts'
import type { Check } from '../../methods/method.ts'
import type { Target } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import { findContainer, refOf } from '../service.ts'

/** The longest wait for a service that was just started to pass its checks; its `start-timeout` label may shorten it. */
const longestWaitSeconds = 60

/**
 * Runs the checks of the `verify.exec` and `verify.http` labels and reports each. Throws PROOF_FAILED where one does not pass in
 * time.
 */
export async function verifyService(
  parts: Parts,
  target: Target,
  signal: AbortSignal,
  onCheck: (check: Check) => void,
) {
  const { verifyExec, verifyHttp } = target.spec
  const pass = async (check: () => Promise<Check>) => {
    const last = await untilOk(parts, target.spec, signal, check)
    if (last.ok) return onCheck(last)
    throw new BackupError('PROOF_FAILED', `${last.name}: expected ${last.expected}, found ${last.actual}`)
  }
  // A service that was stopped before the restore is stopped again by now, and cannot be asked.
  const container = await findContainer(parts, refOf(target.container), signal)
  if (container?.state !== 'running') return
  if (verifyExec) await pass(() => checkExec(parts, { ...target, container }, verifyExec, signal))
  if (verifyHttp !== undefined) await pass(() => checkHttp(verifyHttp, signal))
}

/** Repeats a check until it is ok, or the time of a service to start is over. Answers the last one. */
export async function untilOk(
  parts: Pick<Parts, 'clock'>,
  { startTimeoutSeconds }: Pick<TargetSpec, 'startTimeoutSeconds'>,
  signal: AbortSignal,
  check: () => Promise<Check>,
): Promise<Check> {
  let last: Check | undefined
  const again = async () => {
    last = await check()
    return last.ok && last
  }
  const seconds = Math.min(longestWaitSeconds, startTimeoutSeconds)
  const options = { what: 'the service to pass its verify labels', seconds, everyMs: 200, clock: parts.clock, signal }
  return poll(again, options).catch((error) => {
    if (!last || signal.aborted) throw error
    return last
  })
}

export async function checkExec(
  parts: Parts,
  { container, spec }: Target,
  command: string[],
  signal: AbortSignal,
): Promise<Check> {
  const request = { command, timeoutSeconds: spec.execTimeoutSeconds }
  const { exitCode } = await execText(parts.engine, container.id, request, signal)
  return { name: 'verify.exec', expected: 'exit code 0', actual: `exit code ${exitCode}`, ok: exitCode === 0 }
}

async function checkHttp(url: string, signal: AbortSignal): Promise<Check> {
  const attempt = AbortSignal.any([signal, AbortSignal.timeout(10_000)])
  const actual = await fetch(url, { signal: attempt }).then(
    async (response) => {
      await response.body?.cancel()
      return String(response.status)
    },
    (error: Error) => (error.cause instanceof Error ? error.cause.message : error.message),
  )
  return { name: 'verify.http', expected: '2xx', actual, ok: /^2\d\d$/.test(actual) }
}
