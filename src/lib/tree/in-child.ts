import { join } from 'node:path'
import { inChild } from '../child/in-child.ts'

/**
 * Work on whole trees, done by a child process: a tree may be huge, and the file system under it may hang. Each function is the one of
 * the same name and file in this folder. Within a child those are called themselves.
 */
const fileOf = (name: string): string => join(import.meta.dirname, name)

export const clearTree = inChild<typeof import('./clear.ts').clearTree>(fileOf('clear.ts'), 'clearTree')
export const removeTree = inChild<typeof import('./clear.ts').removeTree>(fileOf('clear.ts'), 'removeTree')
export const fingerprintTree = inChild<typeof import('./fingerprint.ts').fingerprintTree>(
  fileOf('fingerprint.ts'),
  'fingerprintTree',
)
export const roomFor = inChild<typeof import('./room.ts').roomFor>(fileOf('room.ts'), 'roomFor')
export const ensureRoot = inChild<typeof import('./ensure-root.ts').ensureRoot>(fileOf('ensure-root.ts'), 'ensureRoot')
export const findMissing = inChild<typeof import('./ensure-root.ts').findMissing>(
  fileOf('ensure-root.ts'),
  'findMissing',
)
export const copySmall = inChild<typeof import('./copy-small.ts').copySmall>(fileOf('copy-small.ts'), 'copySmall')
