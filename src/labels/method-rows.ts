import { containerPath, environmentName, foreignName } from './names.ts'
import { always, type Row, type RowsOf } from './row.ts'
import type { MethodOptions } from './spec.ts'
import { flag, list, port } from './text.ts'

const user = (key: string, absent = ''): Row<string> => ({
  key,
  type: foreignName('a user name'),
  absent,
  doc: 'User to log in as.',
})

const databases = (key: string): Row<string[]> => ({
  key,
  type: list(foreignName('a database name')),
  absent: 'all',
  doc: 'Databases to dump.',
})

const passwordVariable = (key: string, absent = '', names: Row<string>['names'] = 'variable'): Row<string> => ({
  key,
  type: environmentName,
  names,
  absent,
  doc: "Variable of the container's environment that holds the password.",
})

/** The password itself is no path, and easily put here. */
const secretPath = { ...containerPath, confidential: (text: string) => !text.startsWith('/') }

const portOf = (key: string, number: number): Row<number> & { fallback: () => number } => ({
  key,
  type: port,
  fallback: always(number),
  doc: 'Port that the server listens on in the container.',
})

const tls = (key: string): Row<boolean> & { fallback: () => boolean } => ({
  key,
  type: flag,
  fallback: always(false),
  doc: 'The port speaks TLS.',
})

const authority = (key: string): Row<string> => ({
  key,
  type: containerPath,
  doc: 'File in the container with the certificate authority of the server.',
})

/** Labels `<method>.<option>`. A new option is a field of MethodOptions and a row here. */
export const methodRows: { [K in keyof MethodOptions]: RowsOf<MethodOptions[K]> } = {
  files: {},
  sqlite: {},
  redis: {
    port: portOf('redis.port', 6379),
    user: user('redis.user'),
    passwordEnv: passwordVariable('redis.password-env', '`REDIS_PASSWORD` when set in the container'),
    passwordFile: {
      key: 'redis.password-file',
      type: secretPath,
      doc: 'File in the container that holds the password.',
    },
    tls: tls('redis.tls'),
    cacert: authority('redis.cacert'),
    cert: {
      key: 'redis.cert',
      type: containerPath,
      doc: 'File in the container with the certificate of a client, where the server wants one.',
    },
    key: {
      key: 'redis.key',
      type: secretPath,
      doc: 'File in the container with the private key of that certificate.',
    },
  },
  postgres: {
    port: {
      key: 'postgres.port',
      type: port,
      absent: '5432',
      doc: 'Port that the server listens on in the container.',
    },
    user: user('postgres.user', '`$POSTGRES_USER` or `postgres`'),
    databases: databases('postgres.databases'),
    passwordEnv: passwordVariable('postgres.password-env'),
  },
  mariadb: {
    user: {
      ...user('mariadb.user'),
      absent: '`root`; `$MYSQL_USER` or `$MARIADB_USER` where the image gave root a random password',
      fallback: always('root'),
    },
    databases: databases('mariadb.databases'),
    passwordEnv: passwordVariable('mariadb.password-env', "the image's own variables", 'variable-or-file'),
  },
  mongodb: {
    port: portOf('mongodb.port', 27017),
    user: user('mongodb.user', '`$MONGO_INITDB_ROOT_USERNAME`'),
    passwordEnv: passwordVariable('mongodb.password-env', "the image's own variable", 'variable-or-file'),
    tls: tls('mongodb.tls'),
    cacert: authority('mongodb.cacert'),
  },
  qdrant: {
    port: portOf('qdrant.port', 6333),
    collections: {
      key: 'qdrant.collections',
      type: list(foreignName('a collection name')),
      absent: 'all',
      doc: 'Collections to capture.',
    },
    apiKeyEnv: {
      key: 'qdrant.api-key-env',
      type: environmentName,
      names: 'variable',
      absent: '`QDRANT__SERVICE__API_KEY` or `QDRANT_API_KEY` when set',
      doc: "Variable of the container's environment that holds the API key.",
    },
    tls: tls('qdrant.tls'),
  },
  victoriametrics: {
    port: portOf('victoriametrics.port', 8428),
    authKeyEnv: {
      key: 'victoriametrics.auth-key-env',
      type: environmentName,
      names: 'variable',
      doc: "Variable of the container's environment that holds the snapshot auth key.",
    },
    pathPrefix: {
      key: 'victoriametrics.path-prefix',
      type: containerPath,
      doc: 'The `-http.pathPrefix` of the server.',
    },
    user: { ...user('victoriametrics.user'), doc: 'User of the `-httpAuth.username` of the server.' },
    passwordEnv: passwordVariable('victoriametrics.password-env'),
    tls: tls('victoriametrics.tls'),
  },
}
