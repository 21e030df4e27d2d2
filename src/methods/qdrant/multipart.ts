import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'

/** A file that is sent as a form field without being held in memory. */
export interface FormFile {
  /** The name under which the receiver stores it. */
  name: string
  bytes: number
  open(): Promise<Readable>
}

/**
 * Makes a body of multipart/form-data (RFC 7578) with a single field. The content fails where the file is not `bytes`
 * long.
 */
export function frameFile(field: string, file: FormFile) {
  const boundary = `xnai-${randomBytes(16).toString('hex')}`
  const disposition = `form-data; name="${field}"; filename="${file.name}"`
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: ${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`,
  )
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': head.length + file.bytes + tail.length,
    },
    content: frame(head, file, tail),
  }
}

async function* frame(head: Buffer, file: FormFile, tail: Buffer): AsyncGenerator<Buffer> {
  yield head
  let bytes = 0
  for await (const chunk of (await file.open()) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > file.bytes) break
    yield chunk
  }
  if (bytes !== file.bytes) throw new BackupError('SNAPSHOT_DAMAGED', `${file.name} has not its ${file.bytes} bytes`)
  yield tail
}
