import { inChild } from '../child/in-child.ts'
import { ownFile } from '../own-files.ts'

/**
 * Work on whole trees, done by a child process: a tree may be huge, and the file system under it may hang. Each function is the one of
 * the same name and file in this folder. Within a child those are called themselves.
 */
export const clearTree = inChild<typeof import('./clear.ts').clearTree>(ownFile('lib/tree/clear.ts'), 'clearTree')
export const removeTree = inChild<typeof import('./clear.ts').removeTree>(ownFile('lib/tree/clear.ts'), 'removeTree')
export const fingerprintTree = inChild<typeof import('./fingerprint.ts').fingerprintTree>(
  ownFile('lib/tree/fingerprint.ts'),
  'fingerprintTree',
)
export const roomFor = inChild<typeof import('./room.ts').roomFor>(ownFile('lib/tree/room.ts'), 'roomFor')
export const ensureRoot = inChild<typeof import('./ensure-root.ts').ensureRoot>(
  ownFile('lib/tree/ensure-root.ts'),
  'ensureRoot',
)
export const findMissing = inChild<typeof import('./ensure-root.ts').findMissing>(
  ownFile('lib/tree/ensure-root.ts'),
  'findMissing',
)
export const copySmall = inChild<typeof import('./copy-small.ts').copySmall>(
  ownFile('lib/tree/copy-small.ts'),
  'copySmall',
)
