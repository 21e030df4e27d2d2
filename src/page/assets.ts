import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A file that every page needs. Its path names its content, so that a browser may keep it. */
export interface Asset {
  path: string
  type: string
  body: string
}

const load = (name: string, type: string): Asset => {
  const body = readFileSync(new URL(`assets/${name}`, import.meta.url), 'utf8')
  const [stem, ending] = name.split('.')
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
  return { path: `/assets/${stem}-${hash}.${ending}`, type, body }
}

export const assets = {
  style: load('page.css', 'text/css; charset=utf-8'),
  script: load('live.js', 'text/javascript; charset=utf-8'),
  icon: load('icon.svg', 'image/svg+xml'),
}
