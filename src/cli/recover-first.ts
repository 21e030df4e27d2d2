import { asBackupError } from '../errors.ts'
import { recover } from '../job/recover.ts'
import type { Session } from './command.ts'
import type { Invocation } from './program.ts'

/**
 * Finishes what dead runs left behind before anything new begins (P1, P2) and tells the user. A command that only reads goes on when
 * that fails, because the user has to see the state of things then more than ever.
 */
export async function recoverFirst({ kind }: Invocation, { parts, signal, note }: Session): Promise<void> {
  if (kind === 'daemon') return
  try {
    const { done, problems } = await recover(parts, signal)
    for (const text of done) note(`note: after a run that died: ${text}\n`)
    for (const text of problems) note(`warning: after a run that died: ${text}\n`)
  } catch (error) {
    if (signal.aborted || kind === 'change') throw error
    note(`warning: could not look for what dead runs left behind: ${asBackupError(error).message}\n`)
  }
}
