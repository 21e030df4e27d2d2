const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/** A duration in words for people, in its largest unit of which there are three: `26 hours`, `150 minutes`. */
export function roughly(seconds: number): string {
  for (const [name, size] of units) if (seconds >= 3 * size) return `${Math.floor(seconds / size)} ${name}s`
  return `${Math.round(seconds)} seconds`
}

/** A size in words for people: `1.5 GB`. */
export function roughBytes(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${['bytes', 'kB', 'MB', 'GB', 'TB'][power]}`
}
