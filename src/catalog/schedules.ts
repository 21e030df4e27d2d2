import type { ScheduleState, Schedules } from './catalog.ts'
import type { Database } from './database.ts'

export function makeSchedules({ all, change, atomically }: Database): Schedules {
  const schedule = (project: string, target: string): ScheduleState => {
    const [row] = all('SELECT state FROM schedules WHERE project = ? AND target = ?', project, target)
    return row ? (JSON.parse(String(row.state)) as ScheduleState) : {}
  }
  return {
    schedule,
    saveSchedule: (project, target, state) =>
      atomically(() => {
        const merged = JSON.stringify({ ...schedule(project, target), ...state })
        change('INSERT OR REPLACE INTO schedules VALUES (?, ?, ?)', project, target, merged)
      }),
  }
}
