import { defineConfig } from 'vitest/config'

/** Layers that start containers come after set-up, and two files at a time: that many cores a build server has. */
const onPodman = { globalSetup: 'test/support/set-up.ts', maxWorkers: 2 }

export default defineConfig({
  test: {
    projects: [
      layer(1, 'unit', 30, { include: ['test/unit/**/*.test.ts', 'test/*.test.ts'] }),
      layer(2, 'process', 120),
      layer(3, 'contract', 240, onPodman),
      layer(4, 'fault', 1500, onPodman),
      layer(5, 'methods', 900, onPodman),
      layer(6, 'scenario', 900, onPodman),
    ],
  },
})

/** A layer of tests: the folder test/NAME, one process a file; layers run one after the other, the quick ones first. */
function layer(groupOrder: number, name: string, timeoutSeconds: number, more: object = {}) {
  const timeout = timeoutSeconds * 1000
  const include = [`test/${name}/**/*.test.ts`]
  return {
    test: {
      name,
      include,
      pool: 'forks' as const,
      testTimeout: timeout,
      hookTimeout: timeout,
      sequence: { groupOrder },
      ...more,
    },
  }
}
