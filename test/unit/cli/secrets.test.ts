import { describe, expect, test } from 'vitest'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { keepNoSecrets, makeScrubber, watchSecrets } from '../../../src/cli/secrets.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { container, makeFolder } from '../../support/cli.ts'

async function scrubberFor(environment: Record<string, string>) {
  const scrubber = makeScrubber()
  const engine = fakeEngine({ containers: [container('db', { environment })] })
  await watchSecrets(engine, scrubber).list(new AbortController().signal)
  return scrubber
}

describe('secrets by value', () => {
  test('the password of a listed container is removed', async () => {
    const { scrub } = await scrubberFor({ POSTGRES_PASSWORD: 'correct horse' })
    expect(scrub('psql: "correct horse" refused')).toBe('psql: "[secret]" refused')
  })

  test('a secret is removed where JSON has escaped it', async () => {
    const { scrub } = await scrubberFor({ API_TOKEN: 'back\\slash"quote' })
    expect(scrub(JSON.stringify({ message: 'back\\slash"quote' }))).toBe('{"message":"[secret]"}')
  })

  test('a secret is removed whole when a shorter one is its beginning', async () => {
    const { scrub } = await scrubberFor({ A_KEY: 'hunter2', B_KEY: 'hunter2-and-more' })
    expect(scrub('hunter2-and-more, hunter2')).toBe('[secret], [secret]')
  })

  test.for([
    [
      'a value that another variable has too',
      { POSTGRES_USER: 'vikunja', POSTGRES_PASSWORD: 'vikunja' },
      'database vikunja',
    ],
    ['the name of the container', { REDIS_PASSWORD: 'shop-db-1' }, 'container shop-db-1'],
    ['a very short value', { PIN_KEY: '1234' }, '1234 bytes'],
    ['a variable that is no secret', { LANG: 'C.UTF-8' }, 'C.UTF-8'],
  ] as const)('%s is not removed', async ([, environment, text]) => {
    const { scrub } = await scrubberFor(environment)
    expect(scrub(text)).toBe(text)
  })
})

test('the catalog keeps no secret in the error of a removal of old snapshots', async () => {
  using catalog = openCatalog(makeFolder())
  const error = { code: 'REPOSITORY_FAILED' as const, message: 'no entry for correct horse', hint: 'correct horse?' }
  const last = { time: '2026-11-30T04:00:00.000Z', outcome: 'failed' as const, removed: 0, freedBytes: 0, error }
  keepNoSecrets(catalog, await scrubberFor({ API_TOKEN: 'correct horse' })).savePruneState({ last })
  expect(catalog.pruneState()).toEqual({
    last: { ...last, error: { ...error, message: 'no entry for [secret]', hint: '[secret]?' } },
  })
})
