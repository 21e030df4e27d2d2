import { defineConfig } from 'vitest/config'
import { compileCache } from './lab/program.ts'
import { Durations } from './test/support/durations.ts'
import { LongestFirst } from './test/support/longest-first.ts'

const built = 'test/support/build.ts'

/**
 * Layers without containers mostly compute: on two cores, the smallest machine that this suite is meant for, a third worker makes up for
 * those that wait for a lock of restic, a deadline or a disk.
 */
const quick = { sequence: { groupOrder: 1 }, maxWorkers: 3, globalSetup: built }

/**
 * Layers on real Podman come after set-up and share one queue. Their tests wait for services half of the time, so twice as many workers
 * as cores pay off.
 */
const onPodman = { sequence: { groupOrder: 2 }, maxWorkers: 4, globalSetup: [built, 'test/support/set-up.ts'] }

/** Starts of the program share what Node has compiled. */
const env = { NODE_COMPILE_CACHE: compileCache }

export default defineConfig({
  test: {
    reporters: ['default', new Durations()],
    sequence: { sequencer: LongestFirst },
    projects: [
      // Pure parts share their modules: a process for each file would spend half its time on loading them.
      layer('unit', 60, { ...quick, isolate: false, include: ['test/unit/**/*.test.ts', 'test/*.test.ts'] }),
      layer('process', 240, quick),
      layer('contract', 600, onPodman),
      layer('fault', 900, quick),
      layer('methods', 900, onPodman),
      layer('scenario', 900, onPodman),
    ],
  },
})

/** A layer of tests: the folder test/NAME, one process a file. */
function layer(name: string, timeoutSeconds: number, settings: object) {
  const timeout = timeoutSeconds * 1000
  const include = [`test/${name}/**/*.test.ts`]
  const limits = { testTimeout: timeout, hookTimeout: timeout }
  return { test: { name, include, env, pool: 'forks' as const, ...limits, ...settings } }
}
