import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { Repository } from '../../src/repository/repository.ts'
import { openRestic, type ResticOptions } from '../../src/repository/restic.ts'
import { cheapenKey } from './cheap-key.ts'

/** A release of Debian whose restic lab/setup.sh unpacks: that of the controller's image, and the newest. */
export type ResticSuite = 'trixie' | 'sid'

/** The folder that holds the program `restic` of a release. */
export const resticFolder = (suite: ResticSuite): string =>
  join(process.env.XNAI_LAB ?? join(import.meta.dirname, '../../.lab'), `restic-${suite}`)

export const resticPassword = 'correct horse'

/** Opens the repository in a directory. What belongs to the control plane lies beside it. */
export const openAt = (
  folder: string,
  suite: ResticSuite,
  more: Partial<Pick<ResticOptions, 'copiesFrom' | 'appendOnly' | 'home'>> = {},
) =>
  openRestic(folder, {
    password: resticPassword,
    home: `${folder}-home`,
    program: join(resticFolder(suite), 'restic'),
    prepareBytes: 0,
    ...more,
  })

/** Makes a repository once, with a key that costs nothing. `copy` puts it into an empty directory. */
export async function resticTemplate(suite: ResticSuite): Promise<{ copy(to: string): void } & Disposable> {
  const folder = mkdtempSync(join(tmpdir(), 'restic-template-'))
  const made = mkdtempSync(join(folder, 'repository-'))
  await openAt(made, suite).initialise(AbortSignal.timeout(60_000))
  cheapenKey(made, resticPassword)
  return {
    copy: (to) => cpSync(made, to, { recursive: true }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A repository of its own for each test of a file, beside an empty folder. */
export function resticPerTest() {
  let template: Awaited<ReturnType<typeof resticTemplate>>
  const made = { folder: '', place: '', repository: undefined as unknown as Repository, stock }
  beforeAll(async () => {
    template = await resticTemplate('trixie')
  })
  afterAll(() => template[Symbol.dispose]())
  beforeEach(() => {
    made.folder = mkdtempSync(join(tmpdir(), 'restic-test-'))
    made.place = join(made.folder, 'repository')
    template.copy(made.place)
    made.repository = openAt(made.place, 'trixie')
  })
  afterEach(() => rmSync(made.folder, { recursive: true, force: true }))

  /** What stock restic does, without anything of ours. */
  function stock(...args: string[]): string {
    return execFileSync(join(resticFolder('trixie'), 'restic'), ['-r', made.place, '--no-cache', ...args], {
      env: { ...process.env, RESTIC_PASSWORD: resticPassword },
      encoding: 'utf8',
    })
  }
  return made
}
