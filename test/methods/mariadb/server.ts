import { eventually, type Lab, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import { mariadb } from '../../../src/methods/mariadb/index.ts'
import { type MethodBench, methodBench, plainSpec } from '../../support/method-context.ts'

/** A real MariaDB, and its administrator. */
export interface Server extends LabContainer {
  bench: MethodBench<'mariadb'>
  /** Rows of an SQL script, values apart by tabs; the first error rejects. */
  sql(script: string, args?: string[]): Promise<string>
}

export const rootPassword = newSecret('mariadb')
export const appSecret = newSecret('app')
/** With quotes around what SQL text and error text spell the same. */
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
  const script = `printf '%s' "$SQL" | MYSQL_PWD=$MARIADB_ROOT_PASSWORD mariadb --batch --skip-column-names --comments --default-character-set=utf8mb4 "$@"`
  const sql: Server['sql'] = async (text, args = []) => {
    const call = ['exec', '--env', `SQL=${text}`, container.name, 'sh', '-c', script, 'sh', ...args]
    return (await lab.podman(call, { timeoutSeconds: 300 })).trim()
  }
  const bench = methodBench(lab, container.name, mariadb, plainSpec('mariadb', { user: 'root', ...options }))
  const server = { ...container, sql, bench }
  if (!rest.create) await answers(server)
  return server
}

export const answers = ({ name, sql }: Pick<Server, 'name' | 'sql'>): Promise<unknown> =>
  eventually(() => sql('SELECT 1'), 60, `${name} answers`)

/** No promise of ours: what a lab's server need not keep through a power cut. */
const quick = ['--innodb-flush-log-at-trx-commit=0', '--innodb-log-file-size=16M', '--skip-name-resolve']
