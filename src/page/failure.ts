import { html } from 'hono/html'
import type { ErrorReport } from '../errors.ts'
import { type Html, renderDocument } from './layout.ts'

/** Shown in place of a page that cannot be made now. */
export function renderFailure({ message, hint }: Pick<ErrorReport, 'message' | 'hint'>): Html {
  const main = html`<section class="verdict bad"><h1>Nothing can be shown now</h1><p>${message}</p><p class="hint">${hint}</p></section>`
  return renderDocument({ title: 'xnai-backup', main })
}
