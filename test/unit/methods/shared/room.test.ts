import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { BackupError } from '../../../../src/errors.ts'
import { freeBytes } from '../../../../src/lib/free-space.ts'
import type { MethodContext } from '../../../../src/methods/method.ts'
import { refuseFull, refuseFullServer } from '../../../../src/methods/shared/room.ts'

describe('refuseFull', () => {
  const explain = (free: number) => `only ${free} bytes`

  test('as many bytes as are free fit, and one more is NO_SPACE', () => {
    expect(() => refuseFull({ needed: 10, free: 10 }, explain)).not.toThrow()
    expect(() => refuseFull({ needed: 11, free: 10 }, explain, 'Make room.')).toThrow(
      expect.objectContaining({ code: 'NO_SPACE', message: 'only 10 bytes', hint: 'Make room.' }),
    )
  })
})

describe('refuseFullServer', () => {
  const world = (hostPath: MethodContext['hostPath'] = () => tmpdir()) => {
    const warnings: string[] = []
    const ctx = { hostPath, warn: (text: string) => void warnings.push(text) } as MethodContext
    return { ctx, warnings }
  }
  const room = { directory: '/data', owner: "MongoDB's" }

  test('databases fit beside the present ones, which then need not be measured', async () => {
    const replaced = () => Promise.reject(new Error('must not be asked'))
    await expect(refuseFullServer(world().ctx, { ...room, needed: 0, replaced })).resolves.toBeUndefined()
  })

  test('databases that fit only in the place of the present ones fit all the same', async () => {
    const needed = (await freeBytes(tmpdir())) * 2
    const { ctx } = world()
    await expect(refuseFullServer(ctx, { ...room, needed, replaced: async () => needed })).resolves.toBeUndefined()
    const refused = refuseFullServer(ctx, { ...room, needed, replaced: async () => 0 })
    await expect(refused).rejects.toMatchObject({ code: 'NO_SPACE', message: expect.stringContaining('/data has') })
  })

  test('a data directory that cannot be seen from here is a warning', async () => {
    const { ctx, warnings } = world(() => {
      throw new BackupError('PATH_UNREACHABLE', '/data is on no mount')
    })
    await refuseFullServer(ctx, { ...room, needed: Number.MAX_SAFE_INTEGER })
    expect(warnings).toEqual(["free space of MongoDB's data was not checked: /data is on no mount"])
  })
})
