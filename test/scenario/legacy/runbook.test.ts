import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Lab, startLab } from '../../../lab/lab.ts'
import { makeStack, type Stack } from '../../../lab/stack.ts'
import { prelude, type Subject, subjects } from '../../../lab/subjects.ts'
import { doctorShape } from '../../support/json-shapes.ts'
import { shellBlocks } from '../../support/shell-blocks.ts'
import { startTimes } from '../../support/story.ts'

let lab: Lab
let stack: Stack
/** What the shell runbook left: on the host, and mounted nowhere. */
let old: string
const before = new Map<string, string>()

const subject = (name: string) => subjects.find((one) => one.name === name) as Subject
const shell = ({ service }: Subject, script: string) => stack.shell(service, `${prelude}\n${script}`)
const digest = (name: string) => shell(subject(name), subject(name).digest)
const onHost = (script: string) => stack.shell(undefined, `cd ${old}\n${script}`)
const mountOf = async (service: string) =>
  (await lab.inspect(stack.container(service))).Mounts.find(({ Type }) => Type === 'volume')?.Source ?? ''

/** Commands of the old runbook, corrected where they took a copy of something that was not there yet. */
async function runTheRunbook(): Promise<void> {
  await stack.shell('redis', `${prelude}\nredis-cli SAVE`)
  await onHost(`cp -a ${await mountOf('redis')}/dump.rdb redis.rdb`)
  await lab.exec(stack.container('vikunja-db'), ['sh', '-c', 'pg_dump -U vikunja vikunja >/tmp/vikunja.sql'])
  await lab.podman(['cp', `${stack.container('vikunja-db')}:/tmp/vikunja.sql`, join(old, 'vikunja.sql')])
  await stack.shell('rag', `sqlite3 /app/data/iam.db ".backup /app/data/copy-of-iam.db"`)
  await onHost(`gzip -k vikunja.sql
    cp -a ${await mountOf('rag')}/faiss_index faiss-of-monday
    mv ${await mountOf('rag')}/copy-of-iam.db iam.db
    tar -C ${stack.folder} --format=posix --numeric-owner -czf configs.tar.gz configs config.toml
    mkdir day && cp -a redis.rdb vikunja.sql.gz iam.db configs.tar.gz day && cp -a faiss-of-monday day/faiss_index
    tar --format=posix --numeric-owner -czf xnai-backup-20261120.tar.gz -C day . && rm -r day`)
}

beforeAll(async () => {
  lab = await startLab('legacy', { health: true })
  stack = await makeStack(lab)
  await stack.up()
  old = join(lab.dir, 'files', 'old')
  await mkdir(old)
  for (const name of ['redis', 'vikunja-db', 'faiss', 'iam', 'config']) {
    await shell(subject(name), subject(name).fill)
    before.set(name, await digest(name))
  }
  await runTheRunbook()
})
afterAll(() => lab?.stop())

/** The blocks of the page from its beginning to its end, without those of other targets. */
const scriptOf = (page: string, targets: string[]): string =>
  shellBlocks(page)
    .filter(({ heading }) => !heading.includes('/') || targets.some((name) => heading === `${lab.project}/${name}`))
    .map(({ script }) => script)
    .join('\n')

const restoreFrom = (name: string, file: string) => stack.call(['restore', name, '--from', join(old, file), '--yes'])
const listed = async (...targets: string[]): Promise<{ id: string; target: string; reason: string }[]> =>
  (await stack.call(['list', ...targets])).json.snapshots

describe('what the shell runbook left comes back through the same checks and proofs', () => {
  test.each([
    ['redis', 'redis.rdb'],
    ['vikunja-db', 'vikunja.sql'],
    ['faiss', 'faiss-of-monday'],
    ['vikunja-db', 'xnai-backup-20261120.tar.gz'],
    ['faiss', 'xnai-backup-20261120.tar.gz'],
    ['iam', 'xnai-backup-20261120.tar.gz'],
    ['config', 'xnai-backup-20261120.tar.gz'],
  ])('%s from %s', async (name, file) => {
    await shell(subject(name), subject(name).destroy)
    const running = await stack.running()
    // A role that the dump grants to is in no dump of one database.
    if (name === 'vikunja-db') await stack.shell('vikunja-db', `psql -U vikunja -d postgres -c 'CREATE ROLE reader'`)
    const { exitCode, json, stdout } = await restoreFrom(name, file)
    expect(exitCode, stdout).toBe(0)
    const [result] = json.targets
    expect(result.checks.length).toBeGreaterThan(0)
    expect(await digest(name)).toBe(before.get(name))
    expect((await listed(name)).find(({ id }) => id === result.snapshot)?.reason).toBe('import')
    await expect.poll(stack.running, { timeout: 180_000 }).toEqual(running)
  })
})

