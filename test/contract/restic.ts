import { afterAll, beforeAll, describe } from 'vitest'
import { openAt, type ResticSuite, resticTemplate } from '../support/restic.ts'
import { repositoryContract } from './repository.ts'

/** The contract of a repository, with the restic of a release of Debian. */
export function resticContract(suite: ResticSuite): void {
  describe(`with the restic of Debian ${suite}`, () => {
    let template: Awaited<ReturnType<typeof resticTemplate>>
    beforeAll(async () => {
      template = await resticTemplate(suite)
    })
    afterAll(() => template[Symbol.dispose]())

    repositoryContract(
      'restic',
      async (folder) => openAt(folder, suite),
      async (folder) => template.copy(folder),
    )
  })
}
