import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openBrowser } from '../../../lab/browser.ts'
import { eventually } from '../../../lab/lab.ts'
import { callProgram } from '../../../lab/product.ts'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { fillPast, makePageStack, type PageStack } from '../../support/page-stack.ts'
import { type Daemon, startDaemon } from '../../support/product-daemon.ts'
import { victim } from '../../support/victims.ts'

/**
 * The page in a real browser: Debian's headless Chromium looks at a real controller with real backups on a fake engine. With
 * XNAI_PICTURES=yes its pictures become those of the docs.
 */

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const token = 'correct-horse-battery'
const target = '/targets/shop/qdrant'

/** A busy machine renders slowly. */
const patienceMs = 120_000

/** What the docs show. */
const pictured = ['overview', 'overview-dark', 'service-phone']

let stack: PageStack
let daemon: Daemon
let origin: string
let browser: Browser
let pictures: string

beforeAll(async () => {
  stack = makePageStack('qdrant')
  fillPast(stack, 18, new Date(performance.timeOrigin))
  const backup = callProgram(victim, ['backup', '--all', '--json'], stack.env)
  await eventually(() => stack.isStopping(), 60, 'the slow stop of the first backup')
  stack.endStops()
  expect(await backup).toMatchObject({ exitCode: 0 })
  daemon = startDaemon(stack, { program: victim })
  origin = await addressOf(daemon)
  const opened = await openBrowser()
  if (!opened) throw new Error('set-up installs chromium-headless-shell: run bash lab/setup.sh')
  browser = opened
  const docs = join(import.meta.dirname, '../../../docs/pictures')
  pictures = process.env.XNAI_PICTURES === 'yes' ? docs : mkdtempSync(join(tmpdir(), 'pictures-'))
  mkdirSync(pictures, { recursive: true })
})
afterAll(async () => {
  await browser?.close()
  await daemon?.end()
  stack?.[Symbol.dispose]()
  if (pictures?.startsWith(tmpdir())) rmSync(pictures, { recursive: true })
})

interface Looks {
  width?: number
  scheme?: 'light' | 'dark'
  script?: boolean
}

/** Opens a path. What the console says against the page, and what is not found, is a failure of the test. */
async function open(path: string, { width = 1280, scheme = 'light', script = true }: Looks = {}): Promise<Page> {
  const viewport = { width, height: 900 }
  const context = await browser.newContext({
    viewport,
    colorScheme: scheme,
    javaScriptEnabled: script,
    bypassCSP: false,
  })
  context.setDefaultTimeout(patienceMs)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    const isComplaint = ['error', 'warning'].includes(message.type()) && !message.text().includes(networkChanged)
    if (isComplaint) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  onTestFinished(async () => {
    await context.close()
    expect(complaints).toEqual([])
  })
  await load(page, new URL(path, origin).href)
  return page
}

/** What Chromium ends requests with when the machine gets a network, or loses one, as it does when containers come and go beside this. */
const networkChanged = 'ERR_NETWORK_CHANGED'

async function load(page: Page, address: string): Promise<void> {
  let isCut = false
  page.on('requestfailed', (request) => {
    isCut ||= request.failure()?.errorText.includes(networkChanged) ?? false
  })
  const loadOnce = async () => {
    isCut = false
    await page.goto(address)
    return !isCut
  }
  await eventually(loadOnce, 60, `${address} is loaded while the networks of the machine stay as they are`)
}

test.each([
  ['overview', '/', {}],
  ['overview-dark', '/', { scheme: 'dark' }],
  ['overview-phone', '/', { width: 320 }],
  ['service', target, {}],
  ['service-dark', target, { scheme: 'dark' }],
  ['service-phone', target, { width: 320, scheme: 'dark' }],
] as const)('%s fits its screen, and everybody can read and reach what is on it', async (name, path, looks) => {
  const page = await open(path, looks)
  await page.getByRole('status').getByText('Live').waitFor()
  const { width = 1280 } = looks as Looks
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
  expect(await violationsOf(page)).toEqual([])
  // The repository of this test lies in a folder whose name is drawn by lot.
  await page.evaluate('for (const one of document.querySelectorAll(".address")) one.textContent = "archive:/backups"')
  if (pictured.includes(name))
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: name === 'overview' })
})

