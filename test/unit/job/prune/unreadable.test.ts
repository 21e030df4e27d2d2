import { afterEach, expect, test, vi } from 'vitest'
import type { Parts } from '../../../../src/job/job.ts'
import { chooseUnreadable } from '../../../../src/job/prune/unreadable.ts'
import { shelf } from '../../../support/cli.ts'

afterEach(() => void vi.useRealTimers())

test('a remote repository that never answers ends the search for a snapshot that cannot be read', async () => {
  vi.useFakeTimers()
  const silent = shelf([], { identity: () => new Promise(() => {}), list: () => new Promise(() => {}) })
  const parts = { catalog: { damage: { read: () => [] } }, repositories: new Map([['remote', silent]]) }
  const found = chooseUnreadable(parts as unknown as Parts, 'one', ['remote'], new AbortController().signal)
  const ended = expect(found).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' })
  await vi.advanceTimersByTimeAsync(31_000)
  await ended
})
