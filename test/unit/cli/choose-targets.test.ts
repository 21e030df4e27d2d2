import { describe, expect, test } from 'vitest'
import { chooseTargets, uniteTargets } from '../../../src/cli/choose-targets.ts'
import { reportError } from '../../../src/errors.ts'

const stack = [
  { project: 'shop', name: 'redis' },
  { project: 'shop', name: 'files' },
  { project: 'blog', name: 'redis' },
  { project: 'blog', name: 'postgres' },
]

function refusal(asked: string, candidates = stack) {
  try {
    chooseTargets(candidates, [asked])
  } catch (error) {
    return reportError(error)
  }
  return undefined
}

describe('chooseTargets', () => {
  test('a name is enough when only one project has it', () => {
    expect(chooseTargets(stack, ['files'])).toEqual([stack[1]])
  })

  test('targets are chosen by project and name, each once, in the order of the arguments', () => {
    expect(chooseTargets(stack, ['postgres', 'shop/redis', 'blog/postgres'])).toEqual([stack[3], stack[0]])
  })

  test('a name that two projects have is refused, and both are named', () => {
    expect(refusal('redis')).toEqual({
      code: 'USAGE',
      message: 'redis is the name of several targets: shop/redis, blog/redis',
      hint: 'Name the project too, for example shop/redis.',
    })
  })

  test('a misspelt name is answered with the nearest one', () => {
    expect(refusal('postgers')).toMatchObject({
      code: 'NO_SUCH_TARGET',
      hint: expect.stringContaining('mean postgres?'),
    })
    expect(refusal('shop/reddis')?.hint).toContain('mean shop/redis?')
  })

  test('a name that resembles none gets no suggestion', () => {
    expect(refusal('victoriametrics')?.hint).toBe('Run xnai-backup plan for the targets that were found.')
  })

  test('when there is no target at all the hint says how to make one', () => {
    expect(refusal('redis', [])?.hint).toContain('xnai.backup.enable=true')
  })
})

test('uniteTargets keeps the first of each name, and the order', () => {
  const labelled = { project: 'shop', name: 'redis', from: 'labels' }
  const stored = { project: 'shop', name: 'redis', from: 'snapshots' }
  const gone = { project: 'shop', name: 'old', from: 'snapshots' }
  expect(uniteTargets([labelled], [gone, stored])).toEqual([labelled, gone])
})
