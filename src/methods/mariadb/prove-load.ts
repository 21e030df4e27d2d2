import { Readable } from 'node:stream'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { databaseFact, recordOf } from '../shared/facts.ts'
import { refuseRestore } from '../shared/refuse.ts'
import { newRestoreId } from '../shared/restore-id.ts'
import { dumpArtifact } from './artifacts.ts'
import type { MariadbClient } from './client.ts'
import { errorLines, errorNumber } from './failure.ts'
import { isUsers } from './inventory.ts'
import { concatenate, loadSettings } from './load.ts'
import { onlyDatabases } from './pick-databases.ts'
import { loadIntoScratch, removeScratch, scratchFailures } from './scratch-server.ts'
import type { ServerFacts } from './server-facts.ts'
import { quoteText } from './sql-text.ts'

/** The note by which `undo` knows that a scratch server is to be removed. */
export const scratchNote = 'scratch'

/**
 * Loads the databases `names` into a second server first, where one of them exists and would be dropped. RESTORE_REFUSED where the dump
 * cannot be loaded. Where that cannot be tried it warns: such a dump is then found only after the drop.
 */
export async function proveLoad(
  ctx: MethodContext,
  client: MariadbClient,
  snapshot: StoredSnapshot,
  names: string[],
): Promise<void> {
  const { server } = client
  if (!names.some((name) => server.databases.includes(name))) return
  const encryption = server.plugins.find(({ type }) => type === 'ENCRYPTION')
  if (encryption) return warnUnproven(ctx, `its keys are known to the running server only (${encryption.name})`)
  const id = newRestoreId()
  const note = ctx.recordUndo({ id, kind: scratchNote })
  try {
    const dump = onlyDatabases(await snapshot.open(dumpArtifact), names)
    const result = await loadIntoScratch(ctx, {
      ...{ id, server, bytes: sizeOf(snapshot, names) },
      ...(!server.administrator && { asUser: await readLogin(client) }),
      input: Readable.from(concatenate(loadSettings, dump), { objectMode: false }),
    })
    const verdict = judgeLoad(result, hasOthers(server, names))
    if (verdict?.isFinal) refuseRestore(`the server cannot load the dump: ${verdict.reason}`, waysOut)
    if (verdict) warnUnproven(ctx, verdict.reason)
  } finally {
    await removeScratch(ctx, id).then(
      () => note[Symbol.dispose](),
      // The note stays, and the next pass of the controller removes what is left.
      () => undefined,
    )
  }
}

const waysOut =
  'It was tried in a second server beside this one. Use the image and settings of the backup, or drop the databases by hand: then they are loaded without a trial.'

function warnUnproven(ctx: MethodContext, reason: string): void {
  ctx.warn(`the dump was not loaded on trial before the databases were dropped: ${reason}`)
}

export const sizeOf = ({ facts }: StoredSnapshot, names: string[]): number =>
  names.reduce((sum, name) => sum + Number(recordOf(facts[databaseFact(name)]).bytes ?? 0), 0)

/** Whether the server has databases that the second server lacks, which views may name. */
const hasOthers = ({ databases }: ServerFacts, names: string[]): boolean =>
  databases.some((name) => isUsers(name) && !names.includes(name))

/** The second server was lost, or its disk is full. */
const lost = [2002, 2006, 2013, 2055, 1021, 1053, 1114, 1317]
/** Time zones and functions that were added to the running server. */
const missingAddition = [1298, 1305]
/** Databases, tables and columns that a view names. */
const missingObject = [1049, 1146, 1356]

/**
 * What a load into a second server says of one into the first: undefined where it succeeded. It is final where the first server would fail
 * alike, and not where only the second one may have failed.
 */
export function judgeLoad(
  { exitCode, stderr }: { exitCode: number; stderr: string },
  hasOtherDatabases: boolean,
): { isFinal: boolean; reason: string } | undefined {
  if (exitCode === 0) return undefined
  const reason = scratchFailures[exitCode] ?? errorLines(stderr)
  const number = errorNumber(reason)
  const isFull = /No space left|errno: 28\b|error 28\b/.test(reason)
  const passing = [...lost, ...missingAddition, ...(hasOtherDatabases ? missingObject : [])]
  const isFinal = !(exitCode in scratchFailures) && !Number.isNaN(number) && !isFull && !passing.includes(number)
  return { isFinal, reason: reason === '' ? `the second server ended with exit code ${exitCode}` : reason }
}

/** The user of the backup as statements that make it in a second server with the same rights, and without a password. */
async function readLogin({
  query,
  server: { account },
}: MariadbClient): Promise<{ name: string; statements: string[] }> {
  const rows = await query('SHOW GRANTS;')
  const grants = rows.map(([grant = '']) => grant.replace(/ IDENTIFIED .*$/s, ''))
  const name = `${quoteText(account.user)}@${quoteText(account.host)}`
  const statements = [`CREATE USER ${name};`, ...grants.map((grant) => `${grant};`)]
  return { name: account.user, statements }
}
