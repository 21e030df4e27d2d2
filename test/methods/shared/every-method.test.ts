import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStory, type Story, states } from '../../support/story.ts'
import { type Service, subjects } from './subjects.ts'

const interrupted = join(import.meta.dirname, 'interrupted.ts')
let story: Story

beforeAll(async () => {
  story = await openStory('every-method')
})
afterAll(() => story?.[Symbol.asyncDispose]())

describe.each(subjects)('$method', ({ method, moments, start }) => {
  let service: Service
  let full: string

  beforeAll(async () => {
    service = await start(story, { name: method })
  })

  test('empty: that is a backup too; it comes back over newer data, and newer data over it', async () => {
    const empty = await story.backUp(method)
    await service.add(1, 2, 3)
    full = await story.backUp(method)
    await service.add(4)
    await story.restore(method, '--at', empty)
    expect(await service.numbers(), 'newer data was there').toEqual([])
    await story.restore(method, '--at', full)
    expect(await service.numbers(), 'older data was there').toEqual([1, 2, 3])
  })

  const interrupt = async (by: 'SIGINT' | 'SIGTERM', at: string, ...args: string[]) => {
    const before = { states: await states(story.lab), numbers: await service.numbers() }
    const env = { INTERRUPT_BY: by, INTERRUPT_AT: at }
    const { exitCode, json, stderr } = await story.call(args, { program: interrupted, env })
    expect(json, stderr).toMatchObject({ outcome: 'failed', targets: [{ target: method, outcome: 'failed' }] })
    expect(json.targets[0].error).toMatchObject({ code: 'INTERRUPTED', message: `interrupted by ${by}` })
    expect(json.targets[0].error.hint).toMatch(/\w/)
    expect(exitCode).toBe(130)
    expect(await states(story.lab)).toEqual(before.states)
    expect(await service.numbers()).toEqual(before.numbers)
    expect((await service.leftovers()).trim()).toBe('')
    const incoming = join(story.product.repository, '.incoming')
    expect(existsSync(incoming) ? readdirSync(incoming) : []).toEqual([])
    return json.targets[0]
  }

  test('interrupted in the middle of a backup', async () => {
    const listed = await story.listed()
    const result = await interrupt('SIGTERM', 'capture', 'backup', method)
    expect(result).not.toHaveProperty('snapshot')
    expect(await story.listed()).toEqual(listed)
  })

  test('interrupted in the middle of a restore', async () => {
    await service.add(5)
    for (const moment of moments) {
      const result = await interrupt('SIGINT', moment, 'restore', method, '--at', full, '--yes')
      expect(result.rolledBack, moment).toBe(true)
    }
    await story.restore(method, '--at', full)
    expect(await service.numbers()).toEqual([1, 2, 3])
  })
})
