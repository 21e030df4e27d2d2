import { styleText } from 'node:util'
import type { Sink } from '../command.ts'

/** How text for one stream looks. */
export interface Look {
  /** A person reads it: tables and local times. Otherwise plain lines and UTC. */
  terminal: boolean
  colour: boolean
  /** IANA name; times on a terminal are shown in it. */
  timezone: string
}

/** `hasColors` of a terminal heeds NO_COLOR. */
export const lookOf = (sink: Sink, timezone: string): Look => ({
  terminal: sink.isTTY === true,
  colour: sink.isTTY === true && sink.hasColors?.() === true,
  timezone,
})

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

export const paint = (look: Look, style: Style, text: string): string =>
  look.colour ? styleText(style, text, { validateStream: false }) : text
