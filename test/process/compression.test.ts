import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { openParts } from '../../src/main.ts'
import { metaOf, never, put, streamOf } from '../contract/repository.ts'
import { makeFolder } from '../support/cli.ts'

/** What an archive needs for a text, with a level of zstd that the configuration names. */
async function storedAt(level: string, text: string): Promise<number> {
  const folder = makeFolder()
  mkdirSync(join(folder, 'backups'))
  const env = {
    CONTAINER_HOST: `unix://${join(folder, 'no.sock')}`,
    XNAI_BACKUP_LOCAL: `archive:${join(folder, 'backups')}`,
    XNAI_BACKUP_STATE: join(folder, 'state'),
    XNAI_BACKUP_COMPRESSION: level,
  }
  const config = await loadConfig({ env, file: undefined })
  await using parts = await openParts(config, pino({ level: 'silent' }), never, 'recall')
  const repository = parts.repositories.get('local')
  if (!repository) throw new Error('no repository')
  return (await put(repository, metaOf('one'), streamOf('dump', text))).storedBytes
}

test('an archive is compressed at the level that is configured', async () => {
  let seed = 1
  const next = () => (seed = (seed * 48_271) % 2_147_483_647)
  const words = Array.from({ length: 50_000 }, () => `word${next() % 3000}`).join(' ')
  expect(await storedAt('19', words)).toBeLessThan(0.9 * (await storedAt('1', words)))
})
