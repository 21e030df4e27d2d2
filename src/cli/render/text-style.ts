import { styleText } from 'node:util'
import type { Sink } from '../io.ts'

/** How text for one stream is rendered. */
export interface TextStyle {
  colour: boolean
  /** IANA name of the zone in which times are shown. */
  timezone: string
  /** The columns that a line may take. Infinity: nothing is moved to another line. */
  width: number
}

/** The style for a stream. `hasColors` of a terminal heeds NO_COLOR. */
export const textStyleOf = (sink: Sink, { timezone, width }: Pick<TextStyle, 'timezone' | 'width'>): TextStyle => ({
  colour: sink.isTTY === true && sink.hasColors?.() === true,
  timezone,
  width,
})

/** The columns of a terminal. A pipe, and a terminal of unknown width, which says 0, have those of COLUMNS, else 80. */
export function widthOf(sink: Sink, environment: Record<string, string | undefined> = {}): number {
  const { COLUMNS = '' } = environment
  return sink.columns || (/^[1-9]\d{0,4}$/.test(COLUMNS) ? Number(COLUMNS) : 80)
}

export type Emphasis = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Adds escape codes for the emphasis, when the style has colour. */
export const paint = (style: TextStyle, emphasis: Emphasis, text: string): string =>
  style.colour ? styleText(emphasis, text, { validateStream: false }) : text
