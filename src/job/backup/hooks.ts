import type { IntentId } from '../../catalog/catalog.ts'
import { asBackupError, type BackupError } from '../../errors.ts'
import { type Target, targetKey } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import { refOf, runHook, undo } from '../service.ts'

/** The hooks of a run whose `exec-pre` commands have run. `close` and dispose run the `exec-post` commands once. */
export interface Hooks extends AsyncDisposable {
  /** Returns the failures by target key. After a SIGKILL the next recovery runs the `exec-post` commands. */
  close(): Promise<Map<string, BackupError>>
}

export async function openHooks(parts: Parts, targets: Target[], signal: AbortSignal): Promise<Hooks> {
  const pending: { target: Target; intent: IntentId; command: string[] }[] = []
  const close = async () => {
    const failures = new Map<string, BackupError>()
    for (let last = pending.pop(); last; last = pending.pop()) {
      const failure = await runPost(parts, last.target, last.command, last.intent)
      if (failure) failures.set(targetKey(last.target), failure)
    }
    return failures
  }
  try {
    for (const target of targets) {
      const { execPre, execPost, execTimeoutSeconds } = target.spec
      if (execPost) {
        const detail = { container: refOf(target.container), command: execPost, timeoutSeconds: execTimeoutSeconds }
        pending.push({ target, command: execPost, intent: parts.catalog.addIntent({ kind: 'exec', ...detail }) })
      }
      if (execPre) await runHook(parts, target.container, execPre, execTimeoutSeconds, signal)
    }
    return { close, [Symbol.asyncDispose]: async () => void (await close()) }
  } catch (error) {
    await close()
    throw error
  }
}

/** Drops the intent after a failure too: a command that fails is reported and not repeated for ever. */
async function runPost(parts: Parts, { container, spec }: Target, command: string[], intent: IntentId) {
  const detail = { container: refOf(container), command, timeoutSeconds: spec.execTimeoutSeconds }
  try {
    await undo(parts, { kind: 'exec', ...detail }, new AbortController().signal)
    return undefined
  } catch (error) {
    return asBackupError(error, 'EXEC_FAILED')
  } finally {
    parts.catalog.dropIntent(intent)
  }
}
