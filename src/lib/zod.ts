import { z } from 'zod'

export type { infer as Infer, ZodType } from 'zod'

// What is parsed is small: compiling code for each shape would take longer, and stay in memory.
z.config({ jitless: true })

/** zod, of which other files import types alone. */
export { z }
