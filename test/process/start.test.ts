import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { bundle } from '../../scripts/build/bundle.ts'

const run = promisify(execFile)
const tests = join(import.meta.dirname, '..')
const made = mkdtempSync(join(tmpdir(), 'xnai-start-'))
/** The paths of the modules in each file of the program. */
let modulesIn: Map<string, string[]>

beforeAll(async () => {
  const files = await bundle({ main: 'src/main.ts' }, made)
  modulesIn = new Map(files.map(({ name, modules }) => [name, modules]))
  return () => rmSync(made, { recursive: true, force: true })
})

/** An engine with one container that is backed up. */
async function startEngine(socket: string) {
  const { docker, libpod } = JSON.parse(readFileSync(join(tests, 'fixtures/inspect/docker-compose.json'), 'utf8'))
  docker.Config.Labels['xnai.backup.enable'] = 'true'
  const server = createServer(({ url = '' }, response) => {
    if (/\/containers\/json/.test(url)) response.end(JSON.stringify([{ Id: docker.Id }]))
    else if (/\/images\//.test(url)) response.end(JSON.stringify({ Config: { Labels: {} } }))
    else response.end(JSON.stringify(url.includes('/libpod/') ? libpod : docker))
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  onTestFinished(() => void server.close())
}

/** Runs a command to its end. Answers the modules that it has loaded, built-in ones by their names. */
async function modulesOf(command: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'xnai-start-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const at = (name: string) => join(folder, name)
  await startEngine(at('engine.sock'))
  mkdirSync(at('backups'))
  const env = {
    RECORD_MODULES_TO: at('modules'),
    CONTAINER_HOST: `unix://${at('engine.sock')}`,
    XNAI_BACKUP_STATE: at('state'),
    XNAI_BACKUP_LOCAL: `archive:${at('backups')}`,
  }
  const options = ['--import', join(tests, 'fixtures/record-modules.ts'), join(made, 'main.mjs'), command, '--json']
  const { stdout, stderr } = await run(process.execPath, options, { env }).catch((error) => error)
  expect(JSON.parse(stdout), stderr).not.toHaveProperty('error')
  const names = readFileSync(at('modules'), 'utf8').trim().split('\n')
  return names.flatMap((name) => modulesIn.get(basename(name)) ?? [name])
}

/** What only a run needs, and packages that take long to load. */
const heavy = [
  /undici/,
  /node_modules\/(@grpc|protobufjs|ssh2|execa|tar-stream|tar-fs|yaml|node-cron|pino|pino-pretty)\//,
  /zod\/v4\/locales\/(?!en)/,
  /src\/job\/(backup|restore|recover)\.ts/,
  /src\/methods\/\w+\/work\.ts/,
  /src\/repository\/archive\/work\.ts/,
  /src\/controller\//,
]

test.for(['status', 'plan', 'list'])('%s loads no more than it needs', async (command) => {
  const modules = await modulesOf(command)
  expect(modules).toContainEqual(expect.stringMatching(/src\/methods\/redis\/index\.ts/))
  expect(modules.filter((name) => heavy.some((pattern) => pattern.test(name)))).toEqual([])
})
