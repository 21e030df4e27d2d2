import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { RestoreContext, StoredSnapshot } from '../../src/methods/method.ts'
import { restore } from '../../src/methods/victoriametrics/restore.ts'
import { plainSpec } from '../support/method-context.ts'

test('a storage that is swapped for a link while it is filled does not give its owner and mode to where the link leads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xnai-storage-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const at = (name: string) => join(folder, name)
  for (const name of ['mount', 'mount/storage', 'outside']) mkdirSync(at(name))
  chmodSync(at('mount/storage'), 0o755)
  chmodSync(at('outside'), 0o700)
  const ctx = {
    hostPath: (path: string) => `${folder}/mount/./${path.slice('/data/'.length)}`,
    service: { stop: async () => {} },
    signal: new AbortController().signal,
    warn: () => {},
  } as unknown as RestoreContext
  const extract = async () => {
    renameSync(at('mount/storage'), at('mount/away'))
    symlinkSync(at('outside'), at('mount/storage'))
    chmodSync(at('mount/away'), 0o700)
  }
  const artifact = { kind: 'tree', name: 'storage', origin: '/data/storage', bytes: 0, stored: undefined } as const
  const snapshot = { id: 'one', facts: { storage: '/data/storage' }, artifacts: [artifact], extract }
  const options = { port: 8428 } as Parameters<typeof plainSpec<'victoriametrics'>>[1]
  await restore(ctx, plainSpec('victoriametrics', options), snapshot as unknown as StoredSnapshot)
  expect(statSync(at('outside')).mode & 0o777).toBe(0o700)
  expect(statSync(at('mount/away')).mode & 0o777).toBe(0o755)
})
