import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { MethodContext } from '../../../../src/methods/method.ts'
import { connect } from '../../../../src/methods/postgres/client.ts'

test('a psql that is not let in leaves nothing of its input unread, because Podman would lose what it says', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'psql-'))
  try {
    writeFileSync(join(dir, 'psql'), '#!/bin/sh\necho "FATAL:  password authentication failed" >&2\nexit 2\n')
    chmodSync(join(dir, 'psql'), 0o755)
    const unread: string[] = []
    const exec: MethodContext['exec'] = async (command, { input, environment } = {}) => {
      const env = { ...environment, PATH: `${dir}:${process.env.PATH}` }
      const args = ['-c', '"$@"; code=$?; cat; exit "$code"', 'sh', ...command]
      const { status, stdout, stderr } = spawnSync('/bin/sh', args, { input: String(input), env, encoding: 'utf8' })
      unread.push(stdout)
      return { exitCode: status ?? 137, stdout: '', stderr }
    }
    const ctx = { container: { name: 'db-1', environment: new Map() }, exec } as unknown as MethodContext
    await expect(connect(ctx, {})).rejects.toMatchObject({ code: 'AUTH_FAILED' })
    expect(unread).toEqual([''])
  } finally {
    rmSync(dir, { recursive: true })
  }
})
