import { existsSync } from 'node:fs'
import type { Browser } from 'playwright-core'

/** Where Debian has it. Set-up installs the first one for the tests. */
const places = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium']

/** A headless Chromium of this machine. Undefined where there is none. */
export async function openBrowser(): Promise<Browser | undefined> {
  const executablePath = places.find((path) => existsSync(path))
  if (executablePath === undefined) return undefined
  const { chromium } = await import('playwright-core')
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}
