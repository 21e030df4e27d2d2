import { randomBytes } from 'node:crypto'
import packageJson from '../../package.json' with { type: 'json' }

/** The version of xnai-backup that manifests record. */
export const version: string = packageJson.version

/** Makes an id for a run, a snapshot or a set. Ids sort by time: `20261123T020000Z-1a2b3c`. */
export function newId(now: Date): string {
  const stamp = now
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '')
  return `${stamp}-${randomBytes(3).toString('hex')}`
}
