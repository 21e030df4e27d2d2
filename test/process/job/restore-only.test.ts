import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { runBackup } from '../../../src/job/backup.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { enabled, failOnce, type JobStage, setJobStage } from './stage.ts'

let stage: JobStage
const at = (name: string) => join(stage.folder, 'files', name)
const read = (name: string) => readFileSync(at(name), 'utf8')

beforeEach(async () => {
  stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
  mkdirSync(at('conf/sites'), { recursive: true })
  writeFileSync(at('conf/sites/one.conf'), 'old')
  writeFileSync(at('conf/main.conf'), 'old')
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  writeFileSync(at('conf/main.conf'), 'now')
  writeFileSync(at('conf/sites/one.conf'), 'now')
  writeFileSync(at('precious'), 'written since')
})

async function restore(only: string[] | undefined, latest: 'latest' | string = 'latest') {
  const request = { targets: await stage.targets(), at: latest, ...(only && { only }) }
  const plan = await planRestore(stage.parts, request, stage.signal)
  return (await runRestore(stage.parts, plan, { safety: true }, stage.signal)).targets[0]
}

describe('a restore of single paths', () => {
  test('proves what it has put back, and keeps a safety copy of nothing else', async () => {
    const result = await restore(['conf/main.conf', '/data/conf/sites'])
    expect(result).toMatchObject({ outcome: 'complete', checks: [{ ok: true }] })
    expect(result?.checks[0]).toMatchObject({
      name: '/data/conf/main.conf, /data/conf/sites as it was packed',
      expected: expect.stringMatching(/[0-9a-f]{16}/),
    })
    expect([read('conf/main.conf'), read('conf/sites/one.conf'), read('precious')]).toEqual([
      'old',
      'old',
      'written since',
    ])
    const [safety] = (await stage.local.list(stage.signal)).filter(({ reason }) => reason === 'safety')
    const listed = await Array.fromAsync(stage.local.listTree(safety as never, 'data', stage.signal))
    const paths = ['.', 'conf', 'conf/main.conf', 'conf/sites', 'conf/sites/one.conf']
    expect(listed.map(({ path }) => path)).toEqual(paths)
  })

  test('whose safety snapshot is restored later brings back these paths and leaves the rest', async () => {
    const result = await restore(['conf/main.conf'])
    writeFileSync(at('later'), 'later')
    expect(await restore(undefined, result?.safetySnapshot)).toMatchObject({
      outcome: 'complete',
      checks: [{ ok: true }],
    })
    expect([read('conf/main.conf'), read('precious'), read('later')]).toEqual(['now', 'written since', 'later'])
  })

  test('that fails puts these paths back, with the times of their folders', async () => {
    const times = statSync(at('conf')).mtimeMs
    failOnce(stage)
    expect(await restore(['conf/main.conf'])).toMatchObject({ outcome: 'failed', rolledBack: true })
    expect([read('conf/main.conf'), read('conf/sites/one.conf'), read('precious')]).toEqual([
      'now',
      'now',
      'written since',
    ])
    expect(statSync(at('conf')).mtimeMs).toBe(times)
  })

  test('that were gone with their folder leaves nothing of them when it fails', async () => {
    rmSync(at('conf'), { recursive: true })
    failOnce(stage)
    expect(await restore(['conf/sites/one.conf'])).toMatchObject({ outcome: 'failed', rolledBack: true })
    expect(existsSync(at('conf'))).toBe(false)
    expect(read('precious')).toBe('written since')
    expect(await restore(['conf/sites/one.conf'])).toMatchObject({ outcome: 'complete', checks: [{ ok: true }] })
    expect([read('conf/sites/one.conf'), existsSync(at('conf/main.conf'))]).toEqual(['old', false])
  })

  test('that is not in the snapshot is refused before anything is stopped, with the nearest names', async () => {
    const before = [...stage.parts.engine.journal]
    await expect(restore(['/data/conf/mian.conf'])).rejects.toMatchObject({
      code: 'NO_SUCH_SNAPSHOT',
      message: expect.stringContaining('holds no /data/conf/mian.conf'),
      hint: 'Nothing was touched. Did you mean /data/conf/main.conf?',
    })
    await expect(restore(['sites/one.conf'])).rejects.toMatchObject({
      hint: 'Nothing was touched. Did you mean /data/conf/sites/one.conf?',
    })
    await expect(restore(['precious'])).rejects.toMatchObject({ hint: expect.stringContaining('xnai-backup ls ') })
    expect(stage.parts.engine.journal).toEqual(before)
    expect(await stage.local.list(stage.signal)).toHaveLength(1)
  })
})
