import { lstat } from 'node:fs/promises'
import { locate } from '../../engine/host-paths.ts'
import { settleWith, withDeadline } from '../../lib/deadline.ts'
import { targetKey } from '../../plan/plan.ts'
import { bad, type Check, type Diagnosis, orGood } from '../check.ts'

/** A file system that does not answer for so long hangs. */
const answerSeconds = 10

/** Whether this process sees the data of every target. */
export const checkMounts: Check = async ({ parts, stack, signal }) => {
  if (stack instanceof Error) return []
  const found: Diagnosis[] = []
  let seen = 0
  for (const target of stack.plan.targets) {
    for (const path of target.paths) {
      const hostPath = locate(target.container, path)?.hostPath
      if (hostPath === undefined) continue
      const why = await explainUnseen(parts.ownPath(hostPath), signal)
      if (why === undefined) seen += 1
      else found.push(bad('mounts', `${targetKey(target)}: ${path}, which is ${hostPath} on the host, ${why}`, fix))
    }
  }
  return orGood(found, 'mounts', `all ${seen} paths of targets are seen from here`)
}

const fix =
  'Mount it into the controller: compose.backup.yaml binds / to /host with rslave, which covers what is mounted later too. If the path is gone, correct the label paths.'

async function explainUnseen(own: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (own === undefined) return 'is on no mount of this process'
  using deadline = withDeadline(signal, answerSeconds, own)
  try {
    await settleWith(deadline, () => lstat(own))
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    return deadline.aborted
      ? `does not answer within ${answerSeconds} s`
      : `cannot be seen: ${(error as Error).message}`
  }
}