describe('what cannot be trusted is refused before anything is touched', () => {
  let snapshots: Awaited<ReturnType<typeof listed>>
  beforeAll(async () => {
    snapshots = await listed()
  })

  test.each([
    ['redis', 'a file that was cut', 'head -c 500000 redis.rdb >cut.rdb', 'cut.rdb', 'redis-check-rdb refuses'],
    ['redis', 'a folder without one', 'mkdir empty', 'empty', 'should hold an RDB file'],
    ['vikunja-db', 'a dump that was cut', 'head -c 500000 vikunja.sql >cut.sql', 'cut.sql', 'does not end as a dump'],
    [
      'vikunja-db',
      'a cut gzip file',
      'head -c 50000 vikunja.sql.gz >cut.sql.gz',
      'cut.sql.gz',
      'unexpected end of file',
    ],
    [
      'vikunja-db',
      'a dump that goes elsewhere',
      `printf '%s\\n' '\\connect other' | cat - vikunja.sql >c.sql`,
      'c.sql',
      'holds the psql command \\connect',
    ],
    [
      'iam',
      'a damaged database',
      'cp iam.db torn.db; dd if=/dev/urandom of=torn.db bs=4096 seek=20 count=9 conv=notrunc status=none',
      'torn.db',
      'torn.db',
    ],
    [
      'faiss',
      'a torn index',
      'mkdir torn; head -c 500000 faiss-of-monday/index.faiss >torn/index.faiss',
      'torn',
      'is no whole FAISS index',
    ],
    [
      'qdrant',
      'a method that reads no foreign files',
      'touch some.snapshot',
      'some.snapshot',
      'reads its own snapshots only',
    ],
    ['redis', 'a path that is not there', '', 'nowhere.rdb', 'there is no such file'],
  ])('%s: %s', async (name, _what, make, file, said) => {
    await onHost(make)
    const times = await startTimes(lab)
    const { exitCode, json } = await restoreFrom(name, file)
    const error = json.error ?? json.targets[0].error
    expect(error.message).toContain(said)
    expect(error.hint).not.toBe('')
    expect(exitCode).not.toBe(0)
    expect(await startTimes(lab)).toBe(times)
  })

  test('--dry-run shows the plan', async () => {
    const { json } = await stack.call(['restore', 'redis', '--from', join(old, 'redis.rdb'), '--dry-run'])
    expect(json).toMatchObject({ dryRun: true, targets: [{ target: 'redis' }] })
  })

  test('none of these has left a snapshot', async () => {
    expect(await listed()).toEqual(snapshots)
  })

  test('doctor finds the stack sound, before somebody follows the page of runbook', async () => {
    const { json } = await stack.call(['doctor'])
    const { checks } = doctorShape.parse(json)
    const bad = checks.filter(({ ok }) => !ok)
    // The lab has no systemd that would start anything with the machine.
    expect(bad.filter(({ name }) => name !== 'restart')).toEqual([])
    expect(checks.find(({ name }) => name === 'repository local')?.detail).toContain('was written, read and deleted')
    expect((await listed()).filter(({ target }) => target === 'doctor')).toEqual([])
  })

  test('who follows the page of the command runbook by a plain shell gets everything back', async () => {
    const targets = subjects.filter(({ name }) => before.has(name))
    const saved = await stack.call(['backup', ...before.keys()])
    expect(saved.exitCode, saved.stdout).toBe(0)
    const digests = new Map<string, string>()
    for (const { name } of targets) digests.set(name, await digest(name))
    const { runbook } = (await stack.call(['runbook'])).json
    for (const { name, destroy } of targets) await shell(subject(name), destroy)

    const { stdout: shown } = await promisify(execFile)('bash', ['-c', scriptOf(runbook, [...before.keys()])], {
      env: { ...process.env, ...lab.env },
      timeout: 300_000,
    })
    for (const { name, ready } of targets)
      if (ready) await eventually(async () => [await shell(subject(name), ready)], 60, `${name} takes data`)
    for (const { name } of targets) expect(await digest(name), shown).toBe(digests.get(name))
    await eventually(async () => (await stack.call(['plan'])).exitCode === 0, 60, 'the controller answers')
  })

  test('P9: no password shows anywhere', () => stack.expectNoSecret())
})
