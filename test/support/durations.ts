import { readFileSync, writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import { layerOf, pathInCheckout, type Weights, weightsFile } from './longest-first.ts'

/** Its files are short, and fill the gaps that the others leave. */
const unweighted = 'unit'

/** What one test file took, hooks included. */
export interface FileDuration {
  layer: string
  path: string
  seconds: number
}

/**
 * vitest's reporter that prints at the end how long each layer took, and the longest files. With XNAI_RENEW_WEIGHTS=1
 * it also replaces the weights of the layers of this run in test/weights.json, which is meant for a whole run on a machine
 * that does nothing else.
 */
export class Durations implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const durations = modules.map(durationOf)
    process.stderr.write(`\n${renderDurations(durations)}\n`)
    if (process.env.XNAI_RENEW_WEIGHTS) renewWeights(durations)
  }
}

function durationOf(module: TestModule): FileDuration {
  return {
    layer: module.project.name,
    path: pathInCheckout(module.moduleId),
    seconds: module.diagnostic().duration / 1000,
  }
}

/**
 * One line for each layer and for each of the five longest files. Files run beside each other, so sums exceed the time
 * that passed.
 */
export function renderDurations(durations: FileDuration[]): string {
  const layers = Map.groupBy(durations, ({ layer }) => layer)
  const sums = [...layers].map(([layer, files]) => `${layer} ${sum(files)} s in ${files.length} files`)
  const longest = durations.toSorted((a, b) => b.seconds - a.seconds).slice(0, 5)
  return [
    `Sum of durations by layer: ${sums.join(', ')}`,
    ...longest.map(({ path, seconds }) => `  ${seconds.toFixed(0).padStart(4)} s  ${path}`),
  ].join('\n')
}

const sum = (files: FileDuration[]) => files.reduce((total, { seconds }) => total + seconds, 0).toFixed(0)

function renewWeights(durations: FileDuration[]): void {
  const layers = new Set(durations.map(({ layer }) => layer))
  const old: Weights = JSON.parse(readFileSync(weightsFile, 'utf8'))
  const others = Object.entries(old).filter(([path]) => !layers.has(layerOf(path)))
  const own = durations
    .filter(({ layer }) => layer !== unweighted)
    .map(({ path, seconds }): [string, number] => [path, Math.round(seconds)])
  const weights = Object.fromEntries([...others, ...own].toSorted(([a], [b]) => a.localeCompare(b)))
  writeFileSync(weightsFile, `${JSON.stringify(weights, undefined, 2)}\n`)
}
