import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { eventually } from '../../../lab/lab.ts'
import { openStory, type Story } from '../../support/story.ts'
import { held, makeImages } from './applications.ts'

const stack = join(import.meta.dirname, 'compose.yaml')
const names = ['ROOT_PASSWORD', 'WORDPRESS_PASSWORD', 'MINIFLUX_PASSWORD']
const secrets = Object.fromEntries(names.map((name) => [name, randomBytes(12).toString('hex')]))

let story: Story
let override: string

beforeAll(async () => {
  story = await openStory('recipes', Object.values(secrets))
  override = join(story.lab.dir, 'compose.labels.yaml')
  await makeImages(story.lab)
})
afterAll(() => story?.[Symbol.asyncDispose]())

const compose = (files: string[], ...args: string[]) => story.lab.compose(files, args, { env: secrets })
const inside = (service: string, script: string) =>
  story.lab.exec(`${story.lab.project}-${service}-1`, ['sh', '-ec', script])

/** What every service says of its data. A server may still be starting. */
async function ask(): Promise<string[]> {
  const answers = held.map((one) => eventually(() => inside(one.service, one.ask), 60, `${one.service} answers`))
  return await Promise.all(answers)
}

test('Vaultwarden, WordPress and Miniflux, with labels by init alone, come back after their volumes are gone', async () => {
  await compose([stack], 'up', '--detach')
  for (const { service, fill } of held)
    await eventually(async () => [await inside(service, fill)], 60, `${service} takes data`)
  const before = await ask()

  const { stdout, stderr, exitCode } = await story.product(['init'])
  expect(exitCode, stderr).toBe(0)
  await writeFile(override, stdout)
  expect(Object.keys(parse(stdout).services)).toEqual(held.map((one) => one.service).toSorted())
  await compose([stack, override], 'up', '--detach')
  expect(await ask()).toEqual(before)

  const { json: backup } = await story.call(['backup', '--all'])
  expect(backup.outcome, JSON.stringify(backup)).toBe('complete')
  const saved = backup.targets.map(({ target, method }: { target: string; method: string }) => `${target}: ${method}`)
  expect(saved.toSorted()).toEqual([
    'miniflux-db: postgres',
    'vaultwarden-sqlite: sqlite',
    'vaultwarden: files',
    'wordpress-db: mariadb',
    'wordpress: files',
  ])

  await compose([stack, override], 'down', '--volumes')
  expect(await story.lab.podman(['volume', 'ls', '--quiet'])).toBe('')
  await compose([stack, override], 'up', '--detach')
  const { json: restore } = await story.call(['restore', '--all', '--yes'])
  expect(restore.outcome, JSON.stringify(restore)).toBe('complete')
  expect(await ask()).toEqual(before)
})
