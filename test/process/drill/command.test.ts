import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../support/cli.ts'
import { listShape, logsShape, statusShape, verifyShape } from '../../support/json-shapes.ts'
import { setOneApp } from '../../support/one-app.ts'

test('verify shows what was checked, writes the evidence, and status, list and logs know of it', async () => {
  const { folder, engine, stage } = setOneApp()
  expect((await run(['backup', 'app', '--json'], stage)).exitCode).toBe(0)
  const { exitCode, stdout } = await run(['verify', '--all', '--evidence', folder], stage)
  expect(exitCode).toBe(0)
  expect(stdout).toContain('proved: shop/app: stored bytes: as stored\n')
  expect(stdout).toContain('untested: shop/app: the service was not started')
  expect(stdout).toMatch(/TARGET +RESULT +SNAPSHOT +TOOK +LIMIT +CHECKS +TIER\nshop\/app +verified/)

  const [name = ''] = readdirSync(folder).filter((one) => one.startsWith('drill-'))
  const evidence = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  expect(evidence).toMatchObject({ format: 1, targets: [{ target: 'app', verdict: 'verified' }] })
  expect(stdout).toContain(`evidence: ${join(folder, name)}\n`)

  const status = statusShape.parse((await run(['status', '--json'], stage)).json())
  expect(status.targets[0]).toMatchObject({ lastVerdict: 'verified', rtoMet: true, rtoSeconds: 7200, problems: [] })
  const { snapshots } = listShape.parse((await run(['list', '--json'], stage)).json())
  expect(snapshots[0]?.verified?.time).toBe(status.targets[0]?.lastDrill)
  expect(snapshots[0]?.kept).toContain('newest verified')
  const { runs } = logsShape.parse((await run(['logs', '--json'], stage)).json())
  const drilled = { kind: 'drill', outcome: 'complete', snapshot: snapshots[0]?.id }
  expect(runs).toContainEqual(expect.objectContaining(drilled))
  expect(await engine.listScratch(new AbortController().signal)).toEqual([])
})

test('a drill that fails ends with exit code 1, and is a problem of the target', async () => {
  const { backups, stage } = setOneApp()
  await run(['backup', 'app'], stage)
  const [artifact = ''] = readdirSync(backups, { recursive: true }).filter((one) => String(one).endsWith('.tar.zst'))
  rmSync(join(backups, String(artifact)))
  const { exitCode, json } = await run(['verify', 'app', '--json'], stage)
  expect(exitCode).toBe(1)
  const { targets } = verifyShape.parse(json())
  expect(targets).toMatchObject([{ verdict: 'failed', error: { code: 'SNAPSHOT_DAMAGED' } }])
})

test.each([
  [['verify'], 'name a target'],
  [['verify', 'app', '--tier', 'far'], 'it is local or remote'],
  [['verify', 'app', '--tier', 'remote'], 'no remote repository'],
  [['verify', 'nobody'], 'no target nobody'],
])('%j is refused', async (args, said) => {
  const { stage } = setOneApp()
  const { exitCode, stderr } = await run(args, stage)
  expect([2, 4]).toContain(exitCode)
  expect(stderr).toContain(said)
})
