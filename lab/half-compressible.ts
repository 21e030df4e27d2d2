import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'

const pieceBytes = 1024 * 1024
const kinds = 64

/**
 * A file of which half compresses away. Its random half comes round again after 64 MiB, which is farther than zstd
 * looks back.
 */
export function writeHalfCompressible(path: string, megabytes: number): void {
  const pieces = Array.from({ length: kinds }, () =>
    Buffer.concat([randomBytes(pieceBytes / 2), Buffer.alloc(pieceBytes / 2, 'compressible ')]),
  )
  const file = openSync(path, 'w')
  try {
    for (let index = 0; index < megabytes; index++) writeSync(file, pieces[index % kinds] as Buffer)
  } finally {
    closeSync(file)
  }
}
