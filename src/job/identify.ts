import { randomBytes } from 'node:crypto'
import packageJson from '../../package.json' with { type: 'json' }

/** Version of xnai-backup, as it stands in manifests. */
export const version: string = packageJson.version

/** Sorts by time and says it: `20261123T020000Z-1a2b3c`. For runs, snapshots and sets. */
export function newId(now: Date): string {
  const stamp = now
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '')
  return `${stamp}-${randomBytes(3).toString('hex')}`
}
