import { Readable } from 'node:stream'

export interface DumpWatch {
  /** Sees every chunk before it is passed on. It may throw where it sees that the dump is none. */
  inspect(chunk: Buffer): void
  /** Is called at the end of the dump, and throws DUMP_FAILED where it is not whole. */
  finish(): void
  /** Turns whatever ended the dump early into the error that the reader gets. */
  asError(cause: unknown): Error
}

/** Passes the bytes of a dump on as they are. The stream ends cleanly only after `finish`. */
export function watchDump(source: AsyncIterable<Buffer>, { inspect, finish, asError }: DumpWatch): Readable {
  const bytes = async function* () {
    try {
      for await (const chunk of source) {
        inspect(chunk)
        yield chunk
      }
      finish()
    } catch (cause) {
      throw asError(cause)
    }
  }
  return Readable.from(bytes(), { objectMode: false })
}
