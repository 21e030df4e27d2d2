import { html, raw } from 'hono/html'
import { version } from '../version.ts'
import { assets } from './assets.ts'
import type { View } from './view.ts'
import { when } from './words.ts'

/** Escaped text of a page. */
export type Html = ReturnType<typeof html>

export interface DocumentOptions {
  title: string
  main: Html
  /** Shown at the end. Absent on pages that show nothing of the stack. */
  view?: View
}

/** A whole page. It is complete without its script, which only renews the parts that are marked `data-live`. */
export function renderDocument({ title, main, view }: DocumentOptions): Html {
  return html`${raw('<!doctype html>')}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="stylesheet" href="${assets.style.path}">
<link rel="icon" type="image/svg+xml" href="${assets.icon.path}">
${view ? html`<script type="module" src="${assets.script.path}"></script><noscript><meta http-equiv="refresh" content="60"></noscript>` : ''}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
  <a class="brand" href="/"><img src="${assets.icon.path}" alt="" width="28" height="28">xnai-backup</a>
  ${view ? html`<span id="link" class="link" role="status"></span>` : ''}
  ${view?.canLogOut ? html`<form method="post" action="/logout"><button class="quiet">Log out</button></form>` : ''}
</header>
<main id="main">${main}</main>
<footer>${view ? renderFoot(view) : ''}<span>xnai-backup ${version}</span></footer>
</body>
</html>`
}

const renderFoot = ({ pass, timezone }: View): Html =>
  html`<span id="foot" data-live>Seen by the controller at ${when(pass.time, timezone)}</span>`
