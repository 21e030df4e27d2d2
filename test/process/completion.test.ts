import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { BackupError } from '../../src/errors.ts'
import { openArchive } from '../../src/repository/archive.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { container, makeFolder, run, type Stage } from '../support/cli.ts'

/** An application whose files are backed up, and a redis in two projects. */
async function makeStage(): Promise<Stage & { ids: string[] }> {
  const folder = makeFolder()
  mkdirSync(join(folder, 'data/in here'), { recursive: true })
  for (const name of ['settings.json', 'secrets.json', 'in here/deep.txt'])
    writeFileSync(join(folder, 'data', name), name)
  mkdirSync(join(folder, 'backups'))
  const labels = { 'xnai.backup.enable': 'true' }
  const mounts = [{ kind: 'bind' as const, source: join(folder, 'data'), destination: '/srv', writable: true }]
  const redis = { labels: { ...labels, 'xnai.backup.method': 'redis' } }
  const containers = [
    container('app', { labels, mounts }),
    container('redis', redis),
    { ...container('redis', redis), name: 'other-redis-1', project: 'other' },
  ]
  const stage = { containers, local: openArchive(join(folder, 'backups')), state: join(folder, 'state') }
  const { json } = await run(['backup', 'app', '--json'], stage)
  const { targets } = json() as { targets: { snapshot: string }[] }
  return { ...stage, ids: targets.map(({ snapshot }) => snapshot) }
}

const complete = async (words: string[], stage: Stage = {}) =>
  (await run(['__complete', ...words], stage)).stdout.split('\n').slice(0, -1)

describe('the words that may stand at the end of a line', () => {
  test.for([
    [['re'], ['restore', 'repository']],
    [
      ['repository', ''],
      ['accept', 'key', 'help'],
    ],
    [['restore', 'app', '--d'], ['--dry-run']],
    [['backup', '--w'], ['--wide']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['restore', 'app', '--to', ''], [':files']],
    [['--config', ''], [':files']],
    [['status', ''], []],
  ] as const)('%j are %j, without a look at the stack', async ([words, expected]) => {
    const away = () => Promise.reject(new Error('the stack was asked'))
    const found = await complete([...words], {
      engine: Object.assign(fakeEngine(), { list: away }),
      state: '/dev/null/nowhere',
    })
    expect(found.toSorted()).toEqual([...expected].toSorted())
  })

  test('are targets, ids and paths of the stack', async () => {
    const stage = await makeStage()
    expect(await complete(['backup', ''], stage)).toEqual(['app', 'other/redis', 'shop/redis'])
    expect(await complete(['backup', 'app', 's'], stage)).toEqual(['shop/redis'])
    expect(await complete(['prune', '--target', 'a'], stage)).toEqual(['app'])
    expect(await complete(['ls', ''], stage)).toEqual(stage.ids)
    expect(await complete(['diff', stage.ids[0] as string, '2'], stage)).toEqual(stage.ids)
    expect(await complete(['restore', 'app', '--at', ''], stage)).toEqual(['latest', 'yesterday', ...stage.ids])
    expect(await complete(['restore', 'app', '--only', '/srv/s'], stage)).toEqual([
      '/srv/secrets.json',
      '/srv/settings.json',
    ])
    expect(await complete(['restore', 'app', '--only', '/srv/in'], stage)).toEqual(['/srv/in here/'])
    expect(await complete(['restore', 'app', '--only', '/srv/in here/'], stage)).toEqual(['/srv/in here/deep.txt'])
    expect(await complete(['restore', 'app', '--only', ''], stage)).toContain('/srv/settings.json')
    expect(await complete(['ls', stage.ids[0] as string, '/srv/se'], stage)).toHaveLength(2)
  })

  test('are the targets with snapshots while the engine is away, and none where nothing can be asked', async () => {
    const stage = await makeStage()
    const away = () => Promise.reject(new BackupError('ENGINE_UNREACHABLE', 'nobody there'))
    const engine = Object.assign(fakeEngine(), { list: away })
    expect(await complete(['list', ''], { ...stage, engine })).toEqual(['app'])
    const nothing = await run(['__complete', 'list', ''], { ...stage, state: '/dev/null/nowhere' })
    expect(nothing).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
  })
})

describe('the script for bash', () => {
  let script: string
  beforeAll(async () => {
    const { stdout, exitCode } = await run(['completion', 'bash'], { state: '/dev/null/nowhere' })
    expect(exitCode).toBe(0)
    script = stdout
  })

  /** What bash itself would show after these words, where the program answers with these lines. */
  function inBash(words: string[], lines: string[]): string[] {
    const folder = makeFolder()
    writeFileSync(
      join(folder, 'xnai-backup'),
      `#!/bin/sh\nprintf '%s|' "$@" >'${folder}/asked'\ncat '${folder}/lines'\n`,
    )
    chmodSync(join(folder, 'xnai-backup'), 0o755)
    writeFileSync(join(folder, 'lines'), lines.map((line) => `${line}\n`).join(''))
    const session = `${script}
compopt() { echo "option $*"; }
COMP_WORDS=(xnai-backup "$@"); COMP_CWORD=$#
$(complete -p xnai-backup | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "\${COMPREPLY[@]}"; cat '${folder}/asked'`
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
    const text = execFileSync('bash', ['-c', session, 'bash', ...words], { env, encoding: 'utf8' })
    return text.split('\n').filter(Boolean)
  }

  test('asks with the words up to the cursor, and offers each answer as one word', () => {
    expect(inBash(['restore', 'app', '--only', '/srv/'], ['/srv/a b', '/srv/$(x)'])).toEqual([
      '/srv/a\\ b',
      '/srv/\\$\\(x\\)',
      '__complete|restore|app|--only|/srv/|',
    ])
    expect(inBash(['backup', ''], ['app'])).toEqual(['app', '__complete|backup||'])
  })

  test('goes on after a folder, and leaves paths of the machine to bash', () => {
    expect(inBash(['ls', 'x', '/s'], ['/srv/'])).toEqual(['option -o nospace', '/srv/', '__complete|ls|x|/s|'])
    expect(inBash(['restore', '--to', ''], [':files'])).toEqual(['option -o default', '__complete|restore|--to||'])
  })
})
