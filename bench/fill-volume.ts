import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeHalfCompressible } from '../lab/half-compressible.ts'

const bigFiles = 4
const smallFiles = 2000

/** One file has the better half of it, a few are big, many are small. */
export function fillVolume(folder: string, megabytes: number): void {
  writeHalfCompressible(join(folder, 'biggest'), Math.floor(megabytes * 0.6))
  for (let index = 0; index < bigFiles; index++)
    writeHalfCompressible(join(folder, `big-${index}`), Math.floor((megabytes * 0.4) / bigFiles))
  for (let index = 0; index < smallFiles; index++)
    writeFileSync(join(folder, `small-${index}`), 'a line of a small file\n'.repeat(200))
}
