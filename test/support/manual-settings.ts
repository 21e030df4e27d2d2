import type { PlanSettings } from '../../src/plan/plan.ts'

/** Settings under which nothing runs by itself, and everything is kept. */
export const manualSettings: PlanSettings = {
  schedule: { kind: 'manual' },
  drill: 'off',
  timezone: 'UTC',
  rpoSeconds: 86_400,
  rtoSeconds: 7200,
  retention: { local: { last: 9 }, remote: { last: 9 } },
}
