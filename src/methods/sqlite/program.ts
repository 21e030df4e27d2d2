import { closeSync, openSync, readSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { inspect } from './inspect.ts'
import type { Outcome } from './report.ts'

/**
 * A program of its own: `copy SOURCE COPY` copies a database that is in use and inspects the copy (with `alone`: refuses one whose
 * application keeps its write-ahead log where it cannot be seen from here), `inspect FILE` inspects one that is not in use.
 * It runs under the ids of the file's owner, so that side files it makes are the owner's, and no descriptor of the controller itself
 * ever drops the locks that SQLite holds on a database (https://sqlite.org/howtocorrupt.html). Prints an Outcome.
 */
async function main([action, file = '', copy = '', flag]: string[]): Promise<Outcome> {
  try {
    const { hasLog } = readHeader(file)
    if (hasLog && flag === 'alone') throw new Error(hiddenLog)
    if (action === 'copy') await copyOnline(file, copy)
    return { report: inspectFile(action === 'copy' ? copy : file) }
  } catch (error) {
    const { message, errcode } = error as Error & { errcode?: number }
    return { failure: { message, ...(errcode !== undefined && { errcode }) } }
  }
}

const headerText = 'SQLite format 3\0'
const writeVersionAt = 18
const hiddenLog =
  'its write-ahead log lies in the container alone: mount its folder instead of the file, or use quiesce=stop'

/** SQLite takes an empty file for an empty database, and creates what is not there. */
function readHeader(file: string): { hasLog: boolean } {
  const header = Buffer.alloc(writeVersionAt + 1)
  const descriptor = openSync(file, 'r')
  try {
    if (readSync(descriptor, header) === 0) throw new Error('the file is empty')
  } finally {
    closeSync(descriptor)
  }
  if (header.toString('latin1', 0, headerText.length) !== headerText) {
    throw Object.assign(new Error('file is not a database'), { errcode: SQLITE_NOTADB })
  }
  return { hasLog: header[writeVersionAt] === 2 }
}

const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26
const lockWaitMs = 30_000
const allPages = 2 ** 31 - 1

/**
 * All pages in one step, which is one read transaction: with several, every commit of the application starts the copy anew. Page for
 * page and not by VACUUM INTO, which would change the journal mode, the rowids and the layout, and cannot read what is damaged.
 */
async function copyOnline(file: string, copy: string): Promise<void> {
  const source = new DatabaseSync(withFlags(file, 'mode=rw'), { timeout: lockWaitMs })
  try {
    await backup(source, copy, { rate: allPages })
    readHeader(copy)
  } catch (error) {
    // Node takes the code from the copy's side, where nothing is wrong.
    if ((error as { errcode?: number }).errcode !== 0) throw error
    throw Object.assign(new Error('database is locked'), { errcode: SQLITE_BUSY })
  } finally {
    source.close()
  }
}

/** `immutable`: nobody writes it, and no side files shall be made beside it. */
function inspectFile(file: string) {
  const options = { readOnly: true, enableForeignKeyConstraints: false }
  const database = new DatabaseSync(withFlags(file, 'mode=ro&immutable=1'), options)
  try {
    return inspect(database)
  } finally {
    database.close()
  }
}

const withFlags = (file: string, flags: string): URL => new URL(`?${flags}`, pathToFileURL(file))

process.stdout.write(JSON.stringify(await main(process.argv.slice(2))))
