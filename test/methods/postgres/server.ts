import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, type Lab, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import * as postgres from '../../../src/methods/postgres/work.ts'
import { type MethodBench, methodBench, plainSpec } from '../../support/method-context.ts'
import { runSubject, type Subject, serve } from '../shared/subject.ts'

export const password = newSecret('postgres')
export const rolePassword = newSecret('role')

export interface Server extends LabContainer {
  bench: MethodBench<'postgres'>
  /** Output of a psql script, as the administrator; the first error rejects. */
  sql(database: string, script: string): Promise<string>
}

export interface PostgresService extends Partial<LabService> {
  name: string
  options?: MethodOptions['postgres']
}

/** No promise of ours: what a lab's server need not keep through a power cut. */
export const quick = ['-c', 'fsync=off', '-c', 'max_wal_size=4GB']

/** Starts a PostgreSQL, with its data on a volume of the service's name. `SQL_PORT` in `env` says which port `sql` uses. */
export async function startPostgres(lab: Lab, service: PostgresService): Promise<Server> {
  const { options = {}, ...rest } = service
  const container = await lab.run({
    command: ['svc', 'postgres', ...quick],
    volumes: [`${lab.project}-${rest.name}:/var/lib/postgresql`],
    ...rest,
  })
  const script = `printf '%s\\n' "$SQL" | PGPASSWORD="$POSTGRES_PASSWORD" psql -X -q -A -t -v ON_ERROR_STOP=1 \
    -p "\${SQL_PORT:-5432}" -U "\${POSTGRES_USER:-postgres}" -d "$1" -f -`
  const sql: Server['sql'] = async (database, text) => {
    const call = ['sh', '-c', script, 'sh', database]
    return (await container.exec(call, { env: { SQL: text }, timeoutSeconds: 300 })).trim()
  }
  const bench = methodBench(lab, container.name, postgres, plainSpec('postgres', options))
  const server = { ...container, sql, bench }
  if (!rest.create) await answers(server)
  return server
}

export const answers = ({ name, sql }: Server): Promise<unknown> =>
  eventually(() => sql('postgres', 'SELECT 1'), 60, `${name} answers`)

/** How many databases a restore has left half done. */
export const transient = ({ sql }: Server): Promise<string> =>
  sql('postgres', `SELECT count(*) FROM pg_database WHERE datname LIKE 'xnai%'`)

export const subject: Subject = {
  method: 'postgres',
  drill: {
    other: [/^restore: postgres: rows: expected 3 in 1 tables, found 0 in 0 tables/, 'facts'],
    short: [/^restore: postgres: rows: expected 3 in 1 tables, found 2 in 1 tables/, 'facts'],
  },
  moments: ['replace'],
  fullDisk: {
    // Two new databases would lie beside those of now.
    size: 250,
    left: 4,
    isReadable: true,
    hint: /Free space/,
    load: async (service) => {
      await service.add(10)
      // Log that the server recycles later would be space that comes from nowhere.
      await service.exec(['sh', '-c', `${client} -c CHECKPOINT`])
    },
  },
  damage: (data) => writeFile(join(data, 'data/global/pg_control'), 'torn'),
  start: async (story, options) => {
    const container = await runSubject(story, 'postgres', '/var/lib/postgresql', {
      env: { POSTGRES_PASSWORD: password, POSTGRES_INITDB_ARGS: '--auth-local=scram-sha-256' },
      command: ['svc', 'postgres', '-c', 'fsync=off', '-c', 'min_wal_size=32MB', '-c', 'max_wal_size=64MB'],
      ...options,
      labels: { 'postgres.password-env': 'POSTGRES_PASSWORD', ...options.labels },
    })
    const sql = (script: string) => container.exec(['sh', '-c', `printf '%s\\n' "$1" | ${client} -f -`, 'sh', script])
    return serve(container, {
      add: (numbers) => {
        const values = numbers.map((n) => `(${n})`).join()
        return sql(`CREATE TABLE IF NOT EXISTS entry (n int); INSERT INTO entry VALUES ${values};`)
      },
      numbers: () =>
        sql(`SELECT to_regclass('entry') IS NOT NULL AS there \\gset
          \\if :there
          SELECT n FROM entry ORDER BY n;
          \\endif`),
      leftovers: () => sql(`SELECT datname FROM pg_database WHERE datname LIKE 'xnai%'`),
    })
  },
}

const client = 'PGPASSWORD="$POSTGRES_PASSWORD" psql -X -q -A -t -v ON_ERROR_STOP=1 -U postgres'
