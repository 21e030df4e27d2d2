import { describe, expect, test } from 'vitest'
import { BackupError } from '../../../../src/errors.ts'
import type { MethodContext } from '../../../../src/methods/method.ts'
import { unreadableSecret } from '../../../../src/methods/shared/secret.ts'
import { toolFailures } from '../../../../src/methods/shared/tool-failure.ts'

const ctx = { container: { name: 'db' } } as MethodContext
const { describeToolFailure, asDumpError } = toolFailures({
  reasonOf: (output) => output.replace(/secret/g, ''),
  judge: (reason) => (reason.includes('refused') ? new BackupError('SERVICE_DOWN', reason) : undefined),
  secret: 'password',
  missingHint: 'Use another image.',
})

describe('a program that ended with an exit code', () => {
  const describeExit = (exitCode: number, stderr = '') =>
    describeToolFailure(ctx, 'dumper', { exitCode, stderr }, 'DUMP_FAILED')

  test.each([
    [127, '', { code: 'TOOL_MISSING', message: 'no dumper or no /bin/sh in db', hint: 'Use another image.' }],
    [unreadableSecret, '', { code: 'AUTH_FAILED' }],
    [1, 'connection refused', { code: 'SERVICE_DOWN' }],
    [1, 'secret: no such table', { code: 'DUMP_FAILED', message: 'dumper: exit code 1: : no such table' }],
    [1, '', { code: 'DUMP_FAILED', message: 'dumper: exit code 1' }],
  ])('%i %s', (exitCode, stderr, expected) => {
    expect(describeExit(exitCode, stderr)).toMatchObject(expected)
  })

  test('without a code for it: EXEC_FAILED', () => {
    expect(describeToolFailure(ctx, 'asker', { exitCode: 2, stderr: '' }).code).toBe('EXEC_FAILED')
  })
})

describe('a dump whose stream failed', () => {
  const failed = (message: string) => asDumpError(ctx, new BackupError('EXEC_FAILED', message), 'the dump')

  test.each([
    ['dumper in db: exit code 127', { code: 'TOOL_MISSING', message: 'the dump: its program is not in the image' }],
    [`dumper in db: exit code ${unreadableSecret}`, { code: 'AUTH_FAILED' }],
    ['dumper in db: exit code 1\nconnection refused', { code: 'SERVICE_DOWN' }],
    [
      'dumper in db: exit code 1\nsecret',
      { code: 'DUMP_FAILED', message: 'the dump failed: dumper in db: exit code 1\n' },
    ],
  ])('%s', (message, expected) => {
    const error = failed(message)
    expect(error).toMatchObject(expected)
    expect(error.cause).toBeUndefined()
  })

  test('a cut stream and an error of the method itself stay what they are', () => {
    const cut = new BackupError('STREAM_CUT', 'cut')
    expect(asDumpError(ctx, cut, 'the dump')).toBe(cut)
    const empty = new BackupError('DUMP_FAILED', 'the dump came out empty')
    expect(asDumpError(ctx, empty, 'the dump')).toBe(empty)
  })
})
