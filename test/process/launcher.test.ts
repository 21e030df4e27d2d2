import { execFile, execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }

const checkout = join(import.meta.dirname, '../..')

/** Runs the launcher at `path` with no other programs than those in `folders`. */
function launch(path: string, folders: string[], ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(path, args, { env: { PATH: folders.join(':') }, encoding: 'utf8' })
  return { status, stdout, stderr }
}

function makeFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), name))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('the launcher runs by a link in PATH, with the Node of its checkout', () => {
  const folder = makeFolder('launcher-')
  symlinkSync(join(checkout, 'bin/xnai-backup'), join(folder, 'xnai-backup'))
  const { status, stdout, stderr } = launch(join(folder, 'xnai-backup'), ['/usr/bin', '/bin'], '--version')
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${packageJson.version}\n`, stderr: '' })
})

describe('the build', () => {
  let clone: string
  const launcher = () => join(clone, 'bin/xnai-backup')
  const version = () => launch(launcher(), ['/usr/bin', '/bin'], '--version')
  const builds = () => readdirSync(join(clone, 'dist'))
  const current = () => readlinkSync(join(clone, 'dist/current'))

  beforeEach(() => {
    clone = join(makeFolder('launcher-'), 'a clone of it')
    for (const path of ['bin', 'package.json', 'package-lock.json', 'src', 'scripts'])
      cpSync(join(checkout, path), join(clone, path), { recursive: true, preserveTimestamps: true })
    symlinkSync(join(checkout, 'node_modules'), join(clone, 'node_modules'))
  })

  test('is made by the first start, kept by the next one, and made anew when a source has changed', () => {
    expect(version()).toEqual({ status: 0, stdout: `${packageJson.version}\n`, stderr: '' })
    const [first, files] = [current(), builds()]
    const { mtimeMs } = statSync(join(clone, 'dist/current/built'))
    expect(version()).toMatchObject({ status: 0 })
    expect(statSync(join(clone, 'dist/current/built')).mtimeMs).toBe(mtimeMs)
    expect(readdirSync(join(clone, 'dist/current/compiled'), { recursive: true }).length).toBeGreaterThan(20)
    const notices = readFileSync(join(clone, 'dist/current/third-party-notices.txt'), 'utf8')
    expect(notices).toMatch(/^zod [\d.]+ \(MIT\)\n\nMIT License\n/m)
    expect(notices).not.toMatch(/^(?:rolldown|vitest|ssh2) /m)

    // As an archive does it that is unpacked: with the time of long ago.
    const file = join(clone, 'src/version.ts')
    writeFileSync(file, readFileSync(file, 'utf8').replace('packageJson.version', "'4.7.11'"))
    utimesSync(file, 1, 1)
    expect(version()).toEqual({ status: 0, stdout: '4.7.11\n', stderr: '' })
    expect(current()).not.toBe(first)
    expect(builds()).toEqual(expect.arrayContaining(files))
    expect(builds()).toHaveLength(files.length + 1)
  })

  test('is made by two starts at once, neither of which meets half of it', async () => {
    const env = { PATH: '/usr/bin:/bin' }
    const starts = Array.from({ length: 2 }, () => promisify(execFile)(launcher(), ['--version'], { env }))
    const results = await Promise.all(starts)
    expect(results.map(({ stdout, stderr }) => stdout + stderr)).toEqual(results.map(() => `${packageJson.version}\n`))
    expect(builds().toSorted()).toEqual([current(), 'current'].toSorted())
  })

  test('that fails is told in one sentence, and no older one is started', () => {
    cpSync(realpathSync(join(checkout, 'dist/current')), join(clone, 'dist/older'), { recursive: true })
    symlinkSync('older', join(clone, 'dist/current'))
    const before = builds()
    writeFileSync(join(clone, 'src/version.ts'), 'export const version = ')
    const { status, stdout, stderr } = version()
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('error: the program cannot be built: ')
    expect(builds()).toEqual(before)
  })
})

describe('in a checkout without node_modules, the launcher says in one sentence what to do', () => {
  let clone: string
  let programs: string

  beforeEach(() => {
    clone = join(makeFolder('launcher-'), 'a clone of it')
    programs = makeFolder('launcher-programs-')
    for (const path of ['bin', 'package.json']) cpSync(join(checkout, path), join(clone, path), { recursive: true })
    for (const name of ['dirname', 'readlink', 'sed', 'sort', 'env'])
      symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(programs, name))
  })

  function installNode(version: string): void {
    writeFileSync(join(programs, 'node'), `#!/bin/sh\necho ${version}\n`)
    chmodSync(join(programs, 'node'), 0o755)
  }

  const status = () => launch(join(clone, 'bin/xnai-backup'), [programs], 'status')
  const way = () => `run \`npm ci\` in ${clone}, which installs it there and nowhere else.\n`

  test('where Node is too old', () => {
    installNode('v20.19.2')
    expect(status()).toEqual({
      status: 1,
      stdout: '',
      stderr: `error: xnai-backup needs Node 24.12 or newer, and the one here is v20.19.2: ${way()}`,
    })
  })

  test('where Node is a little too old, as numbers and not as text', () => {
    installNode('v24.9.0')
    expect(status()).toMatchObject({ status: 1, stderr: expect.stringContaining('the one here is v24.9.0') })
  })

  test('where Node is new enough, and the packages are missing', () => {
    installNode('v24.12.0')
    expect(status()).toEqual({
      status: 1,
      stdout: '',
      stderr: `error: the packages that xnai-backup is made of are missing: ${way()}`,
    })
  })

  test('where there is no Node', () => {
    mkdirSync(join(clone, 'node_modules'))
    expect(launch(join(clone, 'bin/xnai-backup'), [programs], 'status')).toEqual({
      status: 1,
      stdout: '',
      stderr: `error: xnai-backup needs Node 24.12 or newer, and there is none: ${way()}`,
    })
  })
})
