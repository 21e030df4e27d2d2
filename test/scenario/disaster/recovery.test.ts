import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Lab, startLab } from '../../../lab/lab.ts'
import { makeStack, openStack, type Stack } from '../../../lab/stack.ts'
import { prelude, subjects } from '../../../lab/subjects.ts'

const runFile = promisify(execFile)
const page = join(import.meta.dirname, '../../../docs/disaster-recovery.md')

/** All that survives: the folder of the backups. */
let disk: string

beforeAll(async () => {
  disk = await mkdtemp(join(tmpdir(), 'disk-'))
})
afterAll(() => rm(disk, { recursive: true, force: true }))

test('docs/disaster-recovery.md: an empty machine gets the stack back from the repository', async () => {
  const { project, files, before } = await liveAndDie()
  await using lab = await startLab('new-machine', { health: true })
  const folder = join(lab.dir, 'srv')
  await follow(lab, folder)

  const stack = openStack(
    { ...lab, project, env: { ...lab.env, XNAI_BACKUP_NAME: 'xnai-backup' } },
    join(folder, 'config'),
    files,
  )
  expect(await digests(stack)).toEqual(before)
  for (const name of ['redis', 'rag', 'vikunja', 'xnai-backup'])
    await eventually(async () => (await stack.running()).some((running) => running.includes(name)), 60, `${name} runs`)
  const { json } = await stack.call(['restore', '--all', '--yes'])
  expect(json.outcome, JSON.stringify(json)).toBe('complete')
  expect(verifications(json)).toEqual(['faiss', 'iam', 'qdrant', 'redis', 'victoriametrics'])
  expect(await digests(stack)).toEqual(before)
  await stack.expectNoSecret()
})

/** The old machine: a stack with data and a backup of it, and then nothing of it is left. */
async function liveAndDie() {
  await using lab = await startLab('old-machine', { health: true })
  const stack = await makeStack(lab, { repository: disk })
  await stack.up()
  for (const { service, fill } of subjects) await stack.shell(service, `${prelude}\n${fill}`)
  const before = await digests(stack)
  const { json } = await stack.call(['backup', '--all'])
  expect(json.outcome, JSON.stringify(json)).toBe('complete')
  await stack.expectNoSecret()
  return { project: lab.project, files: stack.files, before }
}

async function digests(stack: Stack): Promise<Record<string, string>> {
  const found = subjects.map(async ({ name, service, digest }) => {
    const shell = () => stack.shell(service, `${prelude}\n${digest}`)
    return [name, await eventually(shell, 60, `${name} answers`)]
  })
  return Object.fromEntries(await Promise.all(found))
}

/** The commands of the page in one shell, as its reader would type them; what they start with is the lab's. */
async function follow(lab: Lab, folder: string): Promise<void> {
  const places = {
    BACKUPS: disk,
    STACK: folder,
    SOCKET: dirname(lab.socket),
    IMAGE: lab.env.XNAI_BACKUP_IMAGE ?? '',
    COMPOSE: lab.env.LAB_COMPOSE ?? '',
  }
  const blocks = [...(await readFile(page, 'utf8')).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands]) => commands)
  const commands = Object.entries(places).reduce(
    (text, [name, place]) => text.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}='${place}'`),
    blocks.join('\n'),
  )
  for (const [name, place] of Object.entries(places)) expect(commands).toContain(`${name}='${place}'`)
  const env: NodeJS.ProcessEnv = { ...process.env, ...lab.env }
  // The name of the controller's container is that of the page.
  delete env.XNAI_BACKUP_NAME
  const script = `set -euo pipefail\n${commands}`
  using _watch = lab.witness.watch()
  const options = { env, timeout: 600_000, maxBuffer: 16 * 1024 * 1024 }
  const { stdout, stderr } = await runFile('bash', ['-c', script], options)
  lab.witness.said.push(stdout, stderr)
  expect(stdout).toContain('vikunja-db')
}

/** Names of the targets whose verify labels came true. */
function verifications({
  targets,
}: {
  targets: { target: string; checks: { name: string; ok: boolean }[] }[]
}): string[] {
  const asked = targets.filter(({ checks }) => checks.some(({ name, ok }) => name.startsWith('verify.') && ok))
  return asked.map(({ target }) => target).toSorted()
}
