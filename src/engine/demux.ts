import { type Readable, Transform } from 'node:stream'
import { BackupError } from '../errors.ts'

const headerBytes = 8
const STDOUT = 1
const STDERR = 2
/** Engines send frames of up to 32 KiB. A far larger length means that these bytes are no header. */
const maxFrameBytes = 16 * 1024 * 1024

/**
 * Reads the standard output from the engine's multiplexed stream and gives standard error to `onStderr`. The output ends cleanly only
 * when the socket ends between two frames; anything else is STREAM_CUT. Destroying the output closes the socket.
 */
export function demultiplex(socket: Readable, onStderr: (bytes: Buffer) => void): Readable {
  const output = demultiplexer(onStderr)
  socket.pipe(output)
  socket.on('error', (error: NodeJS.ErrnoException) => {
    output.destroy(new BackupError('STREAM_CUT', `the stream of the command broke (${error.code})`, { cause: error }))
  })
  socket.on('close', () => {
    if (!socket.readableEnded) output.destroy(new BackupError('STREAM_CUT', 'the stream of the command was closed'))
  })
  output.on('close', () => {
    if (!output.readableEnded) socket.destroy()
  })
  return output
}

/**
 * Takes frames apart: an 8-byte header `type 0 0 0 length`, then that many bytes. Nothing is copied or held back, so that memory stays
 * flat behind a slow reader. Every irregularity is an error; dockerode's own demuxStream would drop a cut frame and pass an unknown one
 * on as it is.
 */
function demultiplexer(onStderr: (bytes: Buffer) => void): Transform {
  const header = Buffer.alloc(headerBytes)
  let headerFilled = 0
  let frameLeft = 0

  /** Takes header or payload bytes from `chunk` at `offset`, and answers the offset behind them. */
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
