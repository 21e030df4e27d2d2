import { defineConfig } from 'vitest/config'

/** A layer of tests: the folder test/NAME, in processes of its own. */
const layer = (name: string, timeoutSeconds: number, more: object = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    pool: 'forks' as const,
    testTimeout: timeoutSeconds * 1000,
    hookTimeout: timeoutSeconds * 1000,
    ...more,
  },
})

/** Layers that start containers: two files at once on two cores, after set-up. */
const onPodman = { globalSetup: 'test/support/set-up.ts', maxWorkers: 2 }

export default defineConfig({
  test: {
    projects: [
      layer('unit', 5, { include: ['test/unit/**/*.test.ts', 'test/*.test.ts'] }),
      layer('contract', 60, onPodman),
      layer('process', 60),
      layer('fault', 300, { maxWorkers: 2 }),
      layer('scenario', 600, onPodman),
    ],
  },
})
