import type { MethodOptions } from '../labels/spec.ts'
import type { Putting } from './chapters.ts'
import { inside, placeOf } from './containers.ts'
import { quote } from './quote.ts'

/** The server is down. An instance with an append-only file loads nothing else, so that the dump becomes its base. */
export function redis({ key, container, facts }: Putting): string[] {
  const text = (name: string, fallback: string) => String(facts[name] ?? fallback)
  const folder = placeOf(container, text('dir', '/data'))
  const file = text('dbfilename', 'dump.rdb')
  const own = (path: string) => `chown --recursive --reference="$DATA" ${path}`
  const lines = [`DATA=${folder}`, `dump ${key} dump.rdb >"$DATA"/${quote(file)}`, own(`"$DATA"/${quote(file)}`)]
  const name = text('appendfilename', 'appendonly.aof')
  if (facts.appendonly !== 'yes') return [...lines, `rm -rf "$DATA"/${quote(text('appenddirname', 'appendonlydir'))}`]
  // Before Redis 7 the append-only file is one file, which may begin with an RDB.
  if (facts.appenddirname === undefined)
    return [...lines, `cp "$DATA"/${quote(file)} "$DATA"/${quote(name)}`, own(`"$DATA"/${quote(name)}`)]
  const aof = quote(text('appenddirname', 'appendonlydir'))
  const base = quote(`${name}.1.base.rdb`)
  return [
    ...lines,
    `rm -rf "$DATA"/${aof} && mkdir "$DATA"/${aof}`,
    `cp "$DATA"/${quote(file)} "$DATA"/${aof}/${base}`,
    `echo ${quote(`file ${name}.1.base.rdb seq 1 type b`)} >"$DATA"/${aof}/${quote(`${name}.manifest`)}`,
    own(`"$DATA"/${aof}`),
  ]
}

/** Each database is dropped and made anew by its own dump. Of the roles, those that are there already are errors that do no harm. */
export function postgres({ target, key, container, artifacts }: Putting): string[] {
  const { user, port, passwordEnv } = target.spec.options as MethodOptions['postgres']
  const set = [
    ...(passwordEnv === undefined ? [] : [`export PGPASSWORD="$${passwordEnv}";`]),
    ...(port === undefined ? [] : [`export PGPORT=${port};`]),
    `export PGUSER=${user === undefined ? `"\${POSTGRES_USER:-postgres}"` : quote(user)};`,
  ].join(' ')
  const dumps = artifacts.map(({ name }) => name).filter((name) => name.endsWith('.dump'))
  const texts = artifacts.map(({ name }) => name).filter((name) => name.endsWith('.sql') && name !== 'globals.sql')
  return [
    `dump ${key} globals.sql | ${inside(container, `${set} psql -X -q -d template1`)}`,
    ...dumps.map(
      (name) =>
        `dump ${key} ${quote(name)} | ${inside(container, `${set} pg_restore --clean --if-exists --create --exit-on-error -d template1`)}`,
    ),
    ...texts.map((name) => `# ${quote(name)} is SQL: make its database, and load it by psql -v ON_ERROR_STOP=1.`),
  ]
}

export function mariadb({ target, key, container, artifacts }: Putting): string[] {
  const { user, passwordEnv } = target.spec.options as MethodOptions['mariadb']
  const password = passwordEnv === undefined ? `\${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}` : `$${passwordEnv}`
  const load = inside(
    container,
    `MYSQL_PWD="${password}"; export MYSQL_PWD; "$(command -v mariadb || command -v mysql)" --user=${quote(user)}`,
  )
  return ['accounts.sql', 'databases.sql']
    .filter((name) => artifacts.some((one) => one.name === name))
    .map((name) => `dump ${key} ${name} | ${load}`)
}

/** The password goes by a file that only this command sees. */
export function mongodb({ target, key, container, artifacts }: Putting): string[] {
  const { user, passwordEnv, port } = target.spec.options as MethodOptions['mongodb']
  const name = user === undefined ? '"$MONGO_INITDB_ROOT_USERNAME"' : quote(user)
  const variable = passwordEnv ?? 'MONGO_INITDB_ROOT_PASSWORD'
  const script = [
    'umask 077; f=$(mktemp);',
    `printf 'password: "%s"\\n' "$${variable}" >"$f";`,
    `mongorestore --port=${port} --archive --drop --stopOnError`,
    `\${${variable}:+--config="$f" --username=${name} --authenticationDatabase=admin}; code=$?; rm -f "$f"; exit $code`,
  ].join(' ')
  return artifacts.map((one) => `dump ${key} ${quote(one.name)} | ${inside(container, script)}`)
}

/** Qdrant takes a snapshot of a collection by HTTP. The key goes to curl by its standard input. */
export function qdrant({ target, key, container, artifacts }: Putting): string[] {
  const { apiKeyEnv, port, tls } = target.spec.options as MethodOptions['qdrant']
  const { engine } = container
  const name = quote(container.name)
  const variables = apiKeyEnv ?? 'QDRANT__SERVICE__API_KEY QDRANT_API_KEY'
  const scheme = tls ? 'https' : 'http'
  return [
    `ADDRESS=$(${engine} inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' ${name} | cut -d' ' -f1)`,
    `header() { ${engine} exec ${name} printenv ${variables} | head -n 1 | sed 's/.*/header = "api-key: &"/'; }`,
    ...artifacts.flatMap((one) => {
      const [, collection] = /^\d+-(.+)\.snapshot$/.exec(one.name) ?? []
      if (collection === undefined) return []
      const url = `"${scheme}://$ADDRESS:${port}"/collections/${quote(encodeURIComponent(collection))}/snapshots/upload'?priority=snapshot&wait=true'`
      return [
        `dump ${key} ${quote(one.name)} >/var/tmp/restore.snapshot`,
        `header | curl --config - --fail-with-body --form snapshot=@/var/tmp/restore.snapshot ${url}`,
      ]
    }),
    'rm -f /var/tmp/restore.snapshot',
    `# Aliases stand in the inventory: dump ${key} ${quote(artifacts.at(-1)?.name ?? '')}`,
  ]
}
