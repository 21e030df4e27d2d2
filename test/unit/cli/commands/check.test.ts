import { describe, expect, test } from 'vitest'
import { run, shelf, snapshot } from '../../../support/cli.ts'
import { checkShape } from '../../../support/json-shapes.ts'

describe('check', () => {
  const stored = [snapshot('redis', '2026-11-20T02:00:00.000Z')]
  const damage = {
    ...{ id: '20261120T020000Z-redis', project: 'shop', target: 'redis' },
    ...{ file: 'shop/redis/dump.rdb.zst', reason: 'cut short' },
  }

  test('a repository without damage ends with exit code 0', async () => {
    const { exitCode, stdout } = await run(['check'], { local: shelf(stored) })
    expect(stdout).toBe(
      'local archive:/backups: compared sizes and manifests of 1 snapshot, no damage;\n  --read-data reads every byte\n',
    )
    expect(exitCode).toBe(0)
  })

  test('damage is named and ends with exit code 1', async () => {
    const asked: boolean[] = []
    const check = async function* ({ readData }: { readData: boolean }) {
      asked.push(readData)
      yield damage
    }
    const { exitCode, json } = await run(['check', '--read-data', '--json'], { local: shelf(stored, { check }) })
    expect(checkShape.parse(json())).toEqual({
      outcome: 'failed',
      readData: true,
      repositories: [{ tier: 'local', url: 'archive:/backups', snapshots: 1, checked: 1, damaged: [damage] }],
    })
    expect(asked).toEqual([true])
    expect(exitCode).toBe(1)
  })

  test('damage has a row for each file within 80 columns', async () => {
    const check = async function* () {
      yield damage
      yield { ...damage, reason: 'the stored bytes differ from the checksum of the manifest' }
    }
    const { stdout } = await run(['check', '--read-data'], { local: shelf(stored, { check }) })
    expect(stdout).toMatchInlineSnapshot(`
      "DAMAGED                 TARGET  FILE
      20261120T020000Z-redis  redis   shop/redis/dump.rdb.zst
        cut short
      20261120T020000Z-redis  redis   shop/redis/dump.rdb.zst
        the stored bytes differ from the checksum of the manifest
      local archive:/backups: read every byte of 1 snapshot, 1 damaged
      "
    `)
  })
})
