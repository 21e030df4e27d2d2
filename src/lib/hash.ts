import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'

/** Length and SHA-256 (lower-case hex) of a stream of bytes. */
export interface Digest {
  bytes: number
  sha256: string
}

/** Makes a stream that passes bytes on unchanged and counts and hashes them. `digest()` MUST be called after its end only. */
export function hashing(onBytes?: (count: number) => void): Transform & { digest(): Digest } {
  const hash = createHash('sha256')
  let bytes = 0
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      bytes += chunk.length
      onBytes?.(chunk.length)
      done(null, chunk)
    },
  })
  let digest: Digest | undefined
  return Object.assign(stream, {
    digest: () => {
      digest ??= { bytes, sha256: hash.digest('hex') }
      return digest
    },
  })
}
