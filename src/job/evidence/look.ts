import { closeSync, constants, openSync, readdirSync, readSync } from 'node:fs'
import { posix } from 'node:path'
import { type OpenRoot, openRoot } from '../../lib/tree/open-root.ts'
import { readIndex } from '../../methods/files/faiss.ts'
import type { Evidence } from '../../recipes/evidence.ts'
import type { ServerMethod } from '../../recipes/model.ts'

/** A mount to look into: its place in the container, and the path by which this process reaches it. */
export interface Sight {
  destination: string
  root: string
}

/** Levels of folders below the top of a mount. */
const deepest = 3
/** A mount may hold any number of files; what a server or an application keeps at its top comes early. */
const mostEntries = 4000

/** What the top of a mount looks like that holds the data of a server. Every name MUST be there, below one folder or at the top itself. */
const marks: { method: ServerMethod; names: string[] }[] = [
  { method: 'postgres', names: ['PG_VERSION', 'base'] },
  { method: 'mariadb', names: ['ibdata1', 'mysql'] },
  { method: 'mongodb', names: ['WiredTiger', 'WiredTiger.wt'] },
  { method: 'qdrant', names: ['raft_state.json', 'collections'] },
  { method: 'victoriametrics', names: ['flock.lock', 'data', 'metadata'] },
  { method: 'redis', names: ['dump.rdb'] },
  { method: 'redis', names: ['appendonlydir'] },
]

/** Looks at the upper folders of mounts. It follows no link, leaves no mount, and reads the heads of files that may be databases. */
export async function lookInto(sights: Sight[], signal: AbortSignal): Promise<Evidence> {
  const evidence: Evidence = { servers: [], databases: [], indexes: [], unseen: [] }
  for (const sight of sights) {
    signal.throwIfAborted()
    try {
      using tree = openRoot(sight.root)
      if (tree.kind === 'directory') lookAt(tree, sight, evidence)
    } catch {
      evidence.unseen.push(sight.destination)
    }
  }
  return evidence
}

function lookAt(tree: OpenRoot, { destination }: Sight, evidence: Evidence): void {
  let left = mostEntries
  const visit = (folder: string, depth: number) => {
    const entries = readEntries(tree, folder)
    const names = new Set(entries.map(({ name }) => name))
    const inContainer = (path: string) => posix.join(destination, path)
    // PostgreSQL 18 keeps its data two folders below its mount.
    const mark = marks.find((one) => one.names.every((name) => names.has(name)))
    if (mark) return void evidence.servers.push({ method: mark.method, path: inContainer(folder) })
    for (const entry of entries) {
      if (--left < 0) return
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory() && depth < deepest) visit(path, depth + 1)
      if (!entry.isFile()) continue
      if (isDatabase(tree, path)) evidence.databases.push(inContainer(path))
      const isIndex = maybeIndex.test(path) && readIndex(tree.at(path)).header !== undefined
      if (isIndex && !evidence.indexes.includes(inContainer(folder))) evidence.indexes.push(inContainer(folder))
    }
  }
  visit('.', 1)
}

const maybeDatabase = /\.(db|db3|sqlite|sqlite3|s3db)$/i
const maybeIndex = /\.(faiss|index|idx|bin)$/i
const databaseHead = 'SQLite format 3\0'

function isDatabase(tree: OpenRoot, path: string): boolean {
  return maybeDatabase.test(path) && readHead(tree.at(path)) === databaseHead
}

/** Empty where the file cannot be read. */
function readHead(path: string): string {
  const head = Buffer.alloc(databaseHead.length)
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    return head.toString('latin1', 0, readSync(descriptor, head))
  } catch {
    return ''
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** A folder that cannot be read says nothing; the top of a mount is read by its own name. */
function readEntries(tree: OpenRoot, folder: string) {
  try {
    return readdirSync(tree.folder(folder), { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (folder === '.') throw error
    return []
  }
}
