import { randomBytes } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupError } from '../../errors.ts'
import { syncDirectory } from '../../lib/replace-file.ts'
import { requireDirectory } from './staging.ts'

/** The file at the root of an archive that says which repository it is: `{"format": 1, "kind": "archive", "id": "9f0c…", "created": "2026-…"}`. */
export const IDENTITY = 'repository.json'

/** It MUST be raised when a reader of the version before would misread the file. Added fields do not raise it. */
const FORMAT = 1

/** The id of the archive in `dir`, 32 lower-case hex digits; undefined where it has none yet. */
export async function readIdentity(dir: string, signal: AbortSignal): Promise<string | undefined> {
  await requireDirectory(dir)
  const text = await readFile(join(dir, IDENTITY), { encoding: 'utf8', signal }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    },
  )
  return text === undefined ? undefined : parseIdentity(dir, text)
}

function parseIdentity(dir: string, text: string): string {
  try {
    const { format, id } = JSON.parse(text) as { format?: unknown; id?: unknown }
    if (format === FORMAT && typeof id === 'string' && /^[0-9a-f]{32}$/.test(id)) return id
  } catch {
    // The error below says it.
  }
  throw new BackupError('REPOSITORY_FAILED', `archive:${dir}: ${IDENTITY} does not hold the id of a repository`, {
    hint: `Look at the file ${join(dir, IDENTITY)}. If it is damaged, move it away and run xnai-backup repository accept.`,
  })
}

/** Gives the archive in `dir` an id, durably, and answers it. Of several processes that do so at once, one alone succeeds. */
export async function makeIdentity(dir: string, created: Date, signal: AbortSignal): Promise<string> {
  const present = await readIdentity(dir, signal)
  if (present !== undefined) return present
  const id = randomBytes(16).toString('hex')
  const text = `${JSON.stringify({ format: FORMAT, kind: 'archive', id, created: created.toISOString() }, undefined, 2)}\n`
  await createFile(dir, text)
  return (await readIdentity(dir, signal)) ?? id
}

/** A file that is there already stays as it is. A link never replaces a file, and shows no half written one. */
async function createFile(dir: string, text: string): Promise<void> {
  const temporary = join(dir, `.${IDENTITY}.${randomBytes(4).toString('hex')}`)
  try {
    await writeSynced(temporary, text)
    await link(temporary, join(dir, IDENTITY)).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return
      // Some file systems, such as exFAT, have no links.
      if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes(error.code ?? '')) throw error
      await writeSynced(join(dir, IDENTITY), text)
    })
  } finally {
    await rm(temporary, { force: true })
  }
  await syncDirectory(dir)
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
}
