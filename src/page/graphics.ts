import { area, curveMonotoneX, line } from 'd3-shape'
import { html } from 'hono/html'
import type { Html } from './layout.ts'
import type { Tone } from './words.ts'

/** A bar of how much of a limit is used. `label` says the same in words, for who does not see it. */
export function bar(part: number, whole: number, tone: Tone, label: string): Html {
  const filled = whole > 0 ? Math.max(0, Math.min(100, (part / whole) * 100)) : 0
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="${label}">
    <rect class="track" width="100" height="8" rx="1"></rect><rect class="${tone}" width="${round(filled)}" height="8" rx="1"></rect>
  </svg>`
}

export interface Point {
  /** Milliseconds since 1970. */
  at: number
  value: number
}

const width = 100
const height = 28
const margin = 3

/** A curve over time, from zero on. It needs two points. */
export function trend(points: Point[], label: string): Html | '' {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last || first === last) return ''
  const most = Math.max(...points.map(({ value }) => value), 1)
  const span = Math.max(1, last.at - first.at)
  const x = ({ at }: Point) => round(((at - first.at) / span) * width)
  const y = ({ value }: Point) => round(height - margin - (value / most) * (height - 2 * margin))
  const curve = line<Point>(x, y).curve(curveMonotoneX)(points) ?? ''
  const below = area<Point>().x(x).y0(height).y1(y).curve(curveMonotoneX)(points) ?? ''
  return html`<svg class="trend" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}">
    <path class="below" d="${below}"></path><path class="curve" d="${curve}"></path>
  </svg>`
}

const round = (value: number): number => Math.round(value * 100) / 100
