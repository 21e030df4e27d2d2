const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 }

/** Reads `90s`, `15m`, `24h`, `30d`, `12w` or `1y` (365 days) as seconds. Answers undefined for anything else, `0s` included. */
export function parseDuration(text: string): number | undefined {
  const match = /^([1-9]\d{0,8})([smhdwy])$/.exec(text)
  return match ? Number(match[1]) * (unitSeconds[match[2] as string] as number) : undefined
}

/** Writes seconds as the shortest text that `parseDuration` reads as the same number. */
export function formatDuration(seconds: number): string {
  for (const unit of ['y', 'w', 'd', 'h', 'm'] as const) {
    const size = unitSeconds[unit] as number
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`
  }
  return `${seconds}s`
}
