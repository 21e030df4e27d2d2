import { execFileSync } from 'node:child_process'
import { createReadStream, createWriteStream, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packTree } from '../../src/lib/tree/pack.ts'
import { unpackTree } from '../../src/lib/tree/unpack.ts'
import { makeNastyTree, makeSocket } from '../support/nasty-tree.ts'
import { type Scan, scanTree } from '../support/scan-tree.ts'

const signal = new AbortController().signal

describe('a nasty tree', () => {
  let folder: string
  let source: string
  let archive: string
  let before: Scan
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nasty-'))
    source = join(folder, 'source')
    archive = join(folder, 'tree.tar')
    makeNastyTree(source)
    before = scanTree(source)
    await pipeline(packTree(source, { signal }), createWriteStream(archive))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const target = (name: string) => {
    mkdirSync(join(folder, name))
    return join(folder, name)
  }

  test('is not changed by being packed', () => {
    expect(scanTree(source)).toEqual(before)
  })

  test('comes back exactly', async () => {
    const to = target('back')
    await unpackTree(createReadStream(archive), to, { signal })
    expect(scanTree(to)).toEqual(before)
    expect(lstatSync(join(to, 'sparse')).blocks * 512).toBeLessThan(1_000_000)
    expect(lstatSync(join(to, 'zeros-written')).blocks * 512).toBeGreaterThanOrEqual(1_000_000)
  })

  test('comes back exactly into a folder that passes an ACL on to its children', async () => {
    const parent = target('inherits')
    execFileSync('setfacl', ['-d', '-m', 'u:99:rwx', parent])
    const to = join(parent, 'to')
    mkdirSync(to)
    await unpackTree(createReadStream(archive), to, { signal })
    expect(scanTree(to)).toEqual(before)
  })

  test('comes back by GNU tar alone, but for the holes', () => {
    const to = target('gnu')
    gnuTar('-xpf', archive, '--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner', '-C', to)
    expect(withoutHoles(scanTree(to))).toEqual(withoutHoles(before))
  })

  test('is kept by GNU tar too: the bar is no lower than its', () => {
    const to = target('by-gnu')
    const made = join(folder, 'gnu.tar')
    gnuTar('-cf', made, '--xattrs', '--acls', '--sparse', '--numeric-owner', '--format=posix', '-C', source, '.')
    gnuTar('-xpf', made, '--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner', '-C', to)
    expect(scanTree(to)).toEqual(before)
  })

  test('what cannot be kept is reported by name', async () => {
    const root = target('reports')
    const endSocket = await makeSocket(join(root, 'listening'))
    mkdirSync(join(root, 'mounted'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', join(root, 'mounted')])
    try {
      writeFileSync(join(root, 'mounted/inside'), 'of another file system')
      const warnings: string[] = []
      const onWarning = (text: string) => warnings.push(text)
      const pack = packTree(root, { signal, onWarning })
      const to = target('reported')
      await unpackTree(pack, to, { signal })
      expect(warnings).toEqual([
        'listening: a socket is not kept',
        'mounted: another file system is mounted here; kept as an empty directory',
      ])
      expect(Object.keys(scanTree(to))).toEqual(['.', 'mounted'])
    } finally {
      execFileSync('umount', [join(root, 'mounted')])
      await endSocket()
    }
  })
})

/** Its warnings on times in the far future go unseen; its exit code does not. */
function gnuTar(...args: string[]): void {
  execFileSync('tar', args, { stdio: 'pipe' })
}

function withoutHoles(scan: Scan): Scan {
  return Object.fromEntries(Object.entries(scan).map(([path, text]) => [path, text.replace(' holes', ' full')]))
}
