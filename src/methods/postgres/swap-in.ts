import { BackupError } from '../../errors.ts'
import type { MethodContext } from '../method.ts'
import { type PostgresClient, psqlArguments } from './client.ts'
import { describeToolFailure } from './failure.ts'
import { judgeGlobals, rehearsalScript, type SwapEntry, swapScript } from './swap-sql.ts'

/** How often the swap is tried again while clients connect. */
const mostAttempts = 10

/** Swaps all databases and roles at once; see `swapScript`. The caller MUST open the databases again where it fails. */
export async function swapIn(
  ctx: MethodContext,
  client: PostgresClient,
  globals: string,
  entries: SwapEntry[],
): Promise<void> {
  await refuseBadGlobals(client, globals)
  for (let attempt = 1; ; attempt++) {
    const result = await client.run('psql', psqlArguments('template1'), {
      input: swapScript(globals, entries),
      mergeErrors: true,
      timeoutSeconds: 600,
    })
    if (result.exitCode === 0) return
    const isBusy = /ERROR:\s+55006:/.test(result.stdout)
    if (isBusy && attempt < mostAttempts) continue
    throw isBusy ? clientsConnect() : swapFailure(ctx, result)
  }
}

async function refuseBadGlobals(client: PostgresClient, globals: string): Promise<void> {
  const input = rehearsalScript(globals)
  const { stdout } = await client.run('psql', psqlArguments('template1', 'go-on'), { input, mergeErrors: true })
  const [first] = judgeGlobals(stdout)
  if (first) throw new BackupError('RESTORE_FAILED', `the roles of the snapshot cannot be restored: ${first}`)
}

const clientsConnect = () =>
  new BackupError('RESTORE_FAILED', 'clients connect to the databases again and again', {
    hint: 'Stop what uses the database, also outside of this stack, or name it in xnai.backup.clients.',
  })

function swapFailure(ctx: MethodContext, { exitCode, stdout }: { exitCode: number; stdout: string }): BackupError {
  // Other lines may quote the statement, and with it the hash of a password.
  const errors = stdout
    .split('\n')
    .filter((line) => /psql: error:|no such file/i.test(line) || judgeGlobals(line).length > 0)
  return describeToolFailure(ctx, 'psql', { exitCode, stderr: errors.join('\n') }, 'RESTORE_FAILED')
}
