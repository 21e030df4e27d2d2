import { type Dir, opendirSync } from 'node:fs'

/** Names that are read at once. A folder may have millions. */
const BATCH_NAMES = 1000

/**
 * The names of a folder in the order of the file system, in batches, so that memory does not grow with the folder. A folder of one
 * batch is closed before that is given.
 */
export function* listNames(folder: string): Generator<string[], void, void> {
  yield* listIn(folder, 'utf8')
}

/** The same as bytes, for names that are not UTF-8. */
export function* listNameBytes(folder: string): Generator<Buffer[], void, void> {
  // The types know text only: https://nodejs.org/api/fs.html#fsopendirsyncpath-options
  yield* listIn(folder, 'buffer' as 'utf8') as unknown as Generator<Buffer[], void, void>
}

function* listIn(folder: string, encoding: 'utf8'): Generator<string[], void, void> {
  const directory = opendirSync(folder, { encoding, bufferSize: BATCH_NAMES })
  let isOpen = true
  try {
    while (isOpen) {
      const names = takeBatch(directory)
      isOpen = names.length === BATCH_NAMES
      if (!isOpen) directory.closeSync()
      yield names
    }
  } finally {
    if (isOpen) directory.closeSync()
  }
}

function takeBatch(directory: Dir): string[] {
  const names: string[] = []
  while (names.length < BATCH_NAMES) {
    const entry = directory.readSync()
    if (!entry) break
    names.push(entry.name)
  }
  return names
}
