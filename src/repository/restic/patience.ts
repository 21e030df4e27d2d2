import type { Patience } from '../../lib/child/in-child.ts'

/** restic removes its lock when it is ended, which may need a slow back end. */
export const PATIENCE: Patience = { silenceMs: 15 * 60_000, graceMs: 10_000, killedMs: 2000 }
