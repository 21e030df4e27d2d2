import { closeSync, openSync, readSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { inspect } from './inspect.ts'
import type { Outcome } from './report.ts'

/**
 * A program that the controller runs as a child process. It prints an Outcome as JSON.
 *
 * - `copy SOURCE COPY [alone]` copies a database that is in use, and inspects the copy. With `alone` it refuses a database that has a
 *   write-ahead log, because that log cannot be seen from here.
 * - `inspect FILE` inspects a database that nobody uses.
 *
 * It runs under the ids of the file's owner, so that the side files that it makes belong to the owner. It is a process of its own, so that
 * no descriptor of the controller drops the locks that SQLite holds on a database (https://sqlite.org/howtocorrupt.html).
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

/** Checks that the file is a database. SQLite itself takes an empty file for an empty database, and creates a missing one. */
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
 * Copies all pages in one step, which is one read transaction. With several steps, every commit of the application would start the copy
 * anew. VACUUM INTO is not used, since it changes the journal mode, the rowids and the layout, and cannot read a damaged database.
 */
async function copyOnline(file: string, copy: string): Promise<void> {
  const source = new DatabaseSync(withFlags(file, 'mode=rw'), { timeout: lockWaitMs })
  try {
    await backup(source, copy, { rate: allPages })
    readHeader(copy)
  } catch (error) {
    // Node takes the error code from the connection to the copy, which is 0 where the source was locked.
    if ((error as { errcode?: number }).errcode !== 0) throw error
    throw Object.assign(new Error('database is locked'), { errcode: SQLITE_BUSY })
  } finally {
    source.close()
  }
}

/** Inspects a file that nobody writes to: `immutable` keeps SQLite from making side files beside it. */
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
