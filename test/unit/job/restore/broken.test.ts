import { expect, test } from 'vitest'
import { type ErrorCode, errorTable } from '../../../../src/errors.ts'
import { cannotAnswer, isBroken, isDown } from '../../../../src/job/restore/broken.ts'

const codes = Object.keys(errorTable) as ErrorCode[]
const matching = (judge: (error: { code: ErrorCode }) => boolean) => codes.filter((code) => judge({ code })).sort()

const ofTheService = ['DUMP_FAILED', 'EXEC_FAILED', 'SERVICE_DOWN', 'TARGET_BROKEN', 'TIMEOUT', 'UNHEALTHY']

test('only what a method says of the service itself makes its data count as broken', () => {
  expect(matching((error) => isBroken(error, 'running'))).toEqual(ofTheService)
})

test('a call that the engine cut off counts too, where the container has ended by then', () => {
  expect(matching((error) => isBroken(error, 'stopped'))).toEqual(
    [...ofTheService, 'ENGINE_FAILED', 'RESTORE_FAILED', 'STREAM_CUT'].sort(),
  )
})

test('a check before the restore still refuses labels that name what the snapshot lacks', () => {
  expect(matching(cannotAnswer)).not.toContain('TARGET_BROKEN')
  for (const code of matching(cannotAnswer)) expect(isBroken({ code }, 'running')).toBe(true)
})

test('only a server that does not start may be replaced by a new one', () => {
  expect(matching((error) => isDown(error, 'running'))).toEqual(['SERVICE_DOWN', 'TIMEOUT', 'UNHEALTHY'])
  expect(matching((error) => isDown(error, 'stopped'))).not.toContain('PROOF_FAILED')
  expect(matching((error) => isDown(error, 'stopped'))).not.toContain('NO_SPACE')
})
