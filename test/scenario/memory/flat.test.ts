import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeHalfCompressible } from '../../../lab/half-compressible.ts'
import { startLab } from '../../../lab/lab.ts'
import { runMeasured } from '../../../lab/peak-memory.ts'
import { productOf } from '../../../lab/product.ts'
import { backedUp } from '../../support/story.ts'

const main = join(import.meta.dirname, '../../../src/main.ts')
const limitMebibytes = 256
/** The name of a process of Node. */
const treeChild = 'node-MainThread'

/** bench/memory.ts does the same with 5 GB. */
test('P8: backup and restore of a big volume stay under 256 MiB', async () => {
  await using lab = await startLab('memory')
  const { env, repository } = productOf(lab)
  mkdirSync(repository, { recursive: true })
  const folder = join(lab.dir, 'files', 'data')
  mkdirSync(folder)
  await lab.run({
    name: 'data',
    command: ['sh', '-c', 'trap exit TERM; sleep infinity & wait'],
    volumes: [`${folder}:/data`],
    labels: backedUp('files'),
  })
  writeHalfCompressible(join(folder, 'big'), 500)
  for (let index = 0; index < 10; index++) writeHalfCompressible(join(folder, `file-${index}`), 10)

  for (const args of [
    ['backup', 'data'],
    ['restore', 'data', '--yes'],
  ]) {
    const { exitCode, stderr, peakBytes, childPeaks } = await runMeasured(main, args, env)
    expect(exitCode, stderr).toBe(0)
    expect(peakBytes / 1024 / 1024, args[0]).toBeGreaterThan(20)
    // The child that works on the tree is a part of the product too.
    const ofTrees = childPeaks.get(treeChild) ?? 0
    expect(ofTrees / 1024 / 1024, args[0]).toBeGreaterThan(20)
    expect((peakBytes + ofTrees) / 1024 / 1024, args[0]).toBeLessThan(limitMebibytes)
  }
})
