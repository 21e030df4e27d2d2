import { styleText } from 'node:util'
import type { Sink } from '../io.ts'

/** How text for one stream is rendered. */
export interface TextStyle {
  /** True when a person reads the text: then it has tables and local times, else plain lines and UTC. */
  terminal: boolean
  colour: boolean
  /** IANA name of the zone in which times are shown on a terminal. */
  timezone: string
}

/** The style for a stream. `hasColors` of a terminal heeds NO_COLOR. */
export const textStyleOf = (sink: Sink, timezone: string): TextStyle => ({
  terminal: sink.isTTY === true,
  colour: sink.isTTY === true && sink.hasColors?.() === true,
  timezone,
})

export type Emphasis = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Adds escape codes for the emphasis, when the style has colour. */
export const paint = (style: TextStyle, emphasis: Emphasis, text: string): string =>
  style.colour ? styleText(emphasis, text, { validateStream: false }) : text
