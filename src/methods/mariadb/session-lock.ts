import { clientArguments, type MariadbClient } from './client.ts'

const lock = `'xnai-backup restore'`

/**
 * MUST begin every script of a restore that changes something. A client in the container outlives the controller that started it, and
 * would go on to drop what the next controller has just restored. Its session is found by this lock.
 */
export const takeSessionLock = `DO GET_LOCK(${lock}, 600);\n`

/** Ends the session of a dead controller's script, if there is one. The next script waits until that session has let go of the lock. */
export async function endEarlierSession(client: MariadbClient): Promise<void> {
  const [[session = '0'] = []] = await client.query(`SELECT COALESCE(IS_USED_LOCK(${lock}), 0);`)
  if (session === '0') return
  // The session may have ended meanwhile. Then there is nothing to kill, and that is no error.
  await client.run('client', [...clientArguments, '--force'], { input: `KILL ${Number(session)};` })
}
