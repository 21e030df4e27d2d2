import { randomBytes } from 'node:crypto'
import { openBrowser } from '../../lab/browser.ts'
import type { Lab } from '../../lab/lab.ts'
import type { Stack, StackOptions } from '../../lab/stack.ts'

/** The page of the demo's controller, as a browser on this machine reaches it. */
export interface DemoPage {
  address: string
  token: string
}

/** What makes the controller of the stack serve its page on the network of the stack. */
export function listening(token = randomBytes(16).toString('hex')): StackOptions & { token: string } {
  const environment = '[XNAI_BACKUP_LISTEN=0.0.0.0:9180, XNAI_BACKUP_LISTEN_TOKEN]'
  const override = `services: { xnai-backup: { environment: ${environment} } }\n`
  return { token, override, variables: { XNAI_BACKUP_LISTEN_TOKEN: token } }
}

/** The address of a controller that runs. The machine reaches the networks of its own containers, so that no port need be published. */
export async function findPage(lab: Lab, { controller }: Stack, token: string): Promise<DemoPage> {
  const { Networks } = (await lab.inspect(controller)).NetworkSettings
  const [network] = Object.values(Networks)
  if (!network) throw new Error(`${controller} is in no network`)
  return { address: `http://${network.IPAddress}:9180/`, token }
}

/** The verdict that the page begins with. */
export async function readVerdict({ address, token }: DemoPage): Promise<string> {
  const headers = { accept: 'text/html', authorization: `Bearer ${token}` }
  const response = await fetch(address, { headers, signal: AbortSignal.timeout(30_000) })
  const [, verdict] = /<h1[^>]*>([^<]+)<\/h1>/.exec(await response.text()) ?? []
  if (!response.ok || verdict === undefined) throw new Error(`${address} answers ${response.status}, and no verdict`)
  return verdict.trim()
}

/** Writes a picture of the whole page into the file. Answers false, and writes none, where the machine has no Chromium. */
export async function takePicture({ address, token }: DemoPage, file: string): Promise<boolean> {
  await using browser = await openBrowser()
  if (!browser) return false
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  await page.goto(address)
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('status').getByText('Live').waitFor()
  await page.screenshot({ path: file, fullPage: true })
  return true
}
