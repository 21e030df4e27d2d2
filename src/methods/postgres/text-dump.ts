import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { keepTail } from '../../lib/tail.ts'
import { refuseRestore } from '../shared/refuse.ts'

/** What a dump as text says of itself. It is complete once the dump was read to its end. */
export interface TextDump {
  /** The major version of the server that was dumped. */
  serverMajor?: number
  /** Rows by table, counted in its COPY blocks. Absent where it has none. */
  rows?: Record<string, number>
}

const endMark = '-- PostgreSQL database dump complete'
const tableName = /^COPY ((?:"(?:[^"]|"")+"|[^\s".(]+)(?:\.(?:"(?:[^"]|"")+"|[^\s".(]+))?) /

/**
 * Opens a dump that `pg_dump` wrote as text, for psql. The stream leaves out `\restrict` and `\unrestrict`, which an older psql does not
 * know. It fails with RESTORE_REFUSED at any other command of psql, which could leave the database or start a program, at a dump of a
 * whole cluster, and at the end of a dump that was cut.
 */
export function openTextDump(path: string): { stream: Readable; found: TextDump } {
  const found: TextDump = {}
  const file = createReadStream(path, { highWaterMark: 1 << 20 })
  const source = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  if (source !== file) file.on('error', (error) => source.destroy(error))
  return { stream: Readable.from(screen(source, path, found), { objectMode: false }), found }
}

async function* screen(source: AsyncIterable<Buffer>, path: string, found: TextDump): AsyncIterable<Buffer> {
  const judge = lineJudge(path, found)
  let rest = Buffer.alloc(0)
  const tail = keepTail(1024)
  const pass = (bytes: Buffer) => {
    tail.add(bytes)
    return bytes
  }
  for await (const chunk of source) {
    const bytes = Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(10) + 1
    rest = bytes.subarray(end)
    yield pass(keepLines(bytes.subarray(0, end), judge))
  }
  yield pass(keepLines(rest, judge))
  if (tail.text().includes(endMark)) return
  refuse(`${path} does not end as a dump of one database does: it was cut, or is none`)
}

function keepLines(bytes: Buffer, judge: (line: Buffer) => boolean): Buffer {
  const kept: Buffer[] = []
  for (let begin = 0; begin < bytes.length; ) {
    const next = bytes.indexOf(10, begin) + 1 || bytes.length
    const line = bytes.subarray(begin, next)
    if (judge(line)) kept.push(line)
    begin = next
  }
  return Buffer.concat(kept)
}

/** The answer tells whether a line is kept. What the line says about the dump is added to `found`. */
function lineJudge(path: string, found: TextDump): (line: Buffer) => boolean {
  let table: string | undefined
  return (line) => {
    const isCommand = line[0] === 0x5c
    if (table !== undefined && found.rows) {
      if (isCommand && line[1] === 0x2e) table = undefined
      else found.rows[table] = (found.rows[table] ?? 0) + 1
      return true
    }
    if (isCommand) return judgeCommand(line.toString('utf8').trim(), path)
    if (line[0] === 0x43) {
      const text = line.toString('utf8').trimEnd()
      table = text.endsWith(' FROM stdin;') ? tableName.exec(text)?.[1] : undefined
      if (table !== undefined) found.rows = { [table]: 0, ...found.rows }
    } else if (line[0] === 0x2d) readComment(line.toString('utf8'), path, found)
    return true
  }
}

function judgeCommand(command: string, path: string): boolean {
  if (/^\\(un)?restrict\b/.test(command)) return false
  refuse(`${path} holds the psql command ${command.slice(0, 60)}`)
}

function readComment(comment: string, path: string, found: TextDump): void {
  if (comment.startsWith('-- PostgreSQL database cluster dump')) refuse(`${path} is a dump of a whole cluster`)
  const version = /^-- Dumped from database version (\d+)/.exec(comment)?.[1]
  if (version !== undefined) found.serverMajor = Number(version)
}

function refuse(message: string): never {
  refuseRestore(message, 'What is needed is a dump of one database, by pg_dump without --create.')
}
