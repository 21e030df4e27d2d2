import { chmod, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle } from './bundle.ts'
import { hashOf, removeOld } from './folders.ts'
import { noticesOf } from './notices.ts'

const dist = join(import.meta.dirname, '../../dist')

/** Builds what bin/xnai-backup and the image run. */
export const buildProgram = (): Promise<void> => build(dist, { main: 'src/main.ts' })

/**
 * Puts a bundle of `programs` (see `bundle`) into a folder of its own in `dist`, named by its content, and lets the link `dist/current`
 * lead there in the end: whoever starts it meanwhile gets the old one or the new one, and several may build at once. The time of its file
 * `built` is that of the start of the build: what has changed since is not in it.
 */
export async function build(dist: string, programs: Record<string, string>): Promise<void> {
  const began = new Date()
  await mkdir(dist, { recursive: true })
  const made = await mkdtemp(join(dist, 'new-'))
  try {
    const files = await bundle(programs, made)
    for (const name of Object.keys(programs)) await chmod(join(made, `${name}.mjs`), 0o755)
    await writeFile(join(made, 'third-party-notices.txt'), noticesOf(files.flatMap(({ modules }) => modules)))
    await show(dist, made, began)
  } finally {
    await rm(made, { recursive: true, force: true })
  }
  await removeOld(dist)
}

async function show(dist: string, made: string, began: Date): Promise<void> {
  const name = await hashOf(made)
  const place = join(dist, name)
  await writeFile(join(made, 'built'), '')
  await chmod(made, 0o755)
  await rename(made, place).catch(async (error) => {
    // The same was built before, or just now by another process.
    if (error.code !== 'ENOTEMPTY') throw error
  })
  await utimes(join(place, 'built'), began, began)
  const link = `${made}.link`
  await symlink(name, link)
  await rename(link, join(dist, 'current'))
}
