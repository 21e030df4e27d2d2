import { expect, test } from 'vitest'
import { readScratchOwner, scratchLabels, scratchName } from '../../../src/labels/scratch.ts'

const owner = { run: '20261130T050000Z-1a2b3c', state: 'state', until: '2026-11-30T09:00:00.000Z' }

test('a scratch thing tells its owner by labels and name together', () => {
  const labels = scratchLabels(owner)
  const name = scratchName(owner.run, 'network')
  expect(readScratchOwner({ name, labels })).toEqual(owner)
  expect(readScratchOwner({ name: 'shop-db-1', labels })).toBeUndefined()
  expect(readScratchOwner({ name, labels: { 'xnai.backup.scratch': owner.run } })).toBeUndefined()
  expect(readScratchOwner({ name: scratchName('other', 'network'), labels })).toBeUndefined()
})
