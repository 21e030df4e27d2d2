import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runMeasured } from '../../lab/peak-memory.ts'
import { measured } from '../support/victims.ts'

/** Peak memory of a script of test/fixtures in MiB, and what it printed. */
async function measure(
  script: 'sort-names' | 'pack-tree',
  args: string[],
): Promise<{ said: string; mebibytes: number }> {
  const command = [...flags, measured(script), ...args]
  const { exitCode, stdout, stderr, peakBytes } = await runMeasured(process.execPath, command, {
    MALLOC_ARENA_MAX: '1',
  })
  expect(exitCode, stderr).toBe(0)
  return { said: stdout.trim(), mebibytes: peakBytes / 1024 / 1024 }
}

/** As the product starts itself. */
const flags = ['--max-semi-space-size=2', '--disable-warning=ExperimentalWarning']

test('P8: a folder of a million long names needs no more memory than one of few', async () => {
  const { said, mebibytes } = await measure('sort-names', [])
  expect(said).toBe('1000000')
  expect(mebibytes).toBeGreaterThan(20)
  expect(mebibytes).toBeLessThan(150)
})

test('P8: attributes of 45 KB on each of 1,600 files are packed with as much memory as those of few', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tree-memory-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', folder])
  try {
    const value = Buffer.alloc(45_000, 'x').toString('base64')
    let dump = ''
    for (let index = 0; index < 1600; index++) {
      writeFileSync(join(folder, `file-${index}`), '')
      dump += `# file: file-${index}\nuser.large=0s${value}\n\n`
    }
    execFileSync('setfattr', ['--restore=-'], { cwd: folder, input: dump })
    const { said, mebibytes } = await measure('pack-tree', [folder])
    expect(Number(said)).toBeGreaterThan(1600 * 45_000)
    expect(mebibytes).toBeGreaterThan(20)
    expect(mebibytes).toBeLessThan(150)
  } finally {
    execFileSync('umount', [folder])
    rmSync(folder, { recursive: true })
  }
})
