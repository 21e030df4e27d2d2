import type { Check } from '../check.ts'
import { checkClock } from './clock.ts'
import { checkControllers } from './controllers.ts'
import { checkEngine } from './engine.ts'
import { checkLabels } from './labels.ts'
import { checkMounts } from './mounts.ts'
import { checkRepositories } from './repositories.ts'
import { checkRestart } from './restart.ts'
import { checkRights } from './rights.ts'
import { checkSpace } from './space.ts'
import { checkTools } from './tools.ts'
import { checkUnprotected } from './unprotected.ts'

/** In the order in which `doctor` shows them, by the name that one has which fails itself. */
export const checks: Readonly<Record<string, Check>> = {
  engine: checkEngine,
  rights: checkRights,
  controller: checkControllers,
  labels: checkLabels,
  mounts: checkMounts,
  unprotected: checkUnprotected,
  tools: checkTools,
  repositories: checkRepositories,
  space: checkSpace,
  clock: checkClock,
  restart: checkRestart,
}
