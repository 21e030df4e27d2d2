import { createRequire } from 'node:module'
import { leaveOut } from './leave-out.ts'

export type { infer as Infer, ZodType } from 'zod'

const require = createRequire(import.meta.url)
// Its messages in fifty languages. What is left takes half the time and half the memory of an import, which is 95 files and 20 MiB.
leaveOut(require, 'zod/v4/locales')

/** zod, of which other files import types alone. */
export const { z } = require('zod') as typeof import('zod')
// What is parsed is small: compiling code for each shape would take longer, and stay in memory.
z.config({ jitless: true })
