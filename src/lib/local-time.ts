const formats = new Map<string, Intl.DateTimeFormat>()

/** British English has the short names of the European zones; zones without one are shown by their offset, `GMT+9`. */
function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone)
  if (known) return known
  const digits = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const
  const format = new Intl.DateTimeFormat('en-GB', {
    ...digits,
    timeZone: timezone,
    hourCycle: 'h23',
    timeZoneName: 'short',
  })
  formats.set(timezone, format)
  return format
}

/** An ISO time in a zone, to the minute, and the short name of the zone: `2026-11-20 03:00`, `CET`. */
export function localTime(iso: string, timezone: string): { minute: string; zone: string } {
  const parts = Object.fromEntries(
    formatOf(timezone)
      .formatToParts(new Date(iso))
      .map(({ type, value }) => [type, value]),
  )
  const { year, month, day, hour, minute, timeZoneName = '' } = parts
  return { minute: `${year}-${month}-${day} ${hour}:${minute}`, zone: timeZoneName }
}
