import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, type Lab, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import * as mariadb from '../../../src/methods/mariadb/work.ts'
import { type MethodBench, methodBench, plainSpec } from '../../support/method-context.ts'
import { runSubject, type Subject, serve } from '../shared/subject.ts'

/** A real MariaDB, and its administrator. */
export interface Server extends LabContainer {
  bench: MethodBench<'mariadb'>
  /** As `bench`, but the load is not tried before: that takes its time, and is tested on its own. */
  untried: MethodBench<'mariadb'>
  /** Rows of an SQL script, values apart by tabs; the first error rejects. */
  sql(script: string, args?: string[]): Promise<string>
}

export const rootPassword = newSecret('mariadb')
export const appSecret = newSecret('app')
/** It has quotes around a text that SQL and error messages spell the same. */
export const appPassword = `'${appSecret}' "`

export async function startServer(
  lab: Lab,
  service: Partial<LabService> & { name: string; options?: Partial<MethodOptions['mariadb']> },
): Promise<Server> {
  const { options = {}, ...rest } = service
  const container = await lab.run({
    command: ['svc', 'mariadb', ...quick],
    env: { MARIADB_ROOT_PASSWORD: rootPassword },
    volumes: [`${lab.project}-${rest.name}:/var/lib/mysql`],
    ...rest,
  })
  const script = `printf '%s' "$SQL" | ${client} "$@"`
  const sql: Server['sql'] = async (text, args = []) => {
    const call = ['sh', '-c', script, 'sh', ...args]
    return (await container.exec(call, { env: { SQL: text }, timeoutSeconds: 300 })).trim()
  }
  const spec = plainSpec('mariadb', { user: 'root', ...options })
  const bench = methodBench(lab, container.name, mariadb, spec)
  const { preflight: _, ...withoutTrial } = mariadb
  const server = { ...container, sql, bench, untried: methodBench(lab, container.name, withoutTrial, spec) }
  if (!rest.create) await answers(server)
  return server
}

export const answers = ({ name, sql }: Pick<Server, 'name' | 'sql'>): Promise<unknown> =>
  eventually(() => sql('SELECT 1'), 60, `${name} answers`)

const client = `MYSQL_PWD=$MARIADB_ROOT_PASSWORD mariadb --batch --skip-column-names --comments \
  --default-character-set=utf8mb4`

/** No promise of ours: what a lab's server need not keep through a power cut. */
const quick = ['--innodb-flush-log-at-trx-commit=0', '--innodb-log-file-size=16M', '--skip-name-resolve']

/** The numbers, where there is a table of them. */
const readNumbers = `SET @has = (SELECT COUNT(*) FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'entry');
  SET @read = IF(@has, 'SELECT n FROM shop.entry', 'DO 0'); EXECUTE IMMEDIATE @read;`

export const subject: Subject = {
  method: 'mariadb',
  drill: { other: ['shop: rows', 'shop: rows of entry'], short: ['shop: rows', 'shop: rows of entry'] },
  moments: ['replace'],
  fullDisk: {
    size: 250,
    left: 4,
    isReadable: true,
    hint: /Free space/,
    load: (service) => {
      const rows = 'SELECT seq + 9 AS n, REPEAT(MD5(seq), 300) AS text FROM seq_1_to_2000'
      return query(service, `USE shop; CREATE OR REPLACE TABLE entry (n INT, text TEXT) AS ${rows}`)
    },
    lose: (service) => query(service, 'DROP DATABASE shop'),
  },
  damage: (data) => writeFile(join(data, 'ibdata1'), 'torn'),
  start: async (story, options) => {
    const container = await runSubject(story, 'mariadb', '/var/lib/mysql', {
      // A database that is not in a snapshot stays: the empty service has this one.
      env: { MARIADB_ROOT_PASSWORD: rootPassword, MARIADB_DATABASE: 'shop' },
      command: ['svc', 'mariadb', ...quick, '--innodb-temp-data-file-path=ibtmp1:1M:autoextend'],
      // A container that may write nowhere else: there no load can be tried before.
      args: ['--tmpfs', '/tmp', '--tmpfs', '/var/tmp'],
      ...options,
    })
    return serve(container, {
      add: (numbers) => {
        const rows = numbers.map((n) => `(${n})`).join()
        const table = 'CREATE DATABASE IF NOT EXISTS shop; CREATE TABLE IF NOT EXISTS shop.entry (n INT)'
        return query(container, `${table}; INSERT INTO shop.entry (n) VALUES ${rows}`)
      },
      numbers: () => query(container, readNumbers),
      leftovers: () => query(container, `SHOW DATABASES LIKE 'xnai%'`),
    })
  },
}

const query = ({ exec }: LabContainer, script: string) =>
  exec(['sh', '-c', `printf '%s' "$1" | ${client}`, 'sh', script])
