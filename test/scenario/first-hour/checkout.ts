import { execFile } from 'node:child_process'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const runFile = promisify(execFile)
const checkout = join(import.meta.dirname, '../../..')

/** Makes a new folder whose path has at least 100 characters, spaces among them. The first part of it is `root`, which the caller removes. */
export async function makeLongFolder(): Promise<{ root: string; folder: string }> {
  const root = await mkdtemp('/tmp/long-')
  const folder = join(root, 'Documents and settings'.padEnd(100 - root.length, ' of a user'))
  await mkdir(folder)
  return { root, folder }
}

/** Copies what belongs to this checkout, committed or not, and nothing that was made in it. */
export async function copyCheckout(to: string): Promise<void> {
  const options = ['--archive', '--filter=:- .gitignore', '--exclude=/.git']
  await runFile('rsync', [...options, `${checkout}/`, `${to}/`])
}
