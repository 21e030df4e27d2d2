import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Repository } from '../../src/repository/repository.ts'
import { openAccess } from '../../src/repository/restic/access.ts'
import { parseAddress } from '../../src/repository/restic/address.ts'
import { openRestic } from '../../src/repository/restic.ts'
import { metaOf, never, put, treeOf } from '../contract/repository.ts'
import { cheapenKey } from '../support/cheap-key.ts'
import { run } from '../support/cli.ts'
import { failureShape, statusShape } from '../support/json-shapes.ts'
import { setOneApp } from '../support/one-app.ts'
import { resticFolder } from '../support/restic.ts'

/** A repository of whose password nobody was told. */
let folder: string
let place: string
let repository: Repository
let password: string

const openFrom = (home: string, given?: string) =>
  openRestic(place, {
    home,
    program: join(resticFolder('trixie'), 'restic'),
    ...(given !== undefined && { password: given }),
  })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'restic-key-'))
  place = join(folder, "the repo's")
  mkdirSync(place)
  repository = openFrom(join(folder, 'home'))
  expect(await repository.key?.(never)).toBeUndefined()
  expect(readdirSync(join(folder, 'home'))).not.toContain('password')
  const ids = await Promise.all([repository, openFrom(join(folder, 'home'))].map((one) => one.initialise(never)))
  expect(new Set(ids).size).toBe(1)
  password = readFileSync(join(folder, 'home/password'), 'utf8').trim()
  cheapenKey(place, password)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a password is made with the repository, once, and only its owner can read it', async () => {
  expect(password).toMatch(/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/)
  expect(statSync(join(folder, 'home/password')).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(folder, 'home')).filter((name) => name.startsWith('password'))).toEqual(['password'])
  expect(await repository.key?.(never)).toMatchObject({ address: place, password })
})

test('a run that found no repository goes on with the password that another run has made meanwhile', async () => {
  const home = join(folder, 'shared-home')
  const shared = join(folder, 'shared')
  mkdirSync(shared)
  const slow = openAccess(parseAddress(shared), { home, program: join(resticFolder('trixie'), 'restic') })
  const restic = await slow.begin(never)
  const id = await openRestic(shared, { home, program: restic.program }).initialise(never)
  expect(await slow.ensure(restic, never)).toBe(id)
  expect(restic.password).toBe(readFileSync(join(home, 'password'), 'utf8').trim())
})

test('a state directory without the password makes no other one, and says where the right one is', async () => {
  const lost = openFrom(join(folder, 'other-home'))
  const hint = expect.stringContaining('recovery kit')
  await expect(lost.initialise(never)).rejects.toMatchObject({ code: 'REPOSITORY_FAILED', hint })
  expect(readdirSync(join(folder, 'other-home'))).not.toContain('password')
  expect(await openFrom(join(folder, 'other-home'), password).list(never)).toEqual([])
})

test('the commands of the recovery kit open the backups, and prove a copy of the key', async () => {
  const source = join(folder, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'word'), 'kept')
  const { artifacts } = await put(repository, metaOf('one'), treeOf('data', source))
  const { stdout, exitCode } = await run(['repository', 'key', '--yes'], { local: repository })
  expect(exitCode).toBe(0)

  const { snapshot } = (artifacts[0] as { stored: { snapshot: string } }).stored
  const indented = stdout.split('\n').filter((line) => /^ {2}(export|restic|id=|printf)/.test(line))
  const script = indented
    .join('\n')
    .replaceAll('ID:', `${snapshot}:`)
    .replace('DIR', `'${join(folder, 'stock')}'`)
  const commands = script.replace('restic dump ID FILE', `restic dump ${snapshot} /tree/entries.jsonl`)
  const env = { PATH: `${resticFolder('trixie')}:${process.env.PATH}`, HOME: folder }
  const said = execFileSync('bash', ['-ec', commands], { env, encoding: 'utf8' })
  expect(readFileSync(join(folder, 'stock/word'), 'utf8')).toBe('kept')
  expect(said.trim().split('\n').at(-1)).toBe(/check code +(\w{8})/.exec(stdout)?.[1])
})

test('the key is shown on a terminal or where it is asked for in so many words, and status reminds of it', async () => {
  const { stage } = setOneApp()
  const on = { ...stage, local: repository }
  const remembers = async () => statusShape.parse((await run(['status', '--json'], on)).json()).repositories
  expect((await run(['backup', 'app', '--json'], on)).stdout).not.toContain(password)
  expect(await remembers()).toMatchObject([{ keyConfirmed: false, problems: [] }])
  const status = await run(['status'], on)
  expect(status.exitCode).toBe(0)
  expect(status.stdout).toMatch(/^key: .*repository key$/ms)

  const refused = await run(['repository', 'key', '--json'], on)
  expect(failureShape.parse(refused.json()).error.code).toBe('CONFIRMATION_NEEDED')
  expect(refused.exitCode).toBe(2)
  expect((await run(['repository', 'key'], { ...on, terminal: true })).stdout).toContain(password)
  const { json } = await run(['repository', 'key', '--yes', '--json'], on)
  expect(json()).toMatchObject({ keys: [{ tier: 'local', address: place, password }] })

  const confirmed = await run(['repository', 'key', '--confirmed'], on)
  expect(confirmed).toMatchObject({ exitCode: 0, stderr: '' })
  expect(confirmed.stdout).not.toContain(password)
  expect(await remembers()).toMatchObject([{ keyConfirmed: true }])
  expect((await run(['status'], on)).stdout).not.toContain('key:')
})

test('an archive has no key', async () => {
  const { stage } = setOneApp()
  const { exitCode, stderr } = await run(['repository', 'key'], stage)
  expect(exitCode).toBe(2)
  expect(stderr).toContain('not encrypted')
})
