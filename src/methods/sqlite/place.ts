import { lchownSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FileOwner } from '../../lib/replace-file.ts'
import { createRoot, openParent, rootExists } from '../../lib/tree/open-root.ts'

/**
 * The folder of a database, held open: what is done by it is done in that very folder until it is disposed, whatever a container puts in
 * its place.
 */
export interface DatabasePlace extends Disposable {
  /** The descriptor of the folder. */
  descriptor: number
  /** The path of the folder for this process. */
  folder: string
  /** The name of the database in it. */
  name: string
  /** The path of the database for this process. The system call that uses it MUST NOT follow its last component. */
  path: string
}

/** Opens the folder of the database `root`. PATH_UNREACHABLE where it is missing, TREE_UNSUPPORTED where a link leads to it. */
export function openPlace(root: string): DatabasePlace {
  const { descriptor, folder, name, [Symbol.dispose]: dispose } = openParent(root)
  return { descriptor, folder, name, path: `${folder}/${name}`, [Symbol.dispose]: dispose }
}

/** Does the same, and makes the folders that are missing, for `owner`. */
export function makePlace(root: string, owner: FileOwner | undefined): DatabasePlace {
  const folder = dirname(root)
  if (!rootExists(folder)) createRoot(folder, 'directory', (made) => owner && lchownSync(made, owner.uid, owner.gid))
  return openPlace(root)
}
