import { afterAll, beforeAll, describe } from 'vitest'
import { openArchive } from '../../src/repository/archive.ts'
import type { Repository } from '../../src/repository/repository.ts'
import { copyContract } from '../contract/copies.ts'
import { openAt, resticTemplate } from '../support/restic.ts'

describe('with the restic of Debian trixie', () => {
  let template: Awaited<ReturnType<typeof resticTemplate>>
  beforeAll(async () => {
    template = await resticTemplate('trixie')
  })
  afterAll(() => template[Symbol.dispose]())

  const archive = async (folder: string) => openArchive(folder)
  const restic = async (folder: string, copiesFrom?: Repository) => {
    template.copy(folder)
    return openAt(folder, 'trixie', { ...(copiesFrom && { copiesFrom }) })
  }
  copyContract('archive to archive', { from: archive, to: archive }, { back: true })
  copyContract('archive to restic', { from: archive, to: restic })
  copyContract('restic to archive', { from: restic, to: archive })
  copyContract('restic to restic', { from: restic, to: restic }, { back: true })
})
