import type { DamageMemory, KnownDamage } from '../repository/known-damage.ts'
import type { Database, Row } from './database.ts'

export function makeDamageMemory({ all, change, atomically }: Database): DamageMemory {
  const read = (url: string) =>
    all('SELECT * FROM damage WHERE repository = ? ORDER BY project, target, snapshot', url).map(toEntry)
  return {
    read,
    change: (url, merge) =>
      atomically(() => {
        const known = read(url)
        const next = merge(known)
        for (const { project, target, id } of known.filter((entry) => !next.includes(entry)))
          change(
            'DELETE FROM damage WHERE repository = ? AND project = ? AND target = ? AND snapshot = ?',
            ...[url, project, target, id],
          )
        for (const { project, target, id, found, depth, files } of next.filter((entry) => !known.includes(entry)))
          change(
            'INSERT INTO damage (repository, project, target, snapshot, found, depth, files) VALUES (?, ?, ?, ?, ?, ?, ?)',
            ...[url, project, target, id, found, depth, JSON.stringify(files)],
          )
      }),
  }
}

function toEntry({ project, target, snapshot, found, depth, files }: Row): KnownDamage {
  return {
    project: String(project),
    target: String(target),
    id: String(snapshot),
    found: String(found),
    depth: String(depth) as KnownDamage['depth'],
    files: JSON.parse(String(files)) as KnownDamage['files'],
  }
}
