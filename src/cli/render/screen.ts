import type { Sink } from '../io.ts'

/** A terminal whose last lines are redrawn in place while other text scrolls by above them. */
export interface Screen {
  write(text: string): void
  /** Replaces the live lines; none takes them away. Heeded on a terminal only. */
  live(lines: string[]): void
}

export function makeScreen(sink: Sink): Screen {
  let shown: string[] = []
  const clear = () => (shown.length > 0 ? `\x1b[${shown.length}A\x1b[J` : '')
  const draw = () => shown.map((line) => `${line}\n`).join('')
  return {
    write: (text) => sink.write(`${clear()}${text}${draw()}`),
    live: (lines) => {
      if (!sink.isTTY) return
      const start = clear()
      // A line that wraps would take two rows and break the way back up. A terminal of unknown width says 0.
      shown = lines.map((line) => line.slice(0, (sink.columns || 80) - 1))
      sink.write(start + draw())
    },
  }
}
