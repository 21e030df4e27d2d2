/**
 * Stand-ins for MongoDB and its tools, where none can be installed: `main.ts mongod`, `mongosh`, `mongodump`,
 * `mongorestore`. They keep numbered documents, check the login, say what the real programs were recorded to say, and
 * read and write their archives.
 */
import { dump, restore } from './copy.ts'
import { serve } from './server.ts'
import { runScript } from './shell.ts'

const programs: Record<string, (args: string[]) => unknown> = {
  mongod: serve,
  mongosh: runScript,
  mongodump: dump,
  mongorestore: restore,
}

const [name = '', ...args] = process.argv.slice(2)
try {
  await programs[name]?.(args)
} catch (error) {
  const { message } = error as Error
  process.stderr.write(name === 'mongosh' ? `${message}\n` : `${new Date().toISOString()}\tFailed: ${message}\n`)
  process.exitCode = 1
}
