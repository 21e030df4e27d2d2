import { Transform, type TransformCallback } from 'node:stream'
import { BackupError } from '../errors.ts'

const headerBytes = 8
const STDOUT = 1
const STDERR = 2
/** Engines send frames of up to 32 KiB; a larger length means that the stream has lost its step. */
const maxFrameBytes = 16 * 1024 * 1024

/**
 * Takes the engine's multiplexed stream (8-byte header `type 0 0 0 length`, then that many bytes) apart: standard output
 * passes, standard error goes to `onStderr`. Nothing is copied or held back, so memory stays flat behind a slow reader.
 * Every irregularity ends it with STREAM_CUT: dockerode's own demuxStream would drop a cut frame and pass an unknown one raw.
 */
export function demultiplexer(onStderr: (bytes: Buffer) => void): Transform {
  const header = Buffer.alloc(headerBytes)
  let headerFilled = 0
  let frameLeft = 0

  /** Takes header or payload bytes from `chunk` at `offset`; answers the offset behind them. */
  const step = (output: Transform, chunk: Buffer, offset: number): number => {
    if (frameLeft > 0) {
      const part = chunk.subarray(offset, offset + frameLeft)
      frameLeft -= part.length
      if (header[0] === STDERR) onStderr(part)
      else output.push(part)
      return offset + part.length
    }
    const taken = chunk.copy(header, headerFilled, offset, offset + headerBytes - headerFilled)
    headerFilled += taken
    if (headerFilled === headerBytes) {
      frameLeft = readFrameLength(header)
      headerFilled = 0
    }
    return offset + taken
  }

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        for (let offset = 0; offset < chunk.length; ) offset = step(this, chunk, offset)
        done()
      } catch (error) {
        done(error as Error)
      }
    },
    flush(done) {
      const whole = headerFilled === 0 && frameLeft === 0
      done(whole ? null : new BackupError('STREAM_CUT', 'the stream of the command ended in the middle of a frame'))
    },
    destroy(error, done: TransformCallback) {
      done(error === null ? null : asStreamCut(error))
    },
  })
}

function readFrameLength(header: Buffer): number {
  const type = header[0]
  const padded = header[1] === 0 && header[2] === 0 && header[3] === 0
  if (!padded || (type !== STDOUT && type !== STDERR)) {
    throw new BackupError('STREAM_CUT', `the stream of the command holds an unknown frame (${header.toString('hex')})`)
  }
  const length = header.readUInt32BE(4)
  if (length > maxFrameBytes) {
    throw new BackupError('STREAM_CUT', `the stream of the command holds a frame of ${length} bytes`)
  }
  return length
}

/** A broken socket below is a cut stream; an abort or an error of the reader stays what it is. */
function asStreamCut(error: Error): Error {
  const systemCode = (error as NodeJS.ErrnoException).code
  if (error instanceof BackupError || typeof systemCode !== 'string') return error
  return new BackupError('STREAM_CUT', `the stream of the command broke (${systemCode})`, { cause: error })
}
