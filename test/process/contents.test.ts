import { chmodSync, linkSync, lutimesSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { run, type Stage } from '../support/cli.ts'
import { backupShape, diffShape, lsShape } from '../support/json-shapes.ts'
import { setOneApp } from '../support/one-app.ts'

let stage: Stage
let data: string
const ids: string[] = []

/** Writes a file, and the time of its last change, by which a diff sees it. */
function write(path: string, text: string, seconds = 1e9) {
  writeFileSync(join(data, path), text)
  utimesSync(join(data, path), seconds, seconds)
}

function link(to: string) {
  rmSync(join(data, 'to'), { force: true })
  symlinkSync(to, join(data, 'to'))
  lutimesSync(join(data, 'to'), 1e9, 1e9)
}

async function backUp() {
  for (const path of ['conf', '.']) utimesSync(join(data, path), 1e9, 1e9)

  const { targets } = backupShape.parse((await run(['backup', 'app', '--json'], stage)).json())
  ids.push(targets[0]?.snapshot ?? '')
}

/** The engine goes away once the snapshots are there. */
const away = () => Promise.reject(new Error('no answer from the engine'))
const ask = (...args: string[]) => {
  const engine = { ...stage.engine, list: away, inspect: away, info: away } as Stage['engine']
  return run(args, { ...stage, ...(engine && { engine }) })
}
/** What is printed. How many bytes a tree takes, packed, depends on the file system. */
const shown = (text: string) => text.replaceAll(/\d\.\d KiB/g, 'n.n KiB')

beforeEach(async () => {
  const { folder, stage: made } = setOneApp()
  stage = made
  data = join(folder, 'data')
  ids.length = 0
  mkdirSync(join(data, 'conf/sites'), { recursive: true })
  write('word', 'one')
  write('conf/main.conf', 'colour=blue\n')
  write('conf/sites/a\u001b[2J', 'x')
  linkSync(join(data, 'word'), join(data, 'word.again'))
  link('word')
  await backUp()
})

describe('ls', () => {
  test('shows the first level of a tree, while the engine is away', async () => {
    const { stdout, exitCode } = await ask('ls', ids[0] as string)
    expect(exitCode).toBe(0)
    expect(shown(stdout)).toMatchInlineSnapshot(`
      "HOLDS  AS     SIZE     ENTRIES  SHA-256
      /srv   files  n.n KiB  8        —

      PATH                          SIZE       MODIFIED (UTC)    MODE  OWNER
      /srv/conf/                    directory  2001-09-09 01:46  0755  0:0
      /srv/to -> word               symlink    2001-09-09 01:46  0777  0:0
      /srv/word                     3 B        2001-09-09 01:46  0644  0:0
      /srv/word.again -> /srv/word  link       2001-09-09 01:46  0644  0:0
      "
    `)
  })

  test('shows what a folder holds, by its path in the container or in the tree, and all below it', async () => {
    const [id = ''] = ids
    const folder = (await ask('ls', id, '/srv/conf', '--json')).json()
    expect(lsShape.parse(folder).entries.map(({ path }) => path)).toEqual(['/srv/conf/main.conf', '/srv/conf/sites'])
    expect((await ask('ls', id, 'conf/', '--json')).json()).toEqual(folder)
    const all = lsShape.parse((await ask('ls', id, 'conf', '-r', '--json')).json())
    expect(all.entries.map(({ path }) => path)).toEqual([
      ...['/srv/conf/main.conf', '/srv/conf/sites', '/srv/conf/sites/a\u001b[2J'],
    ])
    const one = lsShape.parse((await ask('ls', id, '/srv/word', '--json')).json())
    expect(one).toMatchObject({
      ...{ snapshot: id, target: 'app', method: 'files', more: 0, artifacts: [{ kind: 'tree', origin: '/srv' }] },
      entries: [{ path: '/srv/word', type: 'file', size: 3, modified: '2001-09-09T01:46:40.000Z' }],
    })
  })

  test('names the nearest of a path and of an id that are not there: exit 4', async () => {
    const [id = ''] = ids
    const path = await ask('ls', id, '/srv/conf/main.cof')
    expect(path.stderr.replaceAll(/\s+/g, ' ')).toContain(
      'holds no /srv/conf/main.cof hint: Did you mean /srv/conf/main.conf?',
    )
    const other = await ask('ls', id, '/etc')
    expect(other.stderr).toContain('hint: It holds /srv.')
    const unknown = await ask('ls', `${id}x`)
    expect(unknown.stderr.replaceAll(/\s+/g, ' ')).toContain(`hint: Did you mean ${id}?`)
    expect([path.exitCode, other.exitCode, unknown.exitCode]).toEqual([4, 4, 4])
  })
})

test('the begin of an id is enough where no other one has it: else exit 2, with those that have', async () => {
  await backUp()
  const [first = '', second = ''] = ids
  expect(await ask('ls', first.slice(0, -1))).toMatchObject({ exitCode: 0 })
  const { exitCode, stderr } = await ask('diff', first, '2')
  expect(exitCode).toBe(2)
  expect(stderr).toContain('Give more of it')
  for (const id of [first, second]) expect(stderr).toContain(id)
})

describe('diff', () => {
  test('shows what was added, removed and changed between two snapshots, and in what', async () => {
    write('word', 'four', 1.1e9)
    write('new', 'new')
    chmodSync(join(data, 'conf/main.conf'), 0o600)
    rmSync(join(data, 'conf/sites'), { recursive: true })
    link('new')
    await backUp()
    const { stdout, exitCode } = await ask('diff', ...ids)
    expect(exitCode).toBe(0)
    expect(shown(stdout)).toMatchInlineSnapshot(`
      "HOLDS  CHANGE   BEFORE   AFTER
      /srv   changed  n.n KiB  n.n KiB

      CHANGE   PATH
      changed  /srv/conf/main.conf
        mode 0644 → 0600
      removed  /srv/conf/sites
        directory
      removed  /srv/conf/sites/a\\x1b[2J
        1 B
      added    /srv/new
        3 B
      changed  /srv/to
        link word → new
      changed  /srv/word
        size 3 B → 4 B, time 2001-09-09 01:46 UTC → 2004-11-09 11:33 UTC
      changed  /srv/word.again
        time 2001-09-09 01:46 UTC → 2004-11-09 11:33 UTC

      1 added, 2 removed, 4 changed
      "
    `)
    const document = diffShape.parse((await ask('diff', ...ids, '--json')).json())
    expect(document).toMatchObject({
      ...{ project: 'shop', target: 'app', before: ids[0], after: ids[1], more: 0 },
      counts: { added: 1, removed: 2, changed: 4 },
    })
    expect(document.differences.find(({ path }) => path === '/srv/word')).toMatchObject({
      ...{ change: 'changed', fields: ['size', 'time'], before: { size: 3 }, after: { size: 4 } },
    })
  })

  test('of a snapshot with itself is empty', async () => {
    const [id = ''] = ids
    const document = diffShape.parse((await ask('diff', id, id, '--json')).json())
    expect(document).toMatchObject({ artifacts: [{ change: 'same' }], differences: [], counts: { changed: 0 } })
  })
})
