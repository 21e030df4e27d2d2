import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  exportSecret,
  type SecretSource,
  secretEnvironment,
  takeFirstSecret,
  unreadableSecret,
} from '../../../src/methods/shared/secret.ts'

const folder = mkdtempSync(join(tmpdir(), 'xnai-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const password = `it's "a" $ecret\\ no\`body`
const file = join(folder, 'password')
writeFileSync(file, `${password}\n`)

/** What a child of the shell finds in PASSWORD after these lines, or the exit code of the script. */
function run(lines: string, environment: Record<string, string>): string | number {
  const script = `${lines}\nexec sh -c 'printf %s "\${PASSWORD-none}"'`
  try {
    return execFileSync('sh', ['-c', script], {
      env: { PATH: process.env.PATH, ...environment },
      encoding: 'utf8',
      stdio: 'pipe',
    })
  } catch (error) {
    return (error as { status: number }).status
  }
}

describe('exportSecret', () => {
  const exported = (source: SecretSource, environment: Record<string, string> = {}) =>
    run(exportSecret('PASSWORD', source), { ...secretEnvironment(source), ...environment })

  test('exports a variable or the content of a file under the name that the tool reads', () => {
    expect(exported({ variable: 'DB_PASSWORD' }, { DB_PASSWORD: password })).toBe(password)
    expect(exported({ file })).toBe(password)
  })

  test('exports nothing where there is no password', () => {
    expect(exported({})).toBe('none')
    expect(exported({ variable: 'DB_PASSWORD' })).toBe('none')
    expect(exported({ variable: 'DB_PASSWORD' }, { DB_PASSWORD: '' })).toBe('none')
  })

  test('a file that cannot be read ends the script with its own exit code', () => {
    expect(exported({ file: join(folder, 'missing') })).toBe(unreadableSecret)
  })

  test('anything but the name of a variable never becomes part of the script', () => {
    expect(() => exportSecret('PASSWORD', { variable: 'A}; rm -rf /; ${B' })).toThrow(RangeError)
  })
})

describe('takeFirstSecret', () => {
  const taken = (environment: Record<string, string>) =>
    run(`${takeFirstSecret('PASSWORD', ['FIRST', 'SECOND'])}\nexport PASSWORD`, environment)

  test('the first variable wins, as a value before a file', () => {
    expect(taken({ FIRST: password, SECOND: 'other' })).toBe(password)
    expect(taken({ FIRST: password, FIRST_FILE: '/nowhere' })).toBe(password)
    expect(taken({ FIRST_FILE: file, SECOND: 'other' })).toBe(password)
    expect(taken({ FIRST: '', SECOND: password })).toBe(password)
    expect(taken({ SECOND_FILE: file })).toBe(password)
  })

  test('without any of them the name stays as it is', () => {
    expect(taken({ PASSWORD: password })).toBe(password)
  })

  test('a file that cannot be read ends the script with its own exit code', () => {
    expect(taken({ SECOND_FILE: join(folder, 'missing') })).toBe(unreadableSecret)
  })

  test('anything but the name of a variable never becomes part of the script', () => {
    expect(() => takeFirstSecret('PASSWORD', ['A', '$(id)'])).toThrow(RangeError)
  })
})
