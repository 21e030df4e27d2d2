import type { AnyRow } from './row.ts'
import type { LabelProblem } from './spec.ts'
import { masked, type Refusal, refuse } from './text.ts'

/** One label of ours, taken apart. */
export interface Entry {
  /** As it stands on the container. */
  label: string
  /** What the label starts with, before the key: the default target's or a named one's. */
  base: string
  key: string
  value: string
}

/** All that a problem needs of a row. */
type Typed = Pick<AnyRow, 'type'>

const longestShown = 200

/** The value as a problem may show it. */
export function shownValue(row: Typed, value: string): string {
  return row.type.confidential?.(value) ? masked : shorten(value)
}

/** The value of a key that is none of ours. */
export function shownUnder(key: string, value: string): string {
  return soundsSecret(key) ? masked : shorten(value)
}

export function shorten(text: string): string {
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`
}

export function problemOf(label: string, value: string, reason: string, suggestion?: string): LabelProblem {
  return { label: printable(label), value: printable(value), ...refuse(printable(reason), suggestion) }
}

/** Control characters as they are written in JSON: a label cannot move the cursor of who reads about it. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** May a key of this name, slips included, carry a secret? */
export const soundsSecret = (key: string): boolean => /pas|pwd|pw\b|secr|token|key|cred|auth/i.test(key)

/** A value that its row refused. A suggestion that would show a secret or a long text again is left out. */
export function refusedValue(
  row: Typed,
  { label, value }: Pick<Entry, 'label' | 'value'>,
  refusal: Refusal,
): LabelProblem {
  const { reason, suggestion = '' } = refusal
  const shown = shownValue(row, value)
  const mayShow = suggestion !== '' && suggestion.length <= longestShown && shown !== masked
  return problemOf(label, shown, shorten(reason), mayShow ? suggestion : undefined)
}