test('without scripts the page is complete, and every link leads somewhere', async () => {
  const page = await open('/', { script: false })
  await page.getByRole('heading', { level: 1, name: '7 of 7 services could be restored now; slowest 39 s' }).waitFor()
  expect(await page.getByRole('row').count()).toBe(8)
  await page.getByRole('link', { name: 'qdrant' }).first().click()
  await page.getByText('xnai-backup restore shop/qdrant', { exact: true }).waitFor()
  expect(
    await page
      .getByRole('listitem')
      .filter({ hasText: /: 1 snapshot; local; kept: / })
      .count(),
  ).toBe(1)
  await page.getByText('keys 1200').waitFor()
  await page.getByText('Other ways').click()
  await page.getByText('xnai-backup restore shop/qdrant --dry-run').waitFor()
  expect(await page.locator('meta[http-equiv=refresh]').getAttribute('content')).toBe('60')
})

test('by keyboard: the first key reaches what skips to the content, and each service follows', async () => {
  const page = await open('/')
  await page.keyboard.press('Tab')
  expect(await focused(page)).toBe('Skip to content')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  expect(await focused(page)).toBe('config')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: /config of shop/ }).waitFor()
})

test('an open page shows a backup while it runs, and its result, without being loaded anew', async () => {
  const page = await open('/')
  await page.evaluate('window.isSamePage = true')
  const backup = callProgram(victim, ['backup', 'qdrant', '--json'], stack.env)
  await page.locator('#jobs').getByText('backup of qdrant').waitFor()
  await page.locator('#targets').getByText('running').waitFor()
  await eventually(() => stack.isStopping(), 60, 'the slow stop')
  stack.endStops()
  const { json } = await backup
  await page.locator('#jobs').getByText('backup of qdrant').waitFor({ state: 'detached' })
  await load(page, `${origin}${target}`)
  await page.getByText(json.targets[0].snapshot, { exact: true }).waitFor()
})

test('an open page shows percent and time left of a run in another process, and that it ended', async () => {
  const page = await open('/')
  await page.evaluate('window.isSamePage = true')
  using catalog = openCatalog(stack.state)
  const run = { id: 'by-hand', kind: 'restore', trigger: 'manual', project: 'shop', target: 'redis' } as const
  catalog.startRun({ ...run, started: new Date(performance.timeOrigin).toISOString() })
  const since = new Date(performance.timeOrigin).toISOString()
  catalog.noteProgress(run.id, run.project, run.target, { step: 'replacing the data', since, bytes: 460_800 })
  await page.getByText(/replacing the data — 49 %, 450 KiB of about 904 KiB, .* left/).waitFor()
  catalog.finishRun(run.id, run.project, run.target, { finished: since, outcome: 'complete' })
  await page.getByText('replacing the data').waitFor({ state: 'detached' })
  expect(await page.evaluate('window.isSamePage')).toBe(true)
})

test('with a token: the form, a wrong token, the right one, and the end of the session', async () => {
  using second = makePageStack()
  await using other = startDaemon(second, { program: victim, env: { XNAI_BACKUP_LISTEN_TOKEN: token } })
  const context = await browser.newContext({ viewport: { width: 320, height: 700 } })
  onTestFinished(() => context.close())
  context.setDefaultTimeout(patienceMs)
  const page = await context.newPage()
  await load(page, `${await addressOf(other)}${target}`)
  expect(await violationsOf(page)).toEqual([])
  await page.getByLabel('Token').fill('wrong-wrong-wrong-wrong')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').getByText('That is not the token.').waitFor()
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { level: 1, name: /qdrant of shop/ }).waitFor()
  await page.getByRole('status').getByText('Live').waitFor()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Token').waitFor()
})

const focused = (page: Page) => page.evaluate('document.activeElement.textContent')

async function addressOf(served: Daemon): Promise<string> {
  const address = () => /"address":"([^"]+)"/.exec(served.log())?.[1]
  await eventually(() => address() !== undefined || served.exit() !== null, 60, 'the page to be served')
  expect(address(), served.log()).toBeDefined()
  const found = address() as string
  await eventually(async () => (await fetch(`${found}/readyz`)).ok, 60, 'the first pass')
  return found
}

/** What axe-core finds wrong, by the rules of WCAG 2.2 AA and its best practices. */
async function violationsOf(page: Page): Promise<string[]> {
  const { violations } = (await page.evaluate(`(async () => {
    ${axe}
    return await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })
  })()`)) as { violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
  )
}
