import Table from 'cli-table3'
import { eventually, type Lab, startLab } from '../test/support/lab.ts'

/** The example stack with the controller: back up, destroy, restore, and prove every target by its content. */
const stack = ['examples/xnai/compose.yaml', 'examples/xnai/compose.lab.yaml', 'compose.backup.yaml']

/** What the demo does to one target of the stack: shell commands in the container of `service`. */
interface Subject {
  target: string
  service: string
  /** Writes data worth having. */
  fill: string
  /** Loses all of it. */
  destroy: string
  /** Prints one line that depends on every byte of it. */
  fingerprint: string
}

const psql = 'psql -qAt -v ON_ERROR_STOP=1 -U vikunja'
const subjects: Subject[] = [
  {
    target: 'redis',
    service: 'redis',
    fill: `redis-cli EVAL "for i = 1, 50000 do redis.call('SET', 'key:' .. i, 'value ' .. i * i) end" 0`,
    destroy: 'redis-cli FLUSHALL && redis-cli SAVE',
    fingerprint: `redis-cli EVAL "local sum = '' local keys = redis.call('KEYS', '*') table.sort(keys)
      for _, key in ipairs(keys) do sum = redis.sha1hex(sum .. key .. redis.call('GET', key)) end return #keys .. ' keys ' .. sum" 0`,
  },
  {
    target: 'vikunja-db',
    service: 'vikunja-db',
    fill: `${psql} -c "CREATE TABLE tasks AS SELECT id, md5(id::text) AS title FROM generate_series(1, 100000) AS id"`,
    destroy: `${psql} -c "DROP TABLE tasks"`,
    fingerprint: `${psql} -c "SELECT count(*) || ' rows ' || md5(string_agg(id || title, ',' ORDER BY id)) FROM tasks"`,
  },
  {
    target: 'faiss',
    service: 'rag',
    fill: `cd /app/data/faiss_index && head -c 64M /dev/urandom >index.faiss && seq 100000 >index.ids &&
      chown 1000:1000 index.faiss && chmod 640 index.faiss`,
    destroy: 'cd /app/data/faiss_index && rm index.ids && echo broken >index.faiss && touch stray',
    fingerprint: `cd /app/data/faiss_index && echo "$(ls | wc -l) files" \\
      "$(for f in $(ls); do sha256sum "$f"; stat -c '%u:%g %a %y' "$f"; done | sha256sum | cut -c1-32)"`,
  },
]

const lab = await startLab('demo', { health: true })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void leave(130))
try {
  process.exitCode = (await demonstrate(lab)) ? 0 : 1
} finally {
  await lab.stop()
}

async function demonstrate(lab: Lab): Promise<boolean> {
  say('starting the stack with the controller')
  await lab.compose(stack, ['up', '--detach', '--no-build', '--quiet-pull'])
  await eventually(() => backupTool(lab, ['plan']), 60, 'the controller answers')
  for (const subject of subjects) await shell(lab, subject, subject.fill)
  const before = await fingerprints(lab)

  say('backing up all')
  const backup = await backupTool(lab, ['backup', '--all'])

  say('destroying the data')
  for (const subject of subjects) await shell(lab, subject, subject.destroy)
  for (const [target, line] of await fingerprints(lab))
    if (line === before.get(target))
      throw new Error(`the data of ${target} was not destroyed, so its restore proves nothing`)

  say('restoring all')
  const restore = await backupTool(lab, ['restore', '--all', '--yes'])
  return report(backup, restore, before, await fingerprints(lab))
}

/** `podman exec xnai-backup xnai-backup …`, as an operator calls it; its document, also when it failed. */
// biome-ignore lint/suspicious/noExplicitAny: the documents of the contract, read by name
async function backupTool(lab: Lab, args: string[]): Promise<any> {
  const call = ['exec', lab.env.XNAI_BACKUP_NAME ?? '', 'xnai-backup', ...args, '--json']
  const stdout = await lab.podman(call, { timeoutSeconds: 600 }).catch((error) => {
    if (error.stdout) return error.stdout
    throw error
  })
  return JSON.parse(stdout)
}

async function fingerprints(lab: Lab): Promise<Map<string, string>> {
  const lines = subjects.map(async (subject): Promise<[string, string]> => {
    const line = await shell(lab, subject, subject.fingerprint).catch((error) => String(error.stderr))
    return [subject.target, line.trim()]
  })
  return new Map(await Promise.all(lines))
}

function shell(lab: Lab, subject: Subject, command: string): Promise<string> {
  const container = `${lab.project}-${subject.service}-1`
  // A bare redis-cli finds the password where the container has it.
  return lab.podman(['exec', container, 'sh', '-c', `export REDISCLI_AUTH="$REDIS_PASSWORD"; ${command}`])
}

// biome-ignore lint/suspicious/noExplicitAny: see backupTool
function report(backup: any, restore: any, before: Map<string, string>, after: Map<string, string>): boolean {
  const table = new Table({
    head: ['target', 'method', 'size', 'backup', 'stopped for', 'restore', 'proof by content'],
    style: { head: [], border: [] },
  })
  let proven = true
  for (const { target } of subjects) {
    const saved = backup.targets.find((one: { target: string }) => one.target === target) ?? {}
    const restored = restore.targets.find((one: { target: string }) => one.target === target) ?? {}
    const same = before.get(target) === after.get(target) && restored.outcome === 'complete'
    proven &&= same
    const proof = same ? `same: ${after.get(target)}` : `DIFFERENT: ${after.get(target)}`
    table.push([
      target,
      saved.method ?? '-',
      megabytes(saved.bytes),
      seconds(saved.seconds),
      seconds(saved.downtimeSeconds),
      seconds(restored.seconds),
      proof,
    ])
    for (const { error } of [saved, restored]) if (error) say(`${target}: ${error.message} ${error.hint}`)
  }
  console.log(table.toString())
  say(proven ? 'every target came back as it was' : 'NOT every target came back as it was')
  return proven
}

function megabytes(bytes = 0): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function seconds(value = 0): string {
  return `${value.toFixed(1)} s`
}

function say(line: string): void {
  console.error(`• ${line}`)
}

async function leave(code: number): Promise<void> {
  await lab.stop()
  process.exit(code)
}
