import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

test('the launcher keeps what Node has compiled in the cache folder of its user', () => {
  const home = makeFolder('launcher-home-')
  const env = { PATH: '/usr/bin:/bin', HOME: home }
  const { status, stderr } = spawnSync(join(checkout, 'bin/xnai-backup'), ['--version'], { env, encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const compiled = readdirSync(join(home, '.cache/xnai-backup'), { recursive: true })
  expect(compiled.length).toBeGreaterThan(100)
})

test('no command loads what dockerode has for image builds and for ssh', () => {
  const script = `
    import { createRequire } from 'node:module'
    await import(${JSON.stringify(join(checkout, 'src/main.ts'))})
    console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)))`
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  const loaded = JSON.parse(printed) as string[]
  expect(loaded.some((path) => path.includes('/docker-modem/'))).toBe(true)
  // An empty module stands in the place of each of the three packages.
  expect(loaded.filter((path) => /@grpc|protobufjs|ssh2/.test(path))).toHaveLength(3)
})

describe('in a checkout without node_modules, the launcher says in one sentence what to do', () => {
  let clone: string
  let programs: string

  beforeEach(() => {
    clone = join(makeFolder('launcher-'), 'a clone of it')
    programs = makeFolder('launcher-programs-')
    for (const path of ['bin', 'package.json', 'src/main.ts'])
      cpSync(join(checkout, path), join(clone, path), { recursive: true })
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
