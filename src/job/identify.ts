import { randomBytes } from 'node:crypto'

/** Makes an id for a run, a snapshot or a set. Ids sort by time: `20261123T020000Z-1a2b3c`. */
export function newId(now: Date): string {
  const stamp = now
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '')
  return `${stamp}-${randomBytes(3).toString('hex')}`
}
