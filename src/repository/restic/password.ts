import { createHash, randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../../lib/replace-file.ts'

/** The file of the password that was made here, in the folder of the control plane. */
const FILE = 'password'

/** 128 bits, in groups that a person can copy from paper: `6f0a-91c2-…`. */
const newPassword = (): string => (randomBytes(16).toString('hex').match(/.{4}/g) ?? []).join('-')

/** The password that was made here before; undefined where none was. */
export function readPassword(home: string): string | undefined {
  try {
    return readFileSync(join(home, FILE), 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Makes a password where there is none, and answers it when it is on disk. Of two processes at once both get the same one. */
export async function makePassword(home: string): Promise<string> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  const made = join(home, `${FILE}.${randomBytes(8).toString('hex')}`)
  try {
    await using file = await open(made, 'wx', 0o600)
    await file.writeFile(`${newPassword()}\n`)
    await file.sync()
    linkSync(made, join(home, FILE))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(made, { force: true })
  }
  await syncDirectory(home)
  const password = readPassword(home)
  if (password === undefined) throw new Error(`${join(home, FILE)} is gone again`)
  return password
}

/** No password of anything. With it restic still tells whether there is a repository. */
export const noPassword = (): string => randomBytes(16).toString('hex')

/** Tells whether a copy of a key is right: the docs show how to compute it without this program. */
export const keyCode = (repositoryId: string, password: string): string =>
  createHash('sha256').update(`${repositoryId} ${password}`).digest('hex').slice(0, 8)
