import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually, type Lab } from '../../test/support/lab.ts'
import { prelude, type Subject } from './services.ts'

const runFile = promisify(execFile)
const checkout = join(import.meta.dirname, '../..')

/** The example stack with the controller, as its user has it: a folder with compose files, configuration and an .env. */
export interface Stack {
  up(): Promise<void>
  /** Standard output of a command where the subject's commands run. */
  shell(subject: Subject, command: string): Promise<string>
  /** `podman exec xnai-backup xnai-backup … --json`: its document, also where it failed. */
  // biome-ignore lint/suspicious/noExplicitAny: the documents of the contract, read by name
  backupTool(args: string[]): Promise<any>
  /** Names of the containers that run. */
  running(): Promise<string[]>
  /** Output of every container, and what Podman says. */
  saveLogs(folder: string): Promise<void>
}

export async function makeStack(lab: Lab): Promise<Stack> {
  const folder = join(lab.dir, 'files', 'stack')
  await mkdir(folder, { recursive: true })
  await cp(join(checkout, 'examples/xnai'), folder, { recursive: true })
  await cp(join(checkout, 'compose.backup.yaml'), join(folder, 'compose.backup.yaml'))
  await writeFile(join(folder, '.env'), environment(), { mode: 0o600 })
  const files = ['compose.yaml', 'compose.lab.yaml', 'compose.backup.yaml'].map((name) => join(folder, name))
  const controller = lab.env.XNAI_BACKUP_NAME ?? ''
  const backupTool: Stack['backupTool'] = async (args) => {
    const call = ['exec', controller, 'xnai-backup', ...args, '--json']
    const stdout = await lab.podman(call, { timeoutSeconds: 600 }).catch(outputOfFailed)
    return JSON.parse(stdout)
  }
  return {
    backupTool,
    async up() {
      await lab.compose(files, ['up', '--detach', '--no-build', '--quiet-pull'])
      await eventually(() => backupTool(['plan']), 60, 'the controller answers')
    },
    async shell({ service }, command) {
      const script = `${prelude}\n${command}`
      if (service) return await lab.podman(['exec', `${lab.project}-${service}-1`, 'sh', '-ec', script])
      return (await runFile('sh', ['-ec', script], { cwd: folder })).stdout
    },
    async running() {
      const lines = await lab.podman(['ps', '--filter', 'status=running', '--format', '{{.Names}}'])
      return lines.trim().split('\n').toSorted()
    },
    async saveLogs(to) {
      await rm(to, { recursive: true, force: true })
      await mkdir(to, { recursive: true })
      await runFile('bash', ['-c', saveLogs, 'save', to], { env: { ...process.env, ...lab.env }, timeout: 60_000 })
    },
  }
}

/** Passwords that nobody has seen, and a time zone in which it is about noon: no schedule of the stack is due meanwhile. */
function environment(): string {
  const west = new Date().getUTCHours() - 12
  const password = () => randomBytes(12).toString('hex')
  return [
    `REDIS_PASSWORD=${password()}`,
    `POSTGRES_PASSWORD=${password()}`,
    `TZ=Etc/GMT${west < 0 ? west : `+${west}`}`,
    '',
  ].join('\n')
}

/** A failed command has printed its document too; without one there is nothing to go on with. */
function outputOfFailed(error: Error & { stdout?: string }): string {
  if (error.stdout) return error.stdout
  throw error
}

const saveLogs = `
podman ps --all >"$1/containers"
podman ps --all --format '{{.Names}}' | while read -r name; do podman logs "$name" >"$1/$name.log" 2>&1 </dev/null; done
cp "$LAB_FOLDER"/*.log "$1"
`
