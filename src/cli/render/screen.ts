import type { Sink } from '../io.ts'

/** A terminal whose last lines are live: they are redrawn in place, and other text appears above them. */
export interface Screen {
  /** Writes text above the live lines. It MUST end with a newline when there are any. */
  write(text: string): void
  /** Replaces the live lines; an empty list removes them. Does nothing when the sink is no terminal. */
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
      // A line that wraps would take two rows, and the cursor would not move up far enough. A terminal of unknown width says 0.
      shown = lines.map((line) => line.slice(0, (sink.columns || 80) - 1))
      sink.write(start + draw())
    },
  }
}
