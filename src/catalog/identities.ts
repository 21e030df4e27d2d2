import type { RepositoryIdentities } from '../repository/known-repository.ts'
import type { Database } from './database.ts'

export function makeIdentities({ all, change }: Database): RepositoryIdentities {
  return {
    read: ({ tier, url }) => {
      const [row] = all('SELECT id FROM repositories WHERE tier = ? AND url = ?', tier, url)
      return row && String(row.id)
    },
    remember: ({ tier, url }, id) =>
      void change('INSERT OR REPLACE INTO repositories (tier, url, id) VALUES (?, ?, ?)', tier, url, id),
  }
}
