import { expect, test } from 'vitest'
import { pickErrorLines } from '../../../src/lib/error-lines.ts'

const names = /ERROR/
const output = 'begin\nERROR 1\nsome\nERROR 2\nERROR 3\nthe end\n'

test.each([
  ['all', {}, ['ERROR 1', 'ERROR 2', 'ERROR 3']],
  ['the first', { first: 2 }, ['ERROR 1', 'ERROR 2']],
  ['the last', { last: 2 }, ['ERROR 2', 'ERROR 3']],
])('%s of the lines that name an error are told', (_which, limits, told) => {
  expect(pickErrorLines(output, { names, ...limits, otherwise: 1 })).toEqual(told)
})

test.each([
  [undefined, []],
  [2, ['two', 'three']],
  [9, ['one', 'two', 'three']],
])('where no line names an error, %s of the last lines are told', (otherwise, told) => {
  const limits = otherwise === undefined ? {} : { otherwise }
  expect(pickErrorLines('one\ntwo\nthree\n', { names, ...limits })).toEqual(told)
})
