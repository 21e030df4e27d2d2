import type { ConfirmedKeys } from './catalog.ts'
import type { Database } from './database.ts'

export function makeConfirmedKeys({ all, change }: Database): ConfirmedKeys {
  return {
    has: (code) => all('SELECT 1 FROM confirmed_keys WHERE code = ?', code).length > 0,
    add: (code) => void change('INSERT OR IGNORE INTO confirmed_keys (code) VALUES (?)', code),
  }
}
