import { describe, expect, test } from 'vitest'
import { version } from '../../../src/version.ts'
import { run, shelf, snapshot } from '../../support/cli.ts'
import { failureShape } from '../../support/json-shapes.ts'

const local = shelf([snapshot('redis', '2026-11-20T02:00:00.000Z'), snapshot('files', '2026-11-20T02:00:00.000Z')])

describe('wrong usage ends with exit code 2 and says what is wrong', () => {
  test.for([
    ['no command', [], 'name a command'],
    ['an unknown command', ['bakup'], "unknown command 'bakup'"],
    ['an unknown option', ['plan', '--jsn'], "unknown option '--jsn'"],
    ['an argument too many', ['status', 'redis'], 'too many arguments'],
    ['a backup without a target', ['backup'], 'name a target, or --all for every target'],
    [
      'a backup with --all and a name',
      ['backup', '--all', 'redis'],
      '--all and the name of a target exclude each other',
    ],
    ['a restore without a target', ['restore'], 'name a target, or --all for every target'],
    ['a time that does not exist', ['restore', 'redis', '--at', '2026-02-30'], 'no such day or time'],
    [
      'the id of a snapshot for several targets',
      ['restore', '--all', '--at', '20261120T020000Z-redis'],
      'one snapshot of one target',
    ],
    ['--only for several targets', ['restore', '--all', '--only', 'x'], '--only takes files out of one target'],
    ['--set with --at', ['restore', '--all', '--set', 'x', '--at', '2026-11-20'], '--set and --at exclude each other'],
    ['a configuration file that does not exist', ['plan', '--config', '/nowhere/config.yaml'], '/nowhere/config.yaml'],
  ] as const)('%s', async ([, args, message]) => {
    const { exitCode, stdout, stderr } = await run([...args], { local })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^hint: ./m)
    expect(stdout).toBe('')
    expect(exitCode).toBe(2)
  })

  test.for([
    ['bakup', 'Did you mean backup?'],
    ['snapshots', 'Did you mean list?'],
    ['forget', 'Did you mean prune?'],
    ['zzzzzz', 'The commands are run, plan, status, backup, list, ls, diff, logs, restore'],
    ['constructor', 'The commands are run, plan'],
    ['rum', 'Did you mean run?'],
  ] as const)('the hint on the command %s is: %s …', async ([word, hint]) => {
    const { exitCode, stderr } = await run([word])
    expect(stderr).toContain(`hint: ${hint}`)
    expect(stderr.match(/did you mean/gi) ?? []).toHaveLength(hint.startsWith('Did') ? 1 : 0)
    expect(exitCode).toBe(2)
  })

  test('with --json the error is the one document', async () => {
    const { exitCode, json } = await run(['bakup', '--json'])
    expect(failureShape.parse(json()).error.code).toBe('USAGE')
    expect(exitCode).toBe(2)
  })
})

test('--version prints the version and nothing else', async () => {
  expect(await run(['--version'])).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: '' })
})

test('--help lists the commands and every exit code', async () => {
  const { exitCode, stdout } = await run(['--help'])
  for (const command of ['run', 'plan', 'status', 'backup', 'list', 'restore', 'check']) {
    expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'))
  }
  expect(stdout).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 .*\n {2}4 .*\n {2}5 .*\n {2}130 /)
  expect(exitCode).toBe(0)
})
