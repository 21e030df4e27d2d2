import { BackupError } from '../../errors.ts'
import { closeStream, programStream } from '../../lib/process.ts'

export interface ReadOptions {
  signal: AbortSignal
  onBytes?: ((count: number) => void) | undefined
}

/** The plain bytes of a stored file, unproven. */
export async function* decompress(path: string, { signal, onBytes }: ReadOptions): AsyncGenerator<Buffer> {
  const plain = programStream('zstd', ['-q', '-d', '-c', '--', path], { signal })
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      onBytes?.(chunk.length)
      yield chunk
    }
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'TOOL_FAILED') throw error
    throw new BackupError('SNAPSHOT_DAMAGED', `${path}: ${error.message}`, { cause: error })
  } finally {
    await closeStream(plain)
  }
}

export const otherContent = (path: string) =>
  new BackupError('SNAPSHOT_DAMAGED', `${path}: its content is not what was backed up`)
