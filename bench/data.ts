import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { writeHalfCompressible } from '../lab/half-compressible.ts'

/** The sets of files that the cases work on. `scale` 1 is the size that the limits are meant for. */
export const dataSets = { big: makeBig, small: makeSmall, mixed: makeMixed, huge: makeHuge, tiny: makeTiny }
export type DataSet = keyof typeof dataSets

const bigFiles = 6
const bigMegabytes = 256
const hugeFiles = 5
const hugeMegabytes = 1000
const smallFolders = 500
const filesInFolder = 100
const smallBytes = 5000

/** Six files of 256 MB, half compressible. */
function makeBig(root: string, scale: number): void {
  for (let index = 0; index < bigFiles; index++)
    writeHalfCompressible(bigFile(root, index), Math.ceil(bigMegabytes * scale))
}

/** 50,000 files of about 5 KB, half compressible. */
function makeSmall(root: string, scale: number): void {
  for (let folder = 0; folder < smallFolders * scale; folder++) {
    mkdirSync(join(root, `folder-${folder}`), { recursive: true })
    for (let index = 0; index < filesInFolder; index++) writeFileSync(smallFile(root, folder, index), smallContent())
  }
}

function makeMixed(root: string, scale: number): void {
  makeBig(root, scale)
  makeSmall(root, scale)
}

/** Five files of a gigabyte, half compressible. */
function makeHuge(root: string, scale: number): void {
  for (let index = 0; index < hugeFiles; index++)
    writeHalfCompressible(join(root, `huge-${index}`), Math.ceil(hugeMegabytes * scale))
}

/** One file of a few bytes, whatever the scale. */
function makeTiny(root: string): void {
  writeFileSync(join(root, 'tiny'), 'a few bytes')
}

/** Writes one small file of a hundred anew, and one piece of a hundred of each big file in place. */
export function changeOnePercent(root: string, scale: number, round: number): void {
  for (let folder = 0; folder < smallFolders * scale; folder++)
    writeFileSync(smallFile(root, folder, round % filesInFolder), smallContent())
  const pieceBytes = 64 * 1024
  const pieces = Math.floor((Math.ceil(bigMegabytes * scale) * 1024 * 1024) / pieceBytes)
  for (let index = 0; index < bigFiles; index++) {
    const file = openSync(bigFile(root, index), 'r+')
    for (let piece = round % 100; piece < pieces; piece += 100)
      writeSync(file, randomBytes(pieceBytes), 0, pieceBytes, piece * pieceBytes)
    closeSync(file)
  }
}

const bigFile = (root: string, index: number): string => join(root, `big-${index}`)
const smallFile = (root: string, folder: number, index: number): string =>
  join(root, `folder-${folder}`, `file-${index}`)
const smallContent = (): Buffer =>
  Buffer.concat([randomBytes(smallBytes / 2), Buffer.alloc(smallBytes / 2, 'compressible ')])
