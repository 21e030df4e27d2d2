import type { MethodKind } from '../labels/spec.ts'
import { files } from './files.ts'
import { mariadb } from './mariadb.ts'
import type { Method } from './method.ts'
import { mongodb } from './mongodb.ts'
import { postgres } from './postgres.ts'
import { qdrant } from './qdrant.ts'
import { redis } from './redis.ts'
import { sqlite } from './sqlite.ts'
import { victoriametrics } from './victoriametrics.ts'

/** Every method that this version carries. A new one needs its file and its line here. */
export const methods: { [K in MethodKind]?: Method<K> } = {
  files,
  mariadb,
  mongodb,
  postgres,
  qdrant,
  redis,
  sqlite,
  victoriametrics,
}
