import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually, type Lab, type ProgramOptions } from './lab.ts'
import type { Call } from './product.ts'
import { expectNone } from './secrets.ts'
import { prelude, subjects } from './subjects.ts'

const runFile = promisify(execFile)
const checkout = join(import.meta.dirname, '..')

/**
 * The example stack with the controller, as its user has it: a folder with compose files, configuration and an .env.
 */
export interface Stack {
  readonly folder: string
  /** Names of its compose files. */
  readonly files: string[]
  /** Name of the controller's container. */
  readonly controller: string
  /** Starts all containers, and resolves when every service takes data and the controller answers. */
  up(): Promise<void>
  compose(args: string[], options?: ProgramOptions): Promise<string>
  /** `podman exec xnai-backup xnai-backup … --json`: its document, also where it failed. */
  call(args: string[]): Promise<Call>
  /** Name of the one container of a service. */
  container(service: string): string
  /**
   * Standard output of a shell script in the container of a service; without one, on the host in the folder of the
   * stack.
   */
  shell(service: string | undefined, script: string): Promise<string>
  /** Names of the containers that run. */
  running(): Promise<string[]>
  /**
   * P9: none of the passwords of its .env and of the lab's services stands where `expectNone` looks, nor in a command
   * line seen during a `call`.
   */
  expectNoSecret(): Promise<void>
}

export interface StackOptions {
  /** A compose file on top of the others. */
  override?: string
  /** Folder on the host for the backups. Default: one of the lab, which goes with it. */
  repository?: string
  /** Further variables of its .env. */
  variables?: Record<string, string>
}

/** A new stack in a folder of the lab. */
export async function makeStack(lab: Lab, { override, repository, variables = {} }: StackOptions = {}): Promise<Stack> {
  const folder = join(lab.dir, 'files', 'stack')
  const names = ['compose.yaml', 'compose.lab.yaml', 'compose.backup.yaml']
  await mkdir(folder, { recursive: true })
  await cp(join(checkout, 'examples/xnai'), folder, { recursive: true })
  await cp(join(checkout, 'compose.backup.yaml'), join(folder, 'compose.backup.yaml'))
  if (override !== undefined) {
    await writeFile(join(folder, 'compose.override.yaml'), override)
    names.push('compose.override.yaml')
  }
  const more = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(folder, '.env'), environment(lab, names, repository) + more.join(''), { mode: 0o600 })
  return openStack(lab, folder, names)
}

/** A stack whose folder is there. */
export function openStack(lab: Lab, folder: string, files: string[]): Stack {
  const paths = files.map((name) => join(folder, name))
  const controller = lab.env.XNAI_BACKUP_NAME ?? ''
  const stack: Stack = {
    folder,
    files,
    controller,
    compose: (args, options) => lab.compose(paths, args, { cwd: folder, ...options }),
    container: (service) => `${lab.project}-${service}-1`,
    async up() {
      await stack.compose(['up', '--detach', '--no-build'], { timeoutSeconds: 600 })
      await eventually(async () => (await stack.call(['plan'])).json.targets, 60, 'the controller answers')
      const answers = async (service: string | undefined, script: string) => [await stack.shell(service, script)]
      for (const { name, service, ready } of subjects)
        if (ready) await eventually(() => answers(service, `${prelude}\n${ready}`), 60, `${name} takes data`)
    },
    async call(args) {
      using _watch = lab.witness.watch()
      const done = await callIn(lab, controller, args)
      lab.witness.said.push(done.stdout, done.stderr)
      return done
    },
    async shell(service, script) {
      if (service !== undefined) return await lab.exec(stack.container(service), ['sh', '-ec', script])
      return (await runFile('sh', ['-ec', script], { cwd: folder })).stdout
    },
    async running() {
      const found = await Promise.all((await lab.list()).map(async (name) => [name, await lab.inspect(name)] as const))
      return found.filter(([, { State }]) => State.Status === 'running').map(([name]) => name)
    },
    async expectNoSecret() {
      const lines = (await readFile(join(folder, '.env'), 'utf8')).split('\n')
      lab.witness.learn(Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2))))
      const mountOf = async (path: string) =>
        (await lab.inspect(controller)).Mounts.find(({ Destination }) => Destination === path)?.Source ?? ''
      await expectNone(lab, { repository: await mountOf('/backups'), state: await mountOf('/var/lib/xnai-backup') })
    },
  }
  return stack
}

/** For the container of the RAG service: a small index, which its verify label can search. */
export const buildIndex = `python3 - <<'PROGRAM'
import faiss, numpy
index = faiss.IndexFlatL2(4)
index.add(numpy.eye(4, dtype='float32'))
faiss.write_index(index, '/app/data/faiss_index/index.faiss')
PROGRAM`

/** A time zone in which it is about noon: no schedule of the night is due in the next hours. */
export function noonZone(): string {
  const west = new Date().getUTCHours() - 12
  return `Etc/GMT${west < 0 ? west : `+${west}`}`
}

/** Passwords that nobody has seen, and a zone in which no schedule of the stack is due meanwhile. */
function environment({ project, dir }: Lab, names: string[], repository = join(dir, 'files', 'backups')): string {
  const password = () => randomBytes(12).toString('hex')
  return [
    `COMPOSE_PROJECT_NAME=${project}`,
    `COMPOSE_FILE=${names.join(':')}`,
    `XNAI_BACKUP_DIR=${repository}`,
    `REDIS_PASSWORD=${password()}`,
    `POSTGRES_PASSWORD=${password()}`,
    `QDRANT_API_KEY=${password()}`,
    `XNAI_CHECKOUT='${checkout}'`,
    `TZ=${noonZone()}`,
    '',
  ].join('\n')
}

/** One command with `--json` in the controller's container. One that fails has printed its document too; without one it rejects. */
export async function callIn(lab: Lab, container: string, args: string[]): Promise<Call> {
  const call = ['exec', container, 'xnai-backup', ...args, '--json']
  try {
    const stdout = await lab.podman(call, { timeoutSeconds: 600 })
    return { exitCode: 0, stdout, stderr: '', json: JSON.parse(stdout) }
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as { code?: number; stdout?: string; stderr?: string }
    if (!stdout) throw thrown
    return { exitCode: code ?? -1, stdout, stderr: stderr ?? '', json: JSON.parse(stdout) }
  }
}
