import { renderMetrics } from '../../../../src/metrics/render.ts'
import { prefix } from '../../../../src/metrics/table.ts'
import type { MetricsView } from '../../../../src/metrics/view.ts'
import type { Received } from '../../../support/sinks.ts'

/** `09-13 09:00:41` */
const short = (time: Date): string => time.toISOString().slice(5, 19).replace('T', ' ')

/** What the receiver got: a line with the time and the title of each message, and below it a line for each thing that is told. */
export function renderMessages(received: Received[]): string {
  const blocks = received.map(({ body }) => {
    const { time, title, text } = JSON.parse(body)
    return [`${short(new Date(time))}  ${title}`, ...text.split('\n').map((line: string) => `    ${line}`)]
  })
  return blocks.map((lines) => `${lines.join('\n')}\n`).join('')
}

/** The metrics as they were scraped, a column for each time. Times are shown as people read them. */
export async function renderScrapes(scrapes: MetricsView[]): Promise<string> {
  const columns = await Promise.all(scrapes.map(seriesOf))
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))]
  const rows = [
    ['scraped at', ...scrapes.map(({ pass }) => (pass ? short(pass.at) : ''))],
    ...names.map((name) => [name, ...columns.map((column) => column.get(name) ?? '')]),
  ]
  const widths = rows[0]?.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0))) ?? []
  const lines = rows.map((row) => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  '))
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

async function seriesOf(view: MetricsView): Promise<Map<string, string>> {
  const { text } = await renderMetrics({ ...view, version: '1.2.3' })
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      const name = line.slice(prefix.length, at)
      return [name, readable(name, line.slice(at + 1))]
    }),
  )
}

function readable(name: string, value: string): string {
  const seconds = Number(value)
  const isTime = /_timestamp_seconds($|\{)/.test(name) && seconds > 0
  return isTime ? short(new Date(seconds * 1000)) : value
}
