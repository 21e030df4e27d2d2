import { expect, test } from 'vitest'
import { eventually, startLab } from '../../../lab/lab.ts'
import { buildIndex, makeStack } from '../../../lab/stack.ts'

/** podman-compose waits forever for a healthy service on Podman before 4.6. */
const override = `
services:
  vikunja:
    depends_on:
      vikunja-db:
        condition: service_started
`

test('the example stack under podman-compose: plan, back up, destroy, restore; backups outlive down --volumes', async () => {
  await using lab = await startLab('podman-compose', { health: true })
  const stack = await makeStack(lab, { program: 'podmanCompose', override })
  await stack.up()
  const sql = (statement: string) => stack.shell('vikunja-db', `psql -qAtX -U vikunja -c "${statement}"`)
  await eventually(() => sql('SELECT 1'), 60, 'the database answers')
  await sql('CREATE TABLE tasks AS SELECT generate_series(1, 1000) AS id')
  await stack.shell('rag', buildIndex)
  await stack.shell('rag', 'echo kept >/app/data/faiss_index/index.ids')

  const { json: plan } = await stack.call(['plan'])
  expect(plan.problems).toEqual([])
  const stops = plan.targets.find(({ target }: { target: string }) => target === 'faiss').stops
  expect(new Set(stops)).toEqual(new Set([stack.container('rag'), stack.container('rag-ingest')]))
  const backup = await stack.call(['backup', 'vikunja-db', 'faiss'])
  expect(backup.json.outcome, backup.stdout).toBe('complete')

  await sql('DROP TABLE tasks')
  await stack.shell('rag', 'rm -r /app/data/faiss_index')
  const before = await stack.running()
  const restore = await stack.call(['restore', 'vikunja-db', 'faiss', '--yes'])
  expect(restore.json.outcome, restore.stdout).toBe('complete')
  expect(await sql('SELECT count(*) FROM tasks')).toBe('1000\n')
  expect(await stack.shell('rag', 'cat /app/data/faiss_index/index.ids')).toBe('kept\n')
  await expect.poll(stack.running, { timeout: 30_000 }).toEqual(before)
  await stack.expectNoSecret()

  await stack.compose(['down', '--volumes'])
  expect(await lab.podman(['volume', 'list', '--quiet'])).toBe('')
  for (const { snapshot } of backup.json.targets)
    expect(await stack.shell(undefined, `find "$PWD/../backups" -path '*/${snapshot}/manifest.json'`)).toMatch(/\n$/)
})
