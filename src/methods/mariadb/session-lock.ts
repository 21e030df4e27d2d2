import { clientArguments, type MariadbClient } from './client.ts'
import { restoreLock } from './server-facts.ts'

/**
 * MUST begin every script of a restore that changes something. A client in the container outlives the controller that started it, and
 * would go on to drop what the next controller has just restored. Its session is found by this lock.
 */
export const takeSessionLock = `DO GET_LOCK(${restoreLock}, 600);\n`

/** Ends a session, as that of a dead controller's script. The next script waits until that session has let go of the lock. */
export async function endSession(client: MariadbClient, session: number): Promise<void> {
  // The session may have ended meanwhile. Then there is nothing to kill, and that is no error.
  await client.run('client', [...clientArguments, '--force'], { input: `KILL ${session};` })
}
