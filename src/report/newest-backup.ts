import type { Run } from '../catalog/catalog.ts'

/** The newest of the backup runs of one target, newest first, that left a snapshot. Undefined where none has. */
export const newestBackup = (runs: readonly Run[] = []): Run | undefined =>
  runs.find(({ snapshot }) => snapshot !== undefined)
