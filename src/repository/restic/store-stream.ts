import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { hashing } from '../../lib/hash.ts'
import type { StageOptions, StreamArtifact, TargetId } from '../repository.ts'
import { inRestic } from './explain.ts'
import { artifactFlags, manifestFlags } from './layout.ts'
import { MANIFEST, type StoredArtifact } from './manifest.ts'
import { type Restic, runRestic } from './program.ts'

/**
 * What restic runs to read a stream. It copies descriptor 4, and ends well only after it has read from descriptor 5 that the stream is
 * whole: the end of the stream alone also comes when its writer is killed, and restic would keep half of it.
 */
const COPY = 'cat <&4 && read -r word <&5 && [ "$word" = whole ]'

export interface StreamOptions extends Pick<StageOptions, 'signal' | 'onBytes'> {
  target: TargetId
  /** Id of the owner of what is stored. */
  owner: string
}

/** Stores a stream as one snapshot of restic. It exists only where the stream has ended well. */
export async function storeStream(
  restic: Restic,
  { kind, name, open }: StreamArtifact,
  { signal, onBytes, target, owner }: StreamOptions,
): Promise<StoredArtifact> {
  const source = await open(signal)
  const pieces = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const first = await pieces.next()
  const plain = hashing(onBytes)
  const stored = first.done
    ? { snapshot: null, bytes: 0 }
    : await feed(
        restic,
        Readable.from(joined(first.value, pieces), { objectMode: false }),
        plain,
        [...artifactFlags(target, name, owner), ...['--stdin-filename', name]],
        signal,
      )
  if (first.done) plain.end().resume()
  return { kind, name, ...plain.digest(), stored }
}

async function* joined(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

/** Stores the manifest, by which the snapshot begins to exist. */
export async function storeManifest(
  restic: Restic,
  text: string,
  { signal, target, owner, id }: StreamOptions & { id: string },
): Promise<string> {
  const flags = [...manifestFlags(target, id, owner), '--stdin-filename', MANIFEST]
  const { snapshot } = await feed(restic, Readable.from([Buffer.from(text)]), hashing(), flags, signal)
  return snapshot
}

/** Stores what the source holds as one snapshot of restic with these flags. */
export async function feed(
  restic: Restic,
  source: Readable,
  plain: ReturnType<typeof hashing>,
  flags: string[],
  signal: AbortSignal,
): Promise<{ snapshot: string; bytes: number }> {
  const word = new PassThrough()
  const args = ['backup', ...flags, '--stdin-from-command', '--', 'sh', '-c', COPY]
  const stored = inRestic(restic.address.url, () => runRestic(restic, args, { signal, inputs: [plain, word] }))
  let failure: unknown
  const taken = pipeline(source, plain, { signal }).then(
    () => word.end('whole\n'),
    (error) => {
      failure = error
      word.end()
    },
  )
  try {
    const output = await stored
    await taken
    return readSummary(output)
  } catch (error) {
    plain.destroy()
    await taken
    // The end of restic also ends the reading of the source, which then says less.
    throw failure === undefined || isClosed(failure) ? error : failure
  }
}

const isClosed = (error: unknown): boolean =>
  /PREMATURE_CLOSE|EPIPE|STREAM_DESTROYED/.test((error as { code?: string }).code ?? '')

function readSummary(output: string): { snapshot: string; bytes: number } {
  for (const line of output.split('\n').toReversed()) {
    if (!line.startsWith('{')) continue
    const { message_type: type, snapshot_id: snapshot, data_added_packed: bytes } = JSON.parse(line)
    if (type === 'summary' && typeof snapshot === 'string') return { snapshot, bytes }
  }
  throw new BackupError('TOOL_FAILED', 'restic has not told what it has stored')
}
