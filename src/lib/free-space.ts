import { statfs } from 'node:fs/promises'

/** Bytes that are free on the file system of `path` for processes without special rights. Rejects where `path` does not exist. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}
