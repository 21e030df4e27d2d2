import { closeSync, constants, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChecked } from './process.ts'

/** The descriptors of a pipe, which the caller closes. A call that reads or writes waits. */
export interface WaitingPipe {
  reader: number
  writer: number
}

/**
 * Opens a pipe for a program that this process feeds by calls that wait, without a stream of Node, which needs new memory for each piece.
 * Node itself connects a program by a socket, on which no call can wait.
 */
export async function openPipe(signal: AbortSignal): Promise<WaitingPipe> {
  const folder = await mkdtemp(join(tmpdir(), 'xnai-backup-pipe-'))
  const path = join(folder, 'pipe')
  try {
    await runChecked('mkfifo', ['-m', '600', '--', path], { signal })
    // To open one end waits for the other one. Who opens both waits for nobody.
    const both = openSync(path, constants.O_RDWR)
    const reader = openSync(path, constants.O_RDONLY)
    const writer = openSync(path, constants.O_WRONLY)
    closeSync(both)
    return { reader, writer }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
