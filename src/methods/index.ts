import type { MethodKind } from '../labels/spec.ts'
import { files } from './files/index.ts'
import { mariadb } from './mariadb/index.ts'
import type { Method } from './method.ts'
import { mongodb } from './mongodb/index.ts'
import { postgres } from './postgres/index.ts'
import { qdrant } from './qdrant/index.ts'
import { redis } from './redis/index.ts'
import { sqlite } from './sqlite/index.ts'
import { victoriametrics } from './victoriametrics/index.ts'

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
