import { join } from 'node:path'

const current = join(import.meta.dirname, '../dist/current')

/** The program as its users start it. vitest's set-up and the benches build it. */
export const program = join(current, 'main.mjs')

/** What Node keeps of the program in its compiled form, which is half the time of a short command. Node checks that it belongs to the source. */
export const compileCache = join(current, 'compiled')
