import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Lab } from './lab.ts'
import type { Product } from './product.ts'

/** A password of this run alone: other tests, on the same machine at the same time, show theirs on command lines. */
export const newSecret = (what: string): string => `${what}-never-to-be-seen-${randomBytes(8).toString('hex')}`

/** Variables that hold a secret, by their names; a shorter value may stand anywhere by chance. */
const secretName = /PASSWORD|SECRET|TOKEN|KEY/i
const leastLength = 12

export function secretsOf(environment: Record<string, string> = {}): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    secretName.test(name) && value.length >= leastLength ? [value] : [],
  )
}

/** P9: none of the secrets stands in what the product said, wrote and ran, nor in what a container shows of itself. */
export async function expectNone(
  secrets: Iterable<string>,
  lab: Lab,
  { repository, state }: Pick<Product, 'repository' | 'state'>,
  { outputs, commandLines }: { outputs: Iterable<string>; commandLines: Iterable<string> },
): Promise<void> {
  const places = {
    labels: await allLabels(lab),
    'logs of the services': await allLogs(lab),
    'output and log': [...outputs].join('\n'),
    manifests: readAll(repository, (file) => file.endsWith('.json')),
    state: readAll(state, () => true),
    'command lines': [...commandLines].join('\n'),
  }
  for (const [place, text] of Object.entries(places)) {
    if (place !== 'logs of the services') expect(text.length, `${place}: nothing was looked at`).toBeGreaterThan(0)
    for (const secret of secrets) expect(text.includes(secret), `a secret stands in ${place}`).toBe(false)
  }
}

const containers = async (lab: Lab) =>
  (await lab.podman(['ps', '--all', '--quiet'])).split('\n').filter((line) => line !== '')

async function allLabels(lab: Lab): Promise<string> {
  const ids = await containers(lab)
  return lab.podman(['container', 'inspect', '--format', '{{json .Config.Labels}}', ...ids])
}

/** Standard output and error of every container so far: a server may write down what it is told. */
async function allLogs(lab: Lab): Promise<string> {
  const inspected: { LogPath?: string; HostConfig: { LogConfig: { Path?: string } } }[] = JSON.parse(
    await lab.podman(['container', 'inspect', ...(await containers(lab))]),
  )
  // Docker has it at the top.
  const paths = inspected.map(({ LogPath, HostConfig }) => HostConfig.LogConfig.Path || LogPath || '')
  const files = paths.filter((path) => path !== '' && existsSync(path))
  return files.map((path) => readFileSync(path, 'latin1')).join('\n')
}

function readAll(folder: string, choose: (file: string) => boolean): string {
  if (!existsSync(folder)) return ''
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const chosen = entries.filter((entry) => entry.isFile() && choose(entry.name))
  return chosen.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('\n')
}
