import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupError } from '../../errors.ts'
import type { TargetId } from '../repository.ts'

/** The folder of work in progress and of snapshots that are being removed. It is never listed. */
export const INCOMING = '.incoming'
export const MANIFEST = 'manifest.json'
export const SUMS = 'SHA256SUMS'

/** The place of a snapshot: `<project>/<target>/<id>` below the directory of the repository. */
export interface SnapshotFolder extends TargetId {
  id: string
  absolute: string
  /** Relative to the repository. */
  relative: string
}

export function folderOf(dir: string, { project, target }: TargetId, id: string): SnapshotFolder {
  const relative = [project, target, id].map(encodeName).join('/')
  return { project, target, id, relative, absolute: join(dir, relative) }
}

/** Every folder that may be a snapshot, in the order of names. Files and folders of other programs are passed over. */
export async function findFolders(dir: string): Promise<SnapshotFolder[]> {
  const folders: SnapshotFolder[] = []
  for (const project of await listFolders(dir)) {
    for (const target of await listFolders(join(dir, project))) {
      for (const id of await listFolders(join(dir, project, target))) {
        folders.push(folderOf(dir, { project: decodeName(project), target: decodeName(target) }, decodeName(id)))
      }
    }
  }
  return folders
}

/**
 * Whether a folder at the place of a snapshot is one, damaged or not: its name is an id, or one of its two files speaks of a snapshot.
 * Anything else belongs to somebody else, such as what `restore --to` wrote into the repository.
 */
export async function isSnapshotFolder({ absolute, id }: SnapshotFolder): Promise<boolean> {
  if (idShape.test(id)) return true
  const read = (file: string) => readFile(join(absolute, file), 'utf8').catch(() => '')
  return sumOfManifest.test(await read(SUMS)) || hasShape(await read(MANIFEST))
}

/** An id begins with its time: `20261123T020000Z-1a2b3c`. */
const idShape = /^\d{8}T\d{6}Z-/
const sumOfManifest = /^[0-9a-f]{64} {2}manifest\.json$/m

function hasShape(text: string): boolean {
  try {
    const { format, id, artifacts } = JSON.parse(text)
    return typeof format === 'number' && typeof id === 'string' && Array.isArray(artifacts)
  } catch {
    return false
  }
}

async function listFolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  const isOurs = (name: string) => encodeName(decodeName(name)) === name
  return entries
    .filter((entry) => entry.isDirectory() && isOurs(entry.name))
    .map((entry) => entry.name)
    .sort()
}

const MAX_NAME_BYTES = 255

/** Makes the name of a folder: every byte but letters, digits, `_`, `-` and an inner `.` becomes `%XX`; the empty name is `%`. */
function encodeName(name: string): string {
  if (name === '') return '%'
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}$/.test(name)) return name
  const encoded = Array.from(Buffer.from(name), (byte, index) => {
    const character = String.fromCharCode(byte)
    const isPlain = /[A-Za-z0-9_-]/.test(character) || (character === '.' && index > 0)
    return isPlain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
  if (encoded.length <= MAX_NAME_BYTES) return encoded
  throw new BackupError('REPOSITORY_FAILED', `the name ${name} is too long for a folder`, {
    hint: 'Choose a shorter name.',
  })
}

function decodeName(folder: string): string {
  if (folder === '%') return ''
  if (!folder.includes('%')) return folder
  const bytes = folder.replace(/%([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
