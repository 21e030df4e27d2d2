import { expect, test } from 'vitest'
import { listSnapshots, snapshotRef } from '../../../src/job/repositories.ts'
import type { Repository, Tier } from '../../../src/repository/repository.ts'
import { shelf, snapshot } from '../../support/cli.ts'

test('a restore reads the copy of a snapshot of which no damage is known, in whichever tier it lies', async () => {
  const whole = snapshot('redis', '2026-11-20T02:00:00.000Z')
  const { id, project, target } = whole
  const damaged = { id, project, target, found: whole.time, depth: 'bytes' as const, files: [] }
  const list = async (...copies: [Tier, Repository][]) => {
    const [listed] = await listSnapshots({ repositories: new Map(copies) }, new AbortController().signal)
    return listed && { isDamaged: listed.damaged !== undefined, reads: snapshotRef(listed).tier }
  }
  const copy = shelf([whole])
  const bad = shelf([{ ...whole, damaged }])
  expect(await list(['local', copy], ['remote', bad])).toEqual({ isDamaged: false, reads: 'local' })
  expect(await list(['local', bad], ['remote', copy])).toEqual({ isDamaged: false, reads: 'remote' })
  expect(await list(['local', bad], ['remote', bad])).toEqual({ isDamaged: true, reads: 'local' })
})
