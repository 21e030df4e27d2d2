import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openArchive } from '../../src/repository/archive.ts'
import type { Prepared, Snapshot, StageOptions } from '../../src/repository/repository.ts'
import { each, metaOf, treeOf } from '../contract/repository.ts'
import { makeNastyTree, makeSocket } from '../support/nasty-tree.ts'
import { type Scan, scanTree } from '../support/scan-tree.ts'

const { signal } = new AbortController()
let folder: string
let source: string
let warnings: string[]
const onWarning = (text: string) => void warnings.push(text)
const archive = (prepareBytes = 0) => openArchive(join(folder, 'backups'), { prepareBytes })
const shell = (script: string) =>
  execFileSync('sh', ['-ec', script], { cwd: source, stdio: ['ignore', 'ignore', 'inherit'] })
const incoming = () => readdirSync(join(folder, 'backups/.incoming'))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prepare-'))
  source = join(folder, 'source')
  warnings = []
  mkdirSync(join(folder, 'backups'))
  makeNastyTree(source)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const tree = (exclude: string[] = []) => treeOf('data', source, exclude)
const prepare = (exclude: string[] = [], prepareBytes = 0): Promise<Prepared> =>
  archive(prepareBytes).prepare?.(metaOf('app'), [tree(exclude)], { signal, onWarning }) as Promise<Prepared>

/** Stages and publishes the tree. `between` is called once the sources are not needed any more. */
async function keep(prepared: Prepared, exclude: string[] = [], between = () => {}): Promise<Snapshot> {
  const options: StageOptions = { signal, prepared, onWarning }
  const staged = await archive().stage(metaOf('app'), each(tree(exclude)), options)
  between()
  return await staged.publish(metaOf('app'), signal)
}

async function extracted(snapshot: Snapshot): Promise<Scan> {
  const to = join(folder, 'to')
  mkdirSync(to)
  await archive().extract(snapshot, 'data', to, { signal })
  return withoutHoles(scanTree(to))
}

/** Zeros that were written become holes in a copy, and the content stays the same. */
const withoutHoles = (scan: Scan): Scan =>
  Object.fromEntries(Object.entries(scan).map(([path, line]) => [path, line.replace(/ (holes|full)\b/, '')]))

const changes = `
echo longer than before >original
touch -r big reference; printf X | dd of=big conv=notrunc bs=1 seek=5 status=none; touch -r reference big; rm reference
rm -r empty; mkdir new; echo new >new/file; ln new/file new/hard; mv acl renamed-acl
setfattr -n user.text -v changed attributes; chmod 600 setuid; chown 7:8 sticky; rm capable; ln -sfn elsewhere sub/soft
rm zz-hard; echo own >zz-hard; mv sub/deep sub/moved`

describe('a prepared tree', () => {
  test('comes as it is when its writers are held, whatever changed since, and whatever comes after', async () => {
    await using prepared = await prepare()
    shell(changes)
    let then: Scan = {}
    const snapshot = await keep(prepared, [], () => {
      then = withoutHoles(scanTree(source))
      shell('rm -rf sub; echo too late >original')
    })
    expect(await extracted(snapshot)).toEqual(then)
    expect(await archive().verify(snapshot, signal)).toEqual([])
    expect(warnings).toEqual([])
  })

  test('leaves out what is left out, and says what is not kept', async () => {
    shell('mkdir cache; echo x >cache/entry; mkdir -p sub/logs; echo y >sub/logs/a.log; echo z >.hidden.log')
    const endSocket = await makeSocket(join(source, 'socket'))
    await using prepared = await prepare(['cache', '**/*.log'])
    shell('echo more >cache/entry; echo more >sub/logs/a.log')
    const scan = await extracted(await keep(prepared, ['cache', '**/*.log']))
    expect(Object.keys(scan).filter((path) => /cache|log$|socket/.test(path))).toEqual([])
    expect(scan['sub/logs']).toBeDefined()
    await endSocket()
    expect(new Set(warnings)).toEqual(new Set(['socket: a socket is not kept']))
  })

  test('is a failed run when something writes while it is taken', async () => {
    await using prepared = await prepare()
    const writer = spawn('sh', ['-c', 'echo; while :; do echo x >>original; done'], { cwd: source })
    await once(writer.stdout, 'data')
    await expect(keep(prepared)).rejects.toMatchObject({ code: 'NOT_STILL' })
    writer.kill('SIGKILL')
    await once(writer, 'exit')
  })

  test('leaves out a device that is to be skipped, and keeps a file of such a name', async () => {
    const devices = { ...tree(), skipDevices: ['device', 'original'] }
    await using prepared = (await archive().prepare?.(metaOf('app'), [devices], { signal, onWarning })) as Prepared
    const staged = await archive().stage(metaOf('app'), each(devices), { signal, prepared })
    expect(staged.artifacts[0]?.bytes, 'it is a copy').toBeUndefined()
    const scan = await extracted(await staged.publish(metaOf('app'), signal))
    expect(scan.device).toBeUndefined()
    expect(scan.original).toBeDefined()
  })

  test('nothing of the copy stays', async () => {
    {
      await using prepared = await prepare()
      expect(incoming().length).toBeGreaterThan(0)
      await keep(prepared)
    }
    expect(incoming()).toEqual([])
  })
})

describe('a tree that is packed while its writers are held', () => {
  test('because it is small: what is not kept is said by who packs it', async () => {
    const endSocket = await makeSocket(join(source, 'socket'))
    await using prepared = await prepare([], 10 * 1024 ** 3)
    expect(warnings).toEqual([])
    const staged = await archive().stage(metaOf('app'), each(tree()), { signal, prepared, onWarning })
    expect(staged.artifacts[0]?.bytes, 'it is packed already').toBeGreaterThan(0)
    expect(warnings).toEqual(['socket: a socket is not kept'])
    await staged.discard()
    await endSocket()
  })

  test('because its copy could not be finished: the snapshot is whole all the same', async () => {
    await using prepared = await prepare()
    const [copy] = incoming().filter((name) => !name.includes('.'))
    rmSync(join(folder, 'backups/.incoming', copy ?? '', '0'), { recursive: true })
    writeFileSync(join(folder, 'backups/.incoming', copy ?? '', '0'), 'in the way')
    const snapshot = await keep(prepared)
    expect(await extracted(snapshot)).toEqual(withoutHoles(scanTree(source)))
    expect(warnings.join()).toContain('its copy could not be finished')
  })
})
