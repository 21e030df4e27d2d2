import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const root = join(import.meta.dirname, '../..')

/** Where the weights stand: seconds by test file, written by the reporter of durations.ts. */
export const weightsFile = join(root, 'test/weights.json')

/** Seconds that a test file took, by its path in the checkout. */
export type Weights = Record<string, number>

/** The layer of a test file: `test/fault/a.test.ts` is of `fault`. */
export const layerOf = (path: string): string => path.split('/')[1] ?? ''

/**
 * Sorts paths by weight, the heaviest first. A path without a weight counts as the mean of its layer, and as nothing where no file of the
 * layer has one.
 */
export function longestFirst(paths: string[], weights: Weights): string[] {
  const layers = Map.groupBy(Object.entries(weights), ([path]) => layerOf(path))
  const means = new Map([...layers].map(([layer, files]) => [layer, mean(files.map(([, seconds]) => seconds))]))
  const weightOf = (path: string) => weights[path] ?? means.get(layerOf(path)) ?? 0
  return paths.toSorted((a, b) => weightOf(b) - weightOf(a))
}

const mean = (numbers: number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length

/** The path of a test file in the checkout, with which the weights name it. */
export const pathInCheckout = (moduleId: string): string => relative(root, moduleId)

/**
 * vitest's sequencer: a long file that starts last would keep one worker busy while the others have nothing left to do.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const weights: Weights = JSON.parse(readFileSync(weightsFile, 'utf8'))
    const order = longestFirst(
      files.map(({ moduleId }) => pathInCheckout(moduleId)),
      weights,
    )
    const rank = new Map(order.map((path, index) => [path, index]))
    const rankOf = ({ moduleId }: TestSpecification) => rank.get(pathInCheckout(moduleId)) ?? 0
    return files.toSorted((a, b) => rankOf(a) - rankOf(b))
  }
}
