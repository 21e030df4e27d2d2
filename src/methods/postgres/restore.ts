import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { isText } from './artifacts.ts'
import { describeToolFailure, type PostgresClient, psqlArguments } from './client.ts'
import { type Cluster, type DatabaseFacts, isTransient, listRoles } from './cluster.ts'
import { compareContents, countScript, readContents, recordedContents } from './count.ts'
import { createDatabaseSql, judgeGlobals, rehearsalScript, type SwapEntry, swapScript } from './swap.ts'
import { connectTo, quoteName, quoteText } from './text.ts'

/** A database of the snapshot and the artifact that holds it. */
export interface Part {
  facts: DatabaseFacts
  artifact: string
}

/** The names that this restore swaps. */
export function swapEntries(parts: Part[], present: string[], id: string): (Part & SwapEntry)[] {
  return parts.map((part, index) => ({
    ...part,
    fresh: `xnai_restore_${id}_${index}`,
    ...(present.includes(part.facts.name) && { old: `xnai_old_${id}_${index}` }),
  }))
}

/** Roles and tablespaces that are missing, without rights: owners of what is about to come. They do no harm if it never comes. */
export async function createMissing(
  client: PostgresClient,
  wanted: Pick<Cluster, 'roles' | 'tablespaces'>,
): Promise<void> {
  const present = await listRoles(client)
  const roles = wanted.roles.filter((role) => !present.roles.includes(role))
  const places = wanted.tablespaces.filter(({ name }) => present.tablespaces.every((each) => each.name !== name))
  const statements = [
    ...roles.map((role) => `CREATE ROLE ${quoteName(role)};`),
    ...places.map(
      ({ name, owner, location }) =>
        `CREATE TABLESPACE ${quoteName(name)} OWNER ${quoteName(owner)} LOCATION ${quoteText(location)};`,
    ),
  ]
  if (statements.length > 0) await client.script('template1', statements.join('\n'))
}

/** Fills a fresh database from the dump and compares it with what was counted. Nothing that exists is touched. */
export async function restoreBeside(
  ctx: MethodContext,
  client: PostgresClient,
  snapshot: StoredSnapshot,
  { facts, artifact, fresh }: Part & SwapEntry,
): Promise<void> {
  await client.script('template1', createDatabaseSql(facts, fresh, client.server.major), { timeoutSeconds: 600 })
  const tool = isText(artifact) ? 'psql' : 'pg_restore'
  const args = isText(artifact) ? psqlArguments(fresh) : ['--exit-on-error', '--no-password', '-d', connectTo(fresh)]
  const input = await snapshot.open(artifact)
  const result = await client.run(tool, args, { input, timeoutSeconds: longSeconds })
  if (result.exitCode !== 0) throw describeToolFailure(ctx, tool, result, 'RESTORE_FAILED')
  const counted = await client.script(fresh, countScript, { timeoutSeconds: longSeconds })
  const checks = compareContents(
    facts.name,
    recordedContents(snapshot.facts, facts.name),
    readContents(counted.split('\n')),
  )
  const wrong = checks.find(({ ok }) => !ok)
  if (wrong) {
    const said = `${wrong.name}: expected ${wrong.expected}, found ${wrong.actual}`
    throw new BackupError('PROOF_FAILED', `${said}; the database of now was not touched`)
  }
  // Planner statistics are in no dump: without them the first queries may take minutes.
  await client.script(fresh, 'ANALYZE;', { timeoutSeconds: longSeconds })
}

/** All databases and roles at once; see `swapScript`. Clients that come back in that moment are ended again, a few times. */
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
    const busy = /ERROR:\s+55006:/.test(result.stdout)
    if (!busy || attempt === 10) throw swapFailure(ctx, result, busy)
  }
}

async function refuseBadGlobals(client: PostgresClient, globals: string): Promise<void> {
  const input = rehearsalScript(globals)
  const { stdout } = await client.run('psql', psqlArguments('template1', 'go-on'), { input, mergeErrors: true })
  const [first] = judgeGlobals(stdout)
  if (first) throw new BackupError('RESTORE_FAILED', `the roles of the snapshot cannot be restored: ${first}`)
}

function swapFailure(ctx: MethodContext, result: { exitCode: number; stdout: string }, busy: boolean): BackupError {
  if (busy) {
    return new BackupError('RESTORE_FAILED', 'clients connect to the databases again and again', {
      hint: 'Stop what uses the database, also outside of this stack, or name it in xnai.backup.clients.',
    })
  }
  // Other lines may quote the statement, and with it the hash of a password.
  const errors = result.stdout
    .split('\n')
    .filter((line) => /psql: error:|no such file/i.test(line) || judgeGlobals(line).length > 0)
  const failed = { exitCode: result.exitCode, stderr: errors.join('\n') }
  return describeToolFailure(ctx, 'psql', failed, 'RESTORE_FAILED')
}

/** Removes what restores left: all of it, or that of one. Answers the names of what cannot be removed now. */
export async function dropTransient(ctx: MethodContext, client: PostgresClient, id?: string): Promise<string[]> {
  const left: string[] = []
  const names = await client.json<string[]>('template1', `SELECT coalesce(json_agg(datname), '[]') FROM pg_database;`)
  for (const name of names.filter((each) => isTransient(each) && (id === undefined || each.includes(`_${id}_`)))) {
    const result = await client.run('psql', psqlArguments('template1'), {
      input: dropSql(client, name),
      timeoutSeconds: 600,
    })
    const said = result.stderr.trim().split('\n')[0]
    if (result.exitCode === 0) continue
    ctx.warn(`the left-over database ${name} could not be dropped: ${said}`)
    left.push(name)
  }
  return left
}

function dropSql({ server }: PostgresClient, name: string): string {
  if (server.major >= 13) return `DROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE);`
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${quoteText(name)};`
  return `${end}\nDROP DATABASE IF EXISTS ${quoteName(name)};`
}
