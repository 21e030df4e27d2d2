import { expect, test } from 'vitest'
import type { Pass } from '../../../src/controller/pass.ts'
import { BackupError } from '../../../src/errors.ts'
import { checkHealth, checkReadiness } from '../../../src/http/health.ts'
import type { Live } from '../../../src/http/live.ts'

const pass: Pass = {
  at: new Date('2026-11-20T12:00:00Z'),
  ...{ observed: undefined, actions: [], active: [], errors: [], repositoryFault: undefined, failures: 0, seconds: 0 },
}

const notUsed = () => Promise.reject(new Error('not part of this test'))

const live = (newest: Pass | undefined, ageSeconds = 1): Live => ({
  notePass: () => {},
  pass: () => newest,
  passAgeMs: () => ageSeconds * 1000,
  status: notUsed,
  overview: notUsed,
  target: notUsed,
  metrics: notUsed,
})

test('a controller is healthy as long as passes end, whatever they find', () => {
  expect(checkHealth(live(undefined)).ok).toBe(true)
  expect(checkHealth(live({ ...pass, failures: 9 }, 299)).ok).toBe(true)
  expect(checkHealth(live(pass, 301))).toEqual({
    ok: false,
    text: 'the controller hangs: no pass has ended for 301 s\n',
  })
})

test('a controller is ready when engine and repository answered in the newest pass', () => {
  const fault = new BackupError('REPOSITORY_EMPTY', 'archive:/srv/secret-place holds no repository')
  expect(checkReadiness(live(undefined))).toEqual({ ok: false, text: 'no pass has ended yet\n' })
  expect(checkReadiness(live(pass))).toEqual({ ok: true, text: 'ok\n' })
  expect(checkReadiness(live({ ...pass, failures: 1, repositoryFault: fault }))).toEqual({
    ok: false,
    text: 'the container engine does not answer\nthe local repository cannot be used\n',
  })
  expect(checkReadiness(live(pass, 400)).text).toContain('the controller hangs')
})
