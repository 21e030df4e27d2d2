import { describe, expect, test } from 'vitest'
import { exitCodeOfAnswer, exitCodeOfError } from '../../../src/cli/exit-code.ts'
import { BackupError, type ErrorCode, reportError } from '../../../src/errors.ts'

const errorsOf = (...codes: ErrorCode[]) => codes.map((code) => reportError(new BackupError(code, 'it failed')))

describe('exit code of an error', () => {
  test.for([
    ['wrong arguments', 'USAGE', 2],
    ['a bad configuration', 'CONFIG_INVALID', 2],
    ['a restore that nobody confirmed', 'CONFIRMATION_NEEDED', 2],
    ['an unknown target', 'NO_SUCH_TARGET', 4],
    ['an unknown snapshot', 'NO_SUCH_SNAPSHOT', 4],
    ['a target that is being worked on', 'BUSY', 5],
    ['a signal', 'INTERRUPTED', 130],
    ['anything else', 'DUMP_FAILED', 1],
  ] as const)('%s', ([, code, expected]) => {
    expect(exitCodeOfError(code)).toBe(expected)
  })
})

describe('exit code of an answer', () => {
  test.for([
    ['all went well', 'complete', [], 0],
    ['some targets failed', 'incomplete', ['BUSY'], 3],
    ['all failed for different reasons', 'failed', ['BUSY', 'DUMP_FAILED'], 1],
    ['all failed because they are being worked on', 'failed', ['BUSY', 'BUSY'], 5],
    ['the only target failed', 'failed', ['TARGET_BROKEN'], 1],
    ['an objective was missed, without an error', 'failed', [], 1],
    ['interrupted before the last target', 'incomplete', ['INTERRUPTED'], 130],
  ] as const)('%s', ([, outcome, codes, expected]) => {
    expect(exitCodeOfAnswer({ outcome, errors: errorsOf(...codes) })).toBe(expected)
  })
})
