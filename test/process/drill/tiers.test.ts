import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runDrills } from '../../../src/drill/run.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { openArchive } from '../../../src/repository/archive.ts'
import type { Repository, Tier } from '../../../src/repository/repository.ts'
import { openAt, resticTemplate } from '../../support/restic.ts'
import { enabled, setJobStage } from '../job/stage.ts'

const oneService = () => setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])

test('a drill reads from the tier that is asked for', async () => {
  const stage = oneService()
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  const far = join(stage.folder, 'far')
  cpSync(join(stage.folder, 'backups'), far, { recursive: true })
  const repositories = stage.parts.repositories as Map<Tier, Repository>
  repositories.set('remote', openArchive(far))
  rmSync(join(stage.folder, 'backups', 'shop'), { recursive: true })
  const drill = async (tier: Tier) =>
    (await runDrills(stage.parts, await stage.targets(), { trigger: 'manual', tier }, stage.signal)).targets
  expect(await drill('remote')).toMatchObject([{ verdict: 'verified', tier: 'remote' }])
  expect(await drill('local')).toMatchObject([{ verdict: 'could not run', error: { code: 'NO_SUCH_SNAPSHOT' } }])
})

test('a snapshot of restic is verified by what restic proves', async () => {
  const stage = oneService()
  using template = await resticTemplate('trixie')
  const folder = join(stage.folder, 'restic')
  mkdirSync(folder)
  template.copy(folder)
  stage.local = openAt(folder, 'trixie')
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  const { targets } = await runDrills(stage.parts, await stage.targets(), { trigger: 'manual' }, stage.signal)
  expect(targets).toMatchObject([{ verdict: 'verified', checks: [{ name: 'stored bytes' }, { name: 'restore' }, {}] }])
})
