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
  test('a name that only one project has is enough', () => {
    expect(chooseTargets(stack, ['files'])).toEqual([stack[1]])
  })

  test('project and name, each once, in the order asked for', () => {
    expect(chooseTargets(stack, ['postgres', 'shop/redis', 'blog/postgres'])).toEqual([stack[3], stack[0]])
  })

  test('a name in two projects is refused with both', () => {
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

  test('a name that is like none is not guessed', () => {
    expect(refusal('victoriametrics')?.hint).toBe('Run xnai-backup plan for the targets that were found.')
  })

  test('without any target the hint says how to make one', () => {
    expect(refusal('redis', [])?.hint).toContain('xnai.backup.enable=true')
  })
})

test('uniteTargets keeps the first of doubles, and the order', () => {
  const labelled = { project: 'shop', name: 'redis', from: 'labels' }
  const stored = { project: 'shop', name: 'redis', from: 'snapshots' }
  const gone = { project: 'shop', name: 'old', from: 'snapshots' }
  expect(uniteTargets([labelled], [gone, stored])).toEqual([labelled, gone])
})
