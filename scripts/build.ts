/** build.ts: puts what bin/xnai-backup and the image run into `dist`. `npm ci --omit=dev` brings all that it needs. */
import { buildProgram } from './build/build.ts'

try {
  await buildProgram()
} catch (error) {
  console.error(`error: the program cannot be built: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
