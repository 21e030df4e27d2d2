import { join } from 'node:path'

/** Whether this is the bundle that scripts/build.ts makes: one folder without folders in it. */
const isBundle = !import.meta.filename.endsWith('.ts')

/** The folder that all files of this program lie in. */
export const programFolder = isBundle ? import.meta.dirname : join(import.meta.dirname, '..')

/**
 * The name in `programFolder` of a file that is no import: one that is started as a program, loaded by a child process, or read. `path` is
 * that below src. It MUST stand in the call as a literal, by which scripts/build.ts finds what it has to put into the bundle.
 */
export const ownName = (path: string) => (isBundle ? path.replaceAll('/', '-').replace(/\.ts$/, '.mjs') : path)

/** The same file by its whole path. */
export const ownFile = (path: string) => join(programFolder, ownName(path))
