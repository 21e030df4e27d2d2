import { describe, expect, test } from 'vitest'
import { glossary } from '../../../src/cli/glossary.ts'
import { run } from '../../support/cli.ts'

/** Help opens no state. */
const helpOf = async (...args: string[]) => (await run(args, { state: '/nowhere' })).stdout

/** The commands that a help lists, and in place of one that only has commands below it, these. */
async function commandsIn(...above: string[]): Promise<string[]> {
  const [, list = ''] = (await helpOf(...above, '--help')).split('\nCommands:\n')
  const [own = ''] = list.split('\n\n')
  const names = [...own.matchAll(/^ {2}(\w+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
  const below = await Promise.all(names.map((name) => commandsIn(...above, name)))
  return names.flatMap((name, index) => (below[index]?.length ? below[index] : [[...above, name].join(' ')]))
}

const commands = await commandsIn()
const longLines = (text: string) => text.split('\n').filter((line) => line.length > 80)

describe.each(commands)('the help of %s', (command) => {
  test('has two examples that are understood, within 80 columns', async () => {
    const help = await helpOf(...command.split(' '), '--help')
    const examples = [...help.matchAll(/^ {2}xnai-backup (.*?) {2}/gm)].map(([, line = '']) => line.trim())
    expect(examples.length).toBeGreaterThanOrEqual(2)
    for (const example of examples) {
      expect(example.startsWith(command)).toBe(true)
      expect((await run([...example.split(' '), '--help'])).exitCode).toBe(0)
    }
    expect(longLines(help)).toEqual([])
  })

  test('shows no default as code, no list of exit codes, and the options of the program', async () => {
    const help = await helpOf(...command.split(' '), '--help')
    expect(help).not.toContain('default:')
    expect(help).not.toContain('interrupted')
    expect(help).toContain('--wide')
  })
})

test('every command was found', () => {
  expect(commands).toEqual(expect.arrayContaining(['run', 'plan', 'restore', 'repository accept']))
})

test('the help of restore says which forms of TARGET, TIME, ID and PATH are accepted', async () => {
  const help = await helpOf('restore', '--help')
  for (const form of ['TARGET', 'TIME', 'ID', 'PATH']) expect(help).toMatch(new RegExp(`^ {2}${form} +\\S`, 'm'))
  expect(help).toContain('"2 days ago"')
})

describe('the glossary', () => {
  test('is named by --help, and fits 80 columns', async () => {
    expect(await helpOf('--help')).toContain('xnai-backup help glossary')
    const text = await helpOf('help', 'glossary')
    for (const [word] of glossary) expect(text).toMatch(new RegExp(`^ {2}${word} `, 'm'))
    expect(longLines(text + (await helpOf('--help')))).toEqual([])
    expect(await helpOf('glossary')).toBe(text)
  })

  test('explains the words that labels have and a self-hoster may not know', () => {
    const words = glossary.flatMap(([word]) => word.split(', '))
    expect(words).toEqual(expect.arrayContaining(['quiesce', 'read ahead', 'publish', 'tier', 'set', 'settle']))
    expect(glossary.map(([word]) => word)).toEqual(glossary.map(([word]) => word).toSorted())
  })
})

test('no command is described by words of the inside', async () => {
  const helps = await Promise.all([
    ...commands.map((command) => helpOf(...command.split(' '), '--help')),
    helpOf('--help'),
  ])
  expect(helps.join('').match(/(?<!--)\b(quiesce|RPO|RTO|tier|publish)\b/g)).toBeNull()
})
