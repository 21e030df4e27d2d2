import { join } from 'node:path'

/** Where vitest's set-up puts the programs below, bundled with the product as users have it: most of a short run is loading code. */
export const victims = join(import.meta.dirname, '../../node_modules/.cache/victims')

/** The product that kills itself before a step: see test/fault/victim.ts. */
export const victim = join(victims, 'current/victim.mjs')

/** The product that gets a signal at a moment: see test/methods/shared/interrupted.ts. */
export const interrupted = join(victims, 'current/interrupted.mjs')

/** Work of which the memory is measured: see test/fixtures. Stripping types, where no cache has the result, would take 40 MiB of its own. */
export const measured = (name: 'sort-names' | 'pack-tree'): string => join(victims, `current/${name}.mjs`)
