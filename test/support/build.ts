import { build, buildProgram } from '../../scripts/build/build.ts'
import { victims } from './victims.ts'

/** Names in the environment that this run of the tests has built what it starts. */
const built = 'XNAI_BUILT'

/** vitest's global set-up of each layer: the program, and the victims that are made of it, are those of the present sources. */
export default async function setUp(): Promise<void> {
  if (process.env[built]) return
  await buildProgram()
  await build(victims, {
    victim: 'test/fault/victim.ts',
    interrupted: 'test/methods/shared/interrupted.ts',
    'sort-names': 'test/fixtures/sort-names.ts',
    'pack-tree': 'test/fixtures/pack-tree.ts',
  })
  process.env[built] = '1'
}
