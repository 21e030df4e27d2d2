import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ownFile } from '../lib/own-files.ts'

/** A file that every page needs. Its path names its content, so that a browser may keep it. */
export interface Asset {
  path: string
  type: string
  body: string
}

const load = (name: string, path: string, type: string): Asset => {
  const body = readFileSync(path, 'utf8')
  const [stem, ending] = name.split('.')
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
  return { path: `/assets/${stem}-${hash}.${ending}`, type, body }
}

export const assets = {
  style: load('page.css', ownFile('page/assets/page.css'), 'text/css; charset=utf-8'),
  script: load('live.js', ownFile('page/assets/live.js'), 'text/javascript; charset=utf-8'),
  icon: load('icon.svg', ownFile('page/assets/icon.svg'), 'image/svg+xml'),
}
