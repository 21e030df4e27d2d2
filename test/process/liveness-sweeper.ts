import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { takeDeadLock } from '../../src/lib/liveness-lock.ts'

/** Removes the locks of dead holders in a folder, again and again, as every process does at its start. Its caller ends it. */
const folder = process.argv[2] as string
process.stdout.write('sweeping\n')
for (;;) for (const name of readdirSync(folder)) takeDeadLock(join(folder, name))?.[Symbol.dispose]()
