const dayMs = 86_400_000

/** A time of September 2026, which begins with a Tuesday. */
export const at = (day: number, time: string): Date =>
  new Date(Date.parse(`2026-09-01T${time}:00Z`) + (day - 1) * dayMs)

/** Nights in which the machine is off until nine in the morning, and days in which it does not run at all. */
const lateDays = [5, 12, 13, 26]
const offDays = [8, 17, 18, 19]

/** The machine loses its power, and stays off for days. */
export const isPowerCut = (time: Date): boolean => time.getTime() === at(16, '04:03').getTime()

/** What is wrong on some days, for everybody in the stack. */
export const isRemoteAway = (now: Date): boolean => [10, 11, 12, 13, 14].includes(now.getUTCDate())
export const isDiskFull = (now: Date): boolean => now.getUTCDate() === 24
/** The database does not answer in the night. It does in the morning. */
export const isDown = (target: string, now: Date): boolean =>
  target === 'db' && now.getUTCDate() === 22 && now.getUTCHours() < 3
/** A row is missing in what this drill restores. */
export const lacksRow = (target: string, now: Date): boolean => target === 'db' && now.getUTCDate() === 13
/** Somebody has removed most of the files. */
export const bytesOf = (target: string, now: Date): number =>
  target === 'files' && now.getUTCDate() === 28 ? 500_000 : 1_500_000

/** When the machine runs: around the slots of backups, of the removal and, on Sundays, of drills. */
export const spansOf = (days: number): [Date, Date][] =>
  Array.from({ length: days }, (_, index) => spansOfDay(index + 1)).flat()

function spansOfDay(day: number): [Date, Date][] {
  const span = (from: string, to: string): [Date, Date] => [at(day, from), at(day, to)]
  if (offDays.includes(day)) return []
  if (lateDays.includes(day)) return [span('09:00', '09:06')]
  const isSunday = at(day, '00:00').getUTCDay() === 0
  const nightly = [span('01:59', '02:03'), span('03:59', '04:03')]
  return isSunday ? [...nightly, span('04:59', '05:04')] : nightly
}
