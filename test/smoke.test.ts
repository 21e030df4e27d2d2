import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { program } from '../lab/program.ts'
import packageJson from '../package.json' with { type: 'json' }

/** vitest compiles the sources itself: only a process shows that what scripts/build.ts makes of them runs. */

function runProgram(...args: string[]) {
  const state = mkdtempSync(join(tmpdir(), 'xnai-smoke-'))
  onTestFinished(() => rmSync(state, { recursive: true, force: true }))
  const env = { XNAI_BACKUP_STATE: state, CONTAINER_HOST: `unix://${state}/none.sock`, NODE_OPTIONS: '' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('--version is the version of the package', { timeout: 60_000 }, () => {
  expect(runProgram('--version')).toMatchObject({ status: 0, stdout: `${packageJson.version}\n` })
})

test('wrong usage ends with exit code 2', { timeout: 60_000 }, () => {
  const { status, stdout, stderr } = runProgram('bakup')
  expect(stderr).toContain("unknown command 'bakup'")
  expect(stdout).toBe('')
  expect(status).toBe(2)
})

test('without an engine the error is a JSON document, and the exit code 1', { timeout: 60_000 }, () => {
  const { status, stdout } = runProgram('plan', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ENGINE_UNREACHABLE' } })
  expect(status).toBe(1)
})
