import { styleText } from 'node:util'
import type { Sink } from '../io.ts'

/** How text for one stream looks. */
export interface TextStyle {
  /** A person reads it: tables and local times. Otherwise plain lines and UTC. */
  terminal: boolean
  colour: boolean
  /** IANA name; times on a terminal are shown in it. */
  timezone: string
}

/** `hasColors` of a terminal heeds NO_COLOR. */
export const textStyleOf = (sink: Sink, timezone: string): TextStyle => ({
  terminal: sink.isTTY === true,
  colour: sink.isTTY === true && sink.hasColors?.() === true,
  timezone,
})

export type Emphasis = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

export const paint = (style: TextStyle, emphasis: Emphasis, text: string): string =>
  style.colour ? styleText(emphasis, text, { validateStream: false }) : text
