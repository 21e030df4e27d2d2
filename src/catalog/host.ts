import type { HostMemory } from './catalog.ts'
import type { Database } from './database.ts'

export function makeHostMemory({ all, change, atomically }: Database): HostMemory {
  return {
    read: () => {
      const [row] = all('SELECT name FROM host')
      return row && String(row.name)
    },
    remember: (name) =>
      atomically(() => {
        change('DELETE FROM host')
        change('INSERT INTO host (name) VALUES (?)', name)
      }),
    claimsOld: ({ tier, url }) =>
      all('SELECT 1 FROM repositories WHERE tier = ? AND url = ? AND claims = 1', tier, url).length > 0,
  }
}
