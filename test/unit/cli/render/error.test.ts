import { expect, test } from 'vitest'
import { renderError } from '../../../../src/cli/render/error.ts'
import { BackupError } from '../../../../src/errors.ts'

const look = { colour: false, timezone: 'UTC', width: 80 }

test('an error has its message, a line for each cause, and the hint', () => {
  const cause = new Error('socket hang up', { cause: new Error('read ECONNRESET') })
  expect(renderError(new BackupError('STREAM_CUT', 'the dump broke off', { cause, hint: 'Try again.' }), look)).toBe(
    'error: the dump broke off\n  because: socket hang up\n  because: read ECONNRESET\nhint: Try again.\n',
  )
})

test('a cause that only repeats the message is left out', () => {
  const error = new BackupError('NO_SPACE', 'disk full', { cause: new Error('disk full'), hint: 'Free some.' })
  expect(renderError(error, look)).toBe('error: disk full\nhint: Free some.\n')
})

test('an INTERNAL error shows its stack', () => {
  expect(renderError(new TypeError('x is undefined'), look)).toMatch(
    /^error: x is undefined\nTypeError: .*\n +at .*error.test.ts/,
  )
})

test('a failed clean-up is shown together with the error before it', () => {
  const both = new SuppressedError(new Error('nginx did not start'), new Error('disk full'), 'clean-up failed')
  const text = renderError(both, look)
  expect(text).toContain('because: nginx did not start\n')
  expect(text).toContain('because: disk full\n')
})

test('all failures of one step are named', () => {
  const cause = new AggregateError([new Error('first'), new Error('second')], 'two failed')
  expect(renderError(new BackupError('RESUME_FAILED', 'not all came back', { cause }), look)).toMatch(
    /because: two failed\n {2}because: first\n {2}because: second\n/,
  )
})

test('a long sentence goes on in indented lines, and its hint too', () => {
  const error = new BackupError('NO_SPACE', 'the file system of the repository is full', {
    hint: 'Free space on it, or move the repository.',
  })
  expect(renderError(error, { ...look, width: 30 })).toBe(
    [
      'error: the file system of the',
      '  repository is full',
      'hint: Free space on it, or',
      '  move the repository.',
      '',
    ].join('\n'),
  )
})
