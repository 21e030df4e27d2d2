import { expect, test } from 'vitest'
import { capturePhase, publishPhase } from '../../../../src/job/backup/phase.ts'
import type { Prepared } from '../../../../src/repository/repository.ts'

const prepared: Prepared = {
  target: { project: 'shop', target: 'app' },
  isWhole: true,
  [Symbol.asyncDispose]: async () => {},
}

test('a run says whether services are stopped or paused, and what it copies', () => {
  expect(capturePhase([], undefined)).toBe('copying')
  expect(capturePhase([{ how: 'stop' }], undefined)).toBe('stopped, copying')
  expect(capturePhase([{ how: 'pause' }, { how: 'stop' }], prepared)).toBe('stopped, copying the rest')
  expect(capturePhase([{ how: 'pause' }], undefined)).toBe('paused, copying')
})

test('a copy that was made before the stop is packed after it', () => {
  expect(publishPhase(prepared)).toBe('packing')
  expect(publishPhase({ ...prepared, isWhole: false })).toBe('finishing')
  expect(publishPhase(undefined)).toBe('finishing')
})
