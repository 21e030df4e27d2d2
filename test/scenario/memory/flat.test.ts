import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeHalfCompressible } from '../../../lab/half-compressible.ts'
import { startLab } from '../../../lab/lab.ts'
import { runMeasured } from '../../../lab/peak-memory.ts'
import { productOf } from '../../../lab/product.ts'
import { program } from '../../../lab/program.ts'
import { backedUp } from '../../support/story.ts'

/** Limits in MiB: of the process itself, and of the child that works on the tree. */
const [ownLimit, childLimit] = [200, 256]
/** The name of a process of Node. */
const treeChild = 'node-MainThread'

/** The cases `memory-…` of `npm run bench` do the same with 5 GB. */
test('P8: backup and restore of a big volume stay under 200 MiB, and the child that works on it under 256 MiB', async () => {
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
    const { exitCode, stderr, peakBytes, childPeaks } = await runMeasured(program, args, env)
    expect(exitCode, stderr).toBe(0)
    const own = peakBytes / 1024 / 1024
    const ofTrees = (childPeaks.get(treeChild) ?? 0) / 1024 / 1024
    for (const peak of [own, ofTrees]) expect(peak, args[0]).toBeGreaterThan(20)
    expect(own, args[0]).toBeLessThan(ownLimit)
    expect(ofTrees, args[0]).toBeLessThan(childLimit)
  }
})
